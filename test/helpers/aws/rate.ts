/** A bucket of calls that fills by real time. */
export class Rate {
  #perSecond: number
  #left: number
  #atMs = Date.now()

  constructor(perSecond: number) {
    this.#perSecond = perSecond
    this.#left = perSecond
  }

  set(perSecond: number): void {
    this.#perSecond = perSecond
    this.#left = Math.min(this.#left, perSecond)
  }

  /** Whether one more is within the rate; if it is, it counts. */
  take(): boolean {
    const nowMs = Date.now()
    this.#left = Math.min(this.#perSecond, this.#left + ((nowMs - this.#atMs) * this.#perSecond) / 1000)
    this.#atMs = nowMs
    if (this.#left < 1) return false
    this.#left -= 1
    return true
  }
}
