/** How routes are written down: parameters, bodies and answers that many of them share. */
import { createRoute, type RouteConfig, z } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import type { Role } from '../access/principal.ts'
import { FORMS } from '../form.ts'
import { requires } from './authorization.ts'
import { jsonBody, textBody } from './body.ts'
import type { ApiEnv } from './context.ts'
import { PROBLEMS, type ProblemKind } from './problem.ts'
import { ProblemSchema } from './schemas.ts'

type Responses = RouteConfig['responses']

/** A route of the API, and the least role that may call it. */
export function operation<P extends string, R extends Omit<RouteConfig, 'path'> & { path: P }>(
  role: Role,
  config: R,
) {
  const before = [config.middleware ?? []].flat() as MiddlewareHandler<ApiEnv>[]
  const described = { ...config, 'x-turnout-role': role, middleware: [requires(role), ...before] }
  return createRoute(described as R)
}
type Schema = z.ZodType | { $ref: string }

export const ref = (name: string): { $ref: string } => ({ $ref: `#/components/schemas/${name}` })

const path = (name: string, description: string, example: string) =>
  z.string().openapi({ param: { name, in: 'path' }, description, example })

export const EnvironmentParams = z.object({ env: path('env', 'Name of the environment', 'dev') })

export const keyParams = (key: string) =>
  z.object({ ...EnvironmentParams.shape, key: path('key', 'Key of the entity', key) })

export const TargetParams = z.object({
  ...EnvironmentParams.shape,
  target: path('target', 'flag:KEY, route:ID, tag:NAME, all-routes or all-flags', 'flag:new-feature'),
})

/** A reason for an edit, kept with its version; the header x-turnout-reason does the same. */
export const EditQuery = z.strictObject({ reason: z.string().optional() })

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
    .openapi({ description: 'Kept with the version; as the query `reason`' }),
})

export const FormQuery = z.strictObject({
  form: z.enum(FORMS).default('written').openapi({ description: '`full`: canonical form of flags' }),
})

type Success =
  | { status: 200 | 201 | 202; description: string; schema: Schema; etag?: string; mediaType?: string }
  | { status: 204; description: string }

/** A success and the problems that may stand in its place; 401, 403 and 500 always may. */
export function answers(success: Success, problems: readonly ProblemKind[], more: Responses = {}): Responses {
  const { status, description } = success
  const content =
    'schema' in success
      ? { content: { [success.mediaType ?? 'application/json']: { schema: success.schema } } }
      : {}
  const headers =
    'etag' in success ? { headers: { etag: { description: success.etag, schema: { type: 'string' } } } } : {}
  const failures = (['unauthorized', 'forbidden', ...problems, 'internal'] as const).map((kind) =>
    problemAnswer(kind),
  )
  return { ...Object.fromEntries(failures), ...more, [status]: { description, ...headers, ...content } }
}

function problemAnswer(kind: ProblemKind): [number, Responses[string]] {
  const [status, title] = PROBLEMS[kind]
  const errors =
    kind === 'invalid' ? [{ path: '$.flags.beta.percentage', message: 'must be a number from 0 to 100' }] : []
  const example = {
    type: `urn:turnout:problem:${kind}`,
    title,
    status,
    detail: `${title}.`,
    errors,
    requestId: '0b7e0d6e-5f0c-4a7e-9d52-1f0f3a1c2b3d',
  }
  return [
    status,
    { description: title, content: { 'application/problem+json': { schema: ProblemSchema, example } } },
  ]
}

/** A body that its zod schema checks before the handler runs. */
export const checkedBody = <T extends z.ZodType>(schema: T) => ({
  middleware: [jsonBody],
  body: { required: true, content: { 'application/json': { schema } } },
})

/** A body that the object parses and the engine checks. */
export const documentBody = (name: string) => ({
  middleware: [textBody],
  body: { required: true, content: { 'application/json': { schema: ref(name) } } },
})

/** A JSON Merge Patch, under its own media type or as plain JSON. */
export const patchBody = {
  middleware: [textBody],
  body: {
    required: true,
    content: {
      'application/merge-patch+json': { schema: ref('MergePatch') },
      'application/json': { schema: ref('MergePatch') },
    },
  },
}
