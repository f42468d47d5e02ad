/**
 * When a connection that stays is to end, because its visitor is served elsewhere now. Pure; time and chance are passed in.
 * Source: docs/traffic.md, "Connections that stay".
 */
import type { Drain, Name } from '../engine/index.ts'

const DEFAULT_MAX_AGE_SECONDS = 300

/** Where a request like the one that began the connection would go now. */
export interface Whereabouts {
  /** `null`: nowhere that this connection could be. */
  readonly variant: Name | null
  /** A kill says so. */
  readonly isKill: boolean
}

export class Draining {
  readonly #variant: Name
  /** How long after the change it ends. */
  readonly #withinMs: number
  #endMs: number | null = null

  /** `random`: in [0, 1); so that connections of one moment do not all come back at another. */
  constructor({ mode, maxAgeSeconds = DEFAULT_MAX_AGE_SECONDS }: Drain, variant: Name, random: number) {
    this.#variant = variant
    this.#withinMs = mode === 'immediate' ? 0 : maxAgeSeconds * 1_000 * random
  }

  /** A kill waits for nobody, and who is taken back meanwhile may stay. */
  isOver({ variant, isKill }: Whereabouts, nowMs: number): boolean {
    if (variant === this.#variant) {
      this.#endMs = null
      return false
    }
    this.#endMs ??= nowMs + this.#withinMs
    return isKill || nowMs >= this.#endMs
  }
}
