/**
 * Keeps what an isolate holds fresh: small reads of the control plane, one after the other, and beside them the bodies that
 * they name. Whoever does that may be gone at any moment, so each of both is done under a lease. Whatever fails, what is held
 * stays, and the problem is kept for whoever asks.
 */
import type { ControlRpc, KillList, Known, Update } from '../engine/index.ts'
import { type FreshnessLimits, nextReadMs } from './freshness.ts'
import type { Copy, Holding, Reading } from './holding.ts'
import { Lease } from './lease.ts'

/** What varies: time, chance, and where things are read. */
export interface Clock {
  now(): number
  wait(ms: number): Promise<unknown>
  random(): number
}

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

/** Most often that anything looks at the isolate's memory, or reads: ms. */
export const POLL_MS = 5
/** The platform ends background work 30 s after the response. */
const LOOP_MS = 25_000
/** A request takes over a loop of this age, so that ten seconds are left to report it, and then that there are no more. */
const HANDOVER_MS = 15_000
/** Whoever loads a body says so anew every 100 ms, while he lives; 250 ms after the last time another one may. */
const LOADING_MS = 250
const RENEWAL_MS = 100

export class Refresher {
  readonly reading = new Lease()
  readonly loading = new Lease()
  /** When the next read is due, ms since 1970. */
  dueAtMs = Number.NEGATIVE_INFINITY
  readProblem: string | null = null
  bodyProblem: string | null = null
  readonly #holding: Holding
  readonly #limits: FreshnessLimits
  readonly #clock: Clock
  #loop = 0
  #loopStartedAtMs = Number.NEGATIVE_INFINITY

  constructor(holding: Holding, limits: FreshnessLimits, clock: Clock) {
    this.#holding = holding
    this.#limits = limits
    this.#clock = clock
  }

  /** Whether the loop, if it still lives, ends soon. */
  isEnding(nowMs: number): boolean {
    return nowMs - this.#loopStartedAtMs >= HANDOVER_MS
  }

  /** Reads now, and then whenever due, until the platform is about to end background work, or a request takes over. */
  async keepReading(sources: Sources, timeoutMs: number): Promise<void> {
    this.#loop += 1
    const loop = this.#loop
    this.#loopStartedAtMs = this.#clock.now()
    const endMs = this.#loopStartedAtMs + LOOP_MS
    const beside: Promise<void>[] = []
    // A younger loop means that this one was thought dead, or ended soon: one is enough.
    for (
      let limit = timeoutMs;
      loop === this.#loop && this.#clock.now() < endMs;
      limit = this.#limits.refreshTimeoutMs
    ) {
      // Beside the loop, not in it: a large body never delays a kill, and a report delays nothing.
      if (await this.#read(sources, limit, beside)) beside.push(this.load(sources))
      if (sources.report) beside.push(sources.report(this.#holding.known))
      await this.#clock.wait(Math.max(POLL_MS, this.dueAtMs - this.#clock.now()))
    }
    await Promise.all(beside)
  }

  /** One small read under the lease; `false` if somebody else holds it, or the control plane did not answer in time. */
  async #read(sources: Sources, timeoutMs: number, beside: Promise<void>[]): Promise<boolean> {
    const startedMs = this.#clock.now()
    if (!this.reading.isFree(startedMs, this.#limits)) return false
    const holder = this.reading.take(startedMs + timeoutMs)
    const reading = sources.control.read(this.#holding.asked)
    try {
      const update = await this.within(timeoutMs, reading)
      this.#holding.told(update, update.readAtMs ?? startedMs)
      this.readProblem = null
      return true
    } catch (cause) {
      this.readProblem = `control plane cannot be read: ${message(cause)}`
      beside.push(this.#readLate(sources, reading, startedMs))
      return false
    } finally {
      this.dueAtMs = this.#clock.now() + nextReadMs(this.#limits, this.#clock.random())
      this.reading.release(holder)
    }
  }

  /**
   * An answer that nobody waits for any more counts all the same, unless a later read was answered meanwhile: kills land where the
   * control plane is always slower than the limit. It stays a problem, so that nobody waits.
   */
  async #readLate(sources: Sources, reading: Promise<Reading>, startedMs: number): Promise<void> {
    try {
      const update = await this.within(this.#limits.coldLoadTimeoutMs, reading)
      if ((this.#holding.named?.atMs ?? startedMs) > startedMs) return
      this.#holding.told(update, update.readAtMs ?? startedMs)
      await this.load(sources)
    } catch {
      // Why the read failed has been said.
    }
  }

  /** Fetches the body that is missing, and then what was named meanwhile; nothing where somebody else does. */
  async load(sources: Sources): Promise<void> {
    const nowMs = this.#clock.now()
    if (!this.loading.isFree(nowMs, this.#limits)) return
    const holder = this.loading.take(nowMs + LOADING_MS)
    try {
      do await this.#loadNamed(sources, holder)
      while (this.#holding.missing !== null)
    } catch (cause) {
      this.bodyProblem = `snapshot ${this.#holding.named?.update.snapshot} cannot be loaded: ${message(cause)}`
    } finally {
      this.loading.release(holder)
    }
  }

  /** Throws where what was named is missing afterwards. */
  async #loadNamed({ control, remember }: Sources, holder: number): Promise<void> {
    const holding = this.#holding
    const { named, missing } = holding
    if (named === null) return
    const { update, atMs } = named
    const body =
      missing === null
        ? null
        : await this.#whileHeld(
            holder,
            this.within(this.#limits.coldLoadTimeoutMs, control.snapshot(update.epoch, update.snapshot)),
          )
    const installed = body === null ? null : holding.install(body, named)
    holding.source = 'control-plane'
    this.bodyProblem = null
    // What came from the location's cache is not put back: it would grow younger each time.
    if (update.readAtMs === undefined)
      await remember?.({ readAtMs: atMs, update: { ...update, ...installed }, kills: holding.kills, body })
  }

  /** Holds the lease for as long as the work goes on, and the request lives that does it. */
  async #whileHeld<T>(holder: number, work: Promise<T>): Promise<T> {
    let isDone = false
    const renew = async (): Promise<void> => {
      while (!isDone && this.loading.renew(holder, this.#clock.now() + LOADING_MS))
        await this.#clock.wait(RENEWAL_MS)
    }
    void renew()
    try {
      return await work
    } finally {
      isDone = true
    }
  }

  /** Rejects where the work takes longer. */
  async within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
    const late = this.#clock.wait(timeoutMs).then((): never => {
      throw new Error(`no answer within ${timeoutMs} ms`)
    })
    // Whichever loses must not surface as an unhandled rejection.
    late.catch(() => {})
    work.catch(() => {})
    return Promise.race([work, late])
  }
}

export const message = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
