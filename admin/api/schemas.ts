/** Bodies that many parts of the API share, and those of documents and flags: what is accepted, checked to the last field, and what is answered. */
import { z } from '@hono/zod-openapi'
import { MAX_REASON } from './context.ts'
import { EXAMPLES } from './examples.ts'
import { PROBLEMS, type ProblemKind, typeOf } from './problem.ts'

export const version = z.int().min(0).openapi({ example: 12 })

export const time = z.string().openapi({ format: 'date-time', example: '2026-11-21T10:00:00.000Z' })

export const reason = z
  .string()
  .trim()
  .min(1)
  .max(MAX_REASON)
  .openapi({ example: 'errors above 1 % since 10:02' })

export const IssueSchema = z
  .object({ path: z.string().openapi({ example: '$.flags.CONDUIT_X.rules[0].serve' }), message: z.string() })
  .openapi('Issue', { example: EXAMPLES.issue })

const PROBLEM_TYPES = (Object.keys(PROBLEMS) as ProblemKind[]).map(typeOf)

export const ProblemSchema = z
  .object({
    type: z.enum(PROBLEM_TYPES).openapi({ description: 'What kind of problem it is' }),
    title: z.string().openapi({ description: 'The same for all of a kind' }),
    status: z.int().openapi({ description: 'The status of the answer' }),
    detail: z.string().openapi({ description: 'What is wrong this time, in a sentence' }),
    errors: z.array(IssueSchema).openapi({
      description:
        'What is wrong, and where: `$.field` of the body, `line 1, column 17` of a body that cannot be read, `query.limit`, `path.key` or `path` of the address, `method`, or a header such as `if-match`. Empty where no part of the request is at fault',
    }),
    requestId: z
      .string()
      .openapi({ description: 'Also in the header x-request-id; name it when asking for help' }),
  })
  .openapi('Problem')

export const PublishedSchema = z.object({ version, warnings: z.array(IssueSchema) }).openapi('Published', {
  description: 'The version that holds the change, and what is valid but surely not meant',
  example: EXAMPLES.published,
})

export const ValidationSchema = z
  .object({ valid: z.boolean(), errors: z.array(IssueSchema), warnings: z.array(IssueSchema) })
  .openapi('Validation', { example: EXAMPLES.validation })

export const ToggleBody = z
  .strictObject({ enabled: z.boolean(), reason: reason.optional() })
  .openapi('Toggle', { example: { enabled: false, reason: 'errors above 1 % since 10:02' } })

export const EvaluateBody = z
  .strictObject({
    flag: z.string().min(1).optional().openapi({ description: 'Key of the flag; or give a `route`' }),
    route: z.string().min(1).optional().openapi({
      description:
        'Id of a route: its flag is decided as for a request on it, kills of the route and of all routes included',
    }),
    context: z.record(z.string(), z.unknown()).default({}),
  })
  .refine(({ flag, route }) => flag !== undefined || route !== undefined, {
    path: ['flag'],
    message: 'is required, or "route"',
  })
  .refine(({ flag, route }) => flag === undefined || route === undefined, {
    path: ['route'],
    message: 'must not stand beside "flag": a route names its own',
  })
  .openapi('Evaluate', { example: { flag: 'new-feature', context: { targetingKey: 'user1' } } })

export const ExplanationSchema = z
  .object({
    decision: z.object({
      flag: z.string(),
      variant: z.string().nullable(),
      value: z.unknown(),
      reason: z.string(),
      rule: z.string().nullable(),
      errorCode: z.string().nullable(),
      metadata: z.record(z.string(), z.unknown()),
      version,
      killVersion: z.int(),
    }),
    steps: z.array(z.looseObject({ step: z.string(), decided: z.boolean(), detail: z.string() })),
  })
  .openapi('Explanation', { example: EXAMPLES.explanation })

export const futureTime = z.iso.datetime({
  offset: true,
  message: 'must be an RFC 3339 time with a zone, e.g. 2026-11-21T10:00:00Z',
})

export const NoteBody = z.strictObject({ reason: reason.optional() }).openapi('Note', {
  example: { reason: 'looked at the canary’s errors' },
})

/** A page of a list, and what an item looks like. */
export const listOf = <T extends z.ZodType>(item: T, example: z.input<T>) =>
  z
    .object({
      items: z.array(item),
      nextCursor: z.string().nullable().openapi({ description: '`null`: this is the last page' }),
    })
    .openapi({ example: { items: [example], nextCursor: null } })
