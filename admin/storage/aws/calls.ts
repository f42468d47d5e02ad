/**
 * Calls of AWS: at most ten a second, since the account's limits are shared with everything else that runs in it; each
 * with a time limit; and again, with jittered back-off, while it fails for a passing reason, the budget lasts, and AWS was
 * heard of lately.
 */
import { StoreFailure } from '../store.ts'
import { type AwsError, isAmbiguous, isPassing, isThrottled, storeErrorOf } from './failure.ts'
import type { Timing } from './timing.ts'

const MIN_INTERVAL_MS = 100
const ATTEMPT_TIMEOUT_MS = 5_000
const BASE_BACKOFF_MS = 100
/** A throttled call waits longer: others need the throughput too. */
const THROTTLED_BACKOFF_MS = 400
const MAX_BACKOFF_MS = 4_000

const UNLIMITED: Budget = { allMs: Number.POSITIVE_INFINITY, silenceMs: Number.POSITIVE_INFINITY }

/** Time for what belongs together, in ms. */
export interface Budget {
  /** In all. */
  readonly allMs: number
  /** Without any answer: AWS that is slow or throttles gets all the time, AWS that is gone only this. */
  readonly silenceMs: number
}

export type Attempt<T> = (abortSignal: AbortSignal) => Promise<T>

export class Calls {
  readonly #timing: Timing
  /** When the next call may be made; shared by all that were made of one. */
  readonly #pace: { nextMs: number }
  readonly #deadlineMs: number
  readonly #silenceMs: number
  /** When AWS said anything at all, ms since 1970. */
  #heardMs: number

  constructor(timing: Timing, pace = { nextMs: 0 }, budget: Budget = UNLIMITED) {
    this.#timing = timing
    this.#pace = pace
    this.#heardMs = timing.nowMs()
    this.#deadlineMs = this.#heardMs + budget.allMs
    this.#silenceMs = budget.silenceMs
  }

  /** The same pace, and a budget for all that is called through it, from now on. */
  within(budget: Budget): Calls {
    return new Calls(this.#timing, this.#pace, budget)
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
    const left = Math.min(ATTEMPT_TIMEOUT_MS, this.#endMs() - this.#timing.nowMs())
    const signal = AbortSignal.timeout(Math.max(1, Math.floor(left)))
    try {
      // The SDK heeds the signal when it sends, not while it is given credentials.
      const answer = await Promise.race([attempt(signal), aborted(signal)])
      this.#heardMs = this.#timing.nowMs()
      return answer
    } catch (thrown) {
      if (!isAmbiguous(thrown as AwsError)) this.#heardMs = this.#timing.nowMs()
      throw thrown
    }
  }

  /** Whether there is time for another attempt after so many failed ones; waits if there is. */
  async mayRetry(error: AwsError, attempts: number): Promise<boolean> {
    if (!isPassing(error)) return false
    const base = isThrottled(error) ? THROTTLED_BACKOFF_MS : BASE_BACKOFF_MS
    const backoffMs = Math.min(base * 2 ** (attempts - 1), MAX_BACKOFF_MS) * (0.5 + this.#timing.random() / 2)
    const endMs = isThrottled(error) ? this.#deadlineMs : this.#endMs()
    if (this.#timing.nowMs() + backoffMs >= endMs) return false
    await this.#timing.wait(backoffMs)
    // Whoever is told to wait is not met with silence.
    if (isThrottled(error)) this.#heardMs = this.#timing.nowMs()
    return true
  }

  #endMs(): number {
    return Math.min(this.#deadlineMs, this.#heardMs + this.#silenceMs)
  }

  async #turn(): Promise<void> {
    const nowMs = this.#timing.nowMs()
    const atMs = Math.max(nowMs, this.#pace.nextMs)
    this.#pace.nextMs = atMs + MIN_INTERVAL_MS
    if (atMs > nowMs) await this.#timing.wait(atMs - nowMs)
  }
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, fail) => {
    signal.addEventListener('abort', () => fail(signal.reason), { once: true })
  })
