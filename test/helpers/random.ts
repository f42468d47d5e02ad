/** Randomness that a seed repeats (mulberry32). Pure. */

/** Numbers in [0, 1), always the same for a seed. */
export function sequence(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export interface Random {
  /** In [0, 1). */
  next(): number
  /** Integer in [0, below). */
  below(below: number): number
  pick<T>(from: readonly T[]): T
  chance(probability: number): boolean
}

export function randomFrom(seed: number): Random {
  const next = sequence(seed)
  const below = (limit: number) => Math.floor(next() * limit)
  return {
    next,
    below,
    pick: (from) => from[below(from.length)]!,
    chance: (probability) => next() < probability,
  }
}
