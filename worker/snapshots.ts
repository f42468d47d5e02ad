/**
 * What a request is decided by: the isolate's copy of the snapshot and kills, at once while it is fresh enough. No promise
 * crosses requests: the platform may cancel a request's continuations at any moment, so those who wait look at this memory.
 * Any failure ends in the copy at hand.
 */
import type { Known, Prepared } from '../engine/index.ts'
import { type Freshness, type FreshnessLimits, judge, lacksReader, nextAct } from './freshness.ts'
import { Holding } from './holding.ts'
import { Lease } from './lease.ts'
import { type Clock, message, POLL_MS, Refresher, type Sources } from './refresher.ts'
import { isBehind } from './told.ts'

/** Keeps a promise alive beyond the response: `ctx.waitUntil`. */
export type Background = (work: Promise<unknown>) => void

export interface Status {
  readonly source: Holding['source']
  readonly readAtMs: number
  /** Why the copy may be old; empty when all is well. */
  readonly problems: readonly string[]
}

/** How soon after the last read a client that was told of something newer may bring about another one. */
const HURRY_MS = 250

export class Snapshots {
  /** When a request last got its answer from here, ms since 1970. */
  handedOutAtMs = Number.NEGATIVE_INFINITY
  readonly #limits: FreshnessLimits
  readonly #clock: Clock
  readonly #holding = new Holding()
  readonly #refresher: Refresher
  readonly #copying = new Lease()
  #copiesDueAtMs = Number.NEGATIVE_INFINITY

  constructor(limits: FreshnessLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
    this.#refresher = new Refresher(this.#holding, limits, clock)
  }

