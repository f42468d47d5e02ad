/**
 * The local client on Workers, and wherever else code only lives while it serves, as in functions: nothing happens in the background,
 * and requests share nothing but memory. Each request begins with `await flags.current(ctx)`, which mostly does not wait.
 */
import { type LocalClient, type LocalOptions, localClient } from './local.ts'
import { Looker, type RequestLife } from './on-request.ts'
import { STORAGE_LIMIT_MS } from './storage.ts'

export type * from './client.ts'
export type { LocalClient, LocalOptions, SnapshotStorage } from './local.ts'
export type { RequestLife } from './on-request.ts'
export { storage, type TextStorage } from './storage.ts'

export interface WorkerOptions extends LocalOptions {
  /** How old the snapshot may be before a request has it refreshed. Twice that, and requests wait for it. Default 5 000. */
  readonly pollMs?: number
}

export interface WorkerClient extends LocalClient {
  /**
   * Waits until there is something fresh enough to answer by. With the request's `ctx` a refresh goes on beside the request and beyond
   * it. Never rejects.
   */
  current(ctx?: RequestLife): Promise<void>
}

/** Does nothing yet, so it may stand outside of any request. `ready` is as `current()`. */
export function createClient(options: WorkerOptions): WorkerClient {
  const { pollMs = 5_000, timeoutMs = 5_000, now = Date.now, random = Math.random } = options
  const { client, load } = localClient(options)
  let isClosed = false
  const looker = new Looker({
    // A signal of its own for each load: one of another request must not be touched.
    load: (beside) => load(new AbortController().signal, beside),
    isLoaded: () => client.state !== undefined,
    pollMs,
    leaseMs: timeoutMs + (options.storage ? STORAGE_LIMIT_MS : 0),
    now,
    random,
  })
  const current = async (ctx?: RequestLife): Promise<void> => {
    if (!isClosed) await looker.current(ctx)
  }
  return Object.defineProperty(
    Object.assign(client, {
      current,
      refresh: async () => {
        if (!isClosed) await looker.refresh()
      },
      close() {
        isClosed = true
      },
    }),
    'ready',
    { get: () => current() },
  ) as WorkerClient
}
