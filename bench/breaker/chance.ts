/** Chance: a source of it that repeats, and what the binomial distribution expects. Pure. */

/** Mulberry32: the same numbers for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Probability of `least` or more successes in `trials`, each with probability `p`. */
export function atLeast(least: number, trials: number, p: number): number {
  let sum = 0
  /** Of exactly `n`. */
  let term = (1 - p) ** trials
  for (let n = 0; n <= trials; n += 1) {
    if (n >= least) sum += term
    term *= ((trials - n) / (n + 1)) * (p / (1 - p))
  }
  return sum
}
