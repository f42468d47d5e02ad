/** What an isolate of the edge tells the control plane about itself: the shape of a batch. Pure. */
import type { Known } from './control.ts'
import type { FlagCount } from './flag-counts.ts'
import type { MirrorReport } from './mirror-report.ts'

/** What has versions of its own. */
export const PUBLISHED_KINDS = ['snapshot', 'kills'] as const
export type PublishedKind = (typeof PUBLISHED_KINDS)[number]

/** Times in it are by the edge's clock, ms since 1970. */
export interface MetricBatch {
  /** Random, minted by the isolate. */
  readonly isolate: string
  /** Counts up from 1. A batch that is sent again keeps its number, and counts once. */
  readonly sequence: number
  /** Data centre, or `local` where the platform names none. */
  readonly location: string
  readonly sentAtMs: number
  /** How long the answer to an earlier batch took: how far `sentAtMs` can be from its reception. Absent: none was answered yet. */
  readonly roundTripMs?: number
  /** Requests answered from a snapshot since the batch before. */
  readonly requests: number
  /** What the next request would be answered with. */
  readonly serves: Known
  /** The last few versions of each kind, oldest first; repeated in every batch, so that losing one loses nothing. */
  readonly arrivals: readonly Arrival[]
  /** A uniform sample of the requests that were routed, and how many those were. Absent: there was none. */
  readonly sample?: { readonly of: number; readonly contexts: readonly SampledContext[] }
  /** Addresses of origins that had attempts since the batch before, or whose breaker is not closed. Absent: none. */
  readonly upstreams?: readonly UpstreamReport[]
  /** What applications told of flags since the batch before. Absent: nothing. */
  readonly flags?: readonly FlagCount[]
  /** What came of copies for mirrors since the batch before. Absent: there were none. */
  readonly mirrors?: readonly MirrorReport[]
}

/** What the control plane answers to a batch. */
export interface Recorded {
  /** How long to wait before the next. */
  readonly flushMs: number
  /** Addresses that most of the location's isolates found broken → how much longer they leave them alone, ms. */
  readonly broken?: Readonly<Record<string, number>>
}

export const BREAKER_PHASES = ['closed', 'open', 'recovering'] as const
export type BreakerPhase = (typeof BREAKER_PHASES)[number]

/** One address of an origin, as an isolate knows it. */
export interface UpstreamReport {
  /** `{route}/{variant}`, and `/{host and path}` where it is a member of a pool. */
  readonly name: string
  readonly breaker: BreakerPhase
  /** How much longer the breaker stays open, ms; `null`: it is not. */
  readonly openForMs: number | null
  /** Attempts since the batch before: answered, answered with a failure, not answered. */
  readonly ok: number
  readonly failed: number
  readonly unreached: number
  /** WebSockets and event streams of routes with `drain` that it broke off. Absent: none. */
  readonly aborted?: number
  /** Time to response headers, over the last minute; `null`: too few attempts. */
  readonly p95Ms: number | null
  /** Above what its breaker's settings call worth telling. */
  readonly alert: boolean
}

/** Most addresses that a batch tells of, and the longest name of one. */
export const MAX_UPSTREAMS = 256
export const MAX_UPSTREAM_NAME = 2_400

/** A version in use. */
export interface Arrival {
  readonly kind: PublishedKind
  readonly epoch: number
  readonly version: number
  /** When the isolate answered its first request with it. */
  readonly atMs: number
  /** When it had answered the request before that one; `null`: it was the isolate's first. */
  readonly previousMs: number | null
}

/** What a sampled context may hold, as flat keys. `targetingKey` is a pseudonym, never what the request said. */
export const SAMPLED_ATTRIBUTES = [
  'targetingKey',
  'geo.country',
  'geo.continent',
  'geo.region',
  'geo.isEU',
  'network.asn',
  'request.host',
  'request.path',
  'request.method',
] as const

export type SampledContext = Readonly<
  Partial<Record<(typeof SAMPLED_ATTRIBUTES)[number], string | number | boolean>>
>

/** Longest text of an attribute in a sample, and most samples of a batch. */
export const MAX_SAMPLED_TEXT = 256
export const MAX_SAMPLES = 32

/** Most versions of one kind that a batch repeats. */
export const MAX_ARRIVALS = 8

/** Where the platform does not say in which data centre an isolate runs. */
export const NO_LOCATION = 'local'

/** Whether a text can name a location. */
export const isLocation = (text: unknown): text is string =>
  typeof text === 'string' && /^[A-Za-z0-9_-]{1,32}$/.test(text)
