/**
 * Who holds a token. The project's object knows; it is asked with every call, except for the calls of a single environment
 * whose object asks by itself (objects/callers.ts), so that most changes cost one call between objects and not two. Until
 * then this isolate only believes to know the caller, and no answer goes out before somebody has confirmed it.
 */
import type { Principal } from '../access/principal.ts'
import type { Refusal } from '../objects/access.ts'
import type { AdmittedMethod, EnvironmentObject } from '../objects/environment.ts'
import { callProject, type Remote } from '../stubs.ts'
import { type Lane, laneOf } from '../throttle.ts'
import type { ApiContext } from './context.ts'
import { Problem, tooManyRequests } from './problem.ts'

/** What carries out calls of these addresses, whatever the method: `ask()`, once or more, and nothing else. */
const OF_ONE_ENVIRONMENT =
  /^\/api\/v1\/environments\/[^/]+\/(?:flags|segments|routes)(?:\/[^/]+(?:\/toggle)?)?$/

/** Holders of tokens by the token's hash. What a token allows never changes; whether it still does, others say. */
const believed = new Map<string, Principal>()
/** Then all are forgotten. */
const MAX_BELIEVED = 1_000

/** Where this call counts. */
export const laneOfCall = ({ req }: ApiContext): Lane => laneOf(req.method, req.path)

/** The holder of a token. Throws 401 if it is none of ours or does not hold any more, 429 if it is used too often. */
export async function holderOf(c: ApiContext, tokenHash: string): Promise<Principal> {
  const known = believed.get(tokenHash)
  if (known === undefined || !OF_ONE_ENVIRONMENT.test(c.req.path)) return recognize(c, tokenHash)
  c.set('unconfirmed', tokenHash)
  return known
}

/** Asks the project's object. */
async function recognize(c: ApiContext, tokenHash: string): Promise<Principal> {
  const recognized = await callProject(c.env, (stub) => stub.recognize({ tokenHash }, laneOfCall(c)))
  if ('refused' in recognized) throw refused(tokenHash, recognized)
  if (believed.size >= MAX_BELIEVED) believed.clear()
  believed.set(tokenHash, recognized.principal)
  return recognized.principal
}

/** After all else: confirms the caller, if nothing that was asked has. Throws as `holderOf` does. */
export async function confirm(c: ApiContext): Promise<void> {
  const tokenHash = c.get('unconfirmed')
  if (tokenHash !== undefined) await recognize(c, tokenHash)
}

/** An environment's object as the caller of this request sees it: who is not confirmed yet is, by the object itself. */
export function asHolder(c: ApiContext, stub: Remote<EnvironmentObject>): Remote<EnvironmentObject> {
  const tokenHash = c.get('unconfirmed')
  if (tokenHash === undefined) return stub
  const ask =
    (method: AdmittedMethod) =>
    async (...args: Parameters<EnvironmentObject[AdmittedMethod]>) => {
      const admitted = await stub.admit(tokenHash, laneOfCall(c), method, args)
      if ('refused' in admitted) throw refused(tokenHash, admitted)
      c.set('unconfirmed', undefined)
      return admitted.answer
    }
  return new Proxy(stub, { get: (_, method) => ask(method as AdmittedMethod) })
}

function refused(tokenHash: string, refusal: Refusal): Problem {
  if (refusal.refused === 'throttled') return tooManyRequests(refusal.waitMs)
  believed.delete(tokenHash)
  if (refusal.refused === 'unknown')
    return unauthorized(
      'The token is not one of this control plane.',
      'holds a token that is not one of this control plane',
    )
  const why = refusal.refused === 'revoked' ? 'was revoked' : 'has expired'
  return unauthorized(`The token ${why}; ask an admin for another.`, `holds a token that ${why}`)
}

const CHALLENGE = { 'www-authenticate': 'Bearer realm="turnout"' }

/** `header`: the one that holds what is wrong, or that is missing. */
export const unauthorized = (detail: string, message: string, header = 'authorization'): Problem =>
  new Problem('unauthorized', detail, [{ path: header, message }], CHALLENGE)
