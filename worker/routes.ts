/**
 * The routes of a snapshot, ready to serve: everything that depends only on the snapshot is worked out here, once,
 * when a route is first used.
 */
import {
  attributesOf,
  type Name,
  type Origin,
  type Prepared,
  type Route,
  type RoutedRequest,
  routeMatcher,
} from '../engine/index.ts'
import type { Place } from './client.ts'
import { contextBuilder } from './context.ts'
import { type IdentityRules, identityRules } from './identity.ts'
import { rewriter, withoutTrailingSlashes } from './rewrite.ts'

const DEFAULT_TIMEOUT_MS = 10_000

export interface PreparedRoute {
  readonly route: Route
  readonly identity: IdentityRules
  readonly context: ReturnType<typeof contextBuilder>
  readonly headerOverrides: readonly (readonly [header: string, values: Readonly<Record<string, Name>>])[]
  readonly origins: ReadonlyMap<Name, PreparedOrigin>
  readonly rewrite: (path: string) => string
  readonly deadlineMs: number
}

export interface PreparedOrigin {
  readonly variant: Name
  readonly origin: Origin
  /** Base URL for a place: scheme, host and path prefix, no trailing slash. */
  readonly baseUrl: (place: Place) => string
  readonly timeoutMs: number
  /** Variant tried when this one fails, or `null`. */
  readonly fallback: Name | null
}

export class RouteTable {
  readonly #prepared: Prepared
  readonly #match: (request: RoutedRequest) => number
  readonly #ready: (PreparedRoute | undefined)[] = []

  constructor(prepared: Prepared) {
    this.#prepared = prepared
    this.#match = routeMatcher(prepared.snapshot.routes)
  }

  match(request: RoutedRequest): PreparedRoute | null {
    const index = this.#match(request)
    if (index < 0) return null
    this.#ready[index] ??= prepareRoute(this.#prepared, this.#prepared.snapshot.routes[index]!)
    return this.#ready[index]
  }
}

function prepareRoute(prepared: Prepared, route: Route): PreparedRoute {
  const timeoutMs = route.timeoutMs ?? DEFAULT_TIMEOUT_MS
  const origins = Object.entries(route.origins).map(([variant, origin]): [Name, PreparedOrigin] => {
    const next = origin.fallback === undefined ? route.fallback : origin.fallback
    const fallback = next === variant ? null : next
    return [
      variant,
      { variant, origin, baseUrl: baseUrl(origin), timeoutMs: origin.timeoutMs ?? timeoutMs, fallback },
    ]
  })
  return {
    route,
    identity: identityRules(route.identity, route.cookieDomain),
    context: contextBuilder(attributesOf(prepared, route.flag)),
    headerOverrides: Object.entries(route.overrides?.header ?? {}),
    origins: new Map(origins),
    rewrite: rewriter(route.rewrite),
    deadlineMs: route.deadlineMs ?? 2 * timeoutMs,
  }
}

/** One URL, or by place the member whose countries, else continents, hold it, else the lowest priority number. */
function baseUrl({ url, pool }: Origin): PreparedOrigin['baseUrl'] {
  if (url !== undefined) {
    const base = withoutTrailingSlashes(url)
    return () => base
  }
  const members = (pool ?? []).toSorted((a, b) => (a.priority ?? 0) - (b.priority ?? 0))
  const byCountry = new Map<string, string>()
  const byContinent = new Map<string, string>()
  for (const member of members.toReversed()) {
    for (const code of member.countries ?? []) byCountry.set(code, withoutTrailingSlashes(member.url))
    for (const code of member.continents ?? []) byContinent.set(code, withoutTrailingSlashes(member.url))
  }
  const first = withoutTrailingSlashes(members[0]?.url ?? '')
  return ({ country, continent }) => byCountry.get(country ?? '') ?? byContinent.get(continent ?? '') ?? first
}
