/** How routes are written down: parameters, bodies and answers that many of them share. */
import { createRoute, type RouteConfig, z } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import type { Role } from '../access/principal.ts'
import { FORMS } from '../form.ts'
import { requires } from './authorization.ts'
import { jsonBody, optionalJsonBody, textBody } from './body.ts'
import type { ApiEnv } from './context.ts'
import { idempotency, KEY_HEADER, REPLAYED_HEADER } from './idempotency.ts'
import type { ProblemKind } from './problem.ts'
import { problemAnswers } from './problem-answers.ts'
import { ApprovalSchema } from './schemas-governance.ts'

type Responses = RouteConfig['responses']

/** What the OpenAPI page needs to say of every operation. */
type Described = Required<Pick<RouteConfig, 'operationId' | 'summary' | 'tags'>>

/** What an operation may answer; `operation` puts it in OpenAPI's words. */
interface Answers {
  readonly successes: readonly Success[]
  readonly problems: readonly ProblemKind[]
}

type Request = NonNullable<RouteConfig['request']>

type Config<P extends string, Q extends Request> = Omit<RouteConfig, 'path' | 'request' | 'responses'> &
  Described & { path: P; request?: Q; responses: Answers }

interface Routed<P extends string, Q extends Request> extends Omit<RouteConfig, 'path' | 'request'> {
  path: P
  request: Q
}

/** A route of the API, and the least role that may call it. Every POST takes an idempotency key. */
// biome-ignore lint/complexity/noBannedTypes: an operation that takes nothing
export function operation<P extends string, Q extends Request = {}>(role: Role, config: Config<P, Q>) {
  const before = [config.middleware ?? []].flat() as MiddlewareHandler<ApiEnv>[]
  const once = config.method === 'post'
  const description = [
    ...(config.description ? [config.description] : []),
    `Needs the role \`${role}\`.`,
  ].join(' ')
  return createRoute<P, Routed<P, Q>>({
    ...config,
    request: config.request ?? ({} as Q),
    ...(once ? { parameters: [KEY_PARAMETER] } : {}),
    description,
    'x-turnout-role': role,
    middleware: [requires(role), ...before, ...(once ? [idempotency] : [])],
    responses: responsesOf(once ? withKey(config.responses) : config.responses),
  })
}

const KEY_PARAMETER = { $ref: `#/components/parameters/${KEY_HEADER}` }

const withKey = ({ successes, problems }: Answers): Answers => ({
  successes: successes.map((success) => ({
    ...success,
    headers: [...(success.headers ?? []), REPLAYED_HEADER],
  })),
  problems: [...problems, 'malformed', 'in-flight', 'answer-lost', 'key-reused'],
})

type Schema = z.ZodType | { $ref: string }

export const ref = (name: string): { $ref: string } => ({ $ref: `#/components/schemas/${name}` })

const path = (name: string, description: string, example: string) =>
  z.string().openapi({ param: { name, in: 'path' }, description, example })

export const EnvironmentParams = z.object({ env: path('env', 'Name of the environment', 'dev') })

export const keyParams = (key: string) =>
  z.object({ ...EnvironmentParams.shape, key: path('key', 'Key of the entity', key) })

export const TargetParams = z.object({
  ...EnvironmentParams.shape,
  target: path(
    'target',
    'flag:KEY, route:ID, tag:NAME, origin:ROUTE/VARIANT (perhaps /HOST), all-routes or all-flags',
    'flag:new-feature',
  ),
})

export const OriginParams = z.object({
  ...EnvironmentParams.shape,
  origin: path('origin', 'ROUTE/VARIANT, or ROUTE/VARIANT/HOST of one member of its pool', 'web/on'),
})

/** A reason for an edit, kept with its version; the header x-turnout-reason does the same. */
export const EditQuery = z.strictObject({
  reason: z
    .string()
    .optional()
    .openapi({ description: 'Why; kept with the version', example: 'errors above 1 % since 10:02' }),
})

/** Of changes that may have to wait. Checked by `mannerOf`. */
export const ChangeHeaders = z.object({
  'x-turnout-break-glass': z.string().optional().openapi({
    description:
      '`true`: an admin goes past approvals, windows and freezes. Needs a reason, and leaves a review',
    example: 'true',
  }),
})

