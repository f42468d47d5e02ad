/** The request as one origin of a route gets it: under the origin's URL, with what this origin is told. */
import type { Destination } from './destination.ts'
import { type Outgoing, outgoing } from './outgoing.ts'
import type { PreparedOrigin } from './routes.ts'
import type { ContextSigner, Told } from './signed-context.ts'
import type { Content } from './upload.ts'

export interface Forwarding extends Omit<Told, 'isStranger'> {
  /** Whom the client's credentials were meant for. */
  readonly decided: PreparedOrigin
  /** CDN-Loop token of this edge. */
  readonly loopToken: string
  /** Of what origins with `context: true` are told; `null`: nobody signs. */
  readonly signer: ContextSigner | null
}

/** A promise only where it is signed. */
export function forwarded(
  destination: Destination,
  forwarding: Forwarding,
  content?: Content,
): Outgoing | Promise<Outgoing> {
  const { to, upstream } = destination
  const { facts, route, decision, decided, loopToken, signer } = forwarding
  const { origin } = to
  const target = upstream.baseUrl + route.rewrite(facts.path) + facts.search
  const result = outgoing(target, facts, loopToken, content)
  const { headers } = result.init
  const isStranger = to !== decided && !decided.hosts.has(upstream.host) && origin.shareCredentials !== true
  if (isStranger) for (const name of route.credentials) headers.delete(name)
  if (origin.context) {
    headers.set('x-turnout-route', route.route.id)
    headers.set('x-turnout-variant', to.variant)
    headers.set('x-turnout-version', String(decision.version))
  }
  if (origin.removeHeaders) for (const name of origin.removeHeaders) headers.delete(name)
  if (origin.headers) for (const [name, value] of Object.entries(origin.headers)) headers.set(name, value)
  return origin.context && signer
    ? signed(result, signer, { ...forwarding, isStranger }, destination)
    : result
}

async function signed(
  request: Outgoing,
  signer: ContextSigner,
  told: Told,
  destination: Destination,
): Promise<Outgoing> {
  request.init.headers.set('x-turnout-context', await signer.sign(told, destination, Date.now()))
  return request
}
