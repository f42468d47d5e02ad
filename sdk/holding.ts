/**
 * What a local client answers by, and what a delivery of the edge makes of it: the larger (epoch, version) wins, for snapshot
 * and kills each, so that an isolate of the edge which is behind takes nothing back, and un-kills nothing. Pure.
 */
import { isNewer } from '../engine/control.ts'
import type { Delivery } from '../engine/delivery.ts'
import { type Prepared, prepare } from '../engine/prepare.ts'

/** What to answer by from now on; the same object where the delivery brings nothing new. */
export function newest(held: Prepared | undefined, { snapshot, kills }: Delivery): Prepared {
  // Versions of another environment say nothing: the URL, or the key, leads there now.
  if (held?.snapshot.environment !== snapshot.environment) return prepare(snapshot, kills)
  const newer = <T extends Versioned>(one: T, other: T): T =>
    isNewer(one.epoch, one.version, other.epoch, other.version) ? one : other
  const next = newer(snapshot, held.snapshot)
  const list = newer(kills, held.kills)
  return next === held.snapshot && list === held.kills ? held : prepare(next, list)
}

interface Versioned {
  readonly epoch: number
  readonly version: number
}

/** Whether a state, as the stream names it, is newer in any part than another one. What is no state never is. */
export function isAhead(one: string, other: string): boolean {
  const [epoch, ...versions] = one.split('-').map(Number)
  const [heldEpoch, ...held] = other.split('-').map(Number)
  return epoch! > heldEpoch! || (epoch === heldEpoch && versions.some((version, at) => version > held[at]!))
}

/**
 * Keys of the flags whose answers may be others after a change: rather too many than one too few. Kills and segments may decide any flag,
 * prerequisites whatever has some.
 */
export function changedFlags(before: Prepared | undefined, after: Prepared): string[] {
  const old = before?.snapshot
  const { flags, segments } = after.snapshot
  const shared = JSON.stringify([before?.kills.kills, old?.segments])
  const depends = shared === JSON.stringify([after.kills.kills, segments]) ? /"requires":/ : /./
  return [...new Map([...(old?.flags ?? []), ...flags]).keys()].filter(
    (key) => flags.get(key) !== old?.flags.get(key) || depends.test(flags.get(key)!),
  )
}
