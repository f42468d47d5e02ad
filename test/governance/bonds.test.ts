/** What else must not go back once a migration has passed its point of no return. */
import { describe, expect, it } from 'vitest'
import { boundFlags, brokenBonds, brokenByKill } from '../../admin/governance/bonds.ts'
import type { Flag, Route } from '../../engine/index.ts'

const VARIANTS = { off: 'off', live: 'live', complete: 'complete' }
const orders = (fallthrough: string): Flag => ({
  kind: 'migration',
  enabled: true,
  variants: VARIANTS,
  off: fallthrough,
  fallthrough,
  migration: { pointOfNoReturn: 'complete', binds: { release: ['green', 'teal'] } },
})
const release = (more: Partial<Flag>): Flag => ({
  enabled: true,
  variants: { blue: 1, green: 2, teal: 3 },
  off: 'green',
  fallthrough: 'green',
  ...more,
})
const both = new Set(['orders', 'release'])
const none = new Set<string>()
const pathsOf = (flag: Flag, at = 'complete', changed: ReadonlySet<string> = both) =>
  brokenBonds(
    { flags: { orders: orders(at), release: flag }, routes: [] },
    { flags: changed, routes: none },
  ).map(({ path }) => path)

describe('a flag that is bound', () => {
  it.each<[string, Flag, string[]]>([
    ['may serve what is left to it', release({ fallthrough: { green: 1, teal: 1 } }), []],
    [
      'may not serve the rest by the fallthrough',
      release({ fallthrough: 'blue' }),
      ['$.flags.release.fallthrough'],
    ],
    ['nor by a weight', release({ fallthrough: { green: 99, blue: 1 } }), ['$.flags.release.fallthrough']],
    ['but a weight of 0 is none', release({ fallthrough: { green: 1, blue: 0 } }), []],
    [
      'nor by a rule',
      release({
        rules: [
          { id: 'a', serve: 'green', percentage: 5 },
          { id: 'b', serve: 'blue', percentage: 5 },
        ],
      }),
      ['$.flags.release.rules[1].serve'],
    ],
    ['nor when it is killed', release({ off: 'blue' }), ['$.flags.release.off']],
    ['nor while it is switched off', release({ enabled: false, off: 'blue' }), ['$.flags.release.off']],
    ['its rules rest while it is switched off', release({ enabled: false, fallthrough: 'blue' }), []],
  ])('%s', (_, flag, paths) => {
    expect(pathsOf(flag)).toStrictEqual(paths)
  })

  it('is free before the point of no return', () => {
    expect(pathsOf(release({ fallthrough: 'blue', off: 'blue' }), 'live')).toStrictEqual([])
  })

  it('is looked at where it changes, or the migration does', () => {
    const back = release({ fallthrough: 'blue' })
    expect(pathsOf(back, 'complete', new Set(['orders']))).toHaveLength(1)
    expect(pathsOf(back, 'complete', new Set(['release']))).toHaveLength(1)
    expect(pathsOf(back, 'complete', new Set(['other']))).toStrictEqual([])
  })

  it('is told from others, whatever stage the migration is at', () => {
    expect([...boundFlags({ orders: orders('off'), release: release({}), beta: true })]).toStrictEqual([
      'release',
    ])
  })
})

describe('a route whose flag is bound', () => {
  const origin = (more: object = {}) => ({ url: 'https://shop.example.com', ...more })
  const shop = (more: Partial<Route> = {}, origins: Route['origins'] = {}): Route => ({
    ...{ id: 'shop', match: { path: '/*' }, flag: 'release', fallback: 'green' },
    origins: { blue: origin(), green: origin(), teal: origin(), ...origins },
    ...more,
  })
  const problemsOf = (
    route: Route,
    changed: Partial<Record<'flags' | 'routes', string[]>>,
    at = 'complete',
  ) =>
    brokenBonds(
      { flags: { orders: orders(at), release: release({}) }, routes: [shop({ flag: 'beta' }), route] },
      { flags: new Set(changed.flags), routes: new Set(changed.routes) },
    )

  it.each<[string, Route, string[]]>([
    ['may fall back to what is left', shop(), []],
    ['may not fall back to the rest', shop({ fallback: 'blue' }), ['$.routes[1].fallback']],
    [
      'nor one of its origins by name',
      shop({}, { teal: origin({ fallback: 'blue' }) }),
      ['$.routes[1].origins.teal.fallback'],
    ],
    [
      'nor by priority',
      shop({}, { green: origin({ priority: 1 }), blue: origin({ priority: 2 }) }),
      ['$.routes[1].origins.green.priority'],
    ],
    ['but an origin that nobody gets may', shop({}, { blue: origin({ fallback: 'blue' }) }), []],
    ['and to nothing', shop({}, { green: origin({ fallback: null }) }), []],
    [
      'nor lead there by a header',
      shop({ overrides: { header: { 'x-old': { yes: 'blue', no: 'green' } } } }),
      ["$.routes[1].overrides.header['x-old'].yes"],
    ],
  ])('%s', (_, route, paths) => {
    expect(problemsOf(route, { routes: ['shop'] }).map(({ path }) => path)).toStrictEqual(paths)
  })

  it('is told why', () => {
    expect(problemsOf(shop({ fallback: 'blue' }), { routes: ['shop'] })[0]!.message).toBe(
      'sends requests to blue, but migration orders has passed its point of no return, complete, and leaves it green, teal only',
    )
  })

  it('is looked at where it changes, its flag does, or the migration', () => {
    const back = shop({ fallback: 'blue' })
    expect(problemsOf(back, { routes: ['shop'] })).toHaveLength(1)
    expect(problemsOf(back, { flags: ['release'] })).toHaveLength(1)
    expect(problemsOf(back, { flags: ['orders'] })).toHaveLength(1)
    expect(problemsOf(back, { flags: ['beta'], routes: ['other'] })).toHaveLength(0)
  })

  it('is free before the point of no return', () => {
    expect(problemsOf(shop({ fallback: 'blue' }), { routes: ['shop'] }, 'live')).toHaveLength(0)
  })
})

describe('a kill', () => {
  const flags = { orders: orders('complete'), release: release({}), beta: true }
  it.each([
    ['to what was left behind is refused', 'blue', 1],
    ['to what is left is not', 'teal', 0],
    ['to a variant that the flag does not have serves `off`', 'red', 0],
  ])('%s', (_, variant, count) => {
    expect(brokenByKill(flags, both, variant)).toHaveLength(count)
    expect(brokenByKill(flags, new Set(['beta']), variant)).toHaveLength(0)
    expect(brokenByKill({ ...flags, orders: orders('live') }, both, variant)).toHaveLength(0)
  })
})
