/**
 * A request on its way to any origin: without what only the edge may say and what belongs to one connection, with what
 * origins are told about the client. Bodies stream.
 */
import { withoutOurCookies } from './cookie.ts'
import type { RequestFacts } from './request-facts.ts'
import { type Content, Upload } from './upload.ts'

/** What `fetch` is given. A Request would cost more, and bring along what is not said here. */
export interface Outgoing {
  readonly target: string
  readonly init: RequestInit & { readonly headers: Headers }
  /** The client's request. */
  readonly from: Request
  /** Its body, where that streams and is watched; `null`: it does not. */
  readonly upload: Upload | null
}

/** `content`: of the request, as `contentOf` gives it. */
export function outgoing(
  target: string,
  facts: RequestFacts,
  loopToken: string,
  content?: Content,
): Outgoing {
  const { request, host, https, ip, cookies, cdnLoop } = facts
  const headers = new Headers(facts.headers)
  stripReserved(facts.headers, headers, facts.hasPlatform)
  if (ip === null) headers.delete('x-forwarded-for')
  else headers.set('x-forwarded-for', ip)
  headers.set('x-forwarded-proto', https ? 'https' : 'http')
  headers.set('x-forwarded-host', host)
  headers.set('cdn-loop', cdnLoop === null ? loopToken : `${cdnLoop}, ${loopToken}`)
  const kept = cookies === null ? null : withoutOurCookies(cookies)
  if (kept !== cookies) {
    if (kept === null) headers.delete('cookie')
    else headers.set('cookie', kept)
  }
  const upload = content instanceof Upload ? content : null
  const body = content instanceof Upload ? content.stream : (content ?? null)
  const init = {
    method: request.method,
    headers,
    body,
    redirect: 'manual',
    ...(upload && { signal: upload.broken }),
  } as const
  return { target, init, from: request, upload }
}

/** Everything under `x-turnout-` is the edge's to say, and headers named by Connection end here. One pass over what came. */
function stripReserved(received: Headers, headers: Headers, hasPlatform: boolean): void {
  for (const name of received.keys()) {
    if (name === 'connection')
      for (const named of received.get(name)!.split(',')) deleteNamed(headers, named.trim())
    else if (isReserved(name) || (!hasPlatform && /^cf[^a-z\d]/.test(name))) headers.delete(name)
  }
}

/**
 * Beside the edge's own: hop-by-hop headers that the runtime leaves in place (RFC 9110, section 7.6.1), and `forwarded`, which
 * would contradict what the edge says in `x-forwarded-*`. Asked of every name: most are done with after one letter.
 */
function isReserved(name: string): boolean {
  switch (name[0]) {
    case 'x':
      return isOurs(name)
    case 'p':
      return name === 'proxy-authorization' || name === 'proxy-connection'
    case 'e':
      return name === 'expect'
    case 'f':
      return name === 'forwarded'
    default:
      return false
  }
}

const SEPARATORS = /^[^a-z\d]{2}/

/** Also `X_Turnout_Variant` and `X.Turnout.Variant`: what CGI, WSGI, Rack and PHP read as the same name. */
function isOurs(name: string): boolean {
  if (name.startsWith('turnout', 2)) return SEPARATORS.test(`${name[1]}${name[9]}`)
  // With dashes it is set anew, or one of those that the edge does not say.
  if (!name.startsWith('forwarded', 2) || (name[1] === '-' && name[11] === '-')) return false
  return SEPARATORS.test(`${name[1]}${name[11]}`)
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** What a client may not have removed: an upgrade must stay one, and a request keeps its meaning. */
const KEPT = /^(upgrade|close|keep-alive|cookie|authorization|host|content-.*)$/i

/** Names that a client writes may not be names at all. */
function deleteNamed(headers: Headers, name: string): void {
  if (TOKEN.test(name) && !KEPT.test(name)) headers.delete(name)
}
