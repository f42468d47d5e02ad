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
  const grows = (name: Name): Growth => ({ from: was.get(name) ?? 0, to: is.get(name) ?? 0 })
  // None may grow more than another: so none may grow more than the one that grows least, nor that more than the next.
  let [least, next]: [Name | null, Name | null] = [null, null]
  for (const name of was.keys())
    if (least === null || !isAtMost(grows(least), grows(name))) [least, next] = [name, least]
    else if (next === null || !isAtMost(grows(next), grows(name))) next = name
  return [...is.keys()].every((name) => {
    const other = name === least ? next : least
    return name === off || other === null || isAtMost(grows(name), grows(other))
  })
}

/** A weight before and after, not both 0. */
interface Growth {
  readonly from: number
  readonly to: number
}

/** Whether one grows by no greater factor than another; not so where a double cannot hold the products. */
function isAtMost(one: Growth, other: Growth): boolean {
  const [product, limit] = [one.to * other.from, one.from * other.to]
  if (one.to === 0) return true
  return product > 1e-290 && limit < 1e290 && product <= limit
}

const weightsOf = (served: Served): ReadonlyMap<Name, number> =>
  typeof served === 'string' ? new Map([[served, 1]]) : served
