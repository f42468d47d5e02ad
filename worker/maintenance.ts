/** A route that is closed for maintenance: 503, as a page or as a problem. Source: docs/traffic.md, "Maintenance". */
import { attributesOf, evaluate, type Maintenance, type Prepared } from '../engine/index.ts'
import { contextBuilder } from './context.ts'
import { problem } from './problem.ts'
import type { RequestFacts } from './request-facts.ts'

const RETRY_AFTER_SECONDS = 60

/** The answer while the route's maintenance flag is on for whoever asks; `null`: it is open to them. */
export type Closed = (facts: RequestFacts, key: string | undefined) => Response | null

export function closedBy(prepared: Prepared, route: string, maintenance: Maintenance): Closed {
  const { flag, status = 503, retryAfterSeconds = RETRY_AFTER_SECONDS, body } = maintenance
  const context = contextBuilder(attributesOf(prepared, flag))
  const headers = { 'retry-after': String(retryAfterSeconds), 'cache-control': 'no-store' }
  return (facts, key) => {
    if (evaluate(prepared, flag, context(facts, key), { route }).value !== true) return null
    if (body === undefined || prefersJson(facts.header('accept')))
      return problem(status, 'Service Unavailable', `route ${route} is closed for maintenance`, headers)
    const type = /^\s*</.test(body) ? 'text/html' : 'text/plain'
    return new Response(facts.request.method === 'HEAD' ? null : body, {
      status,
      headers: { ...headers, 'content-type': `${type}; charset=utf-8` },
    })
  }
}

/** Programs say so; a browser names HTML before anything else. */
const prefersJson = (accept: string | null): boolean =>
  accept !== null && /\bjson\b/i.test(accept) && !/\btext\/html\b/i.test(accept)
