/**
 * What an isolate does with a request: normalise, reserved prefix or route, serve. Whatever fails, a response is served:
 * an uncaught exception would close the connection without one.
 */
import {
  isLocation,
  type Known,
  murmur3,
  NO_LOCATION,
  type Prepared,
  type PreviewClaims,
} from '../engine/index.ts'
import { Callers } from './access.ts'
import { addressOf } from './address.ts'
import { brokenBody, tried, unreachable } from './attempt.ts'
import type { Place } from './client.ts'
import { endpoints, PREFIX } from './endpoints.ts'
import { type Config, type Env, parseConfig } from './env.ts'
import { JwtIdentities } from './jwt-identity.ts'
import { logError, logWarn } from './log.ts'
import { Reporter } from './metrics.ts'
import { Mirrors } from './mirror.ts'
import { outgoing } from './outgoing.ts'
import { refusalOf } from './passable.ts'
import { carriedPreview, followLink, mayCarryPreview, type View, Views } from './preview.ts'
import { PreviewTokens } from './preview-token.ts'
import { problem } from './problem.ts'
import { proxy } from './proxy.ts'
import type { Clock, Sources } from './refresher.ts'
import { RequestFacts } from './request-facts.ts'
import { withCookie } from './respond.ts'
import { RouteTable } from './routes.ts'
import { contentOf } from './second-try.ts'
import { ContextSigner } from './signed-context.ts'
import { Snapshots } from './snapshots.ts'
import { openSources } from './sources.ts'
import { StreamTokens } from './stream-token.ts'
import { isBehind } from './told.ts'
import { Upstreams } from './upstream.ts'
import { VisitorIds } from './visitor-id.ts'

class Isolate {
  /** Minted here, in the first request: global scope has no randomness. */
  readonly id = crypto.randomUUID()
  readonly #env: Env
  readonly #config: Config
  readonly #snapshots: Snapshots
  readonly #ids: VisitorIds
  readonly #jwts: JwtIdentities
  readonly #callers: Callers
  readonly #streamTokens: StreamTokens
  readonly #signer: ContextSigner | null
  readonly #loopToken: string
  readonly #reporter: Reporter
  readonly #upstreams: Upstreams
  readonly #mirrors = new Mirrors()
  readonly #previews = new PreviewTokens()
  readonly #views = new Views()
  #sources: Sources | null = null
  #table: { prepared: Prepared; routes: RouteTable } | null = null
  /** What requests were last answered with. */
  #arrived: Prepared | null = null

