/** Problem details (RFC 9457): the one shape of every answer that is not a success. Their kinds, and those that many handlers throw. */
import { type CompileIssue, MAX_ISSUES } from '../../engine/index.ts'
import { MAX_BODY_BYTES } from '../env.ts'

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
  'storage-failed': [500, 'The storage cannot be used'],
  'store-unavailable': [503, 'AWS does not take the change'],
  overloaded: [503, 'The control plane is overloaded'],
  interrupted: [503, 'The control plane was interrupted'],
  'storage-full': [507, 'The storage is full'],
} as const satisfies Record<string, readonly [number, string]>

export type ProblemKind = keyof typeof PROBLEMS

/** Of operations that take a body. */
export const BODY_PROBLEMS = ['malformed', 'too-large', 'unsupported-media-type', 'invalid'] as const

/** Of changes that may raise exposure: this is no time for that. */
export const TIME_PROBLEMS = ['frozen', 'outside-window'] as const

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

/** How many errors there are, as it may stand in a sentence: the compiler tells of more than these only how many they are. */
export function countOf({ length }: readonly CompileIssue[]): string {
  if (length === 1) return 'one error'
  return length > MAX_ISSUES ? `more than ${MAX_ISSUES} errors` : `${length} errors`
}

/** What somebody is told whose call broke off. */
export const INTERRUPTED =
  'Whether a change was made is not known; look at what there is now, and repeat it if it was not.'

/** What somebody is told whose change found no room. SQLite takes back what it could not store whole. */
export const STORAGE_FULL =
  'There is no room left to store anything. Give the control plane more, and repeat the change; edges go on with what they have.'

/** `code`: SQLite's name for what is wrong. */
export const storageFailed = (code: string): string =>
  `What the control plane stores cannot be read or written (${code}). Edges go on with what they have; put back its files, or restore a backup.`

/** Begins with a capital, unless it begins with a name, such as `token:ci` or `prod-eu`: that stays as it is. */
export const sentence = (text: string): string =>
  /^[a-z]+(?:[ ,;.]|$)/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text
