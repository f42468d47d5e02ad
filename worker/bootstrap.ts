/**
 * A route's pages with their visitor's answers in them, so that a page knows its flags before it paints: client-visible flags
 * only, decided as the same visitor's client would be answered over OFREP. The page streams through as it comes.
 */
import type { Prepared } from '../engine/index.ts'
import { clientContext } from './context.ts'
import type { Visitor } from './identity.ts'
import { bulk } from './ofrep.ts'
import type { RequestFacts } from './request-facts.ts'
import { isAlterable, privately, SHARED_CACHE_HEADERS } from './respond.ts'

/** Id of the element; sdk/remote.ts looks for it. */
const ELEMENT_ID = 'turnout-flags'

/** What the origin says of the bytes that it sent. Sources: RFC 9110, RFC 9530, RFC 3230. */
const OF_OTHER_BYTES = 'etag last-modified accept-ranges content-md5 digest content-digest repr-digest'.split(
  ' ',
)

/** A page, or part of one, that a GET is answered with. */
export const isPage = ({ request }: RequestFacts, response: Response): boolean =>
  request.method === 'GET' &&
  response.body !== null &&
  response.status !== 206 &&
  isAlterable(response) &&
  /^text\/html\s*(;|$)/i.test(response.headers.get('content-type') ?? '')

export function withBootstrap(
  page: Response,
  prepared: Prepared,
  facts: RequestFacts,
  visitor: Visitor,
): Response {
  const result = new Response(page.body, page)
  const { headers } = result
  // Nobody else may get it, and nobody can ask whether it is still the same: the origin's tag knows nothing of flags.
  headers.set('cache-control', privately(headers.get('cache-control')))
  for (const name of [...SHARED_CACHE_HEADERS, ...OF_OTHER_BYTES]) headers.delete(name)
  const element = elementOf(prepared, facts, visitor, nonceOf(headers.get('content-security-policy')))
  let placed = false
  const place = {
    element(tag: Element) {
      if (!placed) tag.prepend(element, { html: true })
      placed = true
    },
  }
  // A page without <head> has at least a body, or nothing that could ask.
  return new HTMLRewriter().on('head', place).on('body', place).transform(result)
}

function elementOf(
  prepared: Prepared,
  facts: RequestFacts,
  { key, isTold }: Visitor,
  nonce: string | null,
): string {
  const { flags, etag, metadata } = bulk(prepared, 'client', clientContext({ targetingKey: key }, facts))
  const context = isTold ? `,"context":${JSON.stringify({ targetingKey: key })}` : ''
  const json = `{"flags":[${flags}],"metadata":${metadata},"etag":${JSON.stringify(etag)}${context}}`
  // No text in it can end the element: JSON has `<` in strings alone, where it may be written so.
  const text = json.replaceAll('<', '\\u003c')
  return `<script type="application/json" id="${ELEMENT_ID}"${nonce === null ? '' : ` nonce="${nonce}"`}>${text}</script>`
}

/** The nonce of a policy. Data need none; pages that check their own elements may. */
const nonceOf = (policy: string | null): string | null =>
  /'nonce-([A-Za-z0-9+/_=-]+)'/.exec(policy ?? '')?.[1] ?? null
