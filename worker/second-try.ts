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
import type { Chooser } from './pool.ts'
import type { PreparedOrigin, PreparedRoute } from './routes.ts'

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
  /** The held body, if there is one. */
  readonly body: ArrayBuffer | undefined
  /** What the first was chosen by; its time is when the request began. */
  readonly by: Chooser
}

/** A small body, read before it is sent so that it can be sent again; `undefined`: it streams, and is sent once. */
export async function heldBody(
  request: Request,
  { fallback }: PreparedOrigin,
  isCopied: boolean,
): Promise<ArrayBuffer | undefined> {
  if ((fallback === null && !isCopied) || request.headers.get('upgrade') !== null) return undefined
  const length = Number(request.headers.get('content-length') ?? Number.NaN)
  return length <= HELD_BYTES ? request.arrayBuffer() : undefined
}

export async function afterFailure(
  first: Outcome,
  { forwarding, chosen, body, by }: FirstTry,
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
    hasIdempotencyKey: request.headers.has('idempotency-key'),
  }
  const allowed =
    first.failure !== null && mayRetry(first.failure, attempted) && mayFailOver(request, decision)
  const hasBody = request.body === null || body !== undefined
  const leftMs = route.deadlineMs - (nowMs - by.nowMs)
  const next = allowed && hasBody && leftMs >= MIN_LEFT_MS ? fallbackOf(route, to, { ...by, nowMs }) : null
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
    await forwarded(again, forwarding, body),
    Math.min(again.to.timeoutMs, leftMs),
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
function mayFailOver({ headers }: Request, decision: Decision): boolean {
  if (decision.metadata.killed === true || headers.get('upgrade') !== null) return false
  return headers.get('accept')?.includes('text/event-stream') !== true
}

const unanswered = ({ route }: PreparedRoute, { variant }: PreparedOrigin, outcome: Unanswered): Response =>
  unreachable(`origin ${variant} of route ${route.id}`, outcome)
