/**
 * The core of the local clients: what is held, how it is loaded, who hears of it. When it is loaded is for `createClient` to
 * say, of which there is one for processes and one for Workers.
 */
import { decodeDelivery, stateOf } from '../engine/delivery.ts'
import type { Prepared } from '../engine/prepare.ts'
import { checks } from './checks.ts'
import type { Client, ClientEvents, Context } from './client.ts'
import { ask, type EdgeOptions } from './edge.ts'
import { changedFlags, newest } from './holding.ts'

export interface LocalOptions extends EdgeOptions {
  /** What holds for every check; the check's own context is added, and wins. */
  readonly context?: Context
  /** Where the latest snapshot is kept for a start without the edge. Default: nowhere. */
  readonly storage?: SnapshotStorage
  /** How long a load may take. Default 5 000. */
  readonly timeoutMs?: number
  /** In [0, 1). Default: the platform's chance. */
  readonly random?: () => number
}

/**
 * Keeps a delivery outside of the process. It says itself what is wrong with it: neither throws nor rejects. `diskStorage` of
 * `@turnout/sdk/disk` is one, and `storage` of `@turnout/sdk/storage` makes one of two functions.
 */
export interface SnapshotStorage {
  /** What was written last for the same edge and key; nothing where there is nothing. */
  read(of: EdgeOptions): Promise<string | undefined>
  write(of: EdgeOptions, text: string): Promise<void>
}

export interface LocalClient extends Client {
  /** Why the latest load failed; `undefined` while all is well. */
  readonly error: Error | undefined
  /** Names what is answered by, `EPOCH-VERSION-KILLS`; `undefined` while there is nothing. */
  readonly state: string | undefined
  /** Asks the edge again; what is at hand stays where it cannot be reached. Never rejects. */
  refresh(): Promise<void>
}

/** Is given work that need not be waited for. */
export type Beside = (work: Promise<unknown> | undefined) => void

/** A client without what keeps it up to date. */
export interface Core {
  readonly client: Omit<LocalClient, 'ready' | 'refresh' | 'close'>
  /**
   * Asks the edge once. Answers how long to leave it alone where that failed, else `undefined`. Never rejects. `closing` ends it
   * early; `beside` is given what need not be waited for.
   */
  load(closing: AbortSignal, beside?: Beside): Promise<number | undefined>
  /** Tells of a failure, and warns of one that is not known yet. Answers how long to leave the edge alone. */
  failed(cause: unknown, isKnown: unknown): number
}

export function localClient(options: LocalOptions): Core {
  const { context, storage, timeoutMs = 5_000 } = options
  const listeners: { [E in keyof ClientEvents]?: Set<(payload: ClientEvents[E]) => void> } = {}
  let held: Prepared | undefined
  let state: string | undefined
  /** Whether that is what the edge says now. */
  let isFresh = false
  let error: Error | undefined

  function emit<E extends keyof ClientEvents>(event: E, payload: ClientEvents[E]): void {
    // Each in a turn of its own: what a listener throws is the application's to hear of, and stops nothing here.
    for (const listener of listeners[event] ?? []) queueMicrotask(() => listener(payload))
  }

  function failed(cause: unknown, isKnown: unknown): number {
    if (!isKnown) console.warn('turnout:', cause)
    emit('error', cause as Error)
    return (cause as { restMs?: number }).restMs ?? 0
  }

  /** Takes over a delivery; answers whether all of it is news. Throws what is wrong with it. */
  function adopt(text: string): boolean {
    const delivery = decodeDelivery(text)
    if (!delivery.ok) throw new Error(delivery.error)
    const next = newest(held, delivery.value)
    const isNews = next !== held
    if (listeners.change && isNews) emit('change', changedFlags(held, next))
    held = next
    state = stateOf(next)
    return isNews && state === stateOf(delivery.value)
  }

  async function load(closing: AbortSignal, beside: Beside = () => {}): Promise<number | undefined> {
    const isFirst = !state && !error
    const before = error
    let restMs: number | undefined
    try {
      const kept = isFirst && (await storage?.read(options))
      if (kept) adopt(kept)
      await ask(
        options,
        'snapshot',
        { 'if-none-match': `"${state}"` },
        closing,
        timeoutMs,
        async (response) => {
          if (response.status === 304) return
          const text = await response.text()
          // Where a part of it is older than what is held, the next start would un-kill by it.
          if (adopt(text)) beside(storage?.write(options, text))
        },
      )
      isFresh = true
      error = undefined
    } catch (cause) {
      if (!closing.aborted) {
        isFresh = false
        error = cause as Error
        restMs = failed(cause, before)
      }
    }
    if (isFirst || (before && !error)) emit('ready', undefined)
    return restMs
  }

  return {
    client: {
      ...checks(
        () => held,
        () => isFresh,
        context,
        () => listeners.check,
      ),
      get error() {
        return error
      },
      get state() {
        return state
      },
      on(event, listener) {
        const of = listeners[event] ?? new Set()
        listeners[event] = of as never
        of.add(listener as never)
        return () => of.delete(listener as never)
      },
    },
    load,
    failed,
  }
}
