/**
 * The first-party id of an anonymous visitor: 128 random bits and a MAC, so that visitors cannot choose their bucket. The
 * cookie holds the identity, never the decision.
 */
import { base64url, SecretKey, sameText } from './secret-key.ts'

const ID_LENGTH = 22
const MAX_AGE_SECONDS = 31_536_000
/** Verified cookies remembered per generation; two generations are kept. */
const REMEMBERED = 4_096

/** A genuine cookie. */
export interface Verified {
  readonly id: string
  /** The cookie to set in its place, if it was signed with the other key; `null`: it is as it should be. */
  readonly renewed: string | null
}

export class VisitorIds {
  readonly #key: SecretKey
  readonly #accepted: SecretKey | null
  #recent = new Map<string, string>()
  #older = new Map<string, string>()

  /** `accepted`: a second secret whose cookies are genuine too, while the first one is changed. */
  constructor(secret: string, accepted: string | null = null) {
    this.#key = new SecretKey(secret)
    this.#accepted = accepted === null ? null : new SecretKey(accepted)
  }

  /** The id in a cookie that was verified lately; `undefined`: ask `verify`. */
  known(cookie: string): string | undefined {
    return this.#recent.get(cookie) ?? this.#older.get(cookie)
  }

  /** `null` for a text that is no genuine cookie. */
  async verify(cookie: string): Promise<Verified | null> {
    const [id = '', mac = '', rest] = cookie.split('.')
    if (rest !== undefined || id.length !== ID_LENGTH || mac.length !== ID_LENGTH) return null
    const expected = await idMac(this.#key, id)
    if (sameText(expected, mac)) {
      this.#remember(cookie, id)
      return { id, renewed: null }
    }
    if (this.#accepted === null || !sameText(await idMac(this.#accepted, id), mac)) return null
    return { id, renewed: `${id}.${expected}` }
  }

  /** A new id with the cookie text that carries it. */
  async mint(): Promise<{ id: string; cookie: string }> {
    const id = base64url(crypto.getRandomValues(new Uint8Array(16)))
    const cookie = `${id}.${await idMac(this.#key, id)}`
    this.#remember(cookie, id)
    return { id, cookie }
  }

  #remember(cookie: string, id: string): void {
    if (this.#recent.size >= REMEMBERED) {
      this.#older = this.#recent
      this.#recent = new Map()
    }
    this.#recent.set(cookie, id)
  }
}

const idMac = (key: SecretKey, id: string): Promise<string> => key.mac(`turnout-id:${id}`)

/** Name of the id cookie: with the `__Host-` prefix over https, unless the route spans a domain. */
export const idCookieName = (https: boolean, domain: string | undefined): string =>
  https && domain === undefined ? '__Host-turnout-id' : 'turnout-id'

export function idSetCookie(cookie: string, https: boolean, domain: string | undefined): string {
  const scope = domain === undefined ? '' : `; Domain=${domain}`
  return `${idCookieName(https, domain)}=${cookie}; Path=/; Max-Age=${MAX_AGE_SECONDS}; HttpOnly; SameSite=Lax${https ? '; Secure' : ''}${scope}`
}
