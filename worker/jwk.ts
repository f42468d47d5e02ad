/**
 * Public keys of an issuer, and whether one of them has signed a token. Algorithms by this table alone; a key serves only the
 * one that its own type is made for, whatever a token says. Source: RFC 7517, RFC 7518, RFC 8037; RFC 8725, section 3.1.
 */
import { isObject } from '../engine/index.ts'
import type { Jwt } from './jwt.ts'

interface Algorithm {
  readonly kty: string
  readonly crv?: string
  readonly how: { readonly name: string; readonly hash?: string; readonly namedCurve?: string }
}

const ALGORITHMS = new Map<string, Algorithm>([
  ['RS256', { kty: 'RSA', how: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } }],
  ['ES256', { kty: 'EC', crv: 'P-256', how: { name: 'ECDSA', hash: 'SHA-256', namedCurve: 'P-256' } }],
  ['EdDSA', { kty: 'OKP', crv: 'Ed25519', how: { name: 'Ed25519' } }],
])

/** Keys of a set that are looked at. */
const MAX_KEYS = 20
/** Characters of a modulus of 2048 bits: a shorter one can be factored. */
const MIN_MODULUS = 342

/** A public key, usable for one algorithm. */
export interface Jwk {
  readonly alg: string
  readonly kid: unknown
  readonly parts: JsonWebKey
  /** Imported when it is first needed; `null`: it is no key. */
  key?: CryptoKey | null
}

/** The usable keys of a JWK set; throws if the text is none. */
export function readJwks(text: string): readonly Jwk[] {
  const set: unknown = JSON.parse(text)
  if (!isObject(set) || !Array.isArray(set.keys)) throw new Error('the answer is no JWK set')
  return set.keys.slice(0, MAX_KEYS).flatMap(usable)
}

function usable(key: unknown): Jwk[] {
  if (!isObject(key)) return []
  const { kty, crv, kid, n, e, x, y, use = 'sig', key_ops: uses = ['verify'] } = key
  const isWeak = kty === 'RSA' && !(typeof n === 'string' && n.length >= MIN_MODULUS)
  const isForThis = use === 'sig' && Array.isArray(uses) && uses.includes('verify')
  if (isWeak || !isForThis) return []
  return [...ALGORITHMS]
    .filter(([alg, fit]) => fit.kty === kty && fit.crv === crv && (key.alg ?? alg) === alg)
    .map(([alg]) => ({ alg, kid, parts: { kty, crv, n, e, x, y } as JsonWebKey }))
}

/** Whether one of the keys has signed it: the one that it names, or any if it names none. */
export async function isSignedBy(keys: readonly Jwk[], jwt: Jwt): Promise<boolean> {
  for (const key of keys)
    if (key.alg === jwt.alg && (jwt.kid === undefined || jwt.kid === key.kid) && (await verifies(key, jwt)))
      return true
  return false
}

async function verifies(key: Jwk, { signature, signed }: Jwt): Promise<boolean> {
  const { how } = ALGORITHMS.get(key.alg)!
  if (key.key === undefined)
    key.key = await crypto.subtle.importKey('jwk', key.parts, how, false, ['verify']).catch(() => null)
  if (key.key === null) return false
  return crypto.subtle.verify(how, key.key, signature, new TextEncoder().encode(signed))
}
