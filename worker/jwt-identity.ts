/**
 * Visitors whom a JWT names: `jwt` among a route's identities. A token that does not hold is no identity, and never an error to
 * the visitor. Synchronous where the token was seen lately.
 */
import type { JwtIdentity } from '../engine/index.ts'
import { keyIn, MAX_JWT, readJwt } from './jwt.ts'
import { KeySet } from './key-set.ts'
import type { Clock } from './refresher.ts'
import type { RequestFacts } from './request-facts.ts'
import type { Service } from './service-origins.ts'
import type { Background } from './snapshots.ts'

/** Issuers whose keys are kept; the one asked for first goes first. */
const MAX_SETS = 100

export class JwtIdentities {
  readonly #services: ReadonlyMap<string, Service>
  readonly #clock: Pick<Clock, 'now' | 'wait'>
  /** By JWKS URL. */
  readonly #sets = new Map<string, KeySet>()

  /** `services`: who answers for hosts that are asked over a binding. */
  constructor(services: ReadonlyMap<string, Service>, clock: Pick<Clock, 'now' | 'wait'>) {
    this.#services = services
    this.#clock = clock
  }

  /** The targeting key that the request's token gives; `null`: none. */
  key(
    facts: RequestFacts,
    source: JwtIdentity,
    background: Background,
  ): string | null | Promise<string | null> {
    const token = tokenIn(facts, source)
    if (token === '' || token.length > MAX_JWT) return null
    const set = this.#setOf(source.jwksUrl)
    const known = set.known(token, background)
    if (known !== undefined) return keyIn(known, source, this.#clock.now())
    const jwt = readJwt(token)
    const key = jwt && keyIn(jwt.claims, source, this.#clock.now())
    return key && set.isGenuine(token, jwt!, background).then((isGenuine) => (isGenuine ? key : null))
  }

  #setOf(url: string): KeySet {
    const known = this.#sets.get(url)
    if (known !== undefined) return known
    if (this.#sets.size >= MAX_SETS) this.#sets.delete(this.#sets.keys().next().value!)
    const set = new KeySet(url, this.#services.get(new URL(url).host), this.#clock)
    this.#sets.set(url, set)
    return set
  }
}

/** Where the source says, with or without `Bearer` before it. */
const tokenIn = (facts: RequestFacts, { cookie, header = 'authorization' }: JwtIdentity): string =>
  cookie === undefined
    ? (facts.header(header)?.replace(/^Bearer +/i, '') ?? '')
    : (facts.cookie(cookie) ?? '')
