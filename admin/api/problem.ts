/**
 * Problem details (RFC 9457): the one shape of every answer that is not a success, and the one place where failures get
 * their status. Nothing internal leaves here.
 */
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { type CompileIssue, MAX_ISSUES, type Result, shortened } from '../../engine/index.ts'
import { SettingError } from '../config/setting-error.ts'
import { MAX_BODY_BYTES } from '../env.ts'
import type { Failure } from '../failure.ts'
import { logError, messageOf } from '../log.ts'
import type { Approval } from '../storage/approvals.ts'
import type { StubError } from '../stubs.ts'
import type { ApiContext, ApiEnv } from './context.ts'
import { placeOf } from './named-in.ts'
import { shownApproval } from './shown.ts'

/** Kinds of problems with their status and title. */
export const PROBLEMS = {
  malformed: [400, 'The request cannot be read'],
  unauthorized: [401, 'The token is missing or wrong'],
  forbidden: [403, 'This caller may not do that'],
  'not-found': [404, 'There is no such thing'],
  'method-not-allowed': [405, 'This address does not take that method'],
  frozen: [409, 'Changes that raise exposure are frozen'],
  'outside-window': [409, 'Changes that raise exposure are made in windows only'],
  'not-pending': [409, 'It was decided already'],
  'changed-since': [409, 'What it is about has changed since'],
  'stage-order': [409, 'A migration does not move so'],
  'in-flight': [409, 'The first request with this key is being carried out'],
  'answer-lost': [409, 'The answer to this request is lost'],
  'store-changed': [409, 'It was changed in AWS at the same time'],
  'store-busy': [409, 'AWS is busy with another change'],
  stale: [412, 'It has changed since, or is not what the precondition says'],
  'too-large': [413, 'The body is too large'],
  'unsupported-media-type': [415, 'The body must be JSON'],
  invalid: [422, 'The request is well-formed but not valid'],
  'key-reused': [422, 'This key belongs to another request'],
  'precondition-required': [428, 'This change needs a precondition'],
  'too-many-requests': [429, 'This caller asks too often'],
  internal: [500, 'The control plane failed'],
  unreadable: [500, 'What is stored of the document is damaged'],
  misconfigured: [500, 'A setting of the control plane is wrong'],
  'store-unavailable': [503, 'AWS does not take the change'],
  overloaded: [503, 'The control plane is overloaded'],
  interrupted: [503, 'The control plane was interrupted'],
} as const satisfies Record<string, readonly [number, string]>

export type ProblemKind = keyof typeof PROBLEMS

/** Of changes that are written to AWS first, where documents live there. */
export const STORE_PROBLEMS = ['store-changed', 'store-busy', 'store-unavailable'] as const

/** The `type` of a problem. */
export const typeOf = (kind: ProblemKind): string => `urn:turnout:problem:${kind}`

/** A thing that the request names, and what is wrong with it. The field that names it is looked up for the answer. */
export interface Named {
  /** A noun, such as `flag`. */
  readonly what: string
  readonly name: string
  /** As in `errors`. */
  readonly message: string
}

/** Thrown by handlers, answered by `answerProblem`. `detail` is a sentence for people. */
export class Problem extends Error {
  readonly kind: ProblemKind
  readonly errors: readonly CompileIssue[] | Named
  readonly headers: Readonly<Record<string, string>>

  constructor(
    kind: ProblemKind,
    detail: string,
    errors: readonly CompileIssue[] | Named = [],
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail)
    this.kind = kind
    this.errors = errors
    this.headers = headers
  }
}

export const tooLarge = (maxBytes = MAX_BODY_BYTES): Problem =>
  new Problem('too-large', `A body has at most ${maxBytes} bytes.`, [
    { path: '$', message: `must have at most ${maxBytes} bytes` },
  ])

export const notJson = (): Problem =>
  new Problem('unsupported-media-type', 'Send "content-type: application/json".', [
    { path: 'content-type', message: 'must be application/json' },
  ])

/** `Retry-After` is in whole seconds (RFC 9110 §10.2.3). */
export function tooManyRequests(waitMs: number): Problem {
  const seconds = Math.ceil(waitMs / 1_000)
  const detail = `Try again in ${seconds === 1 ? 'a second' : `${seconds} seconds`}.`
  return new Problem('too-many-requests', detail, [], { 'retry-after': String(seconds) })
}

export const invalidRequest = (path: string, message: string): Problem =>
  new Problem('invalid', `${path}: ${message}`, [{ path, message }])

/** `nearest`: a known name that looks like it. */
export function unknown(what: string, name: string, nearest: string | null = null): Problem {
  const message = `there is no ${what} ${JSON.stringify(name)}`
  const hint = nearest === null ? '' : ` Did you mean ${JSON.stringify(nearest)}?`
  return new Problem('not-found', `${sentence(message)}.${hint}`, { what, name, message })
}

/** The value of an object's answer, or the problem that says why there is none. `environment` as in the address. */
export function settle<T>(answer: Result<T, Failure>, environment: string): T {
  if (answer.ok) return answer.value
  throw problemOf(answer.error, environment)
}

