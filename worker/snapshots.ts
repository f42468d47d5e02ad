/**
 * The isolate's copy of the snapshot and kills, and how it stays fresh. No promise crosses requests: the platform may
 * cancel a request's continuations at any moment, so the guard for "one reader at a time" is a lease that expires by
 * itself, and those who wait look at this memory. Any failure ends in the copy at hand.
 */
import {
  type ControlRpc,
  isNewer,
  type KillList,
  type Known,
  NO_KILLS,
  type Prepared,
  prepare,
  type Snapshot,
  type Update,
} from '../engine/index.ts'
import { decodeSnapshot } from '../engine/snapshot.ts'
import { type FreshnessLimits, isOver, judge, lacksReader, nextReadMs } from './freshness.ts'
import { isBehind } from './told.ts'

/** What varies: time, chance, and where things are read. */
export interface Clock {
  now(): number
  wait(ms: number): Promise<unknown>
  random(): number
}

/** A copy from somewhere else than the control plane: this location's cache, or last-known-good. */
export interface Copy {
  readonly from: 'location-cache' | 'last-known-good'
  readonly readAtMs: number
  readonly kills: KillList
  readonly snapshot: string
}

/** An answer of the control plane; `readAtMs` where this location's cache gave it: when the control plane did. */
export type Reading = Update & { readonly readAtMs?: number }

/** What there is to remember: the latest read, and the body of its snapshot if that was just fetched. */
export interface Remembered {
  readonly readAtMs: number
  readonly update: Update
  readonly kills: KillList
  readonly body: string | null
}

export interface Sources {
  readonly control: Pick<ControlRpc, 'snapshot'> & { read(known: Known): Promise<Reading> }
  /** Tried in order by a cold isolate that cannot reach the control plane; each may fail or have nothing. */
  readonly copies: readonly (() => Promise<Copy | null>)[]
  /** Called after each answer of the control plane itself, with everything that is now known. */
  readonly remember?: (known: Remembered) => Promise<unknown>
  /** Called at every turn of the refresh loop, with what requests are answered from; never throws. */
  readonly report?: (serves: Known) => Promise<void>
}

/** Keeps a promise alive beyond the response: `ctx.waitUntil`. */
export type Background = (work: Promise<unknown>) => void

export interface Status {
  readonly source: 'none' | 'control-plane' | Copy['from']
  readonly readAtMs: number
  /** Why the copy may be old; empty when all is well. */
  readonly problems: readonly string[]
}

const POLL_MS = 5
/** How soon after the last read a client that was told of something newer may bring about another one. */
const HURRY_MS = 250
/** The platform ends background work 30 s after the response. */
const LOOP_MS = 25_000

export class Snapshots {
  /** When a request last got its answer from here, ms since 1970. */
  handedOutAtMs = Number.NEGATIVE_INFINITY
  readonly #limits: FreshnessLimits
  readonly #clock: Clock
  #prepared: Prepared | null = null
  #kills: KillList = NO_KILLS
  #readAtMs = Number.NEGATIVE_INFINITY
  #dueAtMs = Number.NEGATIVE_INFINITY
  #leaseUntilMs = Number.NEGATIVE_INFINITY
  /** Which attempt holds the lease: one that lost it must not release it. */
  #holder = 0
  #bodyHolder = 0
  #loop = 0
  #bodyLeaseUntilMs = Number.NEGATIVE_INFINITY
  #copyLeaseUntilMs = Number.NEGATIVE_INFINITY
  #copiesDueAtMs = Number.NEGATIVE_INFINITY
  #source: Status['source'] = 'none'
  #readProblem: string | null = null
  #bodyProblem: string | null = null

  constructor(limits: FreshnessLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
  }

