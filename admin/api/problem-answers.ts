/** Problems on the OpenAPI page: one response component for each kind, to which every operation refers. */
import type { CompileIssue } from '../../engine/index.ts'
import { EXAMPLES } from './examples.ts'
import { PROBLEMS, type ProblemKind, typeOf } from './problem.ts'

interface Example {
  readonly detail: string
  readonly errors?: readonly CompileIssue[]
  /** Names of headers that come with it. */
  readonly headers?: readonly (keyof typeof HEADERS)[]
}

/** As much of OpenAPI's header and response objects as is used here. */
export type Header = {
  readonly description: string
  readonly schema: { readonly type: 'string' | 'integer' }
  readonly example: string | number
}

type Response = {
  readonly description: string
  readonly headers: Record<string, Header | { $ref: string }>
  readonly content: Record<
    string,
    { schema: { $ref: string }; example?: object; examples?: Record<string, { value: object }> }
  >
}

const HEADERS = {
  allow: {
    description: 'The methods of the address',
    schema: { type: 'string' },
    example: 'GET, HEAD, OPTIONS',
  },
  etag: { description: 'The current one', schema: { type: 'string' }, example: '"v12"' },
  'retry-after': { description: 'Seconds to wait', schema: { type: 'integer' }, example: 5 },
  'www-authenticate': {
    description: 'What to show',
    schema: { type: 'string' },
    example: 'Bearer realm="turnout"',
  },
} as const satisfies Record<string, Header>

const misplaced = 'expected a value, got "u"'

const PROBLEM_EXAMPLES: Readonly<Record<ProblemKind, Example>> = {
  malformed: {
    detail: `Line 1, column 17: ${misplaced}.`,
    errors: [{ path: 'line 1, column 17', message: misplaced }],
  },
  unauthorized: {
    detail: 'The token is not one of this control plane.',
    headers: ['www-authenticate'],
  },
  forbidden: { detail: 'This needs the role editor; token:ci has viewer.' },
  'not-found': { detail: 'There is no flag "new-featur". Did you mean "new-feature"?' },
  'method-not-allowed': {
    detail: '/api/v1/environments/dev/versions takes GET, HEAD, OPTIONS.',
    headers: ['allow'],
  },
  frozen: {
    detail: 'Changes are frozen until 2099-01-02T00:00:00.000Z: end-of-year freeze.',
    headers: ['retry-after'],
  },
  'outside-window': {
    detail: 'Changes are made mon, tue, wed, thu 09:00–16:00 Europe/Berlin.',
    headers: ['retry-after'],
  },
  'not-pending': { detail: 'Approval dev:12 is applied already.' },
  'changed-since': { detail: 'Environment staging is at version 8, not 7.' },
  stale: {
    detail: 'The flag "new-feature" is at "v12" now; read it again and repeat the change.',
    headers: ['etag'],
  },
  'too-large': { detail: 'A body has at most 10485760 bytes.' },
  'unsupported-media-type': { detail: 'Send "content-type: application/json".' },
  invalid: { detail: 'The document has one error; nothing was changed.', errors: [EXAMPLES.issue] },
  'precondition-required': {
    detail: 'Send "If-Match" with the ETag you read (or "*"), or "If-None-Match: *" to create.',
  },
  'too-many-requests': { detail: 'Try again in a second.', headers: ['retry-after'] },
  internal: { detail: 'This is a fault of the control plane, noted under the request id.' },
  overloaded: { detail: 'Try again in a few seconds.', headers: ['retry-after'] },
}

/** Those that any operation may answer. No operation answers `method-not-allowed`: an address does, to others. */
const EVERYWHERE: readonly ProblemKind[] = [
  'unauthorized',
  'forbidden',
  'too-many-requests',
  'internal',
  'overloaded',
]

/** Status → answer, for the problems of an operation. */
export function problemAnswers(kinds: readonly ProblemKind[]): Record<number, { $ref: string }> {
  return Object.fromEntries(
    [...EVERYWHERE, ...kinds].map((kind) => [
      PROBLEMS[kind][0],
      { $ref: `#/components/responses/${componentOf(kind)}` },
    ]),
  )
}

/** Component name → response. */
export const PROBLEM_RESPONSES: Readonly<Record<string, Response>> = Object.fromEntries(
  [...Map.groupBy(answered(), componentOf)].map(([name, kinds]) => [name, responseOf(kinds)]),
)

function answered(): ProblemKind[] {
  return (Object.keys(PROBLEMS) as ProblemKind[]).filter((kind) => kind !== 'method-not-allowed')
}

/** `kinds`: those of one component, of one status. */
function responseOf(kinds: readonly ProblemKind[]): Response {
  const names = new Set(kinds.flatMap((kind) => PROBLEM_EXAMPLES[kind].headers ?? []))
  const examples = kinds.map((kind) => [kind, { value: exampleOf(kind) }] as const)
  return {
    description: kinds.map((kind) => PROBLEMS[kind][1]).join('; or: '),
    headers: Object.fromEntries([
      ['x-request-id', { $ref: '#/components/headers/RequestId' }],
      ...[...names].map((name) => [name, HEADERS[name]]),
    ]),
    content: {
      'application/problem+json': {
        schema: { $ref: '#/components/schemas/Problem' },
        ...(kinds.length === 1
          ? { example: exampleOf(kinds[0]!) }
          : { examples: Object.fromEntries(examples) }),
      },
    },
  }
}

function exampleOf(kind: ProblemKind): object {
  const [status, title] = PROBLEMS[kind]
  const { detail, errors = [] } = PROBLEM_EXAMPLES[kind]
  return { type: typeOf(kind), title, status, detail, errors, requestId: EXAMPLES.requestId }
}

/** `not-found` → `NotFound`. An operation has one answer for each status, so kinds of the same one share it. */
function componentOf(kind: ProblemKind): string {
  if (PROBLEMS[kind][0] === 409) return 'Conflict'
  return kind.replaceAll(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
