/**
 * Whether a failed attempt may be tried once on the fallback: a pure table over what failed and what the request is.
 * Source: docs/traffic.md, "Failover".
 */

/**
 * `unreached`: perhaps sent, no answer came (refused, reset, timeout before headers). `unavailable`: answered 502, 503, 504,
 * 520–527 or 530. `untouched`: the answer says that nothing was done (421, 425, 503 with `x-not-processed: 1`).
 */
export type Failure = 'unreached' | 'unavailable' | 'untouched'

/** The failure that an answer stands for; `null`: it is an answer, to be passed on. */
export function failureOf(status: number, notProcessed: boolean): Failure | null {
  if (status === 421 || status === 425 || (status === 503 && notProcessed)) return 'untouched'
  const unavailable = (status >= 502 && status <= 504) || (status >= 520 && status <= 527) || status === 530
  return unavailable ? 'unavailable' : null
}

export interface Attempted {
  readonly method: string
  /** The route says that its requests may be sent twice. */
  readonly idempotent: boolean
  readonly hasIdempotencyKey: boolean
}

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])
const IDEMPOTENT = new Set(['PUT', 'DELETE'])

/** Whether a request may be sent a second time after it failed. Source: RFC 9110, section 9.2.2, and the table above. */
export function mayRetry(failure: Failure, { method, idempotent, hasIdempotencyKey }: Attempted): boolean {
  if (failure === 'untouched' || SAFE.has(method)) return true
  if (!idempotent) return false
  return IDEMPOTENT.has(method) || (hasIdempotencyKey && (method === 'POST' || method === 'PATCH'))
}
