/**
 * Calls of AWS: at most ten a second, since the account's limits are shared with everything else that runs in it; each
 * with a time limit; and again, with jittered back-off, while it fails for a passing reason and the budget lasts.
 */
import { StoreFailure } from '../store.ts'
import { type AwsError, isPassing, isThrottled, storeErrorOf } from './failure.ts'
import type { Timing } from './timing.ts'

const MIN_INTERVAL_MS = 100
const ATTEMPT_TIMEOUT_MS = 5_000
const BASE_BACKOFF_MS = 100
/** A throttled call waits longer: others need the throughput too. */
const THROTTLED_BACKOFF_MS = 400
const MAX_BACKOFF_MS = 4_000

export type Attempt<T> = (abortSignal: AbortSignal) => Promise<T>

export class Calls {
  readonly #timing: Timing
  /** When the next call may be made; shared by all that were made of one. */
  readonly #pace: { nextMs: number }
  readonly #deadlineMs: number

  constructor(timing: Timing, pace = { nextMs: 0 }, deadlineMs = Number.POSITIVE_INFINITY) {
    this.#timing = timing
    this.#pace = pace
    this.#deadlineMs = deadlineMs
  }

  /** The same pace, and so many ms for all that is called through it. */
  within(budgetMs: number): Calls {
    return new Calls(this.#timing, this.#pace, this.#timing.nowMs() + budgetMs)
  }

  /** Throws `StoreFailure` when the call is refused or the budget is used up. `action` as IAM names it. */
  async run<T>(action: string, attempt: Attempt<T>): Promise<T> {
    for (let attempts = 1; ; attempts++) {
      try {
        return await this.once(attempt)
      } catch (thrown) {
        if (thrown instanceof StoreFailure) throw thrown
        const error = thrown as AwsError
        if (!(await this.mayRetry(error, attempts)))
          throw new StoreFailure(storeErrorOf(action, error), { cause: thrown })
      }
    }
  }

  /** One attempt, in its turn. Throws what the SDK throws. */
  async once<T>(attempt: Attempt<T>): Promise<T> {
    await this.#turn()
    const left = Math.min(ATTEMPT_TIMEOUT_MS, this.#deadlineMs - this.#timing.nowMs())
    return attempt(AbortSignal.timeout(Math.max(1, Math.floor(left))))
  }

  /** Whether there is time for another attempt after so many failed ones; waits if there is. */
  async mayRetry(error: AwsError, attempts: number): Promise<boolean> {
    if (!isPassing(error)) return false
    const base = isThrottled(error) ? THROTTLED_BACKOFF_MS : BASE_BACKOFF_MS
    const backoffMs = Math.min(base * 2 ** (attempts - 1), MAX_BACKOFF_MS) * (0.5 + this.#timing.random() / 2)
    if (this.#timing.nowMs() + backoffMs >= this.#deadlineMs) return false
    await this.#timing.wait(backoffMs)
    return true
  }

  async #turn(): Promise<void> {
    const nowMs = this.#timing.nowMs()
    const atMs = Math.max(nowMs, this.#pace.nextMs)
    this.#pace.nextMs = atMs + MIN_INTERVAL_MS
    if (atMs > nowMs) await this.#timing.wait(atMs - nowMs)
  }
}
