/**
 * Who a request belongs to: the first source of the route that exists. Synchronous where the visitor's cookie was seen
 * lately; the first request of a visitor is decided on the id that is about to be set.
 */
import type { Identity } from '../engine/index.ts'
import type { RequestFacts } from './request-facts.ts'
import { idCookieName, idSetCookie, type VisitorIds } from './visitor-id.ts'

export interface Visitor {
  /** The targeting key; `undefined` where no source exists. */
  readonly key: string | undefined
  /** A Set-Cookie for the response of a first visit, or `null`. */
  readonly setCookie: string | null
}

const NOBODY: Visitor = { key: undefined, setCookie: null }
const DEFAULT_SOURCES: readonly Identity[] = ['cookie']
/** Longest identity that is taken from a header, cookie or query. */
const MAX_LENGTH = 1_024

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

export function identify(
  facts: RequestFacts,
  rules: IdentityRules,
  ids: VisitorIds,
): Visitor | Promise<Visitor> {
  for (const source of rules.sources) {
    if (source === 'cookie') return fromIdCookie(facts, rules, ids)
    const key = source === 'ip' ? facts.ip : given(facts, source)
    if (key !== null && key !== '') return { key: key.slice(0, MAX_LENGTH), setCookie: null }
  }
  return NOBODY
}

function given(facts: RequestFacts, source: Exclude<Identity, string>): string | null {
  if ('header' in source) return facts.header(source.header)
  return 'cookie' in source ? facts.cookie(source.cookie) : facts.query(source.query)
}

function fromIdCookie(
  facts: RequestFacts,
  { cookieDomain }: IdentityRules,
  ids: VisitorIds,
): Visitor | Promise<Visitor> {
  const cookie = facts.cookie(idCookieName(facts.https, cookieDomain))
  const known = cookie === null ? undefined : ids.known(cookie)
  return known === undefined
    ? unknownCookie(cookie, facts.https, cookieDomain, ids)
    : { key: known, setCookie: null }
}

/** A cookie not seen lately is verified; no cookie, or one that is not ours, means a new visitor. */
async function unknownCookie(
  cookie: string | null,
  https: boolean,
  domain: string | undefined,
  ids: VisitorIds,
): Promise<Visitor> {
  const id = cookie === null ? null : await ids.verify(cookie)
  if (id !== null) return { key: id, setCookie: null }
  const minted = await ids.mint()
  return { key: minted.id, setCookie: idSetCookie(minted.cookie, https, domain) }
}
