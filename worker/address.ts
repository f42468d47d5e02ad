/**
 * The parts of a request's URL, normalised as the URL standard does it, so that one form is matched and forwarded. Pure.
 */

export interface Address {
  /** `http:` or `https:`. */
  readonly protocol: string
  /** Host name, with the port where it is not the scheme's own. */
  readonly host: string
  readonly path: string
  /** With its question mark; empty where there is no query. */
  readonly search: string
}

/** What the standard may change in a path or query: a character to encode, a dot segment. Most have none of it. */
const UNUSUAL = /[^\w\-~!$&()*+,;=:@./?%]|\/\.|%2[eE]/

/** What a client may have written as a host and is none: it would be read as a path, a query, or somebody's name. */
const NO_HOST = /[?#@\\]/
const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d+)?$/

/** The last scheme and host that stood as the standard writes them: an edge has few. Memory of a pure function: it changes no answer. */
let lastBase = ''
let lastProtocol = ''
let lastHost = ''

/**
 * Says what `new URL` says, at a fraction of the price, and throws for a text that is no URL, or whose host is no name or address.
 * `host`: the header, where nobody looked at it before; a slash in it looks like the path's.
 */
export function addressOf(url: string, host: string | null = null): Address {
  if (host?.includes('/')) throw new TypeError('a host with a slash')
  const slash = url.indexOf('/', 'https://'.length)
  const base = slash < 0 ? url : url.slice(0, slash)
  const rest = slash < 0 ? '/' : url.slice(slash)
  if (UNUSUAL.test(rest) || !isKnown(base)) return parsed(url, base)
  const query = rest.indexOf('?')
  const path = query < 0 ? rest : rest.slice(0, query)
  const search = query < 0 || query === rest.length - 1 ? '' : rest.slice(query)
  return { protocol: lastProtocol, host: lastHost, path, search }
}

function isKnown(base: string): boolean {
  if (base === lastBase) return true
  const { protocol, host } = new URL(base)
  if (`${protocol}//${host}` !== base || !HOST.test(host)) return false
  lastBase = base
  lastProtocol = protocol
  lastHost = host
  return true
}

function parsed(url: string, base: string): Address {
  const { protocol, host, pathname, search } = new URL(url)
  if (NO_HOST.test(base) || !HOST.test(host)) throw new TypeError('no host')
  return { protocol, host, path: pathname, search }
}
