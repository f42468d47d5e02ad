/**
 * The routes of a snapshot, ready to serve: everything that depends only on the snapshot is worked out here, once,
 * when a route is first used.
 */
import {
  attributesOf,
  closingOf,
  isOriginKilled,
  type Name,
  nextInChain,
  type Origin,
  type Prepared,
  type Route,
  type RoutedRequest,
  routeMatcher,
  upstreamName,
  variantsOf,
} from '../engine/index.ts'
import { contextBuilder } from './context.ts'
import { credentialsOf } from './credentials.ts'
import { FailoverBudget } from './failover-budget.ts'
import { type IdentityRules, identityRules } from './identity.ts'
import { type Closed, closedBy } from './maintenance.ts'
import { type PreparedMirror, prepareMirror } from './mirror.ts'
import { type Choose, pool } from './pool.ts'
import { ResponseCache } from './response-cache.ts'
import { rewriter } from './rewrite.ts'
import { breakerRules, type Upstream, type Upstreams } from './upstream.ts'

const DEFAULT_TIMEOUT_MS = 10_000

export interface PreparedRoute {
  readonly route: Route
  readonly identity: IdentityRules
  /** Headers that say who asks. */
  readonly credentials: readonly string[]
  readonly context: ReturnType<typeof contextBuilder>
  readonly headerOverrides: readonly (readonly [header: string, values: Readonly<Record<string, Name>>])[]
  readonly origins: ReadonlyMap<Name, PreparedOrigin>
  /** Its maintenance, if it has one. */
  readonly closed: Closed | null
  readonly rewrite: (path: string) => string
  readonly deadlineMs: number
  /** Visitors may get different variants, and its pages must not be kept for others. */
  readonly splitPages: boolean
  /** `null`: it has none. */
  readonly mirror: PreparedMirror | null
  /** What it keeps of responses; `null`: nothing. */
  readonly cache: ResponseCache | null
  /** Tries at other variants for an asset that one has not; `null`: none. */
  readonly assetTries: FailoverBudget | null
}

export interface PreparedOrigin {
  readonly variant: Name
  readonly origin: Origin
  /** Its address for a request. */
  readonly choose: Choose
  /** Of its addresses. */
  readonly hosts: ReadonlySet<string>
  /** Of second tries. */
  readonly budget: FailoverBudget
  /** Second tries that are always left: more than it takes to open its breaker. */
  readonly leastFailovers: number
  readonly timeoutMs: number
  /** Variant tried when this one fails, or `null`. */
  readonly fallback: Name | null
}

export class RouteTable {
  /** When the isolate began to answer by the snapshot and kills, ms since 1970. */
  readonly sinceMs: number
  readonly #prepared: Prepared
  readonly #match: (request: RoutedRequest) => number
  readonly #ready: (PreparedRoute | undefined)[] = []
  readonly #upstreams: Upstreams

  constructor(prepared: Prepared, upstreams: Upstreams, sinceMs: number) {
    this.#prepared = prepared
    this.#upstreams = upstreams
    this.sinceMs = sinceMs
    upstreams.keep(new Set(prepared.snapshot.routes.map(({ id }) => id)))
    this.#match = routeMatcher(prepared.snapshot.routes)
  }

  match(request: RoutedRequest): PreparedRoute | null {
    return this.#at(this.#match(request))
  }

  named(id: string): PreparedRoute | null {
    return this.#at(this.#prepared.snapshot.routes.findIndex((route) => route.id === id))
  }

  #at(index: number): PreparedRoute | null {
    if (index < 0) return null
    this.#ready[index] ??= prepareRoute(
      this.#prepared,
      this.#prepared.snapshot.routes[index]!,
      this.#upstreams,
      this.sinceMs,
    )
    return this.#ready[index]
  }
}

function prepareRoute(
  prepared: Prepared,
  route: Route,
  upstreams: Upstreams,
  sinceMs: number,
): PreparedRoute {
  const timeoutMs = route.timeoutMs ?? DEFAULT_TIMEOUT_MS
  const origins = Object.keys(route.origins).map(
    (variant) => [variant, prepareOrigin(prepared, route, variant, upstreams, sinceMs)] as const,
  )
  return {
    route,
    identity: identityRules(route.identity, route.cookieDomain),
    credentials: credentialsOf(route),
    context: contextBuilder(attributesOf(prepared, route.flag)),
    headerOverrides: Object.entries(route.overrides?.header ?? {}),
    origins: new Map(origins),
    closed: route.maintenance === undefined ? null : closedBy(prepared, route.id, route.maintenance),
    rewrite: rewriter(route.rewrite),
    deadlineMs: route.deadlineMs ?? 2 * timeoutMs,
    splitPages: route.cache?.html !== 'as-is' && isSplit(prepared, route),
    mirror: prepareMirror(route.mirror),
    cache: route.cache?.store ? new ResponseCache(prepared, route) : null,
    assetTries: origins.length > 1 && route.cache?.crossArmAssets !== false ? new FailoverBudget() : null,
  }
}

function isSplit(prepared: Prepared, { id, flag, overrides }: Route): boolean {
  const named = Object.values(overrides?.header ?? {}).flatMap((values) => Object.values(values))
  return variantsOf(prepared, flag, id, named).size > 1
}

function prepareOrigin(
  { kills }: Prepared,
  route: Route,
  variant: Name,
  upstreams: Upstreams,
  sinceMs: number,
): PreparedOrigin {
  const origin = route.origins[variant]!
  const rules = breakerRules(route, origin)
  const arm = upstreamName(route.id, variant)
  return {
    variant,
    origin,
    hosts: new Set([origin.url ?? [], origin.pool?.map(({ url }) => url) ?? []].flat().map(hostOf)),
    choose: chooser(origin, route.id, variant, (name, url) => {
      const upstream = upstreams.get(name, url, rules)
      upstream.killed = isOriginKilled(kills, name)
      upstream.close(closingOf(kills, name), sinceMs)
      return upstream
    }),
    budget: upstreams.budget(arm),
    leastFailovers: rules === false ? 0 : rules.consecutiveFailures + 1,
    timeoutMs: origin.timeoutMs ?? route.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    fallback: nextInChain(route, variant),
  }
}

function chooser(
  { url, pool: members = [], strategy = 'geo' }: Origin,
  route: string,
  variant: Name,
  upstream: (name: string, url: string) => Upstream,
): Choose {
  const arm = upstreamName(route, variant)
  if (url !== undefined) {
    const only = upstream(arm, url)
    return ({ nowMs, random, anyhow }) => (anyhow || only.admits(nowMs, random) ? only : null)
  }
  const known = members.map((member) => ({
    member,
    upstream: upstream(upstreamName(route, variant, member.url), member.url),
  }))
  return pool(strategy, arm, known)
}

const hostOf = (url: string): string => new URL(url).host
