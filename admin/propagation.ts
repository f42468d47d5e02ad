/**
 * Where a version has landed, and how long it took: from when it was published and what isolates report. Pure.
 *
 * An isolate has it from the first request that it answered with it. One that slept when it was published, or had not begun,
 * gave no older answer since: it counts as reached, and has no time.
 */
import { type Arrival, isNewer, type Known, type PublishedKind } from '../engine/index.ts'

/** A version of a snapshot or of the kill list. */
export interface Target {
  readonly kind: PublishedKind
  readonly epoch: number
  readonly version: number
  /** ms since 1970 */
  readonly publishedAtMs: number
}

/** What one isolate has reported. `arrivals` are by its own clock; all other times by ours, ms since 1970. */
export interface IsolateReport {
  readonly isolate: string
  readonly serves: Known
  readonly arrivals: readonly Arrival[]
  /** To be added to its clock. */
  readonly skewMs: number
  readonly lastSeenAtMs: number
  /** When it last reported requests; `null`: never. */
  readonly lastRequestsAtMs: number | null
  /** Its last batch told of no requests: it sleeps. */
  readonly asleep: boolean
}

/** What one location knows. Plain data. */
export interface Reach {
  readonly location: string
  /** It began to listen a moment ago and may not have heard of all isolates yet. */
  readonly settling: boolean
  readonly lastSeenAtMs: number | null
  /** Requests that were reported in the last minute. */
  readonly requests: number
  /** Isolates with traffic, or that could answer by what they read before, and how many of them have it. */
  readonly isolates: number
  readonly reached: number
  /** From publishing to the first request served with it, of each isolate that has a time, ascending. */
  readonly landedMs: readonly number[]
  readonly laggards: readonly Named[]
  readonly lost: readonly Named[]
  /** The largest correction of a clock. */
  readonly clockSkewMs: number
}

/** An isolate that does not have it, as far as is known. */
export interface Named {
  readonly isolate: string
  readonly location: string
  readonly serves: Known
  readonly lastSeenAtMs: number
}

/** An isolate that reported requests this recently has traffic. Longer than two batches may be apart that nothing delays. */
export const TRAFFIC_MS = 10_000
/** An isolate without a request for longer than `SNAPSHOT_MAX_STALE_MS` (by default) asks before it answers. */
export const ASLEEP_MS = 2_000
/** For this long after its last request an isolate may go on reading, and then answers at once by what it has read last. */
export const AWAKE_MS = 30_000
/** Most isolates that are named. */
const NAMED = 100

export function reachOf(
  target: Target,
  location: Pick<Reach, 'location' | 'settling' | 'lastSeenAtMs' | 'requests'>,
  isolates: Iterable<IsolateReport>,
  nowMs: number,
): Reach {
  let counted = 0
  let reached = 0
  let clockSkewMs = 0
  const landedMs: number[] = []
  const laggards: Named[] = []
  const lost: Named[] = []
  for (const report of isolates) {
    const has = holds(target, report)
    const lastRequestsAtMs = report.lastRequestsAtMs ?? Number.NEGATIVE_INFINITY
    const landed = landedAfterMs(target, report)
    if (landed !== null) landedMs.push(landed)
    if (Math.abs(report.skewMs) > Math.abs(clockSkewMs)) clockSkewMs = report.skewMs
    if (nowMs - lastRequestsAtMs <= TRAFFIC_MS || (!has && mayDoze(target, report, nowMs))) {
      counted += 1
      if (has) reached += 1
      else laggards.push(named(report, location.location))
    } else if (!has && !report.asleep) lost.push(named(report, location.location))
  }
  landedMs.sort((a, b) => a - b)
  return { ...location, isolates: counted, reached, landedMs, laggards, lost, clockSkewMs }
}

/** Whether its next request could still be answered by what it read before this was published. */
const mayDoze = (target: Target, { lastRequestsAtMs }: IsolateReport, nowMs: number): boolean =>
  nowMs - target.publishedAtMs < ASLEEP_MS &&
  lastRequestsAtMs !== null &&
  nowMs - lastRequestsAtMs <= AWAKE_MS

const named = ({ isolate, serves, lastSeenAtMs }: IsolateReport, location: string): Named => ({
  isolate,
  location,
  serves,
  lastSeenAtMs,
})

const isAtLeast = (epoch: number, version: number, { epoch: e, version: v }: Target): boolean =>
  !isNewer(e, v, epoch, version)

