/** What follows from an attempt: delivered, again later, or never. Pure. */

/** One try to deliver. */
export interface Attempt {
  /** ms since 1970 */
  readonly atMs: number
  readonly durationMs: number
  /** Of the answer; `null`: there was none. */
  readonly status: number | null
  /** What was wrong, as a sentence; `null`: it was accepted. */
  readonly problem: string | null
  /** First characters of a refusal's body. */
  readonly answer: string | null
  /** How long the target asks to be left alone; `null`: it does not say. */
  readonly retryAfterMs: number | null
}

export type Verdict =
  | { readonly outcome: 'delivered' }
  | { readonly outcome: 'retry'; readonly dueMs: number }
  | { readonly outcome: 'dead' }
  /** The target wants nothing more, ever. */
  | { readonly outcome: 'gone' }

const FIRST_BACKOFF_MS = 5_000
const GROWTH = 4
const MAX_BACKOFF_MS = 3_600_000
/** A delivery is given up this long after its first attempt was due. */
export const GIVE_UP_MS = 24 * 3_600_000

/** The target has read it and says that it can never take it. */
const REFUSED: ReadonlySet<number> = new Set([400, 413, 422])

/** `attempts`: made so far, this one included; `sinceMs`: when the first was due; `random` from 0 to below 1. */
export function verdictOf(
  attempt: Pick<Attempt, 'status' | 'problem' | 'retryAfterMs'>,
  { attempts, sinceMs }: { readonly attempts: number; readonly sinceMs: number },
  nowMs: number,
  random: number,
): Verdict {
  const { status, problem, retryAfterMs } = attempt
  if (problem === null) return { outcome: 'delivered' }
  if (status === 410) return { outcome: 'gone' }
  if (status !== null && REFUSED.has(status)) return { outcome: 'dead' }
  const dueMs = nowMs + Math.max(backoffMs(attempts, random), retryAfterMs ?? 0)
  return dueMs > sinceMs + GIVE_UP_MS ? { outcome: 'dead' } : { outcome: 'retry', dueMs }
}

/**
 * At most 5 s after the first attempt, then four times as much each, up to an hour: drawn evenly from none to all of it, so
 * that what failed together does not come back together.
 * Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/, "full jitter"
 */
export const backoffMs = (attempts: number, random: number): number =>
  Math.round(Math.min(FIRST_BACKOFF_MS * GROWTH ** (attempts - 1), MAX_BACKOFF_MS) * random)

/** `Date.parse` alone takes almost anything for a date. */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/

/** The header `retry-after` (RFC 9110 §10.2.3) in ms, at most an hour; `null`: there is none that can be read. */
export function retryAfterMs(header: string | null, nowMs: number): number | null {
  if (header === null) return null
  const text = header.trim()
  const ms = /^\d{1,10}$/.test(text)
    ? Number(text) * 1000
    : HTTP_DATE.test(text)
      ? Date.parse(text) - nowMs
      : NaN
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), MAX_BACKOFF_MS)
}
