/** The response as the client gets it where a header must be added; otherwise the origin's own object is passed on. */
import type { Decision } from '../engine/index.ts'
import type { Answered } from './second-try.ts'
import { askedEachTime } from './split-page.ts'

export interface Served {
  /** Whether the route asks for debug headers. */
  readonly debug: boolean
  /** It is a page, and others may get another one. */
  readonly page: boolean
  readonly decision: Decision
  readonly answered: Answered
  readonly setCookie: string | null
  /** Nobody else may get it, nor its visitor once the preview is over. */
  readonly isPreview: boolean
}

/** Headers that tell shared caches otherwise than Cache-Control does. Source: RFC 9213. */
export const SHARED_CACHE_HEADERS = ['cdn-cache-control', 'cloudflare-cdn-cache-control', 'surrogate-control']

/** The platform passes on a status that HTTP does not know, and makes no response anew that has one. */
export const isAlterable = ({ status }: Response): boolean => status < 600

export function respond(response: Response, served: Served): Response {
  if (!isAlterable(response)) return response
  const { debug, page, decision, setCookie, isPreview } = served
  const result = setCookie === null ? mutable(response) : withCookie(response, setCookie)
  if (page || isPreview) {
    const control = response.headers.get('cache-control')
    result.headers.set('cache-control', isPreview ? 'private, no-store' : askedEachTime(control))
    for (const name of SHARED_CACHE_HEADERS) result.headers.delete(name)
  }
  if (debug) {
    const { served: variant, cache } = served.answered
    result.headers.set('x-turnout-variant', variant)
    result.headers.set('x-turnout-reason', decision.reason)
    result.headers.set('x-turnout-version', String(decision.version))
    result.headers.append('server-timing', `turnout;desc="${variant}"`)
    if (cache !== undefined) result.headers.append('server-timing', `turnout-cache;desc="${cache}"`)
  }
  return result
}

/** With a cookie for its visitor, and so for nobody else. */
export function withCookie(response: Response, setCookie: string): Response {
  if (!isAlterable(response)) return response
  const result = mutable(response)
  result.headers.append('set-cookie', setCookie)
  result.headers.set('cache-control', privately(result.headers.get('cache-control')))
  for (const name of SHARED_CACHE_HEADERS) result.headers.delete(name)
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