/** Preconditions of an edit, of which it needs one. Checked by preconditions.ts. */
export const EditHeaders = z.object({
  'if-match': z
    .string()
    .optional()
    .openapi({ description: 'The ETag that was read, or `*`', example: '"v12"' }),
  'if-none-match': z
    .string()
    .optional()
    .openapi({ description: '`*`: create, if it does not exist', example: '*' }),
  'x-turnout-reason': z
    .string()
    .optional()
    .openapi({ description: 'Why; kept with the version. As the query `reason`', example: 'release 12' }),
  ...ChangeHeaders.shape,
})

/** Of the reads that have an ETag. */
export const ReadHeaders = z.object({
  'if-none-match': z
    .string()
    .optional()
    .openapi({ description: 'The ETag that the caller holds: 304 if it still is the one', example: '"v12"' }),
})

export const FormQuery = z.strictObject({
  form: z.enum(FORMS).default('written').openapi({ description: '`full`: canonical form of flags' }),
})

type Success =
  | {
      status: 200 | 201 | 202
      description: string
      schema: Schema
      mediaType?: string
      etag?: string
      headers?: readonly HeaderName[]
    }
  | { status: 204 | 304; description: string; headers?: readonly HeaderName[] }

/** What is answered to a change of one flag. */
export const FLAG_AS_WRITTEN: Success = {
  status: 200,
  description: 'The flag as written',
  schema: ref('Flag'),
  etag: 'Version in which the flag last changed',
  headers: ['x-turnout-version'],
}

/** The answer to a caller who holds the current state. */
export const NOT_MODIFIED = { status: 304, description: 'As the caller holds it' } as const

/** Headers of our own, by component. */
const HEADERS = {
  'x-turnout-version': 'Version',
  'x-turnout-kills': 'KillsVersion',
  location: 'Location',
  [REPLAYED_HEADER]: 'IdempotentReplayed',
} as const
type HeaderName = keyof typeof HEADERS

/** A success, or several, and the problems that may stand in their place; 401, 403, 429, 500 and 503 always may. */
export const answers = (
  successes: Success | readonly Success[],
  problems: readonly ProblemKind[],
): Answers => ({ successes: [successes].flat(), problems })

function responsesOf({ successes, problems }: Answers): Responses {
  const described = successes.map((success) => [success.status, successAnswer(success)] as const)
  return { ...problemAnswers(problems), ...Object.fromEntries(described) }
}

function successAnswer(success: Success) {
  const { description, status } = success
  const headers: readonly HeaderName[] = [...(status === 201 ? LOCATION : []), ...(success.headers ?? [])]
  const content =
    'schema' in success
      ? { content: { [success.mediaType ?? 'application/json']: { schema: success.schema } } }
      : {}
  const etag = 'etag' in success ? { etag: { description: success.etag, ...ETAG } } : {}
  const own = headers.map((name) => [name, { $ref: `#/components/headers/${HEADERS[name]}` }])
  const requestId = { 'x-request-id': { $ref: '#/components/headers/RequestId' } }
  return { description, headers: { ...requestId, ...etag, ...Object.fromEntries(own) }, ...content }
}

/** Of everything that is made (RFC 9110 §10.2.2). */
const LOCATION = ['location'] as const

const ETAG = { schema: { type: 'string' }, example: '"v12"' }

/** Besides the answers of a change: in a protected environment it may have to wait for others. */
export const WAITING = {
  status: 202,
  description: 'It raises exposure, and waits for the approval of others',
  schema: ApprovalSchema,
  headers: ['location'],
} as const satisfies Success

/**
 * A body that its zod schema checks before the handler runs. One that was left out is checked as an empty object, so that
 * what is required is named; but for one that would then do, as nobody resets all settings by leaving them out.
 */
export const checkedBody = <T extends z.ZodType>(schema: T) => ({
  middleware: [schema.safeParse({}).success ? jsonBody : optionalJsonBody],
  body: { required: true, content: { 'application/json': { schema } } },
})

/** One of which nothing is required, so that it may be left out. */
export const optionalBody = <T extends z.ZodType>(schema: T) => ({
  middleware: [optionalJsonBody],
  body: { required: false, content: { 'application/json': { schema } } },
})

/** A body that the object parses and the engine checks. */
export const documentBody = (name: string) => ({
  middleware: [textBody],
  body: { required: true, content: { 'application/json': { schema: ref(name) } } },
})

/** A JSON Merge Patch, under its own media type or as plain JSON. */
export const patchBody = (name: string, example: object) => ({
  middleware: [textBody],
  body: {
    required: true,
    content: {
      'application/merge-patch+json': { schema: ref(name), example },
      'application/json': { schema: ref(name), example },
    },
  },
})
