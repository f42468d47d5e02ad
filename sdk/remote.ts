/**
 * The remote client: asks the edge once for every flag of a context, then answers from memory. A check never throws, never
 * waits and makes no request; what is unknown is the caller's default. Speaks OFREP 0.3.
 */

export type Value = boolean | string | number | object

export interface RemoteOptions {
  /** The edge, e.g. `https://www.example.com`. */
  readonly url: string
  /** SDK key; none is needed in a local run's open environment. */
  readonly key?: string
  /** OpenFeature evaluation context of this client. */
  readonly context: Readonly<Record<string, unknown>>
  /** How long a load may take. Default 5 000. */
  readonly timeoutMs?: number
  /** Default: the platform's `fetch`. */
  readonly fetch?: typeof fetch
}

/** Why a check answered what it did; with an error code the value is the caller's default. */
export interface Details<T> {
  readonly value: T
  readonly variant?: string
  /** OpenFeature's resolution reason. */
  readonly reason: string
  readonly errorCode?: 'PROVIDER_NOT_READY' | 'FLAG_NOT_FOUND' | 'TYPE_MISMATCH' | string
}

export interface RemoteClient {
  /** Settles when the first answer is in, or has failed (`error`); never rejects. */
  readonly ready: Promise<void>
  /** Why the latest load failed; `undefined` while all is well. */
  readonly error: Error | undefined
  boolean(key: string, defaultValue: boolean): boolean
  string(key: string, defaultValue: string): string
  number(key: string, defaultValue: number): number
  object<T extends object>(key: string, defaultValue: T): T
  details<T extends Value>(key: string, defaultValue: T): Details<T>
  /** Asks the edge again; the answers at hand stay where it cannot be reached. Resolves to whether they changed. */
  refresh(): Promise<boolean>
  /** Drops a load under way; checks go on answering from memory. */
  close(): void
}

interface Evaluation {
  readonly key: string
  readonly value?: unknown
  readonly variant?: string
  readonly reason?: string
  readonly errorCode?: string
}

export function createRemoteClient(options: RemoteOptions): RemoteClient {
  const { url, key, context, timeoutMs = 5_000, fetch: request = fetch } = options
  const endpoint = `${url.replace(/\/$/, '')}/.turnout/ofrep/v1/evaluate/flags`
  const closing = new AbortController()
  let flags: Map<string, Evaluation> | undefined
  let etag: string | null = null
  let error: Error | undefined
  let loads = 0

  async function load(): Promise<boolean> {
    loads += 1
    const load = loads
    const headers: Record<string, string> = { 'content-type': 'application/json' }
    if (key !== undefined) headers['x-api-key'] = key
    if (etag !== null) headers['if-none-match'] = etag
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(timeoutMs)])
    const response = await request(endpoint, {
      method: 'POST',
      headers,
      body: JSON.stringify({ context }),
      signal,
    })
    if (response.status === 304) return false
    if (!response.ok) throw new Error(`${endpoint} answered ${response.status}: ${await response.text()}`)
    const body = (await response.json()) as { flags: Evaluation[] }
    // A younger load has answered already.
    if (load !== loads) return false
    flags = new Map(body.flags.map((flag) => [flag.key, flag]))
    etag = response.headers.get('etag')
    return true
  }

  async function refresh(): Promise<boolean> {
    try {
      const changed = await load()
      error = undefined
      return changed
    } catch (cause) {
      error = cause as Error
      return false
    }
  }

  function details<T extends Value>(flagKey: string, defaultValue: T): Details<T> {
    const failed = (errorCode: string): Details<T> => ({ value: defaultValue, reason: 'ERROR', errorCode })
    if (!flags) return failed('PROVIDER_NOT_READY')
    const flag = flags.get(flagKey)
    if (!flag) return failed('FLAG_NOT_FOUND')
    if (flag.errorCode !== undefined) return failed(flag.errorCode)
    if (typeOf(flag.value) !== typeOf(defaultValue)) return failed('TYPE_MISMATCH')
    return { value: flag.value as T, variant: flag.variant!, reason: flag.reason! }
  }

  const value = <T extends Value>(flagKey: string, defaultValue: T): T => details(flagKey, defaultValue).value

  return {
    ready: refresh().then(() => undefined),
    get error() {
      return error
    },
    boolean: value,
    string: value,
    number: value,
    object: value,
    details,
    refresh,
    close: () => closing.abort(),
  }
}

const typeOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
