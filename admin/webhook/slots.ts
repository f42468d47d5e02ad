/**
 * Who may send now. The platform opens six connections at a time, and a target that does not answer keeps one for the whole
 * time limit: targets whose last attempt failed get one each, and never more than half of all. No clock, no I/O.
 * Source: https://developers.cloudflare.com/workers/platform/limits/#simultaneous-open-connections
 */

const SLOTS = 6
const SLOTS_FOR_FAILING = 3
const SLOTS_EACH = 2

export interface Slot {
  readonly webhook: string
  readonly failing: boolean
}

export class Slots {
  readonly #taken = new Set<Slot>()

  /** `null`: there is none for this webhook now. */
  take(webhook: string, failing: boolean): Slot | null {
    const taken = [...this.#taken]
    const own = taken.filter((slot) => slot.webhook === webhook).length
    if (taken.length >= SLOTS || own >= (failing ? 1 : SLOTS_EACH)) return null
    if (failing && taken.filter((slot) => slot.failing).length >= SLOTS_FOR_FAILING) return null
    const slot = { webhook, failing }
    this.#taken.add(slot)
    return slot
  }

  giveBack(slot: Slot): void {
    this.#taken.delete(slot)
  }
}
