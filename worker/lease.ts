/**
 * The guard for "one at a time" among requests, none of which may count on another one's life: a timestamp that expires by
 * itself. Source: docs/decisions/0006.
 */
import { type FreshnessLimits, isOver } from './freshness.ts'

export class Lease {
  untilMs = Number.NEGATIVE_INFINITY
  #holder = 0

  isFree(nowMs: number, limits: FreshnessLimits): boolean {
    return isOver(this.untilMs, nowMs, limits)
  }

  /** Gives the holder's number: one that has lost the lease to another must neither renew nor release it. */
  take(untilMs: number): number {
    this.#holder += 1
    this.untilMs = untilMs
    return this.#holder
  }

  /** Whether it is still the holder's. */
  renew(holder: number, untilMs: number): boolean {
    if (holder !== this.#holder) return false
    this.untilMs = untilMs
    return true
  }

  release(holder: number): void {
    this.renew(holder, Number.NEGATIVE_INFINITY)
  }
}
