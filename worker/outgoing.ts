/**
 * A request on its way to any origin: without what only the edge may say and what belongs to one connection, with what
 * origins are told about the client. Bodies stream.
 */
import { withoutOurCookies } from './cookie.ts'
import type { RequestFacts } from './request-facts.ts'

/**
 * Hop-by-hop headers that the runtime leaves in place (RFC 9110, section 7.6.1), and `forwarded`, which would contradict what
 * the edge says in `x-forwarded-*`.
 */
const DROPPED = new Set(['proxy-authorization', 'proxy-connection', 'expect', 'forwarded'])

/** `body`: given where the request may be sent twice; otherwise it streams from the client. */
export function outgoing(
  target: string,
  facts: RequestFacts,
  loopToken: string,
  body?: ArrayBuffer,
): Request {
  const { request, host, https, ip, cookies, cdnLoop } = facts
  const result =
    body === undefined
      ? new Request(target, request)
      : new Request(target, { method: request.method, headers: request.headers, body, redirect: 'manual' })
  const { headers } = result
  stripReserved(request.headers, headers, facts.hasPlatform)
  if (ip === null) headers.delete('x-forwarded-for')
  else headers.set('x-forwarded-for', ip)
  headers.set('x-forwarded-proto', https ? 'https' : 'http')
  headers.set('x-forwarded-host', host)
  headers.set('cdn-loop', cdnLoop === null ? loopToken : `${cdnLoop}, ${loopToken}`)
  if (cookies?.includes('turnout-')) {
    const kept = withoutOurCookies(cookies)
    if (kept === null) headers.delete('cookie')
    else headers.set('cookie', kept)
  }
  return result
}

/** Everything under `x-turnout-` is the edge's to say, and headers named by Connection end here. One pass over what came. */
function stripReserved(received: Headers, headers: Headers, hasPlatform: boolean): void {
  for (const name of received.keys()) {
    if (name === 'connection')
      for (const named of received.get(name)!.split(',')) deleteNamed(headers, named.trim())
    else if (name.startsWith('x-turnout-') || DROPPED.has(name) || isAlias(name)) headers.delete(name)
    else if (!hasPlatform && name.startsWith('cf-')) headers.delete(name)
  }
}

/** `X_Turnout_Variant`: what CGI, WSGI and Rack read as the same name. */
const isAlias = (name: string): boolean => name.includes('_') && /^x[-_](?:turnout|forwarded)[-_]/.test(name)

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** What a client may not have removed: an upgrade must stay one, and a request keeps its meaning. */
const KEPT = /^(upgrade|close|keep-alive|cookie|authorization|host|content-.*)$/i

/** Names that a client writes may not be names at all. */
function deleteNamed(headers: Headers, name: string): void {
  if (TOKEN.test(name) && !KEPT.test(name)) headers.delete(name)
}
