/** What a circuit breaker opens and closes by, and its defaults. Source: docs/traffic.md, "Circuit breaker". */

export interface BreakerSettings {
  /** How far back attempts count. */
  readonly windowSeconds: number
  /** Opens at this many attempts in the window … */
  readonly minimumRequests: number
  /** … if at least this share of them failed, 0…1. */
  readonly failureRate: number
  /** Or at this many attempts in a row that had no answer at all. */
  readonly consecutiveFailures: number
  /** How long it stays open the first time; doubles each time it opens again. */
  readonly openMs: number
  readonly maxOpenMs: number
  /** How long the admitted share takes to rise from 0 to 1. */
  readonly recoveryMs: number
  /** Failures while recovering that open it again. */
  readonly recoveryFailures: number
  /** Below the opening threshold: worth telling somebody. */
  readonly alertFailureRate: number
  readonly alertLatencyMs: number
}

export const BREAKER_DEFAULTS: BreakerSettings = {
  windowSeconds: 30,
  minimumRequests: 10,
  failureRate: 0.5,
  consecutiveFailures: 5,
  openMs: 30_000,
  maxOpenMs: 300_000,
  recoveryMs: 10_000,
  recoveryFailures: 3,
  alertFailureRate: 0.3,
  alertLatencyMs: 5_000,
}
