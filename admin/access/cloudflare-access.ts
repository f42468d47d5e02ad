/**
 * People who come through Cloudflare Access: the JWT that it adds to each request says who they are. Nothing else that a
 * request says about a person is believed.
 * Source: https://developers.cloudflare.com/cloudflare-one/identity/authorization-cookie/validating-json/
 */
import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'

/** Header that Access sets; the cookie CF_Authorization is not read, because nothing vouches for it here. */
export const ACCESS_HEADER = 'cf-access-jwt-assertion'

export interface AccessSettings {
  /** `https://TEAM.cloudflareaccess.com` */
  readonly issuer: string
  /** AUD tag of the Access application in front of the control plane. */
  readonly audience: string
}

export type Identified = { readonly id: string } | { readonly refused: string }

/** Tolerated difference between the clocks of Access and of this Worker. */
const CLOCK_TOLERANCE_SECONDS = 30

export class CloudflareAccess {
  readonly #settings: AccessSettings
  readonly #keys: JWTVerifyGetKey

  constructor(settings: AccessSettings) {
    this.#settings = settings
    this.#keys = teamKeys(settings)
  }

  /** Who the JWT is about, or why it is refused. Throws only if the team's keys cannot be had. */
  async identify(jwt: string, now: Date): Promise<Identified> {
    const { issuer, audience } = this.#settings
    try {
      const { payload } = await jwtVerify(jwt, this.#keys, {
        issuer,
        audience,
        algorithms: ['RS256', 'ES256'],
        requiredClaims: ['exp', 'iat'],
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        currentDate: now,
      })
      return subjectOf(payload)
    } catch (thrown) {
      if (thrown instanceof errors.JWKSTimeout || !(thrown instanceof errors.JOSEError)) throw thrown
      return { refused: `the Access JWT was refused: ${thrown.message}` }
    }
  }
}

/** Where the team's public keys come from: read when they are first asked for, and kept for a while. */
const teamKeys = ({ issuer }: AccessSettings): JWTVerifyGetKey =>
  createRemoteJWKSet(new URL(`${issuer}/cdn-cgi/access/certs`))

/** A person has an e-mail address, a service token a common name. */
function subjectOf({ email, common_name: service }: JWTPayload): Identified {
  if (typeof email === 'string' && email !== '') return { id: email.toLowerCase() }
  if (typeof service === 'string' && service !== '') return { id: `service:${service}` }
  return { refused: 'the Access JWT names neither an e-mail address nor a service token' }
}
