/** Who may evaluate: the environment is open (local runs only), or the request carries an SDK key the snapshot knows. */
import type { Access } from '../engine/index.ts'

/** `open` and `server` see every flag with the caller's context as given; `client` sees flags marked for browsers. */
export type Caller = 'open' | 'server' | 'client'

const encoder = new TextEncoder()
/** Hashes of keys seen lately, so that a busy key costs no digest; bounded, and of no use without the snapshot. */
const REMEMBERED = 1_000

export class Callers {
  readonly #local: boolean
  #hashes = new Map<string, string>()

  constructor(local: boolean) {
    this.#local = local
  }

  /** `null`: the request may not evaluate. */
  async caller(request: Request, access: Access): Promise<Caller | null> {
    return (await this.#kind(presentedKey(request), access)) ?? this.#openly(access)
  }

  /** As `caller`; a client key may also stand in the URL, for what sends no headers. A server key there is no key. */
  async callerByUrl(request: Request, key: string | null, access: Access): Promise<Caller | null> {
    const kind = await this.#kind(presentedKey(request), access)
    if (kind !== null) return kind
    return (await this.#kind(bounded(key), access)) === 'client' ? 'client' : this.#openly(access)
  }

  async #kind(key: string | null, access: Access): Promise<'client' | 'server' | null> {
    if (key === null) return null
    const hash = await this.#hash(key)
    return access.keys.find((candidate) => candidate.hash === hash)?.kind ?? null
  }

  #openly(access: Access): 'open' | null {
    return access.open && this.#local ? 'open' : null
  }

  async #hash(key: string): Promise<string> {
    const known = this.#hashes.get(key)
    if (known !== undefined) return known
    const digest = await crypto.subtle.digest('SHA-256', encoder.encode(key))
    const hash = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
    if (this.#hashes.size >= REMEMBERED) this.#hashes = new Map()
    this.#hashes.set(key, hash)
    return hash
  }
}

/** The key in a request's headers. */
export function presentedKey(request: Request): string | null {
  const bearer = /^Bearer +(\S+)$/i.exec(request.headers.get('authorization') ?? '')?.[1]
  return bounded(bearer ?? request.headers.get('x-api-key'))
}

const bounded = (key: string | null): string | null => (key !== null && key.length <= 256 ? key : null)
