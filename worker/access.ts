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
    const key = presentedKey(request)
    if (key !== null) {
      const hash = await this.#hash(key)
      const known = access.keys.find((candidate) => candidate.hash === hash)
      if (known) return known.kind
    }
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

function presentedKey(request: Request): string | null {
  const bearer = /^Bearer +(\S+)$/i.exec(request.headers.get('authorization') ?? '')?.[1]
  const key = bearer ?? request.headers.get('x-api-key')
  return key !== null && key.length <= 256 ? key : null
}
