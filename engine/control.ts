/**
 * Where edge and control plane meet: the shape of the `CONTROL` binding, and of the last-known-good copy that the
 * control plane writes at every publish and a cold edge reads when the control plane is out of reach. Pure.
 */
import type { KillList } from './kills.ts'
import type { MetricBatch, Recorded } from './report.ts'
import { err, ok, type Result } from './result.ts'

/** What an isolate already holds. All zero: nothing yet. */
export interface Known {
  epoch: number
  snapshot: number
  kills: number
  /** The kills that are in force there, if there are any: the control plane may have lost them. */
  held?: KillList
}

/** Answer of `read`: small, whatever the size of the snapshot. */
export interface Update {
  environment: string
  epoch: number
  /** Current snapshot version; fetch its body with `snapshot(epoch, version)` if it is not the one held. */
  snapshot: number
  /** The whole list, or `null` if the caller's `(epoch, kills)` is current. Apply it before the snapshot. */
  kills: KillList | null
  /**
   * Addresses of origins that health checks find unhealthy → for how long that holds if nobody says so again, ms. Absent: the
   * control plane does not know; what was said before holds until its time is over.
   */
  unhealthy?: Readonly<Record<string, number>>
}

export interface ControlRpc {
  read(known: Known): Promise<Update>
  /**
   * Wire form of a snapshot (`decodeSnapshot`); an immutable body, cacheable for ever under the version that it says. Where that
   * version is kept no more, it is the current one, which is newer. Throws if there has been no such version.
   */
  snapshot(epoch: number, version: number): Promise<string>
  /** Counts a batch once, however often it comes. */
  record(batch: MetricBatch): Promise<Recorded>
}

/** The larger `(epoch, version)` wins; the only freshness rule there is. */
export const isNewer = (epoch: number, version: number, heldEpoch: number, heldVersion: number): boolean =>
  epoch > heldEpoch || (epoch === heldEpoch && version > heldVersion)

/** Key in the `LAST_KNOWN_GOOD` namespace. */
export const lastKnownGoodKey = (environment: string): string => `${environment}.snapshot`

export interface LastKnownGood {
  /** When the control plane wrote the copy, ms since 1970. */
  writtenAtMs: number
  kills: KillList
  /** Wire form of the snapshot. */
  snapshot: string
}

/** One JSON line with everything but the snapshot, then the snapshot's wire form untouched. */
export function encodeLastKnownGood(copy: LastKnownGood): string {
  return `${JSON.stringify({ writtenAtMs: copy.writtenAtMs, kills: copy.kills })}\n${copy.snapshot}`
}

export function decodeLastKnownGood(text: string): Result<LastKnownGood, string> {
  const end = text.indexOf('\n')
  if (end < 0) return err('last-known-good copy has no header line')
  try {
    const { writtenAtMs, kills } = (JSON.parse(text.slice(0, end)) ?? {}) as Partial<LastKnownGood>
    if (typeof writtenAtMs !== 'number' || !Array.isArray(kills?.kills))
      return err('last-known-good header lacks a field')
    return ok({ writtenAtMs, kills, snapshot: text.slice(end + 1) })
  } catch (cause) {
    return err(`last-known-good header is not JSON: ${(cause as Error).message}`)
  }
}
