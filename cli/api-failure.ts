/** The control plane answered, but not with what was asked for: in a sentence, with what to do next. Pure. */
import type { Connection } from './connection.ts'
import { Failure, type Finding } from './failure.ts'

/** The control plane answered, but with a problem. */
export class ApiFailure extends Failure {
  readonly status: number

  constructor(status: number, message: string, findings: readonly Finding[]) {
    super(message, findings)
    this.status = status
  }
}

/** What to say and what to do next, by the status and what the control plane says of it. */
export function refusal(request: Request, response: Response, text: string, connection: Connection): Failure {
  const { status, headers } = response
  if (status >= 300 && status < 400) {
    const location = headers.get('location') ?? 'nowhere'
    const sentence = `${connection.url} redirects to ${location}: give its final address`
    return new ApiFailure(status, sentence, [])
  }
  const problem = problemIn(text)
  if (problem === null)
    return new ApiFailure(status, `${named(request)} was answered ${status}: ${notOurs(connection)}`, [])
  const { title, detail, errors, requestId } = problem
  const said = detail ?? title ?? `status ${status}`
  const words = [said, ...advice(status, said, headers, connection), ...lookup(status, said, request)]
  if (status >= 500 && requestId !== undefined) words.push(`Its log has it under request ${requestId}.`)
  const findings = SAID_IN_WORDS.includes(status) ? [] : errors
  return new ApiFailure(status, `the control plane refuses (${status}): ${words.join(' ')}`, findings)
}

/** Their one error names a part of a request that the command made, and not its user. */
const SAID_IN_WORDS = [401, 403, 404, 405, 412, 428]

/** What to do next. */
function advice(status: number, said: string, headers: Headers, { url, tokenFrom }: Connection): string[] {
  if (status === 401) return [`The token came from ${tokenFrom}; turnout login --url ${url} stores another.`]
  if (status === 403) return ['What this token may do, turnout whoami says.']
  const seconds = secondsToWait(headers)
  return seconds === null || /\btry again in\b/i.test(said) ? [] : [`Try again in ${seconds} s.`]
}

/** What says which there are, by what there is none of. */
const LOOKUPS: Readonly<Record<string, (env: string) => string>> = {
  environment: () => 'turnout env list says which there are.',
  flag: (env) => `turnout flags list --env ${env} says which there are.`,
  version: (env) => `turnout versions list --env ${env} says which there are.`,
  'version of the kill list': (env) => `turnout landing --env ${env} watches the one there is now.`,
  kill: (env) => `turnout kills list --env ${env} says what is killed.`,
  preview: (env) => `turnout preview list --env ${env} says which there are.`,
}

function lookup(status: number, said: string, { url }: Request): string[] {
  const [, what = ''] = (status === 404 && /^There is no ([a-z ]+) "/.exec(said)) || []
  const [, env = ''] = /\/environments\/([^/]+)/.exec(new URL(url).pathname) ?? []
  return Object.hasOwn(LOOKUPS, what) ? [LOOKUPS[what]!(decodeURIComponent(env))] : []
}

/** What `Retry-After` says; `null`: nothing. */
export function secondsToWait(headers: Headers): number | null {
  const text = headers.get('retry-after')
  return text !== null && /^\d+$/.test(text) ? Number(text) : null
}

export const notOurs = ({ url }: Connection): string =>
  `what answers at ${url} may not be a Turnout control plane`

/** `GET /environments/dev/document` */
export const named = ({ method, url }: Request): string =>
  `${method} ${new URL(url).pathname.replace(/^.*?\/api\/v1/, '')}`

interface ProblemDetails {
  readonly title: string | undefined
  readonly detail: string | undefined
  readonly requestId: string | undefined
  readonly errors: readonly Finding[]
}

/** Problem details (RFC 9457) in a body, as far as they are what they should be; `null`: it is something else. */
function problemIn(text: string): ProblemDetails | null {
  const body = isJson(text) ? JSON.parse(text) : null
  if (typeof body !== 'object' || body === null || typeof body.status !== 'number') return null
  const word = (name: string) => (typeof body[name] === 'string' ? body[name] : undefined)
  const errors: { path?: unknown; message?: unknown }[] = Array.isArray(body.errors) ? body.errors : []
  return {
    title: word('title'),
    detail: word('detail'),
    requestId: word('requestId'),
    errors: errors.map((issue) => ({ path: String(issue?.path), message: String(issue?.message) })),
  }
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
