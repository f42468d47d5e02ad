/**
 * What a shared cache may keep, and when it may answer with it. Pure; times are passed in, ms since 1970. Stricter than it must
 * be: what would have to be validated is not kept, and nothing is served stale. Source: RFC 9111.
 */
import { matchesTag } from './etag.ts'

/** Directive → its value, both as written but for the directive's case; the first of each counts (section 4.2.1). */
type Directives = ReadonlyMap<string, string>

const DIRECTIVE = /([\w!#$%&'*+.^`|~-]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,;"]*)))?/g
const MAX_SECONDS = 31_536_000

export function directivesOf(header: string | null): Directives {
  const found = new Map<string, string>()
  for (const [, name = '', quoted, plain = ''] of (header ?? '').matchAll(DIRECTIVE)) {
    const key = name.toLowerCase()
    if (!found.has(key)) found.set(key, quoted ?? plain)
  }
  return found
}

/** `null`: it does not say. What is no number of seconds counts as 0: already stale (section 4.2.1). */
function secondsOf(directives: Directives, name: string): number | null {
  const text = directives.get(name)
  if (text === undefined) return null
  return /^\d+$/.test(text) ? Math.min(Number(text), MAX_SECONDS) : 0
}

/** A request as far as caches look at it. */
export interface Asked {
  readonly method: string
  readonly headers: Headers
}

/** `kept`: an answer that was kept will do. `new`: only one of the origin, which may be kept. `apart`: caches have no part in it. */
export type Wish = 'kept' | 'new' | 'apart'

const APART = ['range', 'if-match', 'if-unmodified-since', 'upgrade']

/** Sections 4 and 5.2.1, 5.4. Ranges and preconditions that a cache cannot judge go to the origin. */
export function wishOf({ method, headers }: Asked): Wish {
  if (method !== 'GET' && method !== 'HEAD') return 'apart'
  if (APART.some((name) => headers.has(name))) return 'apart'
  const control = headers.get('cache-control')
  if (control === null) return /\bno-cache\b/i.test(headers.get('pragma') ?? '') ? 'new' : 'kept'
  const directives = directivesOf(control)
  if (directives.has('no-store')) return 'apart'
  return directives.has('no-cache') ? 'new' : 'kept'
}

/** Statuses that are kept with a freshness of their own; of these, the ones that may be without (RFC 9110, section 15.1). */
const STATUSES = new Set([200, 203, 300, 301, 302, 307, 308, 404, 405, 410, 414, 501])
const ONLY_EXPLICIT = new Set([302, 307])
/** A response that varies by these is one visitor's, or by what only the edge says to its origin. */
const NEVER_SHARED =
  /^(?:\*|cookie|authorization|x-api-key|x-forwarded-for|forwarded|x-turnout-.*|cf-.*|cdn-loop)$/
/** Encodings that the runtime takes off a body that is read. */
const DECODED = new Set(['gzip', 'br', 'identity'])
/** In the key already, or of no matter: bodies are kept decoded, which every client takes. */
const KEYED = new Set(['x-forwarded-host', 'x-forwarded-proto', 'accept-encoding'])

/** Header names of a response's Vary, in lower case. */
const variesBy = (headers: Headers): string[] =>
  (headers.get('vary') ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '')

/**
 * How long a response stays fresh from when it was made, s; 0: it must not be kept. `ttlSeconds`: for those that do not say
 * (section 4.2.2).
 */
export function freshSeconds(
  asked: Asked,
  { status, headers }: Pick<Response, 'status' | 'headers'>,
  ttlSeconds: number,
  cameAtMs: number,
): number {
  if (asked.method !== 'GET' || !STATUSES.has(status) || headers.has('set-cookie')) return 0
  const targeted = headers.get('cdn-cache-control')
  const directives = directivesOf(targeted ?? headers.get('cache-control'))
  if (['no-store', 'private', 'no-cache'].some((name) => directives.has(name))) return 0
  if (variesBy(headers).some((name) => NEVER_SHARED.test(name))) return 0
  const encoding = headers.get('content-encoding')
  if (encoding !== null && (!DECODED.has(encoding.toLowerCase()) || directives.has('no-transform'))) return 0
  const isPublic = ['public', 's-maxage', 'must-revalidate'].some((name) => directives.has(name))
  if (asked.headers.has('authorization') && !isPublic) return 0
  const said = secondsOf(directives, 's-maxage') ?? secondsOf(directives, 'max-age')
  if (said !== null) return said
  const expires = targeted === null ? headers.get('expires') : null
  if (expires !== null) return untilExpiry(expires, dateOf(headers) ?? cameAtMs)
  return ONLY_EXPLICIT.has(status) ? 0 : ttlSeconds
}

/** Section 5.3. A date that is none, `0` above all, is over. */
function untilExpiry(expires: string, fromMs: number): number {
  const seconds = (Date.parse(expires) - fromMs) / 1_000
  return seconds > 0 ? Math.min(seconds, MAX_SECONDS) : 0
}

function dateOf(headers: Headers): number | null {
  const date = Date.parse(headers.get('date') ?? '')
  return Number.isNaN(date) ? null : date
}

/** How old a response was when it came, s: `sentAtMs`, `cameAtMs`: when it was asked for, and when its headers came (section 4.2.3). */
export function ageOnArrival(headers: Headers, sentAtMs: number, cameAtMs: number): number {
  const apparent = Math.max(0, (cameAtMs - (dateOf(headers) ?? cameAtMs)) / 1_000)
  const told = /^\s*(\d+)/.exec(headers.get('age') ?? '')?.[1] ?? '0'
  return Math.max(apparent, Math.min(Number(told), MAX_SECONDS) + (cameAtMs - sentAtMs) / 1_000)
}

/** What is known of a response that is kept. */
export interface Keeping {
  /** Age when it came, s, and when that was. */
  readonly age: number
  readonly cameAtMs: number
  readonly freshSeconds: number
  /** What the request said that it varies by: name → value, `null` where there was none. */
  readonly varied: Readonly<Record<string, string | null>>
}

export const variedBy = (headers: Headers, asked: Asked): Keeping['varied'] =>
  Object.fromEntries(
    variesBy(headers)
      .filter((name) => !KEYED.has(name))
      .map((name) => [name, asked.headers.get(name)]),
  )

export const ageOf = ({ age, cameAtMs }: Keeping, nowMs: number): number =>
  age + Math.max(0, nowMs - cameAtMs) / 1_000

/** Whether a request may be answered with a response that was kept (sections 4, 4.1, 5.2.1). */
export function answers(keeping: Keeping, asked: Asked, nowMs: number): boolean {
  for (const [name, value] of Object.entries(keeping.varied))
    if (asked.headers.get(name) !== value) return false
  const directives = directivesOf(asked.headers.get('cache-control'))
  const age = ageOf(keeping, nowMs)
  const oldest = secondsOf(directives, 'max-age') ?? Number.POSITIVE_INFINITY
  const left = secondsOf(directives, 'min-fresh') ?? 0
  return age <= oldest && age + left < keeping.freshSeconds
}

/** Whether the client has that very response already (RFC 9110, section 13.2.2; RFC 9111, section 4.3.2). */
export function isUnmodified({ headers }: Asked, kept: Headers): boolean {
  const tags = headers.get('if-none-match')
  const etag = kept.get('etag')
  if (tags !== null) return etag !== null && matchesTag(tags, etag.replace(/^W\//, ''))
  const since = Date.parse(headers.get('if-modified-since') ?? '')
  return Date.parse(kept.get('last-modified') ?? '') <= since
}

/** A request that may have changed what its address answers with: what is kept of that is out of date (section 4.4). */
export const invalidates = (method: string, status: number): boolean =>
  !['GET', 'HEAD', 'OPTIONS', 'TRACE'].includes(method) && status < 400
