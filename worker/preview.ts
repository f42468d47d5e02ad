/**
 * Signed previews on a request: in a link, which is turned into a cookie, and in that cookie. Who carries one that holds is
 * answered by a view of the snapshot in which it is the truth. Source: docs/traffic.md, "Previews".
 */
import { PREVIEW, type Prepared, type PreviewClaims, preparePreview } from '../engine/index.ts'
import type { PreviewTokens } from './preview-token.ts'
import { problem } from './problem.ts'
import type { RequestFacts } from './request-facts.ts'
import { RouteTable } from './routes.ts'
import type { Upstreams } from './upstream.ts'

/** Whether a request may carry one; costs most requests two looks at a text. */
export const mayCarryPreview = ({ search, cookies }: RequestFacts): boolean =>
  search.includes(PREVIEW) || cookies?.includes(PREVIEW) === true

/** What a request is answered by. */
export interface View {
  readonly prepared: Prepared
  readonly routes: RouteTable
  /** Whose it is; `null`: everybody's. */
  readonly preview: PreviewClaims | null
}

/** What a request carries: a preview that holds, or one that is to be forgotten, or neither. */
export interface Carried {
  readonly claims: PreviewClaims | null
  /** A Set-Cookie that takes the cookie away, or `null`. */
  readonly clearing: string | null
}

/** The answer to a link that carries a preview, or ends one (an empty value); `null`: the address has no such parameter. */
export async function followLink(
  facts: RequestFacts,
  prepared: Prepared,
  tokens: PreviewTokens,
): Promise<Response | null> {
  const { token, rest } = splitQuery(facts.search)
  if (token === null) return null
  if (token === '') return clean(facts, rest, setCookie(facts.https, '', 0))
  const nowMs = Date.now()
  const checked = await tokens.check(token, shownAt(facts, prepared, nowMs))
  if (!checked.ok) return refused(checked.error.problem, checked.error.mayHold)
  const seconds = Math.ceil(checked.value.exp - nowMs / 1_000)
  return clean(facts, rest, setCookie(facts.https, token, seconds))
}

/** A cookie that holds no more is taken away without a word: its page is everybody's again. */
export async function carriedPreview(
  facts: RequestFacts,
  prepared: Prepared,
  tokens: PreviewTokens,
): Promise<Carried> {
  const token = facts.cookie(cookieName(facts.https))
  if (token === null) return { claims: null, clearing: null }
  const checked = await tokens.check(token, shownAt(facts, prepared, Date.now()))
  if (checked.ok) return { claims: checked.value, clearing: null }
  return { claims: null, clearing: checked.error.mayHold ? null : setCookie(facts.https, '', 0) }
}

const shownAt = ({ host }: RequestFacts, { snapshot }: Prepared, nowMs: number) => ({
  environment: snapshot.environment,
  host,
  access: snapshot.access.previews,
  nowMs,
})

const cookieName = (https: boolean): string => (https ? `__Host-${PREVIEW}` : PREVIEW)

const setCookie = (https: boolean, token: string, maxAgeSeconds: number): string =>
  `${cookieName(https)}=${token}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Lax${https ? '; Secure' : ''}`

/** The parameter's first value, and the query without it, byte for byte. */
function splitQuery(search: string): { token: string | null; rest: string } {
  const pairs = search.slice(1).split('&')
  const isOurs = (pair: string): boolean => pair === PREVIEW || pair.startsWith(`${PREVIEW}=`)
  const ours = pairs.find(isOurs)
  const rest = pairs.filter((pair) => !isOurs(pair)).join('&')
  return { token: ours === undefined ? null : ours.slice(PREVIEW.length + 1), rest: rest && `?${rest}` }
}

/**
 * To the same address without the parameter. Relative, so that it never leads to another host: a path that begins with two
 * slashes would name one, and is written as what the URL standard reads as the same path.
 */
function clean({ request, path }: RequestFacts, rest: string, cookie: string): Response {
  const location = (path.startsWith('//') ? `/.${path}` : path) + rest
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  return new Response(null, {
    // 307 keeps the method and its body.
    status: isRead ? 302 : 307,
    headers: {
      location,
      'set-cookie': cookie,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
    },
  })
}

function refused(why: string, mayHold: boolean): Response {
  const detail = `the preview ${why}; ask for a new one, or leave ${PREVIEW} out of the address`
  return problem(403, 'Forbidden', detail, mayHold ? { 'retry-after': '2' } : {})
}

/** Views kept: each may hold every flag of its snapshot once more. */
const MAX_VIEWS = 8

/** Views of previewed flags. Of a previewed route there is none: only its decision is another. */
export class Views {
  #views = new Map<string, { readonly base: Prepared; readonly view: View }>()

  of({ prepared: base, routes }: View, preview: PreviewClaims, upstreams: Upstreams): View {
    if ('route' in preview) return { prepared: base, routes, preview }
    const known = this.#views.get(preview.jti)
    if (known?.base === base) return known.view
    const prepared = preparePreview(base, preview)
    const view = { prepared, routes: new RouteTable(prepared, upstreams, routes.sinceMs), preview }
    if (this.#views.size >= MAX_VIEWS) this.#views = new Map()
    this.#views.set(preview.jti, { base, view })
    return view
  }
}
