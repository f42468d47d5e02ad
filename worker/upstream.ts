/**
 * One address of an origin (its URL, or a member of its pool) and what this isolate knows of it. Outlives snapshots: what an
 * isolate has learnt about an address does not end with a flag's next version.
 */
import {
  BREAKER_DEFAULTS,
  type BreakerSettings,
  MAX_UPSTREAMS,
  type Origin,
  type Route,
  type UpstreamReport,
} from '../engine/index.ts'
import { type AttemptOutcome, Breaker } from './breaker.ts'
import { FailoverBudget } from './failover-budget.ts'
import { Latency } from './latency.ts'
import { withoutTrailingSlashes } from './rewrite.ts'
import type { Service } from './service-origins.ts'

/** `false`: requests are sent whatever fails. */
export type BreakerRules = BreakerSettings | false

export class Upstream {
  /** `{route}/{variant}`, and `/{host and path}` where it is a member of a pool. */
  readonly name: string
  /** Scheme, host and path prefix, no trailing slash. */
  readonly baseUrl: string
  readonly host: string
  /** A Worker that is asked over a binding; `null`: the address is asked over the network. */
  readonly service: Service | null
  readonly breaker: Breaker | null
  readonly latency = new Latency()
  /** Somebody has said that it is to be left alone: a kill. */
  killed = false
  /** Version of the kill list by which its breaker was last closed by hand. */
  #closedBy = 0
  /** Health checks find it unhealthy; if they do not say so again by then, it is as any other. ms since 1970. */
  unhealthyUntilMs = Number.NEGATIVE_INFINITY
  /** Attempts that no batch has told of. */
  #counts: Record<AttemptOutcome, number> = { ok: 0, failed: 0, unreached: 0 }
  /** Long-lived connections that it broke off, of which no batch has told. */
  #aborted = 0
  #p95Ms: number | null = null
  #p95Second = 0

  constructor(
    name: string,
    url: string,
    rules: BreakerRules,
    services: ReadonlyMap<string, Service> = new Map(),
  ) {
    this.name = name
    this.baseUrl = withoutTrailingSlashes(url)
    this.host = new URL(url).host
    this.service = services.get(this.host) ?? null
    this.breaker = rules === false ? null : new Breaker(rules)
  }

  admits(nowMs: number, random: () => number): boolean {
    if (this.killed || nowMs < this.unhealthyUntilMs) return false
    return this.breaker === null || this.breaker.admits(nowMs, random)
  }

