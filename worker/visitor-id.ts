/**
 * The first-party id of an anonymous visitor: 128 random bits and a MAC, so that visitors cannot choose their bucket. The
 * cookie holds the identity, never the decision.
 */
import { murmur3 } from '../engine/index.ts'
import { base64url, SecretKey, sameText } from './secret-key.ts'

const ID_LENGTH = 22
const MAX_AGE_SECONDS = 31_536_000
/** Verified cookies remembered per generation; two generations are kept. */
const REMEMBERED = 4_096

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A genuine cookie. */
export interface Verified {
  readonly id: string
  /** The cookie to set in its place, if it was signed with the other key; `null`: it is as it should be. */
  readonly renewed: string | null
}

interface Remembered {
  readonly cookie: string
  readonly id: string
}

export class VisitorIds {
  readonly #key: SecretKey
  readonly #accepted: SecretKey | null
  /** By a hash: looked for by the text itself, each part of a header would first be copied to the table of unique texts. */
  #recent = new Map<number, Remembered>()
  #older = new Map<number, Remembered>()

  /** `accepted`: a second secret whose cookies are genuine too, while the first one is changed. */
  constructor(secret: string, accepted: string | null = null) {
    this.#key = new SecretKey(secret)
    this.#accepted = accepted === null ? null : new SecretKey(accepted)
  }

  /** The id in a cookie that was verified lately; `undefined`: ask `verify`. */
  known(cookie: string): string | undefined {
    const hash = hashOf(cookie)
    const found = this.#recent.get(hash) ?? this.#older.get(hash)
    return found?.cookie === cookie ? found.id : undefined
  }

  /** `null` for a text that is no genuine cookie. */
  async verify(cookie: string): Promise<Verified | null> {
    const [id = '', mac = '', rest] = cookie.split('.')
    if (rest !== undefined || id.length !== ID_LENGTH || mac.length !== ID_LENGTH) return null
    const expected = await idMac(this.#key, id)
    if (sameText(expected, mac)) return { id: this.#remember(cookie), renewed: null }
    if (this.#accepted === null || !sameText(await idMac(this.#accepted, id), mac)) return null
    return { id, renewed: `${id}.${expected}` }
  }

  /** A new id with the cookie text that carries it. */
  async mint(): Promise<{ id: string; cookie: string }> {
    const id = base64url(crypto.getRandomValues(new Uint8Array(16)))
    const cookie = `${id}.${await idMac(this.#key, id)}`
    this.#remember(cookie)
    return { id, cookie }
  }

  /** Answers the id in it. */
  #remember(genuine: string): string {
    // A part of a header would keep all of the header.
    const cookie = decoder.decode(encoder.encode(genuine))
    const id = cookie.slice(0, ID_LENGTH)
    if (this.#recent.size >= REMEMBERED) {
      this.#older = this.#recent
      this.#recent = new Map()
    }
    this.#recent.set(hashOf(cookie), { cookie, id })
    return id
  }
}

/**
 * Of 72 bits of the MAC, so that time tells nothing of it to who knows an id; an integer that engines hold without an object.
 */
const hashOf = (cookie: string): number => murmur3(cookie.slice(-12), 0) >>> 2

const idMac = (key: SecretKey, id: string): Promise<string> => key.mac(`turnout-id:${id}`)

/** Name of the id cookie: with the `__Host-` prefix over https, unless the route spans a domain. */
export const idCookieName = (https: boolean, domain: string | undefined): string =>
  https && domain === undefined ? '__Host-turnout-id' : 'turnout-id'

export function idSetCookie(cookie: string, https: boolean, domain: string | undefined): string {
  const scope = domain === undefined ? '' : `; Domain=${domain}`
  return `${idCookieName(https, domain)}=${cookie}; Path=/; Max-Age=${MAX_AGE_SECONDS}; HttpOnly; SameSite=Lax${https ? '; Secure' : ''}${scope}`
}
