/** Whether one way of serving, put in the place of another, moves users only into `off`. Pure. */
import type { Name } from '../../engine/index.ts'

/** One variant, or its weight for each of several: all above 0. */
export type Served = Name | ReadonlyMap<Name, number>

export const onlyServes = (served: Served, name: Name): boolean =>
  served === name || (typeof served !== 'string' && served.size === 1 && served.has(name))

/**
 * For users with a bucket key, who fall by the same salt on both sides. Among weights the score of a variant is its weight
 * times a number of the user's own, so a user goes from one to another exactly if the other's weight grows more; and nobody
 * else does. (Weights whose ratio stays may round differently: that moves fewer users than 1 in 2^50.)
 */
export function servesLower(before: Served, after: Served, off: Name): boolean {
  if (typeof before === 'string' && typeof after === 'string') return after === before || after === off
  const [was, is] = [weightsOf(before), weightsOf(after)]
  return [...is].every(
    ([to, weight]) =>
      to === off ||
      [...was].every(
        ([from, earlier]) =>
          from === to || isProductAtMost(weight, earlier, was.get(to) ?? 0, is.get(from) ?? 0),
      ),
  )
}

/** `a × b ≤ c × d`, for a and b above 0; not so where a double cannot hold the products. */
function isProductAtMost(a: number, b: number, c: number, d: number): boolean {
  const [product, limit] = [a * b, c * d]
  return product > 1e-290 && limit < 1e290 && product <= limit
}

const weightsOf = (served: Served): ReadonlyMap<Name, number> =>
  typeof served === 'string' ? new Map([[served, 1]]) : served
