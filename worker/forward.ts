/** The request as one origin of a route gets it: under the origin's URL, with what this origin is told. */
import type { Decision } from '../engine/index.ts'
import type { Destination } from './destination.ts'
import { type Outgoing, outgoing } from './outgoing.ts'
import type { RequestFacts } from './request-facts.ts'
import type { PreparedOrigin, PreparedRoute } from './routes.ts'

const CREDENTIALS = ['authorization', 'cookie', 'x-api-key']

export interface Forwarding {
  readonly facts: RequestFacts
  readonly route: PreparedRoute
  readonly decision: Decision
  /** Whom the client's credentials were meant for. */
  readonly decided: PreparedOrigin
  /** CDN-Loop token of this edge. */
  readonly loopToken: string
}

/**
 * `body`: given where the request may be sent twice; otherwise it streams from the client.
 */
export function forwarded(
  { to, upstream }: Destination,
  { facts, route, decision, decided, loopToken }: Forwarding,
  body?: ArrayBuffer,
): Outgoing {
  const { origin } = to
  const target = upstream.baseUrl + route.rewrite(facts.path) + facts.search
  const result = outgoing(target, facts, loopToken, body)
  const { headers } = result.init
  if (to !== decided && !decided.hosts.has(upstream.host) && origin.shareCredentials !== true)
    for (const name of CREDENTIALS) headers.delete(name)
  if (origin.context) {
    headers.set('x-turnout-route', route.route.id)
    headers.set('x-turnout-variant', to.variant)
    headers.set('x-turnout-version', String(decision.version))
  }
  if (origin.removeHeaders) for (const name of origin.removeHeaders) headers.delete(name)
  if (origin.headers) for (const [name, value] of Object.entries(origin.headers)) headers.set(name, value)
  return result
}
