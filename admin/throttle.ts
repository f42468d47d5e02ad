/** Holds callers to `API_REQUESTS_PER_SECOND`. Remembers in memory alone: who was forgotten begins anew. */
import { type Bucket, isFull, takeCall } from './rate-limit.ts'

/** More callers than this, and those who have not asked for a while are forgotten. */
const MAX_REMEMBERED = 1_000

export class Throttle {
  readonly #perSecond: number
  readonly #buckets = new Map<string, Bucket>()
  #nextSweepMs = 0

  /** 0: no limit. */
  constructor(perSecond: number) {
    this.#perSecond = perSecond
  }

  /** How many callers are remembered. */
  get remembered(): number {
    return this.#buckets.size
  }

  /** How long the caller has to wait; 0: the call may be made, and counts. */
  waitMs(caller: string, nowMs: number): number {
    if (this.#perSecond === 0) return 0
    const { bucket, waitMs } = takeCall(this.#buckets.get(caller) ?? null, this.#perSecond, nowMs)
    this.#buckets.set(caller, bucket)
    if (this.#buckets.size > MAX_REMEMBERED && nowMs >= this.#nextSweepMs) this.#forgetIdle(nowMs)
    return waitMs
  }

  #forgetIdle(nowMs: number): void {
    this.#nextSweepMs = nowMs + 1_000
    for (const [caller, bucket] of this.#buckets)
      if (isFull(bucket, this.#perSecond, nowMs)) this.#buckets.delete(caller)
  }
}
