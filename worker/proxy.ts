/**
 * One routed request: identity, context, decision, origin, at most one failover. Responses stream through untouched unless
 * the route asks for debug headers or a first visit needs its cookie.
 */
import { type Decision, evaluate, type Prepared } from '../engine/index.ts'
import { attempt, unreachable } from './attempt.ts'
import { type Attempted, mayRetry } from './failover.ts'
import { type Forwarding, forwarded } from './forward.ts'
import { identify } from './identity.ts'
import type { RequestFacts } from './request-facts.ts'
import { respond } from './respond.ts'
import type { PreparedOrigin, PreparedRoute } from './routes.ts'
import type { VisitorIds } from './visitor-id.ts'

/** Bodies up to this size are held so that they can be sent again where the route allows it. */
const REPLAYABLE_BYTES = 65_536
/** A failover is only begun if this much of the deadline is left. */
const MIN_LEFT_MS = 100

export interface Edge {
  readonly prepared: Prepared
  readonly ids: VisitorIds
  readonly loopToken: string
}

export async function proxy(
  facts: RequestFacts,
  route: PreparedRoute,
  { prepared, ids, loopToken }: Edge,
): Promise<Response> {
  const identified = identify(facts, route.identity, ids)
  const visitor = identified instanceof Promise ? await identified : identified
  const decision = decide(prepared, route, facts, visitor.key)
  const forwarding: Forwarding = { facts, route, decision, loopToken }
  const { response, served } = await serve(forwarding)
  return respond(response, { route: route.route, decision, served, setCookie: visitor.setCookie })
}

function decide(
  prepared: Prepared,
  { route, context, headerOverrides }: PreparedRoute,
  facts: RequestFacts,
  key: string | undefined,
): Decision {
  const at: { route: string; headerOverride?: string } = { route: route.id }
  for (const [header, values] of headerOverrides) {
    const value = facts.header(header)
    if (value !== null && Object.hasOwn(values, value)) {
      at.headerOverride = values[value]!
      break
    }
  }
  return evaluate(prepared, route.flag, context(facts, key), at)
}

interface Served {
  readonly response: Response
  /** Variant that answered, `null` where the edge itself had to. */
  readonly served: string | null
}

async function serve(forwarding: Forwarding): Promise<Served> {
  const { facts, route, decision } = forwarding
  const { request } = facts
  const chosen =
    (decision.variant !== null && route.origins.get(decision.variant)) ||
    route.origins.get(route.route.fallback)
  if (!chosen) throw new Error(`[worker/proxy] route ${route.route.id} has no origin for its fallback`)
  const startedMs = Date.now()
  const attempted: Attempted = {
    method: request.method,
    idempotent: route.route.idempotent ?? false,
    hasIdempotencyKey: request.headers.has('idempotency-key'),
  }
  const fallback = chosen.fallback === null ? undefined : route.origins.get(chosen.fallback)
  const retryable = fallback !== undefined && mayFailOver(request, decision)
  const body = retryable ? await replayableBody(request) : undefined

  const first = await attempt(
    forwarded(chosen, forwarding, body),
    Math.min(chosen.timeoutMs, route.deadlineMs),
  )
  const { failure } = first
  const leftMs = route.deadlineMs - (Date.now() - startedMs)
  const bodyLeft = request.body === null || body !== undefined
  if (failure === null || !retryable || !bodyLeft || leftMs < MIN_LEFT_MS || !mayRetry(failure, attempted)) {
    return { response: first.response ?? unanswered(route, chosen, first.timedOut), served: chosen.variant }
  }
  const stranger =
    hostOf(fallback, facts) !== hostOf(chosen, facts) && fallback.origin.shareCredentials !== true
  const second = await attempt(
    forwarded(fallback, forwarding, body, stranger),
    Math.min(fallback.timeoutMs, leftMs),
  )
  if (second.response === null) {
    return {
      response: first.response ?? unanswered(route, fallback, second.timedOut),
      served: chosen.variant,
    }
  }
  // The first answer will not be read: let its connection go.
  void first.response?.body?.cancel().catch(() => undefined)
  return { response: second.response, served: fallback.variant }
}

/** No second try for what keeps its connection, nor away from a kill's variant: the others are what was killed. */
function mayFailOver({ headers }: Request, decision: Decision): boolean {
  if (decision.metadata.killed === true || headers.get('upgrade') !== null) return false
  return headers.get('accept')?.includes('text/event-stream') !== true
}

const hostOf = ({ baseUrl }: PreparedOrigin, { place }: RequestFacts): string => new URL(baseUrl(place)).host

/** A small body, read now so that it can be sent again; `undefined`: there is none, or it streams and is sent once. */
async function replayableBody(request: Request): Promise<ArrayBuffer | undefined> {
  if (request.body === null) return undefined
  const length = Number(request.headers.get('content-length') ?? Number.NaN)
  return length <= REPLAYABLE_BYTES ? request.arrayBuffer() : undefined
}

const unanswered = (
  { route }: PreparedRoute,
  { variant, timeoutMs }: PreparedOrigin,
  timedOut: boolean,
): Response => unreachable(`origin ${variant} of route ${route.id}`, timeoutMs, timedOut)
