/**
 * Whom an environment's object takes calls from, without asking the project's object each time. That one tells everybody who
 * remembers callers before it answers that a token was revoked (project.ts), so what is remembered here is never out of date;
 * and none is remembered for longer than a minute, should it ever fail to.
 */
import type { Lane, Throttle } from '../throttle.ts'
import type { Recognition, Refusal } from './access.ts'

const REMEMBERED_MS = 60_000
/** More than there may be tokens; then all are forgotten. */
const MAX_REMEMBERED = 2_000

interface Caller {
  readonly id: string
  /** ms since 1970 */
  readonly untilMs: number
}

export class Callers {
  readonly #recognize: (tokenHash: string) => Promise<Recognition>
  readonly #isTold: () => boolean
  readonly #throttle: Throttle
  readonly #known = new Map<string, Caller>()
  /** Grows whenever all are forgotten. */
  #generation = 0

  /** `isTold`: whoever is recognized from now on, a revocation will be told here. */
  constructor(
    recognize: (tokenHash: string) => Promise<Recognition>,
    isTold: () => boolean,
    throttle: Throttle,
  ) {
    this.#recognize = recognize
    this.#isTold = isTold
    this.#throttle = throttle
  }

  /** Why whoever shows this token may not call now, or `null`. At once, if it is remembered. */
  refusalOf(tokenHash: string, lane: Lane, nowMs: number): Refusal | null | Promise<Refusal | null> {
    const caller = this.#known.get(tokenHash)
    return caller === undefined || nowMs >= caller.untilMs
      ? this.#ask(tokenHash, lane, nowMs)
      : this.#count(caller.id, lane, nowMs)
  }

  /** A token was revoked. */
  forget(): void {
    this.#known.clear()
    this.#generation += 1
  }

  async #ask(tokenHash: string, lane: Lane, nowMs: number): Promise<Refusal | null> {
    for (;;) {
      const generation = this.#generation
      const isTold = this.#isTold()
      const recognized = await this.#recognize(tokenHash)
      // Said before something was revoked, perhaps this.
      if (generation !== this.#generation) continue
      if ('refused' in recognized) return recognized
      const { principal, expiresAtMs } = recognized
      const untilMs = Math.min(nowMs + REMEMBERED_MS, expiresAtMs ?? Number.POSITIVE_INFINITY)
      if (isTold) this.#remember(tokenHash, { id: principal.id, untilMs })
      return this.#count(principal.id, lane, nowMs)
    }
  }

  #remember(tokenHash: string, caller: Caller): void {
    if (this.#known.size >= MAX_REMEMBERED) this.#known.clear()
    this.#known.set(tokenHash, caller)
  }

  #count(caller: string, lane: Lane, nowMs: number): Refusal | null {
    const waitMs = this.#throttle.waitMs(caller, lane, nowMs)
    return waitMs === 0 ? null : { refused: 'throttled', waitMs }
  }
}