  get status(): Status {
    const { readProblem, bodyProblem } = this.#refresher
    const problems = [readProblem, bodyProblem].filter((problem) => problem !== null)
    return { source: this.#holding.source, readAtMs: this.#holding.readAtMs, problems }
  }

  /** Versions that a request is answered with now. */
  get known(): Known {
    return this.#holding.known
  }

  /** What to decide by, at once where the copy is fresh enough; `null` if there is nothing to be had anywhere. */
  current(sources: Sources, background: Background): Prepared | Promise<Prepared | null> {
    const nowMs = this.#clock.now()
    const { prepared } = this.#holding
    if (prepared === null) return this.#cold(sources, background)
    const verdict = judge(this.#freshness(nowMs), this.#limits, nowMs)
    if (verdict === 'wait') return this.#refreshed(sources, background)
    if (verdict === 'serve-and-refresh' || this.#refresher.isEnding(nowMs))
      this.#read(sources, background, this.#limits.refreshTimeoutMs)
    this.handedOutAtMs = nowMs
    return prepared
  }

  /** As `current`, but no older than what a client was told of, as far as reading at once can do that. */
  async atLeast(told: Known, sources: Sources, background: Background): Promise<Prepared | null> {
    await this.current(sources, background)
    const { refreshTimeoutMs } = this.#limits
    const { reading, loading } = this.#refresher
    const untilMs = this.#clock.now() + refreshTimeoutMs
    for (
      let nowMs = this.#clock.now();
      isBehind(this.known, told) && nowMs < untilMs;
      nowMs = this.#clock.now()
    ) {
      if (this.#refresher.readProblem !== null) break
      const isFree = reading.isFree(nowMs, this.#limits) && loading.isFree(nowMs, this.#limits)
      if (isFree && nowMs - this.#holding.readAtMs >= HURRY_MS)
        this.#read(sources, background, refreshTimeoutMs)
      await this.#clock.wait(POLL_MS)
    }
    return this.#handedOut()
  }

  /** What is in memory, old or not, for those who look again soon; keeps somebody reading, and never waits. */
  glance(sources: Sources, background: Background): Prepared | null {
    const nowMs = this.#clock.now()
    if (lacksReader(this.#freshness(nowMs), this.#limits, nowMs))
      this.#read(sources, background, this.#limits.refreshTimeoutMs)
    return this.#holding.prepared
  }

  #read(sources: Sources, background: Background, timeoutMs: number): void {
    background(this.#refresher.keepReading(sources, timeoutMs))
  }

  #handedOut(): Prepared | null {
    this.handedOutAtMs = this.#clock.now()
    return this.#holding.prepared
  }

  #freshness(nowMs: number): Freshness {
    const { maxStaleMs, refreshTimeoutMs } = this.#limits
    const { dueAtMs, reading, readProblem, bodyProblem } = this.#refresher
    return {
      currentAtMs: this.#holding.currentAtMs,
      dueAtMs,
      leaseUntilMs: reading.untilMs,
      failing:
        (readProblem !== null || bodyProblem !== null) && nowMs - dueAtMs < maxStaleMs + refreshTimeoutMs,
    }
  }

  /** The copy is too old, and nothing says that it cannot be renewed. */
  #refreshed(sources: Sources, background: Background): Promise<Prepared | null> {
    // What could not be had before a rest says nothing of now.
    this.#refresher.bodyProblem = null
    return this.#wait(sources, background, this.#limits.refreshTimeoutMs)
  }

  /**
   * Waits until somebody has read, and what he was told of is here, doing oneself whatever nobody does; at most `timeoutMs`. A body
   * that has not come by then is a problem like one that failed: nobody else waits for it.
   */
  async #wait(sources: Sources, background: Background, timeoutMs: number): Promise<Prepared | null> {
    const holding = this.#holding
    const startedMs = this.#clock.now()
    const before = holding.currentAtMs
    while (holding.prepared === null || holding.currentAtMs === before) {
      const nowMs = this.#clock.now()
      const { missing } = holding
      const isTold = holding.readAtMs >= startedMs - this.#limits.maxStaleMs
      if (nowMs - startedMs >= timeoutMs) {
        if (isTold && missing !== null)
          this.#refresher.bodyProblem ??= `snapshot ${missing.update.snapshot} has not come within ${timeoutMs} ms`
        break
      }
      const { reading, loading, readProblem, bodyProblem, dueAtMs } = this.#refresher
      const act = nextAct({
        isTold,
        isMissing: missing !== null,
        isReading: !reading.isFree(nowMs, this.#limits),
        isLoading: !loading.isFree(nowMs, this.#limits),
        readFailed: readProblem !== null,
        loadFailed: bodyProblem !== null,
        isResting: nowMs < dueAtMs,
      })
      if (act === 'give-up') break
      if (act === 'read') this.#read(sources, background, timeoutMs)
      if (act === 'load') background(this.#refresher.load(sources))
      await this.#clock.wait(POLL_MS)
    }
    return this.#handedOut()
  }

  /** Nothing yet: the control plane, then the copies. After a failure nobody waits for the control plane for a while. */
  async #cold(sources: Sources, background: Background): Promise<Prepared | null> {
    const { readProblem, bodyProblem, dueAtMs } = this.#refresher
    const resting = (readProblem !== null || bodyProblem !== null) && this.#clock.now() < dueAtMs
    const read = resting ? null : await this.#wait(sources, background, this.#limits.coldLoadTimeoutMs)
    return read ?? this.#fromCopies(sources)
  }

  /** One request looks for a copy under a lease, the others watch this memory; where none is found, all rest a while. */
  async #fromCopies(sources: Sources): Promise<Prepared | null> {
    const { refreshTimeoutMs, maxAgeMs } = this.#limits
    const untilMs = this.#clock.now() + 2 * refreshTimeoutMs
    for (
      let nowMs = this.#clock.now();
      this.#holding.prepared === null && nowMs < untilMs;
      nowMs = this.#clock.now()
    ) {
      if (this.#copying.isFree(nowMs, this.#limits)) {
        if (nowMs < this.#copiesDueAtMs) return null
        const holder = this.#copying.take(nowMs + refreshTimeoutMs)
        await this.#searchCopies(sources)
        this.#copying.release(holder)
        this.#copiesDueAtMs = this.#clock.now() + maxAgeMs
      } else await this.#clock.wait(POLL_MS)
    }
    return this.#handedOut()
  }

  async #searchCopies(sources: Sources): Promise<void> {
    for (const copy of sources.copies) {
      try {
        const found = await this.#refresher.within(this.#limits.refreshTimeoutMs, copy())
        if (this.#holding.prepared !== null) return
        if (found) return this.#holding.adopt(found)
      } catch (cause) {
        this.#refresher.bodyProblem = `copy cannot be used: ${message(cause)}`
      }
    }
  }
}
