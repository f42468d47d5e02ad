/**
 * Asks one address how it is, once. Whatever comes of it is an `Outcome`: it never throws for what an origin does. The only
 * file here that opens a connection.
 */
import { type HealthSettings, originProblem } from '../../engine/index.ts'
import { messageOf } from '../log.ts'
import type { Check } from './plan.ts'

export interface Outcome {
  /** When the check began, ms since 1970. */
  readonly atMs: number
  readonly durationMs: number
  /** `null`: no answer. */
  readonly status: number | null
  /** A sentence; `null`: it passed. */
  readonly problem: string | null
}

/** Characters of a problem that are kept. */
const MAX_PROBLEM = 200

/** `local`: this is a local run, where origins may be on this machine. */
export async function probe({ url, headers, settings }: Check, local: boolean): Promise<Outcome> {
  const atMs = Date.now()
  const ended = (status: number | null, problem: string | null): Outcome => ({
    ...{ atMs, durationMs: Date.now() - atMs, status },
    problem: problem?.slice(0, MAX_PROBLEM) ?? null,
  })
  // Checked when it was published, and perhaps by other rules than hold now.
  const refused = originProblem(url, { allowPrivateOrigins: local, edgeHosts: [] })
  if (refused !== null) return ended(null, `not asked: the URL ${refused}`)
  try {
    const status = await ask(url + settings.path, headers, settings.timeoutMs)
    return ended(status, problemOf(status, settings))
  } catch (thrown) {
    return ended(null, `no answer: ${messageOf(thrown)}`)
  }
}

function problemOf(status: number, { expectedStatus }: HealthSettings): string | null {
  if (expectedStatus !== undefined)
    return status === expectedStatus ? null : `answered ${status}, not ${expectedStatus}`
  if (status >= 200 && status <= 299) return null
  return status >= 300 && status <= 399
    ? `answered ${status}: redirects are not followed`
    : `answered ${status}`
}

/** The status. Nothing is read of the body: headers are the answer. */
async function ask(target: string, own: Check['headers'], timeoutMs: number): Promise<number> {
  const headers = new Headers({
    accept: '*/*',
    'user-agent': 'Turnout-Health/1',
    'cache-control': 'no-cache',
  })
  for (const [name, value] of Object.entries(own)) headers.set(name, value)
  headers.set('x-turnout-health', '1')
  const abort = new AbortController()
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    late.reject(new Error(`nothing within ${timeoutMs} ms`))
    abort.abort()
  }, timeoutMs)
  try {
    const asked = fetch(target, { headers, redirect: 'manual', signal: abort.signal })
    // What comes after the time limit is nobody's.
    asked.catch(() => {})
    const response = await Promise.race([asked, late.promise])
    await response.body?.cancel()
    return response.status
  } finally {
    clearTimeout(timer)
  }
}
