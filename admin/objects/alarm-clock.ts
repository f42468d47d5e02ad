/** The one alarm of an object, set for whatever is due next. An alarm that never came is noticed and set again. */

/** An alarm this late is taken for lost: the platform drops one after six failures. */
const LATE_MS = 5_000

/** The platform refuses an alarm for the year 1970's first moment, which is how "never yet" is stored. */
const EARLIEST_MS = 1

export class AlarmClock {
  readonly #ctx: DurableObjectState
  /** When the alarm is set for, ms since 1970; `null`: not, or this instance does not know. */
  #setForMs: number | null = null

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx
  }

  /**
   * Call right after the transaction that changed what is due: both are then stored together. What was due at any time gone by is
   * due at once.
   */
  set(dueMs: number | null): void {
    const { storage } = this.#ctx
    if (dueMs !== null && dueMs !== this.#setForMs)
      this.#ctx.waitUntil(storage.setAlarm(Math.max(dueMs, EARLIEST_MS)))
    if (dueMs === null && this.#setForMs !== null) this.#ctx.waitUntil(storage.deleteAlarm())
    this.#setForMs = dueMs
  }

  /** Remembers after an eviction what the alarm must be set for. */
  recall(dueMs: number | null): void {
    this.#setForMs ??= dueMs
  }

  isLate(nowMs: number): boolean {
    return this.#setForMs !== null && nowMs > this.#setForMs + LATE_MS
  }

  /** The alarm is ringing, or is taken for lost: whatever is due next must be set anew. */
  rang(): void {
    this.#setForMs = null
  }
}
