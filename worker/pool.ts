/**
 * Which address of an origin a request goes to: the best by the pool's strategy of those that are not broken; active before
 * passive, and what is slower than it may be only where nothing else is left. Source: docs/traffic.md, "Pools".
 */
import { type Member, murmur3, type PoolStrategy, score, variantSeed } from '../engine/index.ts'
import type { Place } from './client.ts'
import type { Upstream } from './upstream.ts'

/** What a choice may depend on. `key`: who the request belongs to. */
export interface Chooser {
  /** Its place is asked for only by pools. */
  readonly facts: { readonly place: Place }
  readonly key: string | undefined
  readonly nowMs: number
  readonly random: () => number
  /** Broken or not: nothing else is left. */
  readonly anyhow: boolean
}

/** `null`: none of them can be asked now; never so with `anyhow`. */
export type Choose = (by: Chooser) => Upstream | null

export interface PoolMember {
  readonly member: Member
  readonly upstream: Upstream
}

/** How good a member is for a request: the largest serves, equal ones in the order of their priority. `null`: never. */
type Score = (one: PoolMember, place: Place, base: number) => number | null

export function pool(strategy: PoolStrategy, salt: string, members: readonly PoolMember[]): Choose {
  const sorted = members.toSorted((a, b) => (a.member.priority ?? 0) - (b.member.priority ?? 0))
  const scored = SCORES[strategy](salt)
  return (by) => {
    const { key, nowMs, random, anyhow } = by
    const { place } = by.facts
    const base = strategy === 'weighted' ? murmur3(key ?? String(random()), 0) : 0
    let best: Upstream | null = null
    let bestClass = Number.POSITIVE_INFINITY
    let bestScore = 0
    for (const one of sorted) {
      if (!anyhow && !one.upstream.admits(nowMs, random)) continue
      const own = classOf(one, nowMs)
      if (own > bestClass) continue
      const points = scored(one, place, base)
      if (points === null || (own === bestClass && points <= bestScore)) continue
      best = one.upstream
      bestClass = own
      bestScore = points
    }
    return best
  }
}

/** A smaller class goes before any score. A slow answer is better than none. */
function classOf({ member, upstream }: PoolMember, nowMs: number): number {
  const { role, latencyThresholdMs } = member
  const slow = latencyThresholdMs !== undefined && upstream.isSlowerThan(latencyThresholdMs, nowMs)
  return (slow ? 2 : 0) + (role === 'passive' ? 1 : 0)
}

const SCORES: Record<PoolStrategy, (salt: string) => Score> = {
  geo:
    () =>
    ({ member: { countries, continents } }, { country, continent }) => {
      if (country && countries?.includes(country)) return 2
      return continent && continents?.includes(continent) ? 1 : 0
    },
  failover: () => () => 0,
  // Weighted rendezvous on the identity: an address that is lost moves its own users only. Without one, chance.
  weighted: (salt) => {
    const seed = murmur3(salt, 0)
    return ({ member: { weight = 1 }, upstream }, _, base) =>
      weight > 0 ? score(base, variantSeed(upstream.name, seed), weight) : null
  },
}