  /** `place`: what the platform says of the first request. An isolate never moves. */
  constructor(env: Env, place: Place) {
    this.#env = env
    this.#config = parseConfig(env)
    const clock: Clock = { now: Date.now, wait: (ms) => scheduler.wait(ms), random: Math.random }
    this.#snapshots = new Snapshots(this.#config, clock)
    this.#ids = new VisitorIds(this.#config.cookieKey, this.#config.acceptedCookieKey)
    this.#jwts = new JwtIdentities(this.#config.services, clock)
    this.#callers = new Callers(this.#config.local)
    const { signingKey } = this.#config
    this.#signer = signingKey === null ? null : new ContextSigner(signingKey)
    this.#streamTokens = new StreamTokens(this.#config.cookieKey, this.#config.environment)
    // Not the name alone: an edge in front of another company's may well serve an environment of the same name.
    this.#loopToken = `turnout-${this.#config.environment}-${murmur3(this.#config.cookieKey, 0).toString(16)}`
    this.#upstreams = new Upstreams(this.#config.services)
    const location = isLocation(place.colo) ? place.colo : NO_LOCATION
    this.#reporter = new Reporter(this.id, location, Math.random, this.#upstreams, this.#mirrors)
    for (const warning of this.#config.warnings) logWarn('setting', { warning })
  }

  handle(request: Request, ctx: ExecutionContext): Response | Promise<Response> {
    const facts = new RequestFacts(request, this.#config.clients)
    if (facts.path.startsWith(PREFIX)) return this.#endpoint(facts, ctx)
    if (passed(facts.cdnLoop, this.#loopToken)) {
      return problem(
        508,
        'Loop Detected',
        `the request has passed this edge (${this.#config.environment}) before`,
      )
    }
    const current = this.#current(facts.host, ctx)
    return current instanceof Promise
      ? current.then((prepared) => this.#routed(facts, ctx, prepared))
      : this.#routed(facts, ctx, current)
  }

  #current(host: string, ctx: ExecutionContext): Prepared | Promise<Prepared | null> {
    return this.#snapshots.current(this.#openedSources(host), (work) => ctx.waitUntil(work))
  }

  #atLeast(told: Known, { host }: RequestFacts, ctx: ExecutionContext): Promise<Prepared | null> {
    return this.#snapshots.atLeast(told, this.#openedSources(host), (work) => ctx.waitUntil(work))
  }

  #openedSources(host: string): Sources {
    this.#sources ??= openSources(this.#env, this.#config, host, this.#reporter, this.#upstreams)
    return this.#sources
  }

  #endpoint(facts: RequestFacts, ctx: ExecutionContext): Response | Promise<Response> {
    let view: View | null = null
    const seen = async (prepared: Prepared | null): Promise<Prepared | null> => {
      view = prepared && (await this.#view(facts, ctx, prepared))
      return view?.prepared ?? null
    }
    return endpoints({
      facts,
      callers: this.#callers,
      streamTokens: this.#streamTokens,
      counts: this.#reporter.flags,
      isolate: this.id,
      release: this.#config.release,
      status: () => this.#snapshots.status,
      prepared: async () => seen(await this.#current(facts.host, ctx)),
      caughtUp: async (told) =>
        isBehind(this.#snapshots.known, told) ? seen(await this.#atLeast(told, facts, ctx)) : null,
      isPreview: () => view !== null && view.preview !== null,
      glance: () => this.#glance(facts, ctx),
    })
  }

  #glance({ host }: RequestFacts, ctx: ExecutionContext): Prepared | null {
    return this.#snapshots.glance(this.#openedSources(host), (work) => ctx.waitUntil(work))
  }

  #routed(
    facts: RequestFacts,
    ctx: ExecutionContext,
    prepared: Prepared | null,
  ): Response | Promise<Response> {
    if (prepared === null) return this.#unprepared(facts)
    if (mayCarryPreview(facts)) return this.#previewed(facts, ctx, prepared)
    return this.#matched(facts, ctx, { prepared, routes: this.#answers(prepared, ctx), preview: null })
  }

  async #previewed(facts: RequestFacts, ctx: ExecutionContext, prepared: Prepared): Promise<Response> {
    const followed = await followLink(facts, prepared, this.#previews)
    if (followed !== null) return followed
    const { claims, clearing } = await carriedPreview(facts, prepared, this.#previews)
    const response = await this.#matched(facts, ctx, this.#viewOf(claims, ctx, prepared))
    return clearing === null ? response : withCookie(response, clearing)
  }

  /** What an endpoint answers by. */
  async #view(facts: RequestFacts, ctx: ExecutionContext, prepared: Prepared): Promise<View> {
    if (!mayCarryPreview(facts)) return this.#viewOf(null, ctx, prepared)
    const { claims } = await carriedPreview(facts, prepared, this.#previews)
    return this.#viewOf(claims, ctx, prepared)
  }

  #viewOf(preview: PreviewClaims | null, ctx: ExecutionContext, prepared: Prepared): View {
    const routes = this.#answers(prepared, ctx, preview === null)
    return this.#viewWith(preview, { prepared, routes, preview: null })
  }

  #viewWith(preview: PreviewClaims | null, view: View): View {
    return preview === null ? view : this.#views.of(view, preview, this.#upstreams)
  }

