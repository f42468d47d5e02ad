/**
 * One origin's circuit breaker: a state machine over outcomes and time. Pure: time and chance are passed in, nothing is
 * scheduled, and no call allocates. Closed, it counts attempts in one-second buckets; open, it admits nothing until its time
 * is over; recovering, it admits a share that rises from nothing to everything. Source: docs/traffic.md, "Circuit breaker".
 */
import { BREAKER_DEFAULTS, type BreakerPhase, type BreakerSettings } from '../engine/index.ts'

/** `failed`: answered, but with a failure. `unreached`: no answer (refused, reset, timeout before headers). */
export type AttemptOutcome = 'ok' | 'failed' | 'unreached'

/** One opening is forgotten for each healthy minute. */
const DECAY_MS = 60_000
/** How long after it was closed by hand others are not believed: longer than what they found before can be on its way. */
const DEAF_MS = 15_000
/** Of the time open: so that isolates do not all come back at once. */
const JITTER = 0.2

export class Breaker {
  readonly settings: BreakerSettings
  #phase: BreakerPhase = 'closed'
  /** When the phase was entered, ms. */
  #sinceMs = Number.NEGATIVE_INFINITY
  /** End of the time open. */
  #untilMs = 0
  #deafUntilMs = Number.NEGATIVE_INFINITY
  /** How often it opened without enough healthy time in between. */
  #openings = 0
  #consecutive = 0
  #recoveryFailures = 0
  /** Ring of one-second buckets; `#second` is the one that the newest attempt fell into. */
  readonly #attempts: Uint32Array
  readonly #failures: Uint32Array
  #second = 0
  #attemptsInWindow = 0
  #failuresInWindow = 0

  constructor(settings: BreakerSettings = BREAKER_DEFAULTS) {
    this.settings = settings
    this.#attempts = new Uint32Array(settings.windowSeconds)
    this.#failures = new Uint32Array(settings.windowSeconds)
  }

  /** Whether the next request may go to the origin. `random`: only drawn from while recovering. */
  admits(nowMs: number, random: () => number): boolean {
    if (this.#phase === 'closed') return true
    const phase = this.phase(nowMs)
    if (phase === 'recovering') return random() < (nowMs - this.#sinceMs) / this.settings.recoveryMs
    return phase === 'closed'
  }

  /** `startedMs`: when the attempt began. `random`: for the jitter of the time open. */
  record(outcome: AttemptOutcome, startedMs: number, nowMs: number, random: () => number): void {
    const phase = this.phase(nowMs)
    // Sent before it opened, or before it began to recover: says nothing new.
    if (phase === 'open' || startedMs < this.#sinceMs) return
    this.#advance(nowMs)
    const bucket = this.#second % this.#attempts.length
    this.#attempts[bucket]! += 1
    this.#attemptsInWindow += 1
    this.#consecutive = outcome === 'unreached' ? this.#consecutive + 1 : 0
    if (outcome === 'ok') return
    this.#failures[bucket]! += 1
    this.#failuresInWindow += 1
    if (phase === 'recovering') {
      this.#recoveryFailures += 1
      if (this.#recoveryFailures >= this.settings.recoveryFailures) this.#open(nowMs, random)
    } else if (this.#isBroken()) this.#open(nowMs, random)
  }

  /** The phase at a moment: what is over is left behind here. */
  phase(nowMs: number): BreakerPhase {
    if (this.#phase === 'open' && nowMs >= this.#untilMs) this.#enter('recovering', this.#untilMs)
    if (this.#phase === 'recovering' && nowMs >= this.#sinceMs + this.settings.recoveryMs)
      this.#enter('closed', this.#sinceMs + this.settings.recoveryMs)
    return this.#phase
  }

  /** When the time open ends, ms; `null` while not open. */
  untilMs(nowMs: number): number | null {
    return this.phase(nowMs) === 'open' ? this.#untilMs : null
  }

  /** Attempts and failures in the window. */
  window(nowMs: number): { attempts: number; failures: number } {
    this.#advance(nowMs)
    return { attempts: this.#attemptsInWindow, failures: this.#failuresInWindow }
  }

  /** Others have found the origin broken. Believed only where there is too little to judge by here. */
  heard(untilMs: number, nowMs: number): void {
    if (this.phase(nowMs) !== 'closed' || untilMs <= nowMs || nowMs < this.#deafUntilMs) return
    this.#advance(nowMs)
    if (this.#attemptsInWindow >= this.settings.minimumRequests) return
    this.#openings = Math.max(1, this.#openings)
    this.#enter('open', nowMs)
    this.#untilMs = Math.min(untilMs, nowMs + this.settings.maxOpenMs)
  }

  /** Somebody knows better: all that was found here, and by others, is forgotten. */
  close(nowMs: number): void {
    this.#openings = 0
    this.#deafUntilMs = nowMs + DEAF_MS
    this.#forget()
    this.#enter('closed', nowMs)
  }

  #isBroken(): boolean {
    const { minimumRequests, failureRate, consecutiveFailures } = this.settings
    if (this.#consecutive >= consecutiveFailures) return true
    return (
      this.#attemptsInWindow >= minimumRequests &&
      this.#failuresInWindow >= failureRate * this.#attemptsInWindow
    )
  }

  #open(nowMs: number, random: () => number): void {
    const { openMs, maxOpenMs } = this.settings
    if (this.#phase === 'closed') {
      const healthyMinutes = Math.floor((nowMs - this.#sinceMs) / DECAY_MS)
      this.#openings = Math.max(0, this.#openings - healthyMinutes)
    }
    const wholeMs = Math.min(maxOpenMs, openMs * 2 ** this.#openings)
    this.#openings += 1
    this.#enter('open', nowMs)
    this.#untilMs = nowMs + Math.min(maxOpenMs, wholeMs * (1 - JITTER + 2 * JITTER * random()))
  }

  /** What was counted before says nothing about what comes. */
  #enter(phase: BreakerPhase, atMs: number): void {
    this.#phase = phase
    this.#sinceMs = atMs
    this.#consecutive = 0
    this.#recoveryFailures = 0
    if (phase !== 'closed') this.#forget()
  }

  #forget(): void {
    this.#attempts.fill(0)
    this.#failures.fill(0)
    this.#attemptsInWindow = 0
    this.#failuresInWindow = 0
  }

  /** Moves the window to the present. A clock that went back stands still until it has caught up. */
  #advance(nowMs: number): void {
    const second = Math.floor(nowMs / 1_000)
    const size = this.#attempts.length
    const steps = Math.min(second - this.#second, size)
    for (let step = 1; step <= steps; step += 1) {
      const bucket = (this.#second + step) % size
      this.#attemptsInWindow -= this.#attempts[bucket]!
      this.#failuresInWindow -= this.#failures[bucket]!
      this.#attempts[bucket] = 0
      this.#failures[bucket] = 0
    }
    if (second > this.#second) this.#second = second
  }
}
