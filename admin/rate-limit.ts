/**
 * How often a caller may ask: a token bucket that holds one second's worth and fills all the time. Counted in thousandths
 * of a call, of which `perSecond` come in every millisecond: whole numbers only. Pure.
 */

export interface Bucket {
  /** As of `atMs`. */
  readonly thousandths: number
  /** ms since 1970 */
  readonly atMs: number
}

export interface Taken {
  readonly bucket: Bucket
  /** 0: the call may be made. Otherwise it takes nothing, and one may be made after so many milliseconds. */
  readonly waitMs: number
}

const CALL = 1_000

/** Takes one call. `bucket` is `null` for a caller not seen before. A clock that was set back fills nothing. */
export function takeCall(bucket: Bucket | null, perSecond: number, nowMs: number): Taken {
  const held = heldAt(bucket, perSecond, nowMs)
  if (held >= CALL) return { bucket: { thousandths: held - CALL, atMs: nowMs }, waitMs: 0 }
  return { bucket: { thousandths: held, atMs: nowMs }, waitMs: Math.ceil((CALL - held) / perSecond) }
}

/** Whether a caller of whom nothing is remembered would have as many. */
export const isFull = (bucket: Bucket, perSecond: number, nowMs: number): boolean =>
  heldAt(bucket, perSecond, nowMs) === perSecond * CALL

function heldAt(bucket: Bucket | null, perSecond: number, nowMs: number): number {
  const most = perSecond * CALL
  if (bucket === null) return most
  return Math.min(most, bucket.thousandths + Math.max(0, nowMs - bucket.atMs) * perSecond)
}
