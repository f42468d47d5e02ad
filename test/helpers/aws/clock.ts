/** The emulator's clock: real time, moved ahead at will; or, once stopped, only what it is moved by. */
export class Clock {
  #aheadMs = 0
  #stoppedAtMs: number | null = null

  nowMs(): number {
    return (this.#stoppedAtMs ?? Date.now()) + this.#aheadMs
  }

  advance(ms: number): void {
    this.#aheadMs += ms
  }

  /** From now on time passes by `advance` alone. */
  stop(): void {
    this.#stoppedAtMs ??= Date.now()
  }
}
