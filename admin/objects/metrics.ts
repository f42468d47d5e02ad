/**
 * One location of an environment: what its isolates report of themselves, which lives in memory: batches repeat what matters,
 * so a restart has it back within seconds. One row says whether there was traffic, so that a location that just started to
 * listen can tell "nobody is there" from "nobody has reported yet". What applications tell of flags is kept by the minute.
 */
import { DurableObject } from 'cloudflare:workers'
import {
  type FlagCount,
  FlagCounts,
  MAX_FLAG_COUNTS,
  type MetricBatch,
  type MirrorReport,
  type Recorded,
} from '../../engine/index.ts'
import { RecentContexts, type WeightedContext } from '../contexts.ts'
import type { Env } from '../env.ts'
import { Isolates } from '../isolates.ts'
import { logWarn, messageOf } from '../log.ts'
import { type MirrorTotal, mergedMirrors } from '../mirrors.ts'
import { ASLEEP_MS, AWAKE_MS, type Reach, reachOf, type Target, TRAFFIC_MS } from '../propagation.ts'
import { addFlagCounts, readFlagCounts } from '../storage/flag-counts.ts'
import { addMirrorReports, readMirrors, readMirrorTotals } from '../storage/mirrors.ts'
import { callEnvironment } from '../stubs.ts'
import { LocationUpstreams, type UpstreamState } from '../upstreams.ts'
import { AlarmClock } from './alarm-clock.ts'
import { METRICS_MIGRATIONS, migrate } from './migrations.ts'

/** Batches of one location are at least this far apart for each isolate, and further where there are many isolates. */
const MIN_FLUSH_MS = 1_000
const MAX_FLUSH_MS = 3_000
/** Keeps an object that takes about 1 000 calls a second at a quarter of that. */
const FLUSH_MS_PER_ISOLATE = 4
/** How often the row is brought up to date while there is traffic: sooner than a sleeping edge stops to report. */
const CHECK_MS = 15_000
/** How soon silence is noted once everybody sleeps: before the runtime unloads this object, ten seconds after its last call. */
const SILENCE_MS = 3_000
/** Between two attempts to make the location known. */
const RETELL_MS = 10_000
/** How long counts gather before they are written: a crash loses at most as much. */
const GATHER_MS = 10_000
/** Rows that can gather: more than this many flags and variants in ten seconds are not counted. */
const MAX_GATHERED = 10 * MAX_FLAG_COUNTS

type Row = { told_epoch: number; seen_at: number | null; silent: number }

