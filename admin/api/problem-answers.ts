/** Problems on the OpenAPI page: response components, to which the operations refer. */
import type { CompileIssue } from '../../engine/index.ts'
import { EXAMPLES } from './examples.ts'
import { INTERRUPTED, PROBLEMS, type ProblemKind, STORAGE_FULL, storageFailed, typeOf } from './problem.ts'

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
  readonly content: Record<string, { schema: { $ref: string }; examples: Record<string, { value: object }> }>
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

const STAGE_ORDER = {
  path: "$.flags['orders-db']",
  message:
    'would move from dualwrite to live; a migration moves by one stage at a time (off, dualwrite, shadow, live, rampdown, complete)',
}
const misplaced = 'expected a value, got "u"'

const PROBLEM_EXAMPLES: Readonly<Record<ProblemKind, Example>> = {
  malformed: {
    detail: `Line 1, column 17: ${misplaced}.`,
    errors: [{ path: 'line 1, column 17', message: misplaced }],
  },
  unauthorized: {
    detail: 'The token is not one of this control plane.',
    errors: [{ path: 'authorization', message: 'holds a token that is not one of this control plane' }],
    headers: ['www-authenticate'],
  },
  forbidden: { detail: 'This needs the role editor; token:ci has viewer.' },
  'not-found': {
    detail: 'There is no flag "new-featur". Did you mean "new-feature"?',
    errors: [{ path: 'path.key', message: 'there is no flag "new-featur"' }],
  },
  'method-not-allowed': {
    detail: '/api/v1/environments/dev/versions takes GET, HEAD, OPTIONS.',
    errors: [{ path: 'method', message: 'must be one of GET, HEAD, OPTIONS, got PUT' }],
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
  'stage-order': {
    detail: 'The migration may not move so; nothing was changed. An admin may break the glass.',
    errors: [STAGE_ORDER],
  },
  'in-flight': {
    detail: 'The first request with this key is still being carried out.',
    errors: [{ path: 'idempotency-key', message: 'belongs to a request that is still being carried out' }],
    headers: ['retry-after'],
  },
  'answer-lost': {
    detail: `The first request with this key, ${EXAMPLES.requestId}, was never answered; the audit log says whether it was carried out. The key can be used again from 2026-11-21T10:05:00.000Z.`,
    errors: [
      {
        path: 'idempotency-key',
        message: 'belongs to a request that was never answered; free again from 2026-11-21T10:05:00.000Z',
      },
    ],
    headers: ['retry-after'],
  },
  'store-changed': {
    detail: 'Parameter flags/checkout is at version 7 in SSM, not at 6; read it again and repeat the change.',
  },
  'store-busy': { detail: 'Deployment 12 is BAKING.', headers: ['retry-after'] },
  stale: {
    detail: 'The flag "new-feature" is at "v12" now; read it again and repeat the change.',
    errors: [{ path: 'if-match', message: 'does not hold: the flag "new-feature" is at "v12"' }],
    headers: ['etag'],
  },
  'too-large': {
    detail: 'A body has at most 10485760 bytes.',
    errors: [{ path: '$', message: 'must have at most 10485760 bytes' }],
  },
  'unsupported-media-type': {
    detail: 'Send "content-type: application/json".',
    errors: [{ path: 'content-type', message: 'must be application/json' }],
  },
  invalid: { detail: 'The document has one error; nothing was changed.', errors: [EXAMPLES.issue] },
  'key-reused': {
    detail: '"Idempotency-Key" belongs to another request; use a new key for each.',
    errors: [{ path: 'idempotency-key', message: 'belongs to another request; use a new key for each' }],
  },
  'precondition-required': {
    detail: 'Send "If-Match" with the ETag you read (or "*"), or "If-None-Match: *" to create.',
    errors: [
      {
        path: 'if-match',
        message: 'is required, with the ETag you read (or "*"), or "If-None-Match: *" to create',
      },
    ],
  },
  'too-many-requests': { detail: 'Try again in a second.', headers: ['retry-after'] },
  internal: { detail: 'This is a fault of the control plane, noted under the request id.' },
  unreadable: {
    detail:
      'Flag "checkout" of version 12 is stored, but is not JSON. Kills and edges go on; put a whole document in its place, or restore a backup.',
  },
  misconfigured: { detail: 'STORE must be one of embedded, ssm, appconfig.' },
  'storage-failed': { detail: storageFailed('SQLITE_CORRUPT') },
  'store-unavailable': {
    detail: 'AWS does not answer ssm:PutParameter (HTTP 500). Nothing was changed.',
    headers: ['retry-after'],
  },
  overloaded: { detail: 'Try again in a few seconds.', headers: ['retry-after'] },
  interrupted: { detail: INTERRUPTED },
  'storage-full': { detail: STORAGE_FULL },
}

/** Those that any operation may answer. No operation answers `method-not-allowed`: an address does, to others. */
const EVERYWHERE: readonly ProblemKind[] = [
  'unauthorized',
  'forbidden',
  'too-many-requests',
  'internal',
  'unreadable',
  'misconfigured',
  'storage-failed',
  'overloaded',
  'interrupted',
  'storage-full',
]

/** Component name → response, for every set of kinds that some operation answers under one status. */
const responses = new Map<string, Response>()

/** Status → answer, for the problems of an operation. */
export function problemAnswers(kinds: readonly ProblemKind[]): Record<number, { $ref: string }> {
  const all = new Set([...EVERYWHERE, ...kinds])
  // In one order everywhere, so that a set of kinds has one name.
  const ordered = (Object.keys(PROBLEMS) as ProblemKind[]).filter((kind) => all.has(kind))
  const byStatus = Object.groupBy(ordered, (kind) => PROBLEMS[kind][0])
  const answers = Object.entries(byStatus).map(([status, some]) => {
    const name = some.map(nameOf).join('Or')
    responses.set(name, responseOf(some))
    return [status, { $ref: `#/components/responses/${name}` }]
  })
  return Object.fromEntries(answers)
}

/** Those that the routes so far refer to, by name. */
export const problemResponses = (): ReadonlyMap<string, Response> => responses

function responseOf(kinds: readonly ProblemKind[]): Response {
  const headers = new Set(kinds.flatMap((kind) => PROBLEM_EXAMPLES[kind].headers ?? []))
  return {
    description: kinds.map((kind) => PROBLEMS[kind][1]).join('; or: '),
    headers: Object.fromEntries([
      ['x-request-id', { $ref: '#/components/headers/RequestId' }],
      ...Array.from(headers, (name) => [name, HEADERS[name]]),
    ]),
    content: {
      'application/problem+json': {
        schema: { $ref: '#/components/schemas/Problem' },
        examples: Object.fromEntries(kinds.map((kind) => [kind, { value: exampleOf(kind) }])),
      },
    },
  }
}

function exampleOf(kind: ProblemKind): object {
  const [status, title] = PROBLEMS[kind]
  const { detail, errors = [] } = PROBLEM_EXAMPLES[kind]
  return { type: typeOf(kind), title, status, detail, errors, requestId: EXAMPLES.requestId }
}

/** `not-found` → `NotFound`. */
function nameOf(kind: ProblemKind): string {
  return kind.replaceAll(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
