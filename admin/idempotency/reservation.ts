/**
 * What becomes of a request with an idempotency key, from what is known of the key. A key is reserved before the work
 * begins; the answer is kept after it. If the one came and the other did not, nobody knows whether the work was done, so
 * the key stays closed for a while, and is free again then. Pure.
 */

/** A first request with a key. */
export interface Reservation {
  readonly requestId: string
  /** Of everything that the request asks for, hex. */
  readonly fingerprint: string
  /** When it began, ms since 1970. */
  readonly atMs: number
  readonly answered: boolean
}

export type Asked = Pick<Reservation, 'requestId' | 'fingerprint'>

export type Verdict =
  /** It is the first: reserve the key and do the work. */
  | { readonly verdict: 'begin' }
  | { readonly verdict: 'replay' }
  | { readonly verdict: 'in-flight' }
  /** The work of `requestId` was begun and never answered. */
  | { readonly verdict: 'answer-lost'; readonly requestId: string; readonly freeAtMs: number }
  /** The key belongs to something else. */
  | { readonly verdict: 'key-reused' }

/** How long answers are kept. */
export const KEPT_MS = 24 * 60 * 60 * 1000

/** Work that has not been answered after this long is taken for dead. */
export const IN_FLIGHT_MS = 60_000

/** From the beginning of such work until its key is free. */
export const LOST_MS = 5 * 60_000

/** `known` is `null` for a key that was never used, or is forgotten. */
export function judge(known: Reservation | null, asked: Asked, nowMs: number): Verdict {
  if (known === null || nowMs >= freeAtMs(known)) return { verdict: 'begin' }
  if (known.fingerprint !== asked.fingerprint) return { verdict: 'key-reused' }
  if (known.answered) return { verdict: 'replay' }
  // The same request again: a call of ours that was repeated because its answer did not arrive.
  if (known.requestId === asked.requestId) return { verdict: 'begin' }
  if (nowMs < known.atMs + IN_FLIGHT_MS) return { verdict: 'in-flight' }
  return { verdict: 'answer-lost', requestId: known.requestId, freeAtMs: freeAtMs(known) }
}

/** When the key may be used anew, ms since 1970. */
const freeAtMs = ({ atMs, answered }: Pick<Reservation, 'atMs' | 'answered'>): number =>
  atMs + (answered ? KEPT_MS : LOST_MS)
