/**
 * Who a request belongs to: the first source of the route that exists. Synchronous where the visitor's cookie was seen
 * lately; the first request of a visitor is decided on the id that is about to be set.
 */
import type { Identity } from '../engine/index.ts'
import { cookieValues } from './cookie.ts'
import type { JwtIdentities } from './jwt-identity.ts'
import type { RequestFacts } from './request-facts.ts'
import type { Background } from './snapshots.ts'
import { idCookieName, idSetCookie, type VisitorIds } from './visitor-id.ts'

export interface Visitor {
  /** The targeting key; `undefined` where no source exists. */
  readonly key: string | undefined
  /** A Set-Cookie for the response of a first visit, or `null`. */
  readonly setCookie: string | null
  /** Whether the visitor's own page may hear the key: not one from a header, cookie or query, which may be a secret. */
  readonly isTold: boolean
}

const NOBODY: Visitor = { key: undefined, setCookie: null, isTold: true }
const DEFAULT_SOURCES: readonly Identity[] = ['cookie']
/** Longest identity that is taken from a header, cookie or query. */
const MAX_LENGTH = 1_024
/** Most cookies of our name that are looked at. */
const MAX_COOKIES = 8

export interface IdentityRules {
  readonly sources: readonly Identity[]
  readonly cookieDomain: string | undefined
}

export const identityRules = (
  sources: readonly Identity[] | undefined,
  cookieDomain: string | undefined,
): IdentityRules => ({
  sources: sources ?? DEFAULT_SOURCES,
  cookieDomain,
})

/** What tells genuine identities from others. */
export interface Proofs {
  readonly ids: VisitorIds
  readonly jwts: JwtIdentities
  readonly background: Background
}

/** `from`: the source to begin with; those before it do not exist. */
export function identify(
  facts: RequestFacts,
  rules: IdentityRules,
  proofs: Proofs,
  from = 0,
): Visitor | Promise<Visitor> {
  for (let at = from; at < rules.sources.length; at += 1) {
    const source = rules.sources[at]!
    if (source === 'cookie') return fromIdCookie(facts, rules, proofs.ids)
    const isTold = source === 'ip'
    const key = isTold ? facts.ip : given(facts, source, proofs)
    if (key instanceof Promise)
      return key.then((proven) => named(proven, isTold) ?? identify(facts, rules, proofs, at + 1))
    const visitor = named(key, isTold)
    if (visitor !== null) return visitor
  }
  return NOBODY
}

const named = (key: string | null, isTold: boolean): Visitor | null =>
  key === null || key === '' ? null : { key: key.slice(0, MAX_LENGTH), setCookie: null, isTold }

function given(
  facts: RequestFacts,
  source: Exclude<Identity, string>,
  { jwts, background }: Proofs,
): string | null | Promise<string | null> {
  if ('jwt' in source) return jwts.key(facts, source.jwt, background)
  if ('header' in source) return facts.header(source.header)
  return 'cookie' in source ? facts.cookie(source.cookie) : facts.query(source.query)
}

function fromIdCookie(
  facts: RequestFacts,
  { cookieDomain }: IdentityRules,
  ids: VisitorIds,
): Visitor | Promise<Visitor> {
  const name = idCookieName(facts.https, cookieDomain)
  const cookie = facts.cookie(name)
  const known = cookie === null ? undefined : ids.known(cookie)
  return known === undefined
    ? unknownCookie(facts, name, cookieDomain, ids)
    : { key: known, setCookie: null, isTold: true }
}

/**
 * Cookies not seen lately are verified, and the first genuine one counts: a neighbour on the parent domain may have set one
 * of the same name. None that is ours means a new visitor.
 */
async function unknownCookie(
  facts: RequestFacts,
  name: string,
  domain: string | undefined,
  ids: VisitorIds,
): Promise<Visitor> {
  for (const cookie of cookieValues(facts.cookies, name).slice(0, MAX_COOKIES)) {
    const known = ids.known(cookie)
    if (known !== undefined) return { key: known, setCookie: null, isTold: true }
    const verified = await ids.verify(cookie)
    if (verified === null) continue
    const { id, renewed } = verified
    return {
      key: id,
      setCookie: renewed === null ? null : idSetCookie(renewed, facts.https, domain),
      isTold: true,
    }
  }
  const minted = await ids.mint()
  return { key: minted.id, setCookie: idSetCookie(minted.cookie, facts.https, domain), isTold: true }
}
