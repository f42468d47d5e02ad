/**
 * How long an address takes to its response headers: P95 over the last minute or so, in counters of growing width. Pure; time
 * is passed in, and no call allocates.
 */

/** Counters; each is a fifth wider than the one before: from 1 ms to some 5 minutes. */
const COUNTERS = 70
const GROWTH = 1.2
const LOG_GROWTH = Math.log(GROWTH)
/** Two halves: what is older than the one before the current is forgotten. */
const HALF_MS = 30_000
/** Fewer say nothing about the slowest twentieth. */
const LEAST = 20

export class Latency {
  #current = new Uint32Array(COUNTERS)
  #before = new Uint32Array(COUNTERS)
  #half = Number.NEGATIVE_INFINITY

  record(ms: number, nowMs: number): void {
    this.#turn(nowMs)
    this.#current[counterOf(ms)]! += 1
  }

  /** Upper bound of the P95, within a fifth, ms; `null`: fewer than 20 attempts. */
  p95Ms(nowMs: number): number | null {
    this.#turn(nowMs)
    let total = 0
    for (let at = 0; at < COUNTERS; at += 1) total += this.#current[at]! + this.#before[at]!
    if (total < LEAST) return null
    let above = total * 0.05
    for (let at = COUNTERS - 1; at >= 0; at -= 1) {
      above -= this.#current[at]! + this.#before[at]!
      if (above < 0) return Math.round(GROWTH ** at)
    }
    return 1
  }

  #turn(nowMs: number): void {
    const half = Math.floor(nowMs / HALF_MS)
    if (half <= this.#half) return
    const [current, before] = [this.#before, this.#current]
    if (half > this.#half + 1) before.fill(0)
    current.fill(0)
    this.#current = current
    this.#before = before
    this.#half = half
  }
}

/** Counter `n` holds what is above `GROWTH ** (n - 1)` and at most `GROWTH ** n`. */
const counterOf = (ms: number): number =>
  ms <= 1 ? 0 : Math.min(COUNTERS - 1, Math.ceil(Math.log(ms) / LOG_GROWTH))
