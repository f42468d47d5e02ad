/** What else must not go back once a migration has passed its point of no return. */
import { describe, expect, it } from 'vitest'
import { boundFlags, brokenBonds, brokenByKill } from '../../admin/governance/bonds.ts'
import type { Flag } from '../../engine/index.ts'

const VARIANTS = { off: 'off', live: 'live', complete: 'complete' }
const orders = (fallthrough: string, off = fallthrough): Flag => ({
  kind: 'migration',
  enabled: true,
  variants: VARIANTS,
  off,
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
const pathsOf = (flag: Flag, at = 'complete', changed: ReadonlySet<string> = both) =>
  brokenBonds({ orders: orders(at), release: flag }, changed).map(({ path }) => path)

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