function problemOf(failure: Failure, environment: string): Problem {
  switch (failure.reason) {
    case 'environment-unknown':
      return unknown('environment', environment)
    case 'unknown':
      return unknown(failure.what, failure.key, failure.nearest)
    case 'stale':
      return stale(failure)
    case 'exists': {
      const name = `${failure.what} ${JSON.stringify(failure.key)}`
      const tag = `"v${failure.current}"`
      const message = `does not hold: there is ${some(name)}, at ${tag}`
      return new Problem('stale', `There is ${some(name)} already.`, [{ path: 'if-none-match', message }], {
        etag: tag,
      })
    }
    case 'malformed': {
      const { line, column, message } = failure
      const at = `line ${line}, column ${column}`
      return new Problem('malformed', `Line ${line}, column ${column}: ${message}.`, [{ path: at, message }])
    }
    case 'conflict': {
      const { kind, detail, retryAtMs } = failure
      const seconds = retryAtMs === null ? null : Math.max(1, Math.ceil((retryAtMs - Date.now()) / 1000))
      return new Problem(
        kind,
        sentence(detail),
        [],
        seconds === null ? {} : { 'retry-after': String(seconds) },
      )
    }
    case 'stage-order': {
      const whose = failure.errors.length === 1 ? 'The migration' : `${failure.errors.length} migrations`
      const detail = `${whose} may not move so; nothing was changed. An admin may break the glass.`
      return new Problem('stage-order', detail, failure.errors)
    }
    case 'store-unavailable':
      return new Problem('store-unavailable', `${sentence(failure.detail)}. Nothing was changed.`, [], {
        'retry-after': '15',
      })
    case 'unreadable':
      return new Problem(
        'unreadable',
        `${sentence(failure.detail)}. Kills and edges go on; put a whole document in its place, or restore a backup.`,
      )
    case 'refused':
      return new Problem('forbidden', failure.detail)
    case 'approval-needed':
      throw new ApprovalNeeded(environment, failure.approval)
    case 'invalid': {
      const { errors, what } = failure
      return new Problem('invalid', `The ${what} has ${countOf(errors)}; nothing was changed.`, errors)
    }
  }
}

/** How many errors there are, as it may stand in a sentence: the compiler tells of more than these only how many they are. */
export function countOf({ length }: readonly CompileIssue[]): string {
  if (length === 1) return 'one error'
  return length > MAX_ISSUES ? `more than ${MAX_ISSUES} errors` : `${length} errors`
}

/** Thrown where a change waits for others: no failure, but no result either. Answered 202. */
class ApprovalNeeded extends Error {
  readonly environment: string
  readonly approval: Approval

  constructor(environment: string, approval: Approval) {
    super('approval needed')
    this.environment = environment
    this.approval = approval
  }
}

/** Begins with a capital, unless it begins with a name, such as `token:ci` or `prod-eu`: that stays as it is. */
const sentence = (text: string): string =>
  /^[a-z]+(?:[ ,;.]|$)/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text

/** With its article: an environment, a flag. */
const some = (noun: string): string => `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`

function stale({ what, key, current }: { what: string; key: string; current: number | null }): Problem {
  const name = `${what} ${JSON.stringify(key)}`
  const errors = (why: string) => [{ path: 'if-match', message: `does not hold: ${why}` }]
  if (current === null) {
    const detail = `There is no ${name}; create it with "If-None-Match: *".`
    return new Problem('stale', detail, errors(`there is no ${name}`))
  }
  const tag = `"v${current}"`
  const detail = `The ${name} is at ${tag} now; read it again and repeat the change.`
  return new Problem('stale', detail, errors(`the ${name} is at ${tag}`), { etag: tag })
}

/** The response to anything thrown. Unexpected errors are logged with the request's id and answered without their message. */
export async function answerProblem(thrown: unknown, c: Context<ApiEnv>): Promise<Response> {
  if (thrown instanceof ApprovalNeeded) return answerWaiting(c, thrown)
  const problem = asProblem(thrown, c)
  c.set('interrupted', problem.kind === 'interrupted')
  const [status, title] = PROBLEMS[problem.kind]
  for (const [name, value] of Object.entries(problem.headers)) c.header(name, value)
  c.header('content-type', 'application/problem+json')
  const body = {
    type: typeOf(problem.kind),
    title,
    status,
    detail: problem.message,
    errors: await errorsOf(problem, c),
    requestId: c.get('requestId'),
  }
  return c.body(JSON.stringify(body), status)
}

async function errorsOf({ errors }: Problem, c: ApiContext): Promise<readonly CompileIssue[]> {
  if (!('what' in errors)) return shortened(errors, errors.length, 'errors')
  const path = await placeOf(c, errors.what, errors.name)
  return path === null ? [] : [{ path, message: errors.message }]
}

function answerWaiting(c: Context<ApiEnv>, { environment, approval }: ApprovalNeeded): Response {
  c.header('location', `/api/v1/approvals/${environment}:${approval.n}`)
  c.header('content-type', 'application/json')
  return c.body(JSON.stringify(shownApproval(environment, approval)), 202)
}

export const INTERRUPTED =
  'Whether a change was made is not known; look at what there is now, and repeat it if it was not.'

function asProblem(thrown: unknown, c: Context<ApiEnv>): Problem {
  if (thrown instanceof Problem) return thrown
  if (thrown instanceof HTTPException && thrown.status === 415) return notJson()
  const fields = { requestId: c.get('requestId'), method: c.req.method, path: c.req.path }
  if ((thrown as StubError).overloaded) {
    logError('object-overloaded', fields)
    return new Problem('overloaded', 'Try again in a few seconds.', [], { 'retry-after': '5' })
  }
  if ((thrown as StubError).retryable) {
    logError('object-interrupted', { ...fields, cause: messageOf(thrown) })
    return new Problem('interrupted', INTERRUPTED)
  }
  if (thrown instanceof SettingError) {
    logError('setting-wrong', { cause: thrown.message })
    return new Problem('misconfigured', `${thrown.rule}.`)
  }
  const stack = thrown instanceof Error ? (thrown.stack ?? null) : null
  logError('request-failed', { ...fields, cause: messageOf(thrown), stack })
  return new Problem('internal', 'This is a fault of the control plane, noted under the request id.')
}
