/**
 * `x-turnout-context`: what was decided for a request, signed, so that its origin answers flags without asking anybody and
 * never otherwise than it was routed. A compact JWS; each origin has a key of its own, so none can mint for another.
 * Source: docs/sdk.md, "In the request itself".
 */
import {
  attributesOf,
  type Decision,
  evaluateAll,
  type Prepared,
  type SignedAnswer,
} from '../engine/index.ts'
import { contextBuilder } from './context.ts'
import type { Destination } from './destination.ts'
import type { RequestFacts } from './request-facts.ts'
import type { PreparedRoute } from './routes.ts'
import { base64url } from './secret-key.ts'

/** How long a token is good. */
const LIFE_SECONDS = 60
/** Longest token: servers commonly take 8 KiB a header, some less. Flags beyond it are left out, all but the route's. */
const MAX_TOKEN = 6_144
/** More flags cannot be within that. */
const MAX_FLAGS = 250

const encoder = new TextEncoder()

/** What a token is about. */
export interface Told {
  readonly prepared: Prepared
  readonly facts: RequestFacts
  readonly route: PreparedRoute
  readonly decision: Decision
  /** The targeting key. */
  readonly key: string | undefined
  /** The client's credentials are not for this origin, and the targeting key may be one. */
  readonly isStranger: boolean
}

export class ContextSigner {
  readonly #secret: string
  readonly #keys = new Map<string, OriginKey>()
  #builder: { prepared: Prepared; build: ReturnType<typeof contextBuilder> } | null = null

  constructor(secret: string) {
    this.#secret = secret
  }

  async sign(told: Told, { to, upstream }: Destination, nowMs: number): Promise<string> {
    const { id, key } = await this.#keyOf(upstream.host)
    const { prepared, route, decision } = told
    const own = answerOf(served(told, to.variant))
    const issued = Math.floor(nowMs / 1_000)
    const claims = {
      iss: prepared.snapshot.environment,
      aud: upstream.host,
      ...(told.key !== undefined && !told.isStranger && { sub: told.key }),
      iat: issued,
      exp: issued + LIFE_SECONDS,
      version: decision.version,
      kills: decision.killVersion,
      route: route.route.id,
      variant: to.variant,
    }
    const header = encoded({ alg: 'HS256', typ: 'JWT', kid: id })
    const whole = `${header}.${encoded({ ...claims, flags: { ...this.#answers(told), [route.route.flag]: own } })}`
    const signed =
      prepared.snapshot.flags.size <= MAX_FLAGS && whole.length <= MAX_TOKEN
        ? whole
        : `${header}.${encoded({ ...claims, partial: true, flags: { [route.route.flag]: own } })}`
    const signature = await crypto.subtle.sign('HMAC', key, encoder.encode(signed))
    return `${signed}.${base64url(new Uint8Array(signature))}`
  }

  /** Every flag, decided with all that the edge knows of the request. */
  #answers({ prepared, facts, key }: Told): Record<string, SignedAnswer> {
    if (prepared.snapshot.flags.size > MAX_FLAGS) return {}
    if (this.#builder?.prepared !== prepared) {
      const attributes = new Set(
        [...prepared.snapshot.flags.keys()].flatMap((flag) => [...attributesOf(prepared, flag)]),
      )
      this.#builder = { prepared, build: contextBuilder(attributes) }
    }
    const decisions = evaluateAll(prepared, this.#builder.build(facts, key))
    return Object.fromEntries(decisions.map((decision) => [decision.flag, answerOf(decision)]))
  }

  async #keyOf(audience: string): Promise<OriginKey> {
    const known = this.#keys.get(audience)
    if (known) return known
    const key = await originKey(this.#secret, audience)
    this.#keys.set(audience, key)
    return key
  }
}

interface OriginKey {
  readonly id: string
  readonly key: CryptoKey
}

/** HKDF-SHA-256 (RFC 5869) of the secret for one origin, in base64url; the text is the key that the origin's application gets. */
async function originKey(secret: string, audience: string): Promise<OriginKey> {
  const input = await crypto.subtle.importKey('raw', encoder.encode(secret), 'HKDF', false, ['deriveBits'])
  const info = encoder.encode(`turnout-context:${audience}`)
  const bits = await crypto.subtle.deriveBits(
    { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info },
    input,
    256,
  )
  const text = encoder.encode(base64url(new Uint8Array(bits)))
  const digest = await crypto.subtle.digest('SHA-256', text)
  return {
    id: base64url(new Uint8Array(digest, 0, 6)),
    key: await crypto.subtle.importKey('raw', text, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']),
  }
}

/** The decision on the route's flag as the origin that serves has it: after a failover another variant than was decided. */
function served({ prepared, route, decision }: Told, variant: string): Decision {
  if (decision.variant === variant) return decision
  const flag = prepared.flag(route.route.flag)
  const index = flag?.names.indexOf(variant) ?? -1
  return index < 0 ? decision : flag!.decide(index, 'DEFAULT', null, { failover: true })
}

const answerOf = ({ value, variant, reason, errorCode, metadata }: Decision): SignedAnswer => {
  if (errorCode !== null || value === undefined || variant === null) return [errorCode ?? 'GENERAL']
  return Object.keys(metadata).length === 0 ? [value, variant, reason] : [value, variant, reason, metadata]
}

const encoded = (value: unknown): string => base64url(encoder.encode(JSON.stringify(value)))
