/**
 * Keeps what only lives while it serves up to date: looks when a request comes. No promise, timer or stream is shared by requests,
 * whose platform may end them at any moment: one at a time asks, under a lease that expires by itself, and those who must wait look
 * at this memory.
 */
import { later } from './background.ts'
import { nextMs, pauseMs } from './follow.ts'
import type { Beside } from './local.ts'

export interface Look {
  /** Asks the edge once; answers how long to leave it alone where that failed, else `undefined`. Never rejects. */
  load(beside: Beside): Promise<number | undefined>
  /** Whether there is anything to answer by. */
  isLoaded(): boolean
  /** How old it may be before somebody looks. Twice that, and requests wait for the look. */
  readonly pollMs: number
  /** How long a load takes, at most. */
  readonly leaseMs: number
  readonly now: () => number
  readonly random: () => number
}

/** What keeps work alive beyond the response: a Worker's `ctx`. */
export interface RequestLife {
  waitUntil(work: Promise<unknown>): void
}

const GLANCE_MS = 5
/** No pause after a failure is longer. */
const LONGEST_PAUSE_MS = 360_000

export class Looker {
  readonly #look: Look
  #readAtMs = Number.NEGATIVE_INFINITY
  #dueAtMs = Number.NEGATIVE_INFINITY
  #leaseUntilMs = Number.NEGATIVE_INFINITY
  /** Which load holds the lease: one that lost it must not release it. */
  #holder = 0
  #failures = 0

  constructor(look: Look) {
    this.#look = look
  }

  /** Waits where it must. Never rejects. */
  async current(life?: RequestLife): Promise<void> {
    const { now, leaseMs } = this.#look
    const startedMs = now()
    for (;;) {
      const isFree = this.#isOver(this.#leaseUntilMs)
      if (isFree && this.#isOver(this.#dueAtMs)) {
        const loaded = this.#load(life)
        life?.waitUntil(loaded)
        return life && this.#mayAnswer() ? undefined : loaded
      }
      if (isFree || this.#mayAnswer() || Math.abs(now() - startedMs) > leaseMs) return
      await new Promise<void>((go) => later(go, GLANCE_MS))
    }
  }

  /** Looks now, whether it is due or not. Never rejects. */
  refresh(): Promise<void> {
    this.#dueAtMs = Number.NEGATIVE_INFINITY
    return this.current()
  }

  async #load(life: RequestLife | undefined): Promise<void> {
    const { load, now, random, pollMs, leaseMs } = this.#look
    this.#holder += 1
    const holder = this.#holder
    this.#leaseUntilMs = now() + leaseMs
    let beside: Promise<unknown> | undefined
    const restMs = await load((work) => {
      beside = work
    })
    if (restMs === undefined) {
      this.#readAtMs = now()
      this.#dueAtMs = now() + nextMs(pollMs, random())
      this.#failures = 0
    } else {
      this.#dueAtMs = now() + pauseMs(this.#failures, restMs, random())
      this.#failures += 1
    }
    if (holder === this.#holder) this.#leaseUntilMs = Number.NEGATIVE_INFINITY
    if (life && beside) life.waitUntil(beside)
    else await beside
  }

  /** A failure is not waited for twice. */
  #mayAnswer(): boolean {
    const { isLoaded, now, pollMs } = this.#look
    return isLoaded() && (this.#failures > 0 || Math.abs(now() - this.#readAtMs) <= 2 * pollMs)
  }

  /** What is further away than any that is ever given: the clock was set back, and nothing waits until it has caught up. */
  #isOver(untilMs: number): boolean {
    const { now, pollMs, leaseMs } = this.#look
    return now() >= untilMs || untilMs - now() > 2 * pollMs + leaseMs + LONGEST_PAUSE_MS
  }
}