export class MetricsObject extends DurableObject<Env> {
  readonly #sql: SqlStorage
  readonly #clock: AlarmClock
  readonly #isolates = new Isolates()
  readonly #contexts = new RecentContexts(Math.random)
  readonly #upstreams = new LocationUpstreams()
  readonly #flags = new FlagCounts(MAX_GATHERED)
  /** What was told of mirrors and is not written yet. */
  #mirrors: MirrorReport[] = []
  readonly #listeningSinceMs = Date.now()
  /** There was traffic when this instance began, so there are isolates that it has not heard of. */
  readonly #missesSome: boolean
  /** The row, as stored. */
  #row: Row
  /** Whether this instance has seen to it that the alarm is set. */
  #watching = false
  /** Whether the alarm is set to note that everybody sleeps. */
  #awaitsSilence = false
  #tellDueMs = Number.NEGATIVE_INFINITY

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#sql = ctx.storage.sql
    migrate(ctx.storage, METRICS_MIGRATIONS)
    this.#clock = new AlarmClock(ctx)
    this.#row = this.#sql.exec<Row>('SELECT told_epoch, seen_at, silent FROM location').one()
    this.#missesSome = this.#row.silent === 0
  }

  /** Counts a batch that was checked. `environment` is the binding's, not the batch's word. */
  record(environment: string, batch: MetricBatch): Recorded {
    const nowMs = Date.now()
    const counted = this.#isolates.add(batch, nowMs)
    if (counted && batch.sample) this.#contexts.add(batch.sample, nowMs)
    this.#upstreams.add(batch.isolate, batch.upstreams ?? [], counted, nowMs)
    if (batch.requests > 0 && (!this.#watching || this.#row.silent === 1)) this.#watch(nowMs)
    if (batch.requests === 0 && this.#row.silent === 0) this.#awaitSilence(nowMs)
    if (counted && batch.flags) this.#gather(batch.flags, nowMs)
    if (counted && batch.mirrors) this.#gatherMirrors(batch.mirrors, nowMs)
    if (batch.serves.epoch > this.#row.told_epoch && nowMs >= this.#tellDueMs) {
      this.#tellDueMs = nowMs + RETELL_MS
      this.ctx.waitUntil(this.#tell(environment, batch.location, batch.serves.epoch))
    }
    const flushMs = Math.min(Math.max(MIN_FLUSH_MS, this.#isolates.size * FLUSH_MS_PER_ISOLATE), MAX_FLUSH_MS)
    const broken = this.#upstreams.broken(nowMs)
    return Object.keys(broken).length === 0 ? { flushMs } : { flushMs, broken }
  }

  /** Addresses of origins as the isolates here find them. */
  upstreams(): UpstreamState[] {
    return [...this.#upstreams.list(Date.now())]
  }

  /** What a scrape asks a location for. What is told of mirrors is stored before. */
  scraped(): { readonly upstreams: UpstreamState[]; readonly mirrors: MirrorTotal[] } {
    this.#writeGathered(Date.now())
    return { upstreams: this.upstreams(), mirrors: readMirrorTotals(this.#sql) }
  }

  /** How far a version has come here. */
  reach(location: string, target: Target): Reach {
    const nowMs = Date.now()
    const reports = [...this.#isolates.reports(nowMs)]
    const lastSeenAtMs = reports.at(-1)?.lastSeenAtMs ?? this.#row.seen_at
    const settling = this.#isSettling(nowMs) || this.#missesDozing(target, nowMs)
    const requests = this.#isolates.requests(nowMs)
    return reachOf(target, { location, settling, lastSeenAtMs, requests }, reports, nowMs)
  }

  /** What applications told of a flag, or of all (`null`), from a moment on. */
  flagCounts(fromMs: number, flag: string | null): FlagCount[] {
    this.#writeGathered(Date.now())
    return readFlagCounts(this.#sql, fromMs, flag)
  }

  /** What came of copies of requests, from a moment on. */
  mirrors(fromMs: number): MirrorReport[] {
    this.#writeGathered(Date.now())
    return readMirrors(this.#sql, fromMs)
  }

  /** Contexts of requests of the last ten minutes. */
  contexts(): WeightedContext[] {
    return this.#contexts.list(Date.now())
  }

  /** Notes that there is traffic, or that there is none any more. Safe to run at any time, any number of times. */
  override alarm(): void {
    this.#clock.rang()
    this.#awaitsSilence = false
    const nowMs = Date.now()
    this.#writeGathered(nowMs)
    if (this.#isSettling(nowMs)) return this.#clock.set(this.#listeningSinceMs + TRAFFIC_MS)
    const reports = [...this.#isolates.reports(nowMs)]
    const seenAtMs = reports.at(-1)?.lastSeenAtMs ?? null
    const silent = !this.#isolates.someAwake(nowMs)
    this.#write({ ...this.#row, seen_at: seenAtMs ?? this.#row.seen_at, silent: silent ? 1 : 0 })
    this.#watching = seenAtMs !== null && nowMs - seenAtMs <= TRAFFIC_MS
    if (this.#watching) this.#clock.set(nowMs + CHECK_MS)
  }

  #gather(counts: readonly FlagCount[], nowMs: number): void {
    if (!this.#hasGathered) this.#clock.set(nowMs + GATHER_MS)
    for (const count of counts) this.#flags.add(count)
  }

  #gatherMirrors(reports: readonly MirrorReport[], nowMs: number): void {
    if (!this.#hasGathered) this.#clock.set(nowMs + GATHER_MS)
    this.#mirrors = mergedMirrors([...this.#mirrors, ...reports])
  }

  get #hasGathered(): boolean {
    return this.#flags.size > 0 || this.#mirrors.length > 0
  }

  #writeGathered(nowMs: number): void {
    if (!this.#hasGathered) return
    const [counts, mirrors] = [this.#flags.take(), this.#mirrors]
    this.#mirrors = []
    this.ctx.storage.transactionSync(() => {
      addFlagCounts(this.#sql, counts, nowMs)
      addMirrorReports(this.#sql, mirrors, nowMs)
    })
  }

  /** Too early to know of every isolate with traffic. */
  #isSettling(nowMs: number): boolean {
    return this.#missesSome && nowMs - this.#listeningSinceMs < TRAFFIC_MS
  }

  /** Where traffic has ended, an isolate that nobody remembers could still answer by what it read before this was published. */
  #missesDozing({ publishedAtMs }: Target, nowMs: number): boolean {
    const { seen_at: seenAtMs } = this.#row
    return (
      nowMs - publishedAtMs < ASLEEP_MS &&
      seenAtMs !== null &&
      seenAtMs < this.#listeningSinceMs &&
      nowMs - seenAtMs <= AWAKE_MS
    )
  }

  #watch(nowMs: number): void {
    if (this.#row.silent === 1) this.#write({ ...this.#row, seen_at: nowMs, silent: 0 })
    this.#clock.set(nowMs + CHECK_MS)
    this.#watching = true
  }

  #awaitSilence(nowMs: number): void {
    if (this.#awaitsSilence || this.#isSettling(nowMs) || this.#isolates.someAwake(nowMs)) return
    this.#clock.set(nowMs + SILENCE_MS)
    this.#awaitsSilence = true
  }

  /** Makes the location known to its environment, so that it is named when it has no traffic. */
  async #tell(environment: string, location: string, epoch: number): Promise<void> {
    try {
      const answer = await callEnvironment(this.env, environment, (stub) => stub.addLocation(location))
      if (answer.ok) this.#write({ ...this.#row, told_epoch: epoch })
      else logWarn('location-untold', { environment, location, cause: answer.error.reason })
    } catch (thrown) {
      logWarn('location-untold', { environment, location, cause: messageOf(thrown) })
    }
  }

  #write(row: Row): void {
    this.#sql.exec(
      'UPDATE location SET told_epoch = ?, seen_at = ?, silent = ?',
      row.told_epoch,
      row.seen_at,
      row.silent,
    )
    this.#row = row
  }
}
