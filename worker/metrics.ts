/**
 * What this isolate has to report: requests since the last batch, and when it first answered with each version. Pure; time is
 * passed in. Every figure reaches the control plane once: a batch that may have been lost keeps its number and its counts
 * until it is acknowledged, while new ones gather for the next. What a batch says about versions is always the latest.
 */
import {
  type Arrival,
  type FlagCount,
  FlagCounts,
  isNewer,
  type Known,
  MAX_ARRIVALS,
  MAX_FLAG_COUNTS,
  type MetricBatch,
  type MirrorReport,
  type Prepared,
  type Recorded,
  type UpstreamReport,
} from '../engine/index.ts'
import { Reservoir, type Sample } from './reservoir.ts'
import type { Drawn } from './sample.ts'

/** A batch but for what its sender adds: the time, and a sample without names. */
export interface Outgoing {
  readonly batch: Omit<MetricBatch, 'sentAtMs' | 'sample'>
  readonly drawn: Sample<Drawn>
}

/** What the counts of a batch are frozen as, once it was sent. */
interface Pending {
  readonly sequence: number
  readonly requests: number
  readonly drawn: Sample<Drawn>
  readonly upstreams: readonly UpstreamReport[]
  readonly flags: readonly FlagCount[]
  readonly mirrors: readonly MirrorReport[]
}

/** Addresses of origins: what there is to tell of them, and what others tell. */
export interface ReportedUpstreams {
  take(nowMs: number): readonly UpstreamReport[]
  heard(broken: Readonly<Record<string, number>>, nowMs: number): void
}

/** What came of copies of requests. */
export interface ReportedMirrors {
  /** Whether there is nothing to tell. */
  readonly isEmpty: boolean
  take(): readonly MirrorReport[]
}

/** Rows of flag counts that wait for a batch: ten of them. */
const MAX_WAITING = 10 * MAX_FLAG_COUNTS
/** Of one batch. More would say little more about what traffic is like, and each costs some microseconds. */
const SAMPLES = 8
const FIRST_FLUSH_MS = 1_000
/** What the control plane may ask for. */
const MAX_FLUSH_MS = 60_000
/** A batch without an answer for this long is sent again. */
const LEASE_MS = 5_000
/** After a failure: sooner than the control plane takes silence for no traffic. */
const RETRY_MS = 3_000

export class Reporter {
  /** Requests since the last batch was put together: raised by the handler, one by one. */
  requests = 0
  /** When the last request was answered, ms since 1970; set by the handler. */
  answeredAtMs = Number.NEGATIVE_INFINITY
  readonly samples: Reservoir<Drawn>
  /** What applications tell of flags: added to as it comes. */
  readonly flags = new FlagCounts(MAX_WAITING)
  readonly #isolate: string
  readonly #location: string
  readonly #upstreams: ReportedUpstreams
  readonly #mirrors: ReportedMirrors
  #snapshots: Arrival[] = []
  #kills: Arrival[] = []
  #sequence = 0
  #pending: Pending | null = null
  #flushMs = FIRST_FLUSH_MS
  #dueAtMs = Number.NEGATIVE_INFINITY
  #leaseUntilMs = Number.NEGATIVE_INFINITY
  #roundTripMs: number | null = null
  /** Something arrived that no batch has said yet. */
  #urgent = false
  /** What the control plane was last told about versions, and whether it was told of requests then. */
  #told = ''
  #toldOfRequests = false

  constructor(
    isolate: string,
    location: string,
    random: () => number,
    upstreams: ReportedUpstreams,
    mirrors: ReportedMirrors,
  ) {
    this.#isolate = isolate
    this.#location = location
    this.#upstreams = upstreams
    this.#mirrors = mirrors
    this.samples = new Reservoir(SAMPLES, random)
  }

  /** A request is answered with other versions than the one before: whatever is newer has arrived, and is told at once. */
  arrived({ snapshot, kills }: Pick<Prepared, 'snapshot' | 'kills'>, nowMs: number): void {
    const previousMs = Number.isFinite(this.answeredAtMs) ? this.answeredAtMs : null
    const { epoch, version } = snapshot
    this.#snapshots = added(this.#snapshots, { kind: 'snapshot', epoch, version, atMs: nowMs, previousMs })
    const list = { epoch: kills.epoch, version: kills.version }
    this.#kills = added(this.#kills, { kind: 'kills', ...list, atMs: nowMs, previousMs })
    this.#dueAtMs = nowMs
    this.#urgent = true
  }

