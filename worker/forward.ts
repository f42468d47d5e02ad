/**
 * The request as an origin gets it: the normalised URL under the origin's, without what only the edge may say and without
 * what belongs to one connection. Bodies stream.
 */
import type { Decision } from '../engine/index.ts'
import { withoutOurCookies } from './cookie.ts'
import type { RequestFacts } from './request-facts.ts'
import type { PreparedOrigin, PreparedRoute } from './routes.ts'

/** Hop-by-hop headers that the runtime leaves in place. Source: RFC 9110, section 7.6.1. */
const HOP_BY_HOP = ['proxy-authorization', 'proxy-connection', 'expect']
const CREDENTIALS = ['authorization', 'cookie', 'x-api-key']

export interface Forwarding {
  readonly facts: RequestFacts
  readonly route: PreparedRoute
  readonly decision: Decision
  /** CDN-Loop token of this edge. */
  readonly loopToken: string
}

/** Where a path goes at an origin: prefix taken off, prefix put on, query kept. */
export function targetUrl(
  base: string,
  path: string,
  search: string,
  rewrite: { stripPrefix?: string; addPrefix?: string } | undefined,
): string {
  if (rewrite === undefined) return base + path + search
  const { stripPrefix, addPrefix = '' } = rewrite
  const strip = stripPrefix?.replace(/\/+$/, '') ?? ''
  const stripped =
    strip !== '' && (path === strip || path.startsWith(`${strip}/`)) ? path.slice(strip.length) : path
  const added = addPrefix.replace(/\/+$/, '') + (stripped.startsWith('/') ? stripped : `/${stripped}`)
  return base + added + search
}

/**
 * `body`: given where the request may be sent twice; otherwise it streams from the client. `stranger`: the origin is not the
 * one that the client's credentials were meant for.
 */
export function forwarded(
  to: PreparedOrigin,
  { facts, route, decision, loopToken }: Forwarding,
  body?: ArrayBuffer,
  stranger = false,
): Request {
  const { request, url } = facts
  const target = targetUrl(to.baseUrl(facts.place), url.pathname, url.search, route.route.rewrite)
  const result =
    body === undefined
      ? new Request(target, request)
      : new Request(target, { method: request.method, headers: request.headers, body, redirect: 'manual' })
  const { headers } = result
  stripReserved(headers)
  const ip = facts.ip
  if (ip === null) headers.delete('x-forwarded-for')
  else headers.set('x-forwarded-for', ip)
  headers.set('x-forwarded-proto', facts.https ? 'https' : 'http')
  headers.set('x-forwarded-host', url.host)
  const loop = facts.header('cdn-loop')
  headers.set('cdn-loop', loop === null ? loopToken : `${loop}, ${loopToken}`)
  const cookies = facts.cookies
  if (cookies?.includes('turnout-')) {
    const kept = withoutOurCookies(cookies)
    if (kept === null) headers.delete('cookie')
    else headers.set('cookie', kept)
  }
  if (stranger) for (const name of CREDENTIALS) headers.delete(name)
  const { origin } = to
  if (origin.context) {
    headers.set('x-turnout-route', route.route.id)
    headers.set('x-turnout-variant', to.variant)
    headers.set('x-turnout-version', String(decision.version))
  }
  if (origin.removeHeaders) for (const name of origin.removeHeaders) headers.delete(name)
  if (origin.headers) for (const [name, value] of Object.entries(origin.headers)) headers.set(name, value)
  return result
}

/** Everything under `x-turnout-` is the edge's to say, and headers named by Connection end here. */
export function stripReserved(headers: Headers): void {
  const connection = headers.get('connection')
  if (connection !== null) for (const name of connection.split(',')) deleteNamed(headers, name.trim())
  for (const name of HOP_BY_HOP) headers.delete(name)
  for (const name of [...headers.keys()]) if (name.startsWith('x-turnout-')) headers.delete(name)
}

/** Names that a client writes may not be names at all; and an upgrade must stay one. */
function deleteNamed(headers: Headers, name: string): void {
  if (
    /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) &&
    !/^(upgrade|close|keep-alive|cookie|authorization|host|content-.*)$/i.test(name)
  )
    headers.delete(name)
}
