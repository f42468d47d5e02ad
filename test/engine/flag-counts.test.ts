/** Sums per flag and variant. */
import { describe, expect, it } from 'vitest'
import { COUNTED, FlagCounts } from '../../engine/index.ts'

const on = { flag: 'a', variant: 'on' }
const NOTHING = Object.fromEntries(COUNTED.map((name) => [name, 0]))

describe('flag counts', () => {
  it('add up per flag and variant; what is missing is 0', () => {
    const counts = new FlagCounts(10)
    counts.add({ ...on, exposures: 1, ok: 2 })
    counts.add({ ...on, ok: 3, errors: 1, values: 2, sum: -1.5, squares: 4 })
    counts.add({ flag: 'a', variant: 'off', exposures: 1 })
    expect(counts.take()).toStrictEqual([
      { ...on, exposures: 1, ok: 5, errors: 1, values: 2, sum: -1.5, squares: 4 },
      { flag: 'a', variant: 'off', ...NOTHING, exposures: 1 },
    ])
  })

  it('keep the parts of a migration apart from the whole, and from each other', () => {
    const counts = new FlagCounts(10)
    counts.add({ ...on, part: 'read-new', ok: 1, values: 1, sum: 12, squares: 144 })
    counts.add({ ...on, ok: 5 })
    counts.add({ ...on, part: 'check', errors: 1 })
    counts.add({ ...on, part: 'read-new', ok: 2 })
    expect(counts.take()).toStrictEqual([
      { ...NOTHING, ...on, part: 'read-new', ok: 3, values: 1, sum: 12, squares: 144 },
      { ...NOTHING, ...on, ok: 5 },
      { ...NOTHING, ...on, part: 'check', errors: 1 },
    ])
  })

  it('give each count once', () => {
    const counts = new FlagCounts(10)
    for (const flag of ['a', 'b', 'c']) counts.add({ flag, variant: 'on', ok: 1 })
    expect(counts.take(2).map(({ flag }) => flag)).toStrictEqual(['a', 'b'])
    counts.add({ flag: 'a', variant: 'on', ok: 7 })
    expect(counts.take().map(({ flag, ok }) => [flag, ok])).toStrictEqual([
      ['c', 1],
      ['a', 7],
    ])
    expect([counts.size, counts.take()]).toStrictEqual([0, []])
  })

  it('are bounded: a row that is there grows, another one is not taken', () => {
    const counts = new FlagCounts(1)
    expect(counts.add({ ...on, ok: 1 })).toBe(true)
    expect(counts.add({ flag: 'b', variant: 'on', ok: 1 })).toBe(false)
    expect(counts.add({ ...on, ok: 1 })).toBe(true)
    expect(counts.take()).toMatchObject([{ flag: 'a', ok: 2 }])
  })
})
