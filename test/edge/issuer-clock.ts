/** An issuer that answers from memory, and an isolate's view of it in simulated time. */
import type { JwtIdentity } from '../../engine/index.ts'
import { PLATFORM } from '../../worker/client.ts'
import { JwtIdentities } from '../../worker/jwt-identity.ts'
import { RequestFacts } from '../../worker/request-facts.ts'
import { AUDIENCE, ISSUER, type IssuerKey, JWKS_URL } from './issuer.ts'

export const SOURCE: JwtIdentity = { issuer: ISSUER, jwksUrl: JWKS_URL, audience: AUDIENCE }

export class Issuer {
  nowMs = Date.UTC(2026, 10, 26)
  /** What was asked for, in order. */
  readonly asked: { url: string; init: RequestInit }[] = []
  answer: () => Response | Promise<Response>
  readonly #left: Promise<unknown>[] = []
  readonly #jwts: JwtIdentities

  constructor(...keys: IssuerKey[]) {
    this.answer = () => Response.json({ keys: keys.map(({ jwk }) => jwk) })
    const fetch = async (url: string, init: RequestInit) => {
      this.asked.push({ url, init })
      return this.answer()
    }
    this.#jwts = new JwtIdentities(new Map([['issuer.test', { fetch: fetch as never }]]), {
      now: () => this.nowMs,
      wait: async (ms) => {
        await new Promise((resolve) => setImmediate(resolve))
        this.nowMs += ms
      },
    })
  }

  publish(...keys: IssuerKey[]): void {
    this.answer = () => Response.json({ keys: keys.map(({ jwk }) => jwk) })
  }

  /** Who a request with this token is; by default it stands in `authorization`. */
  async who(
    token: string,
    source: Partial<JwtIdentity> = {},
    headers: Record<string, string> = { authorization: `Bearer ${token}` },
  ): Promise<string | null> {
    const facts = new RequestFacts(new Request('https://e.test/', { headers }), PLATFORM)
    return this.#jwts.key(facts, { ...SOURCE, ...source }, (work) => this.#left.push(work))
  }

  /** All that answers have left to be done. */
  settled(): Promise<unknown> {
    return Promise.all(this.#left)
  }
}
