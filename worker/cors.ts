/**
 * Any page may ask, with a key and without cookies: one fixed answer to each preflight, and two headers on all else.
 * Source: https://fetch.spec.whatwg.org/#http-cors-protocol
 */
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

export const preflight = (): Response => new Response(null, { status: 204, headers: PREFLIGHT })

/** The same response, which pages of any origin may read. */
export function forAnyPage(response: Response): Response {
  for (const [name, value] of Object.entries(HEADERS)) response.headers.set(name, value)
  return response
}