  /** What to send now; `null`: nothing is due, a batch is under way, or there is nothing to say. */
  next(serves: Known, nowMs: number): Outgoing | null {
    if (serves.epoch === 0 || !isOver(this.#dueAtMs, nowMs) || !isOver(this.#leaseUntilMs, nowMs)) return null
    const pending = this.#pending ?? this.#collect(serves, nowMs)
    if (pending === null) return null
    const { sequence, requests, drawn, upstreams, flags, mirrors } = pending
    this.#urgent = false
    this.#leaseUntilMs = nowMs + LEASE_MS
    const batch = {
      isolate: this.#isolate,
      sequence,
      location: this.#location,
      ...(this.#roundTripMs === null ? {} : { roundTripMs: this.#roundTripMs }),
      requests,
      serves,
      arrivals: [...this.#snapshots, ...this.#kills],
      ...(upstreams.length === 0 ? {} : { upstreams }),
      ...(flags.length === 0 ? {} : { flags }),
      ...(mirrors.length === 0 ? {} : { mirrors }),
    }
    return { batch, drawn }
  }

  /** The control plane has counted a batch. */
  accepted({ batch }: Outgoing, { flushMs, broken }: Recorded, roundTripMs: number, nowMs: number): void {
    if (broken) this.#upstreams.heard(broken, nowMs)
    if (this.#pending?.sequence !== batch.sequence) return
    this.#pending = null
    this.#told = saying(batch)
    this.#toldOfRequests = batch.requests > 0
    this.#roundTripMs = Math.max(0, roundTripMs)
    this.#flushMs = Math.min(Math.max(flushMs, FIRST_FLUSH_MS) || FIRST_FLUSH_MS, MAX_FLUSH_MS)
    this.#over(this.#urgent ? nowMs : nowMs + this.#flushMs)
  }

  /** It may or may not have. */
  failed({ batch }: Outgoing, nowMs: number): void {
    if (this.#pending?.sequence === batch.sequence) this.#over(nowMs + Math.max(RETRY_MS, this.#flushMs))
  }

  #over(dueAtMs: number): void {
    this.#dueAtMs = dueAtMs
    this.#leaseUntilMs = Number.NEGATIVE_INFINITY
  }

  /** After requests one batch without any says that they have ended: silence alone could be a cut line. */
  #collect(serves: Known, nowMs: number): Pending | null {
    const { requests } = this
    const arrivals = [...this.#snapshots, ...this.#kills]
    const nothing = requests === 0 && this.flags.size === 0 && this.#mirrors.isEmpty
    const quiet = nothing && !this.#toldOfRequests
    if (quiet && saying({ serves, arrivals }) === this.#told) return null
    this.#sequence += 1
    this.requests = 0
    this.#pending = {
      sequence: this.#sequence,
      requests,
      drawn: this.samples.take(),
      upstreams: this.#upstreams.take(nowMs),
      flags: this.flags.take(MAX_FLAG_COUNTS),
      mirrors: this.#mirrors.take(),
    }
    return this.#pending
  }
}

const added = (known: Arrival[], arrival: Arrival): Arrival[] => {
  const last = known.at(-1)
  if (last && !isNewer(arrival.epoch, arrival.version, last.epoch, last.version)) return known
  return [...known, arrival].slice(-MAX_ARRIVALS)
}

/** All that a batch says about versions, to be compared. */
const saying = ({ serves, arrivals }: Pick<MetricBatch, 'serves' | 'arrivals'>): string =>
  [serves.epoch, serves.snapshot, serves.kills, ...arrivals.map(({ atMs }) => atMs)].join()

/** A time further away than any that is ever given means that the clock was set back: it counts as over. */
const isOver = (untilMs: number, nowMs: number): boolean => nowMs >= untilMs || untilMs - nowMs > MAX_FLUSH_MS
