/**
 * Headers of every answer. Browsers keep none, show none inside another page, and hand none to a page of another site:
 * there is no CORS here, on purpose. Pages of our own replace the content security policy by one that fits them.
 */
import type { MiddlewareHandler } from 'hono'
import type { ApiEnv } from './context.ts'

const HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

/** Over https only (RFC 6797 §7.2): a year, this host alone. */
const TRANSPORT = 'max-age=31536000'

export const responseHeaders: MiddlewareHandler<ApiEnv> = async (c, next) => {
  const requestId = crypto.randomUUID()
  c.set('requestId', requestId)
  c.header('x-request-id', requestId)
  for (const [name, value] of Object.entries(HEADERS)) c.header(name, value)
  if (c.req.url.startsWith('https:')) c.header('strict-transport-security', TRANSPORT)
  await next()
}