  /** Closes its breaker, once for each version by which somebody said so; 0: nobody did. */
  close(version: number, nowMs: number): void {
    if (version === 0 || version === this.#closedBy) return
    this.#closedBy = version
    this.breaker?.close(nowMs)
  }

  record(outcome: AttemptOutcome, startedMs: number, nowMs: number, random: () => number): void {
    this.#counts[outcome] += 1
    this.breaker?.record(outcome, startedMs, nowMs, random)
    this.latency.record(nowMs - startedMs, nowMs)
  }

  /** It broke off a connection that was to stay. */
  abort(): void {
    this.#aborted += 1
  }

  /** What there is to tell, once; `null`: nothing. */
  take(nowMs: number): UpstreamReport | null {
    const { ok, failed, unreached } = this.#counts
    const breaker = this.breaker?.phase(nowMs) ?? 'closed'
    const aborted = this.#aborted
    if (ok + failed + unreached + aborted === 0 && breaker === 'closed') return null
    this.#counts = { ok: 0, failed: 0, unreached: 0 }
    this.#aborted = 0
    const untilMs = this.breaker?.untilMs(nowMs) ?? null
    const p95Ms = this.latency.p95Ms(nowMs)
    return {
      ...{ name: this.name, breaker, openForMs: untilMs === null ? null : Math.ceil(untilMs - nowMs) },
      ...{ ok, failed, unreached, p95Ms, alert: this.#alerts(p95Ms, nowMs) },
      ...(aborted > 0 && { aborted }),
    }
  }

  #alerts(p95Ms: number | null, nowMs: number): boolean {
    if (this.breaker === null) return false
    // What was counted before it opened is forgotten, and five refusals open it before there are ten attempts.
    if (this.breaker.phase(nowMs) === 'open') return true
    const { minimumRequests, alertFailureRate, alertLatencyMs } = this.breaker.settings
    const { attempts, failures } = this.breaker.window(nowMs)
    return (
      (attempts >= minimumRequests && failures >= alertFailureRate * attempts) ||
      (p95Ms !== null && p95Ms > alertLatencyMs)
    )
  }

  /** Judged once a second. */
  isSlowerThan(thresholdMs: number, nowMs: number): boolean {
    const second = Math.floor(nowMs / 1_000)
    if (second !== this.#p95Second) {
      this.#p95Second = second
      this.#p95Ms = this.latency.p95Ms(nowMs)
    }
    return this.#p95Ms !== null && this.#p95Ms > thresholdMs
  }
}

/** What a route and one of its origins say, over the defaults. */
export function breakerRules(route: Route, origin: Origin): BreakerRules {
  if (origin.breaker === false || (origin.breaker === undefined && route.breaker === false)) return false
  return { ...BREAKER_DEFAULTS, ...(route.breaker || {}), ...origin.breaker }
}

/** The addresses that an isolate knows, by name, and what each arm may still spend on second tries. */
export class Upstreams {
  readonly #known = new Map<string, { key: string; upstream: Upstream }>()
  readonly #budgets = new Map<string, FailoverBudget>()
  readonly #services: ReadonlyMap<string, Service>
  /** Name → until when. Also those that no route was asked for yet. */
  #unhealthy: ReadonlyMap<string, number> = new Map()

  constructor(services: ReadonlyMap<string, Service> = new Map()) {
    this.#services = services
  }

  /** The same one for the same name, URL and rules; a new one where those have changed. */
  get(name: string, url: string, rules: BreakerRules): Upstream {
    const key = JSON.stringify([url, rules])
    const known = this.#known.get(name)
    if (known?.key === key) return known.upstream
    const upstream = new Upstream(name, url, rules, this.#services)
    upstream.unhealthyUntilMs = this.#unhealthy.get(name) ?? Number.NEGATIVE_INFINITY
    this.#known.set(name, { key, upstream })
    return upstream
  }

  /** Of one variant of a route, by its name. */
  budget(arm: string): FailoverBudget {
    const known = this.#budgets.get(arm) ?? new FailoverBudget()
    this.#budgets.set(arm, known)
    return known
  }

  /** Forgets what belongs to routes that are gone. */
  keep(routes: ReadonlySet<string>): void {
    for (const names of [this.#known, this.#budgets]) {
      for (const name of names.keys()) if (!routes.has(name.slice(0, name.indexOf('/')))) names.delete(name)
    }
  }

  /** What there is to tell of them, once. */
  take(nowMs: number): UpstreamReport[] {
    const reports: UpstreamReport[] = []
    for (const { upstream } of this.#known.values()) {
      if (reports.length === MAX_UPSTREAMS) break
      const report = upstream.take(nowMs)
      if (report !== null) reports.push(report)
    }
    return reports
  }

  /** What the location's other isolates have found: name → how much longer they leave it alone, ms. */
  heard(broken: Readonly<Record<string, number>>, nowMs: number): void {
    for (const [name, openForMs] of Object.entries(broken))
      this.#known.get(name)?.upstream.breaker?.heard(nowMs + openForMs, nowMs)
  }

  /** All that health checks find unhealthy now: name → for how long that holds, ms. */
  checked(unhealthy: Readonly<Record<string, number>>, nowMs: number): void {
    const found = new Map(Object.entries(unhealthy).map(([name, forMs]) => [name, nowMs + forMs]))
    if (found.size === 0 && this.#unhealthy.size === 0) return
    this.#unhealthy = found
    for (const [name, { upstream }] of this.#known)
      upstream.unhealthyUntilMs = this.#unhealthy.get(name) ?? Number.NEGATIVE_INFINITY
  }
}