/** Whether every request from now on is answered with it, or with something newer. */
function holds(target: Target, { serves, arrivals }: IsolateReport): boolean {
  const version = target.kind === 'snapshot' ? serves.snapshot : serves.kills
  return (
    isAtLeast(serves.epoch, version, target) ||
    arrivals.some(
      ({ kind, epoch, version: arrived }) => kind === target.kind && isAtLeast(epoch, arrived, target),
    )
  )
}

/** From publishing to the first request served with it; `null`: there was none yet, or the isolate slept, or had not begun. */
export function landedAfterMs(
  target: Target,
  { arrivals, skewMs }: Pick<IsolateReport, 'arrivals' | 'skewMs'>,
): number | null {
  const ofKind = arrivals.filter(({ kind }) => kind === target.kind)
  const at = ofKind.findIndex(({ epoch, version }) => isAtLeast(epoch, version, target))
  const arrival = ofKind[at]
  if (!arrival) return null
  // The oldest that is still remembered, and newer than what is asked for: when that came is forgotten.
  if (at === 0 && isNewer(arrival.epoch, arrival.version, target.epoch, target.version)) return null
  const { atMs, previousMs } = arrival
  if (previousMs === null) return null
  if (atMs - previousMs <= ASLEEP_MS) return Math.max(0, atMs + skewMs - target.publishedAtMs)
  // After a sleep it is the last older answer that counts, not when somebody happened to ask again.
  const lastOlderMs = previousMs + skewMs - target.publishedAtMs
  return lastOlderMs > 0 ? lastOlderMs : null
}

export interface Propagation {
  readonly target: Target
  /** Every isolate with traffic has it, and every location has been heard. True where there is no traffic at all. */
  readonly complete: boolean
  readonly isolates: number
  readonly reached: number
  readonly times: Times
  readonly locations: readonly (Pick<Reach, 'location' | 'isolates' | 'reached' | 'requests'> & {
    readonly times: Times
    readonly lastSeenAtMs: number
  })[]
  /** Isolates with traffic that do not have it: the first of all. */
  readonly laggards: readonly Named[]
  /** Isolates that stopped reporting while they had traffic and did not have it: they have ended, or are cut off. */
  readonly lost: readonly Named[]
  /** Locations without traffic. */
  readonly silent: readonly { readonly location: string; readonly lastSeenAtMs: number | null }[]
  /** Locations that have only begun to listen. */
  readonly settling: readonly string[]
  readonly clockSkewMs: number
}

/** Of the isolates that have a time. */
export interface Times {
  readonly timed: number
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  readonly maxMs: number | null
}

export function propagation(target: Target, reaches: readonly Reach[]): Propagation {
  const sum = (of: (reach: Reach) => number) => reaches.reduce((total, reach) => total + of(reach), 0)
  const isolates = sum((reach) => reach.isolates)
  const reached = sum((reach) => reach.reached)
  const settling = reaches.filter((reach) => reach.settling).map(({ location }) => location)
  const skews = reaches.map(({ clockSkewMs }) => clockSkewMs)
  return {
    target,
    complete: reached === isolates && settling.length === 0,
    isolates,
    reached,
    times: timesOf(reaches.flatMap(({ landedMs }) => landedMs).sort((a, b) => a - b)),
    locations: reaches
      .filter((reach) => reach.isolates > 0)
      .map(({ location, isolates, reached, requests, landedMs, lastSeenAtMs }) => ({
        location,
        isolates,
        reached,
        requests,
        times: timesOf(landedMs),
        lastSeenAtMs: lastSeenAtMs!,
      })),
    laggards: reaches.flatMap(({ laggards }) => laggards).slice(0, NAMED),
    lost: reaches.flatMap(({ lost }) => lost).slice(0, NAMED),
    silent: reaches
      .filter((reach) => reach.isolates === 0 && !reach.settling)
      .map(({ location, lastSeenAtMs }) => ({ location, lastSeenAtMs })),
    settling,
    clockSkewMs: skews.toSorted((a, b) => Math.abs(b) - Math.abs(a))[0] ?? 0,
  }
}

/** `ascending` times; the percentile is the smallest value that so many do not exceed (nearest rank). */
function timesOf(ascending: readonly number[]): Times {
  const rank = (share: number) => ascending[Math.ceil(share * ascending.length) - 1] ?? null
  return { timed: ascending.length, p50Ms: rank(0.5), p99Ms: rank(0.99), maxMs: rank(1) }
}
