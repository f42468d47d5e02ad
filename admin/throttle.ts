/**
 * Holds callers to `API_REQUESTS_PER_SECOND`. Kills and toggles are counted each for themselves, so that whoever is busy can
 * still switch off. Remembers in memory alone: who was forgotten begins anew.
 */
import { type Bucket, isFull, takeCall } from './rate-limit.ts'

/** More callers than this, and those who have not asked for a while are forgotten. */
const MAX_REMEMBERED = 1_000

/** What is counted together. */
export type Lane = 'kills' | 'toggles' | 'all-else'

/** So many kills and toggles a second are ordinary use, however low the limit is. */
const LEAST_URGENT = 20

/** Lanes of their own. */
const LANES: readonly (readonly [Lane, method: string, address: RegExp])[] = [
  ['kills', 'PUT', /^\/api\/v1\/environments\/[^/]+\/kills\/[^/]+$/],
  ['toggles', 'POST', /^\/api\/v1\/environments\/[^/]+\/flags\/[^/]+\/toggle$/],
]

/** Where a call counts; a toggle does whichever way it goes, which only its body says. */
export const laneOf = (method: string, path: string): Lane =>
  LANES.find(([, needed, address]) => method === needed && address.test(path))?.[0] ?? 'all-else'

export class Throttle {
  readonly #perSecond: number
  readonly #buckets = new Map<string, Bucket>()
  #nextSweepMs = 0

  /** 0: no limit. */
  constructor(perSecond: number) {
    this.#perSecond = perSecond
  }

  /** How many callers are remembered, each once for every lane. */
  get remembered(): number {
    return this.#buckets.size
  }

  /** How long the caller has to wait; 0: the call may be made, and counts. */
  waitMs(caller: string, lane: Lane, nowMs: number): number {
    if (this.#perSecond === 0) return 0
    const key = `${lane} ${caller}`
    const { bucket, waitMs } = takeCall(this.#buckets.get(key) ?? null, this.#limitOf(lane), nowMs)
    this.#buckets.set(key, bucket)
    if (this.#buckets.size > MAX_REMEMBERED && nowMs >= this.#nextSweepMs) this.#forgetIdle(nowMs)
    return waitMs
  }

  #limitOf(lane: Lane): number {
    return lane === 'all-else' ? this.#perSecond : Math.max(this.#perSecond, LEAST_URGENT)
  }

  #forgetIdle(nowMs: number): void {
    this.#nextSweepMs = nowMs + 1_000
    for (const [key, bucket] of this.#buckets)
      if (isFull(bucket, this.#limitOf(key.split(' ', 1)[0] as Lane), nowMs)) this.#buckets.delete(key)
  }
}
