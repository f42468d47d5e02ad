/**
 * Contexts of real requests of the last ten minutes, for looking at a change before it is published: a bounded sample of each
 * minute, so that a busy second does not push out the rest. In memory. Pure; time and chance are passed in.
 */
import type { SampledContext } from '../engine/index.ts'

/** A context and how many requests it stands for. */
export interface WeightedContext {
  readonly context: SampledContext
  readonly weight: number
}

const MINUTES = 10
const PER_MINUTE = 100

interface Minute {
  readonly kept: WeightedContext[]
  offered: number
}

export class RecentContexts {
  /** In [0, 1). */
  readonly #random: () => number
  readonly #minutes = new Map<number, Minute>()

  constructor(random: () => number) {
    this.#random = random
  }

  /** Takes a uniform sample of `of` requests. */
  add({ of, contexts }: { of: number; contexts: readonly SampledContext[] }, nowMs: number): void {
    const number = Math.floor(nowMs / 60_000)
    const minute = this.#minutes.get(number) ?? { kept: [], offered: 0 }
    this.#minutes.set(number, minute)
    for (const context of contexts) this.#offer(minute, { context, weight: of / contexts.length })
    this.#forget(number)
  }

  /** All that is kept; the weights of a minute add up to about its requests. */
  list(nowMs: number): WeightedContext[] {
    this.#forget(Math.floor(nowMs / 60_000))
    return [...this.#minutes.values()].flatMap(({ kept, offered }) =>
      kept.map(({ context, weight }) => ({ context, weight: (weight * offered) / kept.length })),
    )
  }

  /** Algorithm R: the n-th of a minute is kept with chance PER_MINUTE / n. */
  #offer(minute: Minute, context: WeightedContext): void {
    minute.offered += 1
    const at =
      minute.kept.length < PER_MINUTE ? minute.kept.length : Math.floor(this.#random() * minute.offered)
    if (at < PER_MINUTE) minute.kept[at] = context
  }

  #forget(now: number): void {
    for (const number of this.#minutes.keys()) if (now - number >= MINUTES) this.#minutes.delete(number)
  }
}
