/**
 * Pages of a route whose visitors get different variants: nobody may answer one visitor with another's, nor a visitor with a
 * page from before the split moved. Pure. Source: docs/traffic.md, "Caches".
 */
import type { RequestFacts } from './request-facts.ts'

/** HTML; and without a type of its own an answer that a page is asked for by: a redirect, or a 304. */
export function isSplitPage(facts: RequestFacts, { status, headers }: Response): boolean {
  const type = headers.get('content-type')
  if (type !== null) return /^\s*(?:text\/html|application\/xhtml\+xml)\s*(?:;|$)/i.test(type)
  return status >= 300 && status < 400 && /\btext\/html\b/i.test(facts.header('accept') ?? '')
}

/** `Cache-Control` of such a page: asked for each time. What is stricter stays. Source: RFC 9111, section 5.2.2. */
export function askedEachTime(cacheControl: string | null): string {
  const kept = (cacheControl ?? '')
    .split(',')
    .map((directive) => directive.trim())
    .filter((directive) => /^(?:no-store|no-transform)$/i.test(directive))
  return ['private', 'no-cache', ...kept].join(', ')
}
