/** A whole document in the place of another, which may go anywhere but back past a point of no return. */
import { describe, expect, it } from 'vitest'
import { forbiddenComeback, forbiddenReplacement } from '../../admin/governance/replacement.ts'
import type { Flag, Route } from '../../engine/index.ts'

const orders = (at: 'off' | 'complete', binds: Record<string, string[]> = { release: ['green'] }): Flag => ({
  kind: 'migration',
  enabled: true,
  variants: { off: 'off', complete: 'complete' },
  off: at,
  fallthrough: at,
  migration: { pointOfNoReturn: 'complete', binds },
})
const release = (to: 'blue' | 'green'): Flag => ({
  ...{ enabled: true, variants: { blue: 1, green: 2 }, off: to, fallthrough: to },
})
const shop = (fallback: 'blue' | 'green'): Route => ({
  ...{ id: 'shop', match: { path: '/*' }, flag: 'release', fallback },
  origins: { blue: { url: 'https://blue.example.com' }, green: { url: 'https://green.example.com' } },
})
const NOW = { flags: { orders: orders('complete'), release: release('green') }, routes: [shop('green')] }
const pathsOf = (after: { flags: Record<string, unknown>; routes?: Route[] }, before = NOW) =>
  forbiddenReplacement(before, { routes: [], ...after }).map(({ path }) => path)

describe('a document that takes the place of another', () => {
  it('may leave out and bring what it likes', () => {
    expect(pathsOf({ flags: { orders: orders('complete'), beta: true } })).toStrictEqual([])
    const begun = { ...NOW, flags: { ...NOW.flags, orders: orders('off'), release: release('blue') } }
    expect(pathsOf({ flags: {} }, begun)).toStrictEqual([])
  })

  it('may not lead a migration back past its point of no return, and not what that binds either', () => {
    expect(
      pathsOf({ flags: { orders: orders('off'), release: release('blue') }, routes: [shop('blue')] }),
    ).toStrictEqual(['$.flags.orders', '$.flags.release.fallthrough', '$.routes[0].fallback'])
  })

  it('is held to what is bound now, whatever it says of that itself', () => {
    const unbound = orders('complete', {})
    expect(pathsOf({ flags: { orders: unbound, release: release('blue') } })).toStrictEqual([
      '$.flags.release.fallthrough',
    ])
    expect(pathsOf({ flags: { orders: unbound, release: release('green') } })).toStrictEqual([])
  })

  it('is not to blame for what is so now', () => {
    const broken = { ...NOW, flags: { ...NOW.flags, release: release('blue') }, routes: [shop('blue')] }
    expect(pathsOf({ ...broken, flags: { ...broken.flags, beta: true } }, broken)).toStrictEqual([])
  })
})

describe('a kill that comes with it', () => {
  it.each<[string, string, string, number]>([
    ['may not take a migration back past its point of no return', 'orders', 'off', 1],
    ['may leave it where it is', 'orders', 'complete', 0],
    ['may not serve what a migration has left behind', 'release', 'blue', 1],
    ['may serve the rest', 'release', 'green', 0],
  ])('%s', (_, key, variant, count) => {
    expect(forbiddenComeback(NOW.flags, new Set([key, 'new']), variant)).toHaveLength(count)
  })
})
