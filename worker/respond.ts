/** The response as the client gets it: the origin's own object, unless a header must be added. */
import type { Decision, Route } from '../engine/index.ts'

export interface Served {
  readonly route: Route
  readonly decision: Decision
  /** Variant whose origin answered. */
  readonly served: string | null
  readonly setCookie: string | null
}

/** Headers that tell shared caches otherwise than Cache-Control does. Source: RFC 9213. */
const SHARED_CACHE_HEADERS = ['cdn-cache-control', 'cloudflare-cdn-cache-control', 'surrogate-control']

export function respond(response: Response, { route, decision, served, setCookie }: Served): Response {
  if (!route.debug && setCookie === null) return response
  const result = mutable(response)
  if (setCookie !== null) {
    result.headers.append('set-cookie', setCookie)
    result.headers.set('cache-control', privately(result.headers.get('cache-control')))
    for (const name of SHARED_CACHE_HEADERS) result.headers.delete(name)
  }
  if (route.debug) {
    const variant = served ?? decision.variant ?? route.fallback
    result.headers.set('x-turnout-variant', variant)
    result.headers.set('x-turnout-reason', decision.reason)
    result.headers.set('x-turnout-version', String(decision.version))
    result.headers.append('server-timing', `turnout;desc="${variant}"`)
  }
  return result
}

/** The body is handed on unread; a WebSocket stays with its handshake. */
function mutable(response: Response): Response {
  if (response.webSocket === null || response.webSocket === undefined)
    return new Response(response.body, response)
  return new Response(null, { status: 101, webSocket: response.webSocket, headers: response.headers })
}

/** A response with a visitor's cookie must not be shared between visitors. Source: RFC 9111, section 5.2.2. */
export function privately(cacheControl: string | null): string {
  const directives = (cacheControl ?? '').split(',').map((directive) => directive.trim())
  const kept = directives.filter(
    (directive) => directive !== '' && !/^(public|private|s-maxage=.*)$/i.test(directive),
  )
  return ['private', ...kept].join(', ')
}