  #matched(
    facts: RequestFacts,
    ctx: ExecutionContext,
    { prepared, routes, preview }: View,
  ): Response | Promise<Response> {
    const route = routes.match(facts)
    if (route === null) {
      const { method, host, path } = facts
      const { environment } = this.#config
      return problem(404, 'Not Found', `no route of ${environment} matches ${method} ${host}${path}`)
    }
    const { samples } = this.#reporter
    return proxy(facts, route, {
      prepared,
      ids: this.#ids,
      jwts: this.#jwts,
      loopToken: this.#loopToken,
      samples,
      signer: this.#signer,
      preview,
      background: (work) => ctx.waitUntil(work),
      later: () => {
        const prepared = this.#glance(facts, ctx)
        if (prepared === null) return null
        const routes = this.#routesOf(prepared, Date.now())
        return this.#viewWith(preview, { prepared, routes, preview: null })
      },
      mirrors: this.#mirrors,
    })
  }

  /**
   * Notes that a request is about to be answered with this, and reports at once what is in use for the first time. A preview is no
   * traffic: it is not counted.
   */
  #answers(prepared: Prepared, ctx: ExecutionContext, isTraffic = true): RouteTable {
    const nowMs = this.#snapshots.handedOutAtMs
    if (isTraffic) this.#reporter.requests += 1
    if (this.#arrived !== prepared) {
      this.#arrived = prepared
      this.#reporter.arrived(prepared, nowMs)
      const sent = this.#sources?.report?.(this.#snapshots.known)
      if (sent) ctx.waitUntil(sent)
    }
    this.#reporter.answeredAtMs = nowMs
    return this.#routesOf(prepared, nowMs)
  }

  #routesOf(prepared: Prepared, nowMs: number): RouteTable {
    if (this.#table?.prepared !== prepared)
      this.#table = { prepared, routes: new RouteTable(prepared, this.#upstreams, nowMs) }
    return this.#table.routes
  }

  /** Nothing was ever loaded: plain pass-through where there is somewhere to pass to. */
  async #unprepared(facts: RequestFacts): Promise<Response> {
    const { fallbackOrigin, fallbackTimeoutMs } = this.#config
    if (fallbackOrigin === null) {
      const detail = 'no snapshot has been loaded yet, and FALLBACK_ORIGIN is not set'
      return problem(503, 'Service Unavailable', detail, { 'retry-after': '1' })
    }
    const refused = await refusalOf(facts.request)
    if (refused !== null) return refused
    const content = await contentOf(facts.request)
    if (content === null) return brokenBody()
    const request = outgoing(fallbackOrigin + facts.path + facts.search, facts, this.#loopToken, content)
    const outcome = await tried(request, fallbackTimeoutMs)
    return outcome.response ?? unreachable('FALLBACK_ORIGIN', outcome)
  }
}

/** Whether a CDN-Loop header names a CDN; each entry may carry parameters. Source: RFC 8586. */
const passed = (header: string | null, token: string): boolean =>
  header?.includes(token) === true && header.split(',').some((entry) => entry.split(';')[0]!.trim() === token)

let isolate: Isolate | null = null

/** The outermost handler: always answers. */
export function handle(request: Request, env: Env, ctx: ExecutionContext): Response | Promise<Response> {
  try {
    isolate ??= new Isolate(env, (request.cf ?? {}) as Place)
    const answer = isolate.handle(request, ctx)
    return answer instanceof Promise ? answer.catch((cause: unknown) => failed(request, cause)) : answer
  } catch (cause) {
    return failed(request, cause)
  }
}

function failed(request: Request, cause: unknown): Response {
  const mistake = mistakeIn(request)
  if (mistake !== null) return problem(400, 'Bad Request', mistake)
  // An error here is a bug or a bad setting: a person must act.
  logError('request-failed', cause)
  return problem(500, 'Internal Server Error', 'the edge could not handle this request; its log says why')
}

/** What no request can be read with, whoever sent it; `null`: nothing, so the fault is ours. */
function mistakeIn(request: Request): string | null {
  try {
    addressOf(request.url, request.headers.get('host'))
  } catch {
    return 'the host and path of the request make no URL'
  }
  try {
    void request.cf
    return null
  } catch {
    // Only a local run reads it from a header.
    return 'the header CF-Blob must hold JSON, such as {"country":"DE"}'
  }
}
