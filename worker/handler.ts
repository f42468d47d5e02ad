/**
 * What an isolate does with a request: normalise, reserved prefix or route, serve. Whatever fails, a response is served:
 * an uncaught exception would close the connection without one.
 */
import type { Prepared } from '../engine/index.ts'
import { Callers } from './access.ts'
import { endpoints, PREFIX } from './endpoints.ts'
import { type Config, type Env, parseConfig } from './env.ts'
import { stripReserved, targetUrl } from './forward.ts'
import { problem } from './problem.ts'
import { proxy } from './proxy.ts'
import { RequestFacts } from './request-facts.ts'
import { RouteTable } from './routes.ts'
import { Snapshots, type Sources } from './snapshots.ts'
import { openSources } from './sources.ts'
import { VisitorIds } from './visitor-id.ts'

export class Isolate {
  /** Minted here, in the first request: global scope has no randomness. */
  readonly id = crypto.randomUUID()
  readonly #env: Env
  readonly #config: Config
  readonly #snapshots: Snapshots
  readonly #ids: VisitorIds
  readonly #callers: Callers
  readonly #loopToken: string
  #sources: Sources | null = null
  #table: { prepared: Prepared; routes: RouteTable } | null = null

  constructor(env: Env) {
    this.#env = env
    this.#config = parseConfig(env)
    this.#snapshots = new Snapshots(this.#config, {
      now: Date.now,
      wait: (ms) => scheduler.wait(ms),
      random: Math.random,
    })
    this.#ids = new VisitorIds(this.#config.cookieKey)
    this.#callers = new Callers(this.#config.local)
    this.#loopToken = `turnout-${this.#config.environment}`
  }

  handle(request: Request, ctx: ExecutionContext): Response | Promise<Response> {
    const url = new URL(request.url)
    const facts = new RequestFacts(request, url, this.#config.local)
    if (url.pathname.startsWith(PREFIX)) return this.#endpoint(facts, ctx)
    if (passed(facts.header('cdn-loop'), this.#loopToken)) {
      return problem(
        508,
        'Loop Detected',
        `the request has passed this edge (${this.#config.environment}) before`,
      )
    }
    const current = this.#current(url, ctx)
    return current instanceof Promise
      ? current.then((prepared) => this.#routed(facts, prepared))
      : this.#routed(facts, current)
  }

  #current(url: URL, ctx: ExecutionContext): Prepared | Promise<Prepared | null> {
    this.#sources ??= openSources(this.#env, this.#config, url.host)
    return this.#snapshots.current(this.#sources, (work) => ctx.waitUntil(work))
  }

  #endpoint(facts: RequestFacts, ctx: ExecutionContext): Response | Promise<Response> {
    return endpoints(facts.request, {
      facts,
      callers: this.#callers,
      isolate: this.id,
      status: () => this.#snapshots.status,
      warnings: this.#config.warnings,
      prepared: async () => this.#current(facts.url, ctx),
    })
  }

  #routed(facts: RequestFacts, prepared: Prepared | null): Response | Promise<Response> {
    if (prepared === null) return this.#unprepared(facts)
    if (this.#table?.prepared !== prepared) this.#table = { prepared, routes: new RouteTable(prepared) }
    const { url, request } = facts
    const route = this.#table.routes.match({
      host: url.host,
      path: url.pathname,
      method: request.method,
      header: (name) => facts.header(name),
    })
    if (route === null)
      return problem(
        404,
        'Not Found',
        `no route of ${this.#config.environment} matches ${request.method} ${url.host}${url.pathname}`,
      )
    return proxy(facts, route, { prepared, ids: this.#ids, loopToken: this.#loopToken })
  }

  /** Nothing was ever loaded: plain pass-through where there is somewhere to pass to. */
  #unprepared({ request, url }: RequestFacts): Response | Promise<Response> {
    const { fallbackOrigin } = this.#config
    if (fallbackOrigin === null) {
      return problem(
        503,
        'Service Unavailable',
        'no snapshot has been loaded yet, and FALLBACK_ORIGIN is not set',
        { 'retry-after': '1' },
      )
    }
    const passed = new Request(targetUrl(fallbackOrigin, url.pathname, url.search, undefined), request)
    stripReserved(passed.headers)
    return fetch(passed)
  }
}

/** Whether a CDN-Loop header names a CDN; each entry may carry parameters. Source: RFC 8586. */
const passed = (header: string | null, token: string): boolean =>
  header?.includes(token) === true && header.split(',').some((entry) => entry.split(';')[0]!.trim() === token)

let isolate: Isolate | null = null

/** The outermost handler: always answers. */
export async function handle(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
  try {
    isolate ??= new Isolate(env)
    return await isolate.handle(request, ctx)
  } catch (cause) {
    // An error here is a bug or a bad setting: a person must act.
    console.error('[worker] request failed', cause)
    return problem(500, 'Internal Server Error', 'the edge could not handle this request; its log says why')
  }
}
