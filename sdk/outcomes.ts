/**
 * Tells the edge how flags do: who was given which variant, and how it went, as sums without a name in them. Works beside any
 * client; a part of its own, so that a page that reports nothing does not carry it. Never blocks, never throws, is bounded.
 */
import { type Counted, FlagCounts, MAX_FLAG_COUNTS, type Part } from '../engine/flag-counts.ts'
import type { Client, Details, FlagKey } from './client.ts'

export interface OutcomesOptions {
  /** The edge, as the client's. */
  readonly url: string
  /** The client's key. In a browser it goes into the URL, which is for client keys alone. */
  readonly key?: string
  /** How long counts gather before they are sent. Default 10 000. */
  readonly intervalMs?: number
  /** Default: the platform's `fetch`. */
  readonly fetch?: typeof fetch
}

/** It went well, it failed, or a value that was measured. */
export type Outcome = 'ok' | 'error' | number

export interface Outcomes {
  /**
   * How it went under a flag: under the variant of these details, or, given a key, of that flag's latest check. Without a
   * variant there is nothing to report on, and nothing is. `part`: of a migration, apart from the whole.
   */
  report(flag: FlagKey | Details, outcome: Outcome, part?: Part): void
  /**
   * Runs work and reports `ok`, or `error` where it throws or rejects; `timed`: also how long it took, in milliseconds, as a
   * value that was measured. What it gives or throws is handed on.
   */
  watch<T>(flag: FlagKey | Details, work: () => T, timed?: boolean): T
  /** Sends what has gathered; never rejects. In a Worker: `ctx.waitUntil(outcomes.flush())`, as its timers end with the request. */
  flush(): Promise<void>
  /** Sends what has gathered, and stops. */
  close(): void
}

/** Exposures that are remembered, so that each is counted once; beyond it some may be counted again. */
const MAX_REMEMBERED = 10_000

export function reportOutcomes(client: Client, options: OutcomesOptions): Outcomes {
  const { url, key, intervalMs = 10_000 } = options
  const page = globalThis.document
  const endpoint = `${url.replace(/\/$/, '')}/.turnout/events`
  const address = page && key ? `${endpoint}?key=${encodeURIComponent(key)}` : endpoint
  const counts = new FlagCounts(MAX_FLAG_COUNTS)
  const latest = new Map<string, string>()
  let exposed = new Set<string>()
  let timer: ReturnType<typeof setTimeout> | undefined
  const closing = new AbortController()

  function count(
    flag: string,
    variant: string,
    of: Partial<Record<Counted, number>> & { part?: Part | undefined },
  ): void {
    if (closing.signal.aborted) return
    const row = { flag, variant, ...of }
    // Full: what has gathered goes out, and there is room.
    if (!counts.add(row)) {
      flush()
      counts.add(row)
    }
    if (timer !== undefined) return
    timer = setTimeout(flush, intervalMs)
    // In Node a timer would keep the process; elsewhere it is a number.
    ;(timer as { unref?(): void }).unref?.()
  }

  const stopListening = client.on('check', ({ key: flag, variant, targetingKey, errorCode }) => {
    if (variant === undefined || errorCode !== undefined) return
    latest.set(flag, variant)
    const exposure = `${flag}\n${variant}\n${targetingKey}`
    if (exposed.has(exposure)) return
    if (exposed.size >= MAX_REMEMBERED) exposed = new Set()
    exposed.add(exposure)
    count(flag, variant, { exposures: 1 })
  })

  function report(flag: string | Details, outcome: Outcome, part?: Part): void {
    const of = {
      part,
      ...(outcome === 'ok'
        ? { ok: 1 }
        : outcome === 'error'
          ? { errors: 1 }
          : { values: 1, sum: outcome, squares: outcome ** 2 }),
    }
    if (typeof flag !== 'string') {
      if (flag.variant !== undefined) count(flag.key, flag.variant, of)
      return
    }
    // After the checks of this turn have been told.
    queueMicrotask(() => {
      const variant = latest.get(flag)
      if (variant !== undefined) count(flag, variant, of)
    })
  }

  function watch<T>(flag: string | Details, work: () => T, timed?: boolean): T {
    const startedAtMs = performance.now()
    const end = (outcome: Outcome): void => {
      report(flag, outcome)
      if (timed) report(flag, performance.now() - startedAtMs)
    }
    try {
      const result = work()
      if (result instanceof Promise)
        result.then(
          () => end('ok'),
          () => end('error'),
        )
      else end('ok')
      return result
    } catch (thrown) {
      end('error')
      throw thrown
    }
  }

  async function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    const flags = counts.take()
    if (flags.length === 0) return
    const body = JSON.stringify({ flags })
    // A page that is going away cannot wait for an answer.
    if (page?.hidden && navigator.sendBeacon(address, body)) return
    const headers: Record<string, string> = page || !key ? {} : { 'x-api-key': key }
    try {
      await (options.fetch ?? fetch)(address, { method: 'POST', body, headers, keepalive: true })
    } catch {
      // What is lost is lost: it may have arrived after all, and must not count twice.
    }
  }

  page?.addEventListener('visibilitychange', () => page.hidden && flush(), { signal: closing.signal })

  return {
    report,
    watch,
    flush,
    close() {
      stopListening()
      flush()
      closing.abort()
    },
  }
}