  get status(): Status {
    const problems = [this.#readProblem, this.#bodyProblem].filter((problem) => problem !== null)
    return { source: this.#source, readAtMs: this.#readAtMs, problems }
  }

  /** What to decide by, at once where the copy is fresh enough; `null` if there is nothing to be had anywhere. */
  current(sources: Sources, background: Background): Prepared | Promise<Prepared | null> {
    const nowMs = this.#clock.now()
    if (this.#prepared === null) return this.#cold(sources, background)
    const verdict = judge(this.#freshness(), this.#limits, nowMs)
    if (verdict === 'wait') return this.#wait(sources, background, this.#limits.refreshTimeoutMs)
    if (verdict === 'serve-and-refresh') background(this.#refreshLoop(sources, this.#limits.refreshTimeoutMs))
    this.handedOutAtMs = nowMs
    return this.#prepared
  }

  /** As `current`, but no older than what a client was told of, as far as reading at once can do that. */
  async atLeast(told: Known, sources: Sources, background: Background): Promise<Prepared | null> {
    await this.current(sources, background)
    const { refreshTimeoutMs } = this.#limits
    const untilMs = this.#clock.now() + refreshTimeoutMs
    for (
      let nowMs = this.#clock.now();
      isBehind(this.known, told) && nowMs < untilMs;
      nowMs = this.#clock.now()
    ) {
      if (this.#readProblem !== null) break
      const isFree = [this.#leaseUntilMs, this.#bodyLeaseUntilMs].every((at) =>
        isOver(at, nowMs, this.#limits),
      )
      if (isFree && nowMs - this.#readAtMs >= HURRY_MS)
        background(this.#refreshLoop(sources, refreshTimeoutMs))
      await this.#clock.wait(POLL_MS)
    }
    this.handedOutAtMs = this.#clock.now()
    return this.#prepared
  }

  /** What is in memory, old or not, for those who look again soon; keeps somebody reading, and never waits. */
  glance(sources: Sources, background: Background): Prepared | null {
    if (lacksReader(this.#freshness(), this.#limits, this.#clock.now()))
      background(this.#refreshLoop(sources, this.#limits.refreshTimeoutMs))
    return this.#prepared
  }

  /** Versions that a request is answered with now. */
  get known(): Known {
    const { epoch, version } = this.#prepared?.snapshot ?? { epoch: 0, version: 0 }
    // Versions count within an epoch: a list of another one is as good as none.
    return { epoch, snapshot: version, kills: this.#kills.epoch === epoch ? this.#kills.version : 0 }
  }

  /** With the kills at hand, whatever epoch they are of: none is lost if the control plane has lost its storage. */
  get #asked(): Known {
    return this.#kills.kills.length === 0 ? this.known : { ...this.known, held: this.#kills }
  }

  #freshness() {
    const { maxStaleMs, refreshTimeoutMs } = this.#limits
    return {
      readAtMs: this.#readAtMs,
      dueAtMs: this.#dueAtMs,
      leaseUntilMs: this.#leaseUntilMs,
      failing:
        this.#readProblem !== null && this.#clock.now() - this.#dueAtMs < maxStaleMs + refreshTimeoutMs,
    }
  }

  /** Nothing yet: the control plane, then the copies. After a failure nobody waits for the control plane for a while. */
  async #cold(sources: Sources, background: Background): Promise<Prepared | null> {
    const failed = this.#readProblem !== null || this.#bodyProblem !== null
    const resting = failed && this.#clock.now() < this.#dueAtMs
    const read = resting ? null : await this.#wait(sources, background, this.#limits.coldLoadTimeoutMs)
    return read ?? this.#fromCopies(sources)
  }

  /** One request looks for a copy under a lease, the others watch this memory; where none is found, all rest a while. */
  async #fromCopies(sources: Sources): Promise<Prepared | null> {
    const { refreshTimeoutMs, maxAgeMs } = this.#limits
    const untilMs = this.#clock.now() + 2 * refreshTimeoutMs
    for (
      let nowMs = this.#clock.now();
      this.#prepared === null && nowMs < untilMs;
      nowMs = this.#clock.now()
    ) {
      if (isOver(this.#copyLeaseUntilMs, nowMs, this.#limits)) {
        if (nowMs < this.#copiesDueAtMs) return null
        this.#copyLeaseUntilMs = nowMs + refreshTimeoutMs
        await this.#searchCopies(sources)
        this.#copyLeaseUntilMs = Number.NEGATIVE_INFINITY
        this.#copiesDueAtMs = this.#clock.now() + maxAgeMs
      } else await this.#clock.wait(POLL_MS)
    }
    this.handedOutAtMs = this.#clock.now()
    return this.#prepared
  }

  async #searchCopies(sources: Sources): Promise<void> {
    for (const copy of sources.copies) {
      try {
        const found = await this.#within(this.#limits.refreshTimeoutMs, copy())
        if (this.#prepared !== null) return
        if (found) return this.#adopt(found)
      } catch (cause) {
        this.#bodyProblem = `copy cannot be used: ${message(cause)}`
      }
    }
  }

  /** Waits until somebody has read, reading oneself whenever nobody holds the lease; at most `timeoutMs`. */
  async #wait(sources: Sources, background: Background, timeoutMs: number): Promise<Prepared | null> {
    const startedMs = this.#clock.now()
    const before = this.#readAtMs
    while (this.#readAtMs === before || this.#prepared === null) {
      const nowMs = this.#clock.now()
      if (nowMs - startedMs >= timeoutMs) break
      const bodyFailed = this.#bodyProblem !== null && isOver(this.#bodyLeaseUntilMs, nowMs, this.#limits)
      if (this.#readAtMs !== before && bodyFailed) break
      const bodyUnderWay = this.#readAtMs !== before && !isOver(this.#bodyLeaseUntilMs, nowMs, this.#limits)
      if (isOver(this.#leaseUntilMs, nowMs, this.#limits) && !bodyUnderWay) {
        if (this.#readProblem !== null && nowMs < this.#dueAtMs) break
        background(this.#refreshLoop(sources, timeoutMs))
      }
      await this.#clock.wait(POLL_MS)
    }
    this.handedOutAtMs = this.#clock.now()
    return this.#prepared
  }

  /** Reads now, and then whenever due, until the platform is about to end background work; the next request takes over. */
  async #refreshLoop(sources: Sources, timeoutMs: number): Promise<void> {
    this.#loop += 1
    const loop = this.#loop
    const endMs = this.#clock.now() + LOOP_MS
    const beside: Promise<void>[] = []
    // A younger loop means that this one was thought dead: one is enough.
    for (
      let limit = timeoutMs;
      loop === this.#loop && this.#clock.now() < endMs;
      limit = this.#limits.refreshTimeoutMs
    ) {
      const update = await this.#read(sources, limit)
      // Beside the loop, not in it: a large body never delays a kill, and a report delays nothing.
      if (update) beside.push(this.#loadBody(sources, update))
      if (sources.report) beside.push(sources.report(this.known))
      await this.#clock.wait(Math.max(POLL_MS, this.#dueAtMs - this.#clock.now()))
    }
    await Promise.all(beside)
  }

  /** One small read under the lease; `null` if somebody else holds it, or the control plane did not answer. */
  async #read(sources: Sources, timeoutMs: number): Promise<Reading | null> {
    const startedMs = this.#clock.now()
    if (!isOver(this.#leaseUntilMs, startedMs, this.#limits)) return null
    this.#holder += 1
    const holder = this.#holder
    this.#leaseUntilMs = startedMs + timeoutMs
    try {
      const update = await this.#within(timeoutMs, sources.control.read(this.#asked))
      this.#applyKills(update)
      this.#readAtMs = Math.max(this.#readAtMs, update.readAtMs ?? startedMs)
      this.#readProblem = null
      return update
    } catch (cause) {
      this.#readProblem = `control plane cannot be read: ${message(cause)}`
      return null
    } finally {
      this.#dueAtMs = this.#clock.now() + nextReadMs(this.#limits, this.#clock.random())
      if (holder === this.#holder) this.#leaseUntilMs = Number.NEGATIVE_INFINITY
    }
  }

  /** Kills first: a large snapshot never delays one. */
  #applyKills({ kills }: Update): void {
    if (kills === null || !isNewer(kills.epoch, kills.version, this.#kills.epoch, this.#kills.version)) return
    this.#kills = kills
    if (this.#prepared) this.#prepared = prepare(this.#prepared.snapshot, kills)
  }

  /** Fetches the body of a newer snapshot; one at a time, under a lease of its own. */
  async #loadBody(sources: Sources, update: Reading): Promise<void> {
    const nowMs = this.#clock.now()
    if (!isOver(this.#bodyLeaseUntilMs, nowMs, this.#limits)) return
    this.#bodyHolder += 1
    const holder = this.#bodyHolder
    this.#bodyLeaseUntilMs = nowMs + this.#limits.coldLoadTimeoutMs
    try {
      const held = this.#prepared?.snapshot
      const newer = !held || isNewer(update.epoch, update.snapshot, held.epoch, held.version)
      const body = newer
        ? await this.#within(
            this.#limits.coldLoadTimeoutMs,
            sources.control.snapshot(update.epoch, update.snapshot),
          )
        : null
      if (body !== null) this.#install(body)
      this.#source = 'control-plane'
      this.#bodyProblem = null
      // What came from the location's cache is not put back: it would grow younger each time.
      if (update.readAtMs === undefined)
        await sources.remember?.({ readAtMs: this.#readAtMs, update, kills: this.#kills, body })
    } catch (cause) {
      this.#bodyProblem = `snapshot ${update.snapshot} cannot be loaded: ${message(cause)}`
    } finally {
      if (holder === this.#bodyHolder) this.#bodyLeaseUntilMs = Number.NEGATIVE_INFINITY
    }
  }

  #install(text: string): void {
    const decoded = decodeSnapshot(text)
    if (!decoded.ok) throw new Error(decoded.error.message)
    const held: Snapshot | undefined = this.#prepared?.snapshot
    const { epoch, version } = decoded.value
    if (!held || isNewer(epoch, version, held.epoch, held.version))
      this.#prepared = prepare(decoded.value, this.#kills)
  }

  /** A copy is used only while there is nothing better; the kills of a newer list stay. Throws if it cannot be read. */
  #adopt(copy: Copy): void {
    const { kills } = copy
    if (isNewer(kills.epoch, kills.version, this.#kills.epoch, this.#kills.version)) this.#kills = kills
    this.#install(copy.snapshot)
    this.#source = copy.from
    this.#readAtMs = Math.max(this.#readAtMs, copy.readAtMs)
  }

  async #within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
    const late = this.#clock.wait(timeoutMs).then((): never => {
      throw new Error(`no answer within ${timeoutMs} ms`)
    })
    // Whichever loses must not surface as an unhandled rejection.
    late.catch(() => {})
    work.catch(() => {})
    return Promise.race([work, late])
  }
}

const message = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
