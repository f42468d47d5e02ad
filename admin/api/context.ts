/** What every handler of the API has at hand. */
import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Principal, Scope } from '../access/principal.ts'
import type { Env } from '../env.ts'
import type { Precondition } from '../precondition.ts'
import type { Author } from '../settings.ts'
import { requireRole } from './authorization.ts'
import { clientAddress } from './client-address.ts'
import { invalidRequest } from './problem.ts'

export interface ApiEnv {
  Bindings: Env
  Variables: {
    requestId: string
    /** Who calls. */
    principal: Principal
    /** Hash of the token of a caller who was recognized from memory, and not by whoever knows. */
    unconfirmed: string | undefined
    /** Nobody knows whether the request was carried out. */
    interrupted?: boolean
  }
}

export type Api = OpenAPIHono<ApiEnv>
export type ApiContext = Context<ApiEnv>

/** Longest reason, in characters. */
export const MAX_REASON = 500

/** Who edits, and why: `given` in a body, else query `reason`, else header `x-turnout-reason`. */
export function authorOf(c: ApiContext, given?: string): Author {
  const asked = c.req.query('reason')?.trim()
  const reason = given || asked || c.req.header('x-turnout-reason')?.trim() || null
  if (reason !== null && reason.length > MAX_REASON) {
    const path = asked ? 'query.reason' : 'x-turnout-reason'
    throw invalidRequest(path, `must have at most ${MAX_REASON} characters, has ${reason.length}`)
  }
  const { id, maker } = c.get('principal')
  return {
    actor: id,
    ...(maker === undefined ? {} : { maker }),
    reason,
    requestId: c.get('requestId'),
    address: clientAddress(c),
  }
}

/** Answers JSON. `version`: for its ETag. What a PUT made has the address that was asked. */
export const json = (
  c: ApiContext,
  value: object,
  status: 200 | 201 | 202 = 200,
  version?: number,
): Response => jsonText(c, JSON.stringify(value), status, version)

/** The same of JSON that is text already. */
export function jsonText(
  c: ApiContext,
  text: string,
  status: 200 | 201 | 202 = 200,
  version?: number,
): Response {
  if (version !== undefined) c.header('etag', etag(version))
  if (status === 201 && c.req.method === 'PUT') c.header('location', new URL(c.req.url).pathname)
  c.header('content-type', 'application/json')
  return c.body(text, status)
}

/** Answers 201 with what a POST to a collection made, and its address (RFC 9110 §10.2.2). No id of ours needs escaping. */
export function created<T extends { readonly id: string }>(c: ApiContext, made: T): Response {
  c.header('location', `${new URL(c.req.url).pathname}/${made.id}`)
  return json(c, made, 201)
}

/** The tag of something that last changed in that version. */
export const etag = (version: number): string => `"v${version}"`

/** Where the caller may act: what lists are held to. */
export function scopeOf(c: ApiContext): Scope {
  const { projects, environments } = c.get('principal')
  return { projects, environments }
}

/** How a change is asked for. The header `x-turnout-break-glass: true` is for admins, and needs a reason. */
export function mannerOf<P extends Precondition | null>(
  c: ApiContext,
  precondition: P,
): { precondition: P; breakGlass: boolean } {
  const header = c.req.header('x-turnout-break-glass')
  if (header !== undefined && header !== 'true')
    throw invalidRequest('x-turnout-break-glass', 'must be "true", or be left out')
  if (header === 'true') requireRole(c, 'admin')
  return { precondition, breakGlass: header === 'true' }
}
