/**
 * The evaluation context of a request: only the attributes that the flag in question can look at, as flat own keys.
 * Source: docs/evaluation.md, "Context".
 */
import type { EvaluationContext } from '../engine/index.ts'
import type { Place } from './client.ts'
import type { RequestFacts } from './request-facts.ts'

type Fact = (facts: RequestFacts) => unknown

const number = (text: unknown): number | undefined => {
  const value = text === undefined || text === null || text === '' ? Number.NaN : Number(text)
  return Number.isFinite(value) ? value : undefined
}

/** `geo.*`, from where the platform saw the request. */
const GEO: Record<string, (place: Place) => unknown> = {
  country: (place) => place.country,
  continent: (place) => place.continent,
  region: (place) => place.region,
  regionCode: (place) => place.regionCode,
  city: (place) => place.city,
  postalCode: (place) => place.postalCode,
  timezone: (place) => place.timezone,
  latitude: (place) => number(place.latitude),
  longitude: (place) => number(place.longitude),
  isEU: (place) =>
    place.country === undefined || place.country === null ? undefined : place.isEUCountry === '1',
}

const NETWORK: Record<string, Fact> = {
  asn: ({ place }) => number(place.asn),
  colo: ({ place }) => place.colo,
  ip: (facts) => facts.ip,
}

const REQUEST: Record<string, Fact> = {
  host: (facts) => facts.host,
  path: (facts) => facts.path,
  method: ({ request }) => request.method,
  userAgent: (facts) => facts.header('user-agent'),
}

/** The edge alone may say these; a caller's own are removed before it fills them in. */
const RESERVED = ['geo', 'network', 'request'] as const

const isReserved = (key: string): boolean =>
  RESERVED.some((word) => key === word || key.startsWith(`${word}.`))

/** How an attribute is found out, or `null` where the edge does not know it. Decided once per snapshot. */
function factOf(attribute: string): Fact | null {
  const [space = '', name = '', ...rest] = attribute.split('.')
  if (space === 'geo' && name === '') return ({ place }) => geo(place)
  if (space === 'network' && name === '') return network
  if (space === 'geo' && Object.hasOwn(GEO, name)) {
    const found = GEO[name]!
    return ({ place }) => found(place)
  }
  if (space === 'network' && Object.hasOwn(NETWORK, name)) return NETWORK[name]!
  if (space !== 'request') return null
  const inner = rest.join('.')
  if (name === 'query' && inner !== '') return (facts) => facts.query(inner)
  if (name === 'header' && isToken(inner)) return (facts) => facts.header(inner)
  if (name === 'cookie' && inner !== '') return (facts) => facts.cookie(inner)
  return Object.hasOwn(REQUEST, name) ? REQUEST[name]! : null
}

const isToken = (text: string): boolean => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text)

/** Builds contexts for routing: everything the edge knows, as far as the attributes are looked at. */
export function contextBuilder(
  attributes: Iterable<string>,
): (facts: RequestFacts, targetingKey: string | undefined) => EvaluationContext {
  const facts: [string, Fact][] = []
  // It stays: when the last object of a shape goes, an engine drops what it has compiled for that shape.
  const shape: Record<string, unknown> = { targetingKey: undefined }
  for (const attribute of attributes) {
    const fact = factOf(attribute)
    if (fact === null) continue
    facts.push([attribute, fact])
    shape[attribute] = undefined
  }
  if (facts.length === 0) return (_, targetingKey) => ({ targetingKey })
  return (request, targetingKey) => {
    const context: Record<string, unknown> = { ...shape, targetingKey }
    for (const [attribute, fact] of facts) context[attribute] = fact(request) ?? undefined
    return context
  }
}

/** A client's own context for evaluation with a client key: place and network are the edge's word, `request` is nobody's. */
export function clientContext(
  given: Readonly<Record<string, unknown>>,
  facts: RequestFacts,
): EvaluationContext {
  const kept = Object.entries(given).filter(([key]) => !isReserved(key))
  return { ...Object.fromEntries(kept), geo: geo(facts.place), network: network(facts) }
}

const geo = (place: Place) => present(Object.entries(GEO).map(([name, fact]) => [name, fact(place)]))
const network = (facts: RequestFacts) =>
  present(Object.entries(NETWORK).map(([name, fact]) => [name, fact(facts)]))

const present = (entries: [string, unknown][]) =>
  Object.fromEntries(entries.filter(([, value]) => value !== undefined && value !== null))
