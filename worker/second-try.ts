/**
 * What follows a failed attempt: one more on the fallback where the failover table, the deadline and the body allow it, else
 * the failure as it is. Source: docs/traffic.md, "Failover".
 */
import type { Decision } from '../engine/index.ts'
import { attempt, type Outcome, type Unanswered, unreachable } from './attempt.ts'
import { type Destination, fallbackOf } from './destination.ts'
import { mayRetry } from './failover.ts'
import { type Forwarding, forwarded } from './forward.ts'
import { logWarn } from './log.ts'
import { asksForEvents, isUpgrade } from './passable.ts'
import type { Chooser } from './pool.ts'
import type { PreparedOrigin, PreparedRoute } from './routes.ts'
import { type Content, Upload } from './upload.ts'

/** Bodies up to this size are held so that they can be sent again. */
const HELD_BYTES = 65_536
/** A second try is only begun if this much of the deadline is left. */
export const MIN_LEFT_MS = 100

export interface Answered {
  readonly response: Response
  /** Variant whose origin answered, or was the last to be tried. */
  readonly served: string
  /** Whether it was kept, where the route keeps responses and the request lets it. */
  readonly cache?: 'hit' | 'miss'
}

export interface FirstTry {
  readonly forwarding: Forwarding
  readonly chosen: Destination
  readonly content: Content | undefined
  /** What the first was chosen by; its time is when the request began. */
  readonly by: Chooser
}

/**
 * What a request brings. A small body is read before it is sent, so that it can be sent again and a client that is slow with it
 * takes nothing of the origin's time; a larger one, or one of unknown length, streams, and is sent once. `null`: it broke off.
 */
export async function contentOf(request: Request): Promise<Content | undefined | null> {
  const { body, method, headers } = request
  if (body === null || method === 'GET' || method === 'HEAD') return undefined
  const given = headers.get('content-length')
  const length = given === null ? null : Number(given)
  if (length === null || length > HELD_BYTES) return new Upload(body, length)
  return request.arrayBuffer().catch(() => null)
}

export async function afterFailure(
  first: Outcome,
  { forwarding, chosen, content, by }: FirstTry,
): Promise<Answered> {
  const { facts, route, decision } = forwarding
  const { request } = facts
  const { to } = chosen
  const asItIs = (): Answered => ({
    response: first.response ?? unanswered(route, to, first),
    served: to.variant,
  })
  const nowMs = Date.now()
  const attempted = {
    method: request.method,
    idempotent: route.route.idempotent ?? false,
    hasIdempotencyKey: Boolean(request.headers.get('idempotency-key')),
  }
  const allowed =
    first.failure !== null && mayRetry(first.failure, attempted) && mayFailOver(request, decision)
  const isWhole = !(content instanceof Upload)
  const leftMs = route.deadlineMs - (nowMs - by.nowMs)
  const next = allowed && isWhole && leftMs >= MIN_LEFT_MS ? fallbackOf(route, to, { ...by, nowMs }) : null
  const again = next !== null && to.budget.take(nowMs, to.leastFailovers) ? next : null
  logWarn('origin-failed', {
    route: route.route.id,
    variant: to.variant,
    status: first.response?.status ?? null,
    timedOutMs: first.response ? null : first.timedOutMs,
    cause: first.response ? null : first.cause,
    failover: again?.to.variant ?? null,
  })
  if (again === null) return asItIs()

  const second = await attempt(
    again.upstream,
    await forwarded(again, forwarding, content),
    Math.min(again.to.timeoutMs, leftMs),
    Date.now(),
  )
  if (second.response === null) {
    return first.response
      ? asItIs()
      : { response: unanswered(route, again.to, second), served: again.to.variant }
  }
  // The first answer will not be read: let its connection go.
  void first.response?.body?.cancel().catch(() => undefined)
  return { response: second.response, served: again.to.variant }
}

/** No second try for what keeps its connection, nor away from a kill's variant: the others are what was killed. */
function mayFailOver(request: Request, decision: Decision): boolean {
  return decision.metadata.killed !== true && !isUpgrade(request) && !asksForEvents(request)
}

const unanswered = ({ route }: PreparedRoute, { variant }: PreparedOrigin, outcome: Unanswered): Response =>
  unreachable(`origin ${variant} of route ${route.id}`, outcome)
