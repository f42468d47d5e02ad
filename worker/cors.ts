/**
 * Any page may ask, with a key and without cookies: one fixed answer to each preflight, and two headers on all else. hono's own
 * serves every policy there is, at a fiftieth of the edge's size. Source: https://fetch.spec.whatwg.org/#http-cors-protocol
 */
import type { MiddlewareHandler } from 'hono'

const HEADERS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'ETag,Retry-After',
}

const PREFLIGHT = {
  ...HEADERS,
  'access-control-max-age': '86400',
  'access-control-allow-methods': 'POST',
  'access-control-allow-headers': 'content-type,authorization,x-api-key,if-none-match,traceparent',
}

export const fromAnyPage: MiddlewareHandler = async (c, next) => {
  if (c.req.method === 'OPTIONS') return new Response(null, { status: 204, headers: PREFLIGHT })
  await next()
  for (const [name, value] of Object.entries(HEADERS)) c.res.headers.set(name, value)
}
