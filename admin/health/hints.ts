/**
 * What health checks found, as the environment's object passes it on to edges: from memory, with an end, so that edges go by
 * their own breakers again where nobody checks any more. Pure; times are passed in, ms since 1970.
 */
export class HealthHints {
  /** `null`: nobody has told this instance anything. */
  #unhealthy: readonly string[] | null = null
  #untilMs = 0

  /** All addresses that are unhealthy, and for how long that holds without being said again, ms. */
  hear(unhealthy: readonly string[], holdsMs: number, nowMs: number): void {
    this.#unhealthy = unhealthy
    this.#untilMs = nowMs + holdsMs
  }

  /** Address → for how long it is to be left alone, ms; `undefined`: nobody knows. */
  told(nowMs: number): Record<string, number> | undefined {
    if (this.#unhealthy === null) return undefined
    if (this.#unhealthy.length === 0) return {}
    const forMs = this.#untilMs - nowMs
    return forMs > 0 ? Object.fromEntries(this.#unhealthy.map((name) => [name, forMs])) : undefined
  }
}
