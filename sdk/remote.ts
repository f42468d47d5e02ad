/**
 * The remote client, for browsers and whatever else holds one context: asks the edge once for every flag, then answers from
 * memory, and hears of changes as they happen. Starts from what the page brings along or what was known last, so that a page
 * neither flickers nor fails while the edge is away. Speaks OFREP 0.3. Every byte here is in every page: see the size test.
 */
import type { Client, ClientEvents, Context, Details, Value } from './client.ts'

export type * from './client.ts'

export interface RemoteOptions {
  /** The edge, e.g. `https://www.example.com`. */
  readonly url: string
  /** Client key; none is needed in a local run's open environment. */
  readonly key?: string
  /** Whose flags these are. What the page's bootstrap says of its visitor is added. */
  readonly context?: Context
  /** Answers that came with the page. Default: those that the edge put into it; `null`: none. */
  readonly bootstrap?: Bootstrap | null
  /** Whether to listen for changes while the page is visible. Default `true`; nothing listens where there is no `EventSource`. */
  readonly stream?: boolean
  /** Where the latest answers are kept for the next visit. Default `localStorage`; `null`: nowhere. */
  readonly storage?: Pick<Storage, 'getItem' | 'setItem'> | null
  /** How long a load may take. Default 5 000. */
  readonly timeoutMs?: number
  /** Default: the platform's `fetch`. */
  readonly fetch?: typeof fetch
}

/** A bulk answer over OFREP, with its tag and the context that it was decided for. */
export interface Bootstrap {
  readonly flags: readonly Evaluation[]
  readonly metadata?: { readonly state?: string }
  readonly etag?: string | null
  readonly context?: Context
}

export interface Evaluation {
  readonly key: string
  readonly value?: unknown
  readonly variant?: string
  readonly reason?: string
  readonly errorCode?: string
}

export interface RemoteClient extends Client {
  /** Why the latest load failed; `undefined` while all is well. */
  readonly error: Error | undefined
  /** Asks for another context. Until there is an answer, the old ones are given, as `STALE`. */
  setContext(context: Context): Promise<void>
  /** Asks the edge again; the answers at hand stay where it cannot be reached. Never rejects. */
  refresh(): Promise<void>
}

/** Id of the element in which the edge puts a page's answers. */
const BOOTSTRAP_ID = 'turnout-flags'
const MAX_PAUSE_MS = 60_000
/** A stream that held for so long was a good one: the next one is tried soon. */
const GOOD_STREAM_MS = 60_000
/** Of the clients of a change, so that they do not all ask in the same moment. */
const SPREAD_MS = 100

