/**
 * Which URLs a webhook may have: the guard against server-side request forgery, when it is written and again when it is
 * used. Pure. Source: docs/security.md, "Webhook targets".
 */
import { originProblem } from '../../engine/index.ts'

const MAX_URL = 2_048
/** Many receivers know their callers by a signature there. */
const QUERY = /^[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*$/

/** A sentence that completes "url …", or `null` if a webhook may send there. `local`: this is a local run. */
export function targetProblem(url: string, local: boolean): string | null {
  if (!local && !url.startsWith('https://'))
    return 'must begin with https://; http is only allowed in local runs'
  const mark = url.indexOf('?')
  const [address, query] = mark < 0 ? [url, ''] : [url.slice(0, mark), url.slice(mark + 1)]
  if (!QUERY.test(query) || url.length > MAX_URL)
    return `must have a query of URL characters, and at most ${MAX_URL} characters in all`
  const problem = originProblem(address, { allowPrivateOrigins: local, edgeHosts: [] })
  return problem?.replace(', query or fragment', ' or fragment') ?? null
}

/** Host and port of a URL for which `targetProblem` is `null`. */
export const hostOf = (url: string): string => new URL(url).host
