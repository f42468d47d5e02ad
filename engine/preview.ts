/**
 * Signed previews: what a token says that lets one visitor see a variant before anybody else does. A compact JWS (EdDSA over
 * Ed25519): the control plane signs, edges hold public keys only. Shapes and checks; pure. Source: docs/traffic.md, "Previews".
 */
import { isKey, isObject } from './check.ts'
import type { Key, Name } from './document.ts'

/** Name of the query parameter, and of the cookie where it has no prefix. */
export const PREVIEW = 'turnout-preview'

/** Longest life of a token. */
export const MAX_PREVIEW_SECONDS = 86_400

/** Longest token: it has to fit into a cookie. */
export const MAX_PREVIEW_TOKEN = 3_072

/** Most previews of an environment that are not over, so that what is revoked stays small in every snapshot. */
export const MAX_PREVIEWS = 500

export const PREVIEW_HEADER = { alg: 'EdDSA', typ: 'turnout-preview' } as const

/** Of one route's decisions, or of a flag wherever it is asked. */
export type Previewed = { readonly route: string } | { readonly flag: Key }

/** Claims of a token. Times in seconds since 1970. */
export type PreviewClaims = Previewed & {
  readonly variant: Name
  /** Environment. */
  readonly iss: string
  /** Host that it is for, with the port where it is not the scheme's own. */
  readonly aud: string
  /** Names the preview, e.g. to revoke it. */
  readonly jti: string
  readonly iat: number
  readonly exp: number
}

/** What edges know of previews: part of the snapshot. */
export interface PreviewAccess {
  readonly keys: readonly PreviewKey[]
  /** Ids of previews that were ended before their time. */
  readonly revoked: readonly string[]
}

export interface PreviewKey {
  readonly id: string
  /** The 32 bytes of the public key, base64url. */
  readonly key: string
  /** Of a key that signs no more: when the last token under it ends, s since 1970. */
  readonly until?: number
}

/** The claims in a payload that was signed; `null`: it has not their form. */
export function previewClaims(value: unknown): PreviewClaims | null {
  if (!isObject(value)) return null
  const { route, flag, variant, iss, aud, jti, iat, exp } = value
  const texts = [variant, iss, aud, jti].every((text) => typeof text === 'string')
  const times = Number.isInteger(iat) && Number.isInteger(exp)
  const isOne = (route === undefined) !== (flag === undefined) && isKey(route ?? flag)
  return texts && times && isOne ? (value as unknown as PreviewClaims) : null
}

/** Where and when a token is shown. */
export interface Shown {
  readonly environment: string
  readonly host: string
  readonly access: PreviewAccess | undefined
  readonly nowMs: number
}

/** Clocks of control plane and edges may be so far apart, s. */
const LEEWAY_SECONDS = 60

/** Why claims under that key do not hold here and now, as the end of a sentence; `null`: they hold. */
export function previewProblem(claims: PreviewClaims, kid: string, shown: Shown): string | null {
  const { environment, host, access, nowMs } = shown
  const key = access?.keys.find(({ id }) => id === kid)
  if (key === undefined) return 'is signed with a key that is not known here, or not yet'
  if (claims.iss !== environment) return `is for environment ${claims.iss}; this is ${environment}`
  if (claims.aud.toLowerCase() !== host.toLowerCase()) return `is for ${claims.aud}; this is ${host}`
  if (claims.exp > (key.until ?? Number.POSITIVE_INFINITY)) return 'is signed with a key that signs no more'
  if (claims.exp - claims.iat > MAX_PREVIEW_SECONDS) return 'is good for longer than a day'
  if (claims.iat * 1_000 > nowMs + LEEWAY_SECONDS * 1_000) return 'is from the future'
  if (claims.exp * 1_000 <= nowMs) return `ended at ${new Date(claims.exp * 1_000).toISOString()}`
  if (access!.revoked.includes(claims.jti)) return 'was revoked'
  return null
}
