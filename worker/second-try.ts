/**
 * What follows a failed attempt: one more on the fallback where the failover table, the deadline and the body allow it, else
 * the failure as it is. Source: docs/traffic.md, "Failover".
 */
import type { Decision } from '../engine/index.ts'
import { attempt, type Outcome, type Unanswered, unreachable } from './attempt.ts'
import { mayRetry } from './failover.ts'
import { type Forwarding, forwarded } from './forward.ts'
import { logWarn } from './log.ts'
import type { RequestFacts } from './request-facts.ts'
import type { PreparedOrigin, PreparedRoute } from './routes.ts'

/** Bodies up to this size are held so that they can be sent again. */
const HELD_BYTES = 65_536
/** A second try is only begun if this much of the deadline is left. */
const MIN_LEFT_MS = 100

export interface Answered {
  readonly response: Response
  /** Variant whose origin answered, or was the last to be tried. */
  readonly served: string
}

export interface FirstTry {
  readonly forwarding: Forwarding
  readonly chosen: PreparedOrigin
  /** The held body, if there is one. */
  readonly body: ArrayBuffer | undefined
  readonly startedMs: number
}

/** A small body, read before it is sent so that it can be sent again; `undefined`: it streams, and is sent once. */
export async function heldBody(
  request: Request,
  { fallback }: PreparedOrigin,
): Promise<ArrayBuffer | undefined> {
  if (fallback === null || request.headers.get('upgrade') !== null) return undefined
  const length = Number(request.headers.get('content-length') ?? Number.NaN)
  return length <= HELD_BYTES ? request.arrayBuffer() : undefined
}

export async function afterFailure(
  first: Outcome,
  { forwarding, chosen, body, startedMs }: FirstTry,
): Promise<Answered> {
  const { facts, route, decision } = forwarding
  const { request } = facts
  const asItIs = (): Answered => ({
    response: first.response ?? unanswered(route, chosen, first),
    served: chosen.variant,
  })
  const fallback = chosen.fallback === null ? undefined : route.origins.get(chosen.fallback)
  const attempted = {
    method: request.method,
    idempotent: route.route.idempotent ?? false,
    hasIdempotencyKey: request.headers.has('idempotency-key'),
  }
  const allowed =
    first.failure !== null && mayRetry(first.failure, attempted) && mayFailOver(request, decision)
  const hasBody = request.body === null || body !== undefined
  const leftMs = route.deadlineMs - (Date.now() - startedMs)
  const again = fallback !== undefined && allowed && hasBody && leftMs >= MIN_LEFT_MS
  logWarn('origin-failed', {
    route: route.route.id,
    variant: chosen.variant,
    status: first.response?.status ?? null,
    timedOutMs: first.response ? null : first.timedOutMs,
    cause: first.response ? null : first.cause,
    failover: again ? fallback.variant : null,
  })
  if (!again) return asItIs()

  const stranger =
    hostOf(fallback, facts) !== hostOf(chosen, facts) && fallback.origin.shareCredentials !== true
  const second = await attempt(
    forwarded(fallback, forwarding, body, stranger),
    Math.min(fallback.timeoutMs, leftMs),
  )
  if (second.response === null) {
    return first.response
      ? asItIs()
      : { response: unanswered(route, fallback, second), served: fallback.variant }
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

const unanswered = ({ route }: PreparedRoute, { variant }: PreparedOrigin, outcome: Unanswered): Response =>
  unreachable(`origin ${variant} of route ${route.id}`, outcome)
