/**
 * A uniform sample of everything that is offered, of a fixed size, whatever the number of offers: algorithm L, which works
 * out how many offers to let pass, so that an offer costs one countdown. Pure; chance is passed in.
 * Source: K.-H. Li, "Reservoir-sampling algorithms of time complexity O(n(1 + log(N/n)))", 1994.
 */
export interface Sample<T> {
  readonly of: number
  readonly items: readonly T[]
}

export class Reservoir<T> {
  readonly #size: number
  /** In [0, 1). */
  readonly #random: () => number
  #kept: T[] = []
  /** Offers that pass before the next one is kept. */
  #skip = 0
  #threshold = 1
  /** Offers so far, and those still to pass. */
  #offered = 0

  constructor(size: number, random: () => number) {
    this.#size = size
    this.#random = random
  }

  /** Asked once an offer: whether it is kept. If so, `keep` must follow. */
  draws(): boolean {
    if (this.#skip === 0) return true
    this.#skip -= 1
    return false
  }

  keep(item: T): void {
    this.#offered += 1
    if (this.#kept.length < this.#size) this.#kept.push(item)
    else this.#kept[Math.floor(this.#random() * this.#size)] = item
    if (this.#kept.length === this.#size) this.#leap()
  }

  /** What was kept since the last time, and of how many offers; the next one begins a new sample. */
  take(): Sample<T> {
    const sample = { of: this.#offered - this.#skip, items: this.#kept }
    this.#kept = []
    this.#skip = 0
    this.#threshold = 1
    this.#offered = 0
    return sample
  }

  #leap(): void {
    this.#threshold *= Math.exp(Math.log(this.#chance()) / this.#size)
    this.#skip = Math.floor(Math.log(this.#chance()) / Math.log1p(-this.#threshold))
    this.#offered += this.#skip
  }

  /** In (0, 1]: its logarithm is finite. */
  #chance(): number {
    return 1 - this.#random()
  }
}