export function createRemoteClient(options: RemoteOptions): RemoteClient {
  const { url, key, stream = true, timeoutMs = 5_000 } = options
  const base = `${url.replace(/\/$/, '')}/.turnout/`
  const { document: page, EventSource: Source } = globalThis
  const listeners = new Set<readonly [event: string, listener: (payload: never) => void]>()
  const closing = new AbortController()
  const { signal } = closing
  let context = options.context ?? {}
  let flags: Partial<Record<string, Evaluation[]>> | undefined
  /** Whether the answers are what the edge says now. */
  let fresh = false
  let etag: string | null | undefined
  let state = ''
  let error: Error | undefined
  let latest: Promise<void> | undefined
  let superseded = new AbortController()
  let source: EventSource | undefined
  let openedAtMs = 0
  let failures = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  function emit<E extends keyof ClientEvents>(event: E, payload: ClientEvents[E]): void {
    // Each in a turn of its own: what a listener throws is the page's to hear of, and stops nothing here.
    for (const [of, listener] of listeners) if (of === event) queueMicrotask(() => listener(payload as never))
  }

  /** Takes answers over. Throws where they are none. */
  function adopt(answers: Bootstrap): void {
    const before = flags
    // An object without a prototype, so that no key is taken for what every object has.
    const next = Object.groupBy(answers.flags, ({ key }) => key)
    const changed = Object.keys({ ...before, ...next }).filter(
      (flag) => text(before?.[flag]) !== text(next[flag]),
    )
    flags = next
    etag = answers.etag
    state = answers.metadata?.state ?? ''
    if (changed[0]) emit('change', changed)
  }

  /** Keeps answers for the next visit, or takes over those of the last. Whose they are is kept as a hash. */
  function memory(answers?: Bootstrap): void {
    try {
      const { storage = localStorage } = options
      const whose = hash(key + text(context))
      if (answers) storage!.setItem(base, text({ ...answers, whose }))
      else {
        const kept = JSON.parse(storage!.getItem(base)!)
        if (kept.whose === whose) adopt(kept)
      }
    } catch {
      // Empty, full, forbidden or damaged: the edge knows better.
    }
  }

  async function load(): Promise<void> {
    superseded.abort()
    const mine = new AbortController()
    superseded = mine
    try {
      const response = await (options.fetch ?? fetch)(
        `${base}ofrep/v1/evaluate/flags${state && `?flagConfigEtag=${state}`}`,
        {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            ...(key && { 'x-api-key': key }),
            ...(etag && { 'if-none-match': etag }),
          },
          body: text({ context }),
          signal: AbortSignal.any([mine.signal, AbortSignal.timeout(timeoutMs)]),
        },
      )
      const body = await response.text()
      if (mine.signal.aborted) return latest
      if (response.status !== 304) {
        if (!response.ok) throw new Error(`${base} answered ${response.status}: ${body.slice(0, 200)}`)
        const answers = { ...JSON.parse(body), etag: response.headers.get('etag') }
        adopt(answers)
        memory(answers)
      }
      fresh = true
      if (error) emit('ready', undefined)
      error = undefined
      listen()
      if (!source) failures = 0
    } catch (cause) {
      if (mine.signal.aborted) return latest
      if (!error) console.warn('turnout:', cause)
      fresh = false
      error = cause as Error
      emit('error', error)
      retry()
    }
  }

  async function refresh(): Promise<void> {
    clearTimeout(timer)
    if (signal.aborted) return
    latest = load()
    await latest
  }

  function later(ms: number): void {
    clearTimeout(timer)
    timer = setTimeout(refresh, ms)
  }

  function retry(): void {
    later(Math.min(MAX_PAUSE_MS, 1_000 * 2 ** failures++) * (0.5 + Math.random() / 2))
  }

  /** Opens the stream where there can be one and is none. */
  function listen(): void {
    if (!stream || !Source || source || page?.hidden) return
    source = new Source(`${base}stream?key=${key ?? ''}&lastEventId=${state}`)
    openedAtMs = Date.now()
    source.onmessage = ({ lastEventId }) => {
      if (!lastEventId || lastEventId === state) return
      state = lastEventId
      later(Math.random() * SPREAD_MS)
    }
    source.onerror = () => {
      if (Date.now() - openedAtMs > GOOD_STREAM_MS) failures = 0
      hush()
      retry()
    }
  }

  function hush(): void {
    source?.close()
    source = undefined
  }

  function details<T extends Value>(flagKey: string, value: T, given?: Context): Details<T> {
    const flag = flags?.[flagKey]?.[0]
    const errorCode =
      given && !agrees(given, context)
        ? 'INVALID_CONTEXT'
        : !flags
          ? 'PROVIDER_NOT_READY'
          : !flag
            ? 'FLAG_NOT_FOUND'
            : (flag.errorCode ?? (typeOf(flag.value) !== typeOf(value) && 'TYPE_MISMATCH'))
    const result = (
      errorCode
        ? { key: flagKey, value, reason: 'ERROR', errorCode }
        : { ...flag, ...(!fresh && { reason: 'STALE' }) }
    ) as Details<T>
    emit('check', result)
    return result
  }

  const value = <T extends Value>(flagKey: string, defaultValue: T, given?: Context): T =>
    details(flagKey, defaultValue, given).value

  function begin(): Promise<void> | void {
    memory()
    try {
      const { bootstrap = JSON.parse(page?.getElementById(BOOTSTRAP_ID)?.textContent ?? 'null') } = options
      if (bootstrap) {
        const { context: of = {} } = bootstrap as Bootstrap
        adopt(bootstrap)
        // Answers for somebody else are better than none, until there are better ones.
        fresh = agrees(context, of)
        context = { ...of, ...context }
      }
    } catch (cause) {
      console.warn('turnout:', cause)
    }
    return fresh ? listen() : refresh()
  }

  const ready = Promise.resolve(begin()).then(() => emit('ready', undefined))
  const look = () => {
    if (page?.hidden) hush()
    else refresh()
  }
  page?.addEventListener('visibilitychange', look, { signal })
  globalThis.addEventListener?.('online', look, { signal })

  return {
    ready,
    get error() {
      return error
    },
    boolean: value,
    string: value,
    number: value,
    object: value,
    booleanDetails: details,
    stringDetails: details,
    numberDetails: details,
    objectDetails: details,
    on(event, listener) {
      const entry = [event, listener] as const
      listeners.add(entry)
      return () => listeners.delete(entry)
    },
    setContext(next) {
      context = next
      fresh = false
      return refresh()
    },
    refresh,
    close() {
      latest = undefined
      superseded.abort()
      closing.abort()
      clearTimeout(timer)
      hush()
    },
  }
}

const text = JSON.stringify

/** Whether a context says nothing but what another one says too. */
const agrees = (context: Context, other: Context): boolean => text({ ...other, ...context }) === text(other)

/** `[object Array]` and the like: lists and `null` are no objects. */
const typeOf = (value: unknown): string => ({}).toString.call(value)

/** Enough to tell one visitor's answers from another's. */
const hash = (of: string): number => [...of].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) % 2 ** 32, 0)
