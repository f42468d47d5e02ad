/**
 * JSON Web Tokens that say who a visitor is: what one must look like, and what its claims must say. Nothing here knows
 * whether a signature is genuine (jwk.ts). Pure. Never throws. Source: RFC 7515, RFC 7519, RFC 8725.
 */
import { isObject, type JwtIdentity } from '../engine/index.ts'
import { bytesOf, jsonOf } from './jws.ts'

/** Longest token that is looked at, in characters. */
export const MAX_JWT = 8_192
/** Longest identity that a claim may give, in UTF-16 units: a longer one is none, for a cut one could be somebody else's. */
const MAX_KEY = 1_024
/** How far the clock of an issuer may be ahead. */
const LEEWAY_SECONDS = 60

export type Claims = Readonly<Record<string, unknown>>

export interface Jwt {
  readonly alg: string
  /** Of the key that has signed it, where the token says so. */
  readonly kid: string | undefined
  readonly claims: Claims
  /** What is signed. */
  readonly signed: string
  readonly signature: Uint8Array<ArrayBuffer>
}

/** `null`: no JWT in compact form with a signature. Nothing in it is believed yet. */
export function readJwt(token: string): Jwt | null {
  const parts = token.split('.')
  if (parts.length !== 3) return null
  const header = jsonOf(parts[0]!)
  const claims = jsonOf(parts[1]!)
  const signature = bytesOf(parts[2]!)
  if (!isObject(header) || !isObject(claims) || signature === null) return null
  const { alg, kid, crit } = header
  const isPlain = crit === undefined && (kid === undefined || typeof kid === 'string')
  if (typeof alg !== 'string' || !isPlain) return null
  return { alg, kid, claims, signed: `${parts[0]}.${parts[1]}`, signature }
}

/** The targeting key that genuine claims give; `null`: another issuer's, somebody else's, over, not valid yet, or without it. */
export function keyIn(
  claims: Claims,
  { issuer, audience, claim = 'sub' }: JwtIdentity,
  nowMs: number,
): string | null {
  const { iss, aud, exp, nbf, iat } = claims
  const now = nowMs / 1_000
  const isForUs =
    iss === issuer && (aud === audience || (Array.isArray(aud) && aud.includes(audience))) && isTime(exp)
  if (!isForUs || now >= exp || !hasBegun(nbf, now) || !hasBegun(iat, now)) return null
  const value = Object.hasOwn(claims, claim) ? claims[claim] : null
  // A larger number has lost digits, and two visitors would be one.
  const key = Number.isSafeInteger(value) ? String(value) : value
  return typeof key === 'string' && key !== '' && key.length <= MAX_KEY ? key : null
}

const isTime = (value: unknown): value is number => Number.isFinite(value)

const hasBegun = (value: unknown, now: number): boolean =>
  value === undefined || (isTime(value) && value <= now + LEEWAY_SECONDS)
