/**
 * Kills: the small separate list that is evaluated before every rule. It has its own version; within an epoch the larger
 * one wins, so an old copy can never un-kill. Pure. Never throws.
 */
import type { Key, Name } from './document.ts'

/**
 * `flag:KEY`, `route:ID`, `tag:NAME`, `all-routes` or `all-flags`; or `origin:ROUTE/VARIANT`, with `/HOST` for one member of
 * its pool: decisions stay, and requests go down the chain of fallbacks as if its breaker were open.
 */
export type KillTarget =
  | `flag:${Key}`
  | `route:${string}`
  | `tag:${string}`
  | `origin:${string}`
  | 'all-routes'
  | 'all-flags'

export interface Kill {
  readonly target: KillTarget
  /** Variant to serve; where the flag has no such variant, and by default, its `off`. */
  readonly variant?: Name
}

/** Somebody closed the breakers of an origin by hand: what isolates found of it before that version of the list, they forget. */
export interface Closing {
  /** `ROUTE/VARIANT`, or `ROUTE/VARIANT/HOST` of one member of its pool. */
  readonly origin: string
  readonly version: number
}

export interface KillList {
  readonly epoch: number
  readonly version: number
  readonly kills: readonly Kill[]
  /** The last version that placed a kill on traffic, or purged: as a snapshot's. Absent: this one. */
  readonly cacheEpoch?: number
  /** Those of the last minutes. They travel with the kills as they are as urgent, and decide nothing. */
  readonly closings?: readonly Closing[]
}

export const NO_KILLS: KillList = { epoch: 0, version: 0, kills: [] }

const TARGET =
  /^(?:(?:flag|route):[A-Za-z0-9][A-Za-z0-9._-]{0,127}|tag:[^\s]{1,128}|origin:[A-Za-z0-9][A-Za-z0-9._-]{0,127}\/[A-Za-z0-9][A-Za-z0-9._-]{0,127}(?:\/[^\s]{1,512})?|all-routes|all-flags)$/

/** Whether a text names a kill target. */
export const isKillTarget = (text: string): text is KillTarget => TARGET.test(text)

/** The kill that holds for a flag: `flag:` before `tag:` before `all-flags`. */
export const killOfFlag = (list: KillList, flag: Key, tags: readonly string[] = []): Kill | undefined =>
  first(list, [`flag:${flag}`, ...tags.map((tag) => `tag:${tag}`), 'all-flags'])

/** The kill that holds for routing decisions on a route: `route:` before `all-routes`. */
export const killOfRoute = (list: KillList, route: string): Kill | undefined =>
  list.kills.length === 0 ? undefined : first(list, [`route:${route}`, 'all-routes'])

function first({ kills }: KillList, targets: readonly string[]): Kill | undefined {
  for (const target of targets) {
    const kill = kills.find((candidate) => candidate.target === target)
    if (kill) return kill
  }
  return undefined
}
