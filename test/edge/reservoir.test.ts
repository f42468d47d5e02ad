/** The sample of what passes by: bounded, uniform, and nearly free for what is not kept. */
import { describe, expect, it } from 'vitest'
import { Reservoir } from '../../worker/reservoir.ts'
import { sequence } from '../helpers/random.ts'

/** Offers 0 to n − 1; gives what is kept and how many were ever drawn. */
function sample(
  reservoir: Reservoir<number>,
  n: number,
): { kept: readonly number[]; of: number; drawn: number } {
  let drawn = 0
  for (let item = 0; item < n; item += 1)
    if (reservoir.draws()) {
      drawn += 1
      reservoir.keep(item)
    }
  const { of, items: kept } = reservoir.take()
  return { kept, of, drawn }
}

describe('a reservoir', () => {
  it('keeps everything while there is room', () => {
    expect(sample(new Reservoir(8, sequence(1)), 8).kept).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  })

  it('never holds more than its size, and nothing twice', () => {
    const { kept } = sample(new Reservoir(8, sequence(2)), 10_000)
    expect(kept).toHaveLength(8)
    expect(new Set(kept).size).toBe(8)
  })

  it('keeps each of many with the same chance', () => {
    const reservoir = new Reservoir<number>(8, sequence(3))
    const rounds = 4_000
    const counts = new Array(40).fill(0)
    for (let round = 0; round < rounds; round += 1)
      for (const item of sample(reservoir, 40).kept) counts[item] += 1
    const expected = (rounds * 8) / 40
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
    // 39 degrees of freedom: a fair sampler exceeds 72 once in a thousand sequences, and this sequence is fixed.
    expect(chiSquare).toBeLessThan(72)
  })

  it.each([0, 1, 8, 9, 10, 57, 4_000])('knows of how many it is a sample: %s', (n) => {
    expect(sample(new Reservoir(8, sequence(6)), n).of).toBe(n)
  })

  it('draws seldom: a sample of 8 from 4 000 looks at about 60', () => {
    const reservoir = new Reservoir<number>(8, sequence(4))
    const drawn = Array.from({ length: 50 }, () => sample(reservoir, 4_000).drawn)
    const mean = drawn.reduce((sum, n) => sum + n, 0) / drawn.length
    // 8 + 8 ln(4 000 / 8)
    expect(mean).toBeGreaterThan(45)
    expect(mean).toBeLessThan(70)
  })

  it('begins anew after it was taken', () => {
    const reservoir = new Reservoir<number>(2, sequence(5))
    sample(reservoir, 1_000)
    expect(sample(reservoir, 2).kept).toEqual([0, 1])
  })

  it('stands the ends of chance', () => {
    for (const random of [() => 0, () => 1 - 2 ** -53])
      expect(sample(new Reservoir(3, random), 1_000).kept).toHaveLength(3)
  })
})
