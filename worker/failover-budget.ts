/**
 * How many second tries an arm may cause: a share of its requests, so that an origin that is down does not double the load on
 * the one that is not. Pure; time is passed in. Source: docs/traffic.md, "Failover".
 */

/** A window of so many seconds, the share of its requests that may be tried again, and how many may in any case. */
const WINDOW_SECONDS = 10
const SHARE = 0.2
const LEAST = 10

export class FailoverBudget {
  readonly #requests = new Uint32Array(WINDOW_SECONDS)
  readonly #failovers = new Uint32Array(WINDOW_SECONDS)
  #second = 0
  #requestsInWindow = 0
  #failoversInWindow = 0

  request(nowMs: number): void {
    this.#advance(nowMs)
    this.#requests[this.#second % WINDOW_SECONDS]! += 1
    this.#requestsInWindow += 1
  }

  /** In the window. */
  requests(nowMs: number): number {
    this.#advance(nowMs)
    return this.#requestsInWindow
  }

  /** Takes one second try, if there is one left. Never fewer than `least` in the window. */
  take(nowMs: number, least = LEAST): boolean {
    this.#advance(nowMs)
    if (this.#failoversInWindow >= Math.max(LEAST, least, SHARE * this.#requestsInWindow)) return false
    this.#failovers[this.#second % WINDOW_SECONDS]! += 1
    this.#failoversInWindow += 1
    return true
  }

  #advance(nowMs: number): void {
    const second = Math.floor(nowMs / 1_000)
    const steps = Math.min(second - this.#second, WINDOW_SECONDS)
    for (let step = 1; step <= steps; step += 1) {
      const at = (this.#second + step) % WINDOW_SECONDS
      this.#requestsInWindow -= this.#requests[at]!
      this.#failoversInWindow -= this.#failovers[at]!
      this.#requests[at] = 0
      this.#failovers[at] = 0
    }
    if (second > this.#second) this.#second = second
  }
}
