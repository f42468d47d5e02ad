/** How a local client asks the edge. Keeps nothing between two questions. */
import { later, type Timer } from './background.ts'

/** Where the edge is, and how it is asked. */
export interface EdgeOptions {
  /** The edge, e.g. `https://www.example.com`. */
  readonly url: string
  /** Server key. */
  readonly key: string
  /** Default: the platform's `fetch`. */
  readonly fetch?: typeof fetch
  /** Milliseconds since 1970. Default: the platform's clock. */
  readonly now?: () => number
}

/** The longest that a `Retry-After` is believed: a mistake there must not cut a client off for a day. */
const MAX_REST_MS = 300_000

/**
 * Asks for what is at an address below `/.turnout/`, and reads a good answer, or 304. Throws what is wrong, with `restMs`: how
 * long the edge wants to be left alone. It must be done in `limitMs`, or say so with `more`, and before `closing`.
 */
export async function ask<T>(
  // The platform's `fetch` is looked up each time: who watches requests, or a test, may put another one there.
  { url, key, now = Date.now, fetch: send = (...asked) => fetch(...asked) }: EdgeOptions,
  what: string,
  headers: Record<string, string>,
  closing: AbortSignal,
  limitMs: number,
  read: (response: Response, more: () => void) => Promise<T>,
): Promise<T> {
  closing.throwIfAborted()
  const address = `${url.replace(/\/$/, '')}/.turnout/${what}`
  const late = new AbortController()
  let timer: Timer | undefined
  const more = (): void => {
    clearTimeout(timer)
    timer = later(() => late.abort(new Error(`${address} answered nothing`)), limitMs)
  }
  more()
  try {
    const response = await send(address, {
      headers: { ...headers, authorization: `Bearer ${key}` },
      signal: AbortSignal.any([closing, late.signal]),
    })
    if (response.ok || response.status === 304) return await read(response, more)
    const text = (await response.text()).slice(0, 200)
    // Seconds, or a date.
    const after = response.headers.get('retry-after')!
    const restMs = Number(after) * 1_000 || Date.parse(after) - now() || 0
    throw Object.assign(new Error(`${address} answered ${response.status}: ${text}`), {
      restMs: Math.min(Math.max(restMs, 0), MAX_REST_MS),
    })
  } finally {
    clearTimeout(timer)
    // A body that is not read to its end would hold its connection.
    late.abort()
  }
}
