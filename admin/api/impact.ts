/** What a change would do, before it is made. */
import { z } from '@hono/zod-openapi'
import type { Edit } from '../edit.ts'
import { callMetrics } from '../stubs.ts'
import { ask } from './ask.ts'
import { type Api, type ApiContext, json } from './context.ts'
import { BODY_PROBLEMS, invalidRequest } from './problem.ts'
import { answers, checkedBody, EnvironmentParams, operation } from './routes.ts'
import { IssueSchema } from './schemas.ts'

const share = z.number().min(0).max(1)
const variant = z.string().nullable()

const ImpactBody = z
  .strictObject({
    flags: z
      .record(z.string(), z.unknown())
      .optional()
      .openapi({ description: 'JSON Merge Patch by flag key, as for PATCH …/flags' }),
    document: z.record(z.string(), z.unknown()).optional().openapi({ description: 'A whole document' }),
  })
  .openapi('ImpactRequest', { example: { flags: { 'new-feature': { percentage: 10 } } } })

const EXAMPLE = {
  flags: [
    {
      flag: 'new-feature',
      changed: 0.049,
      moves: [{ from: 'off', to: 'on', share: 0.049 }],
      countries: [{ country: 'DE', variant: 'on', before: 0.05, after: 0.1 }],
      listed: { users: 2, affected: 0 },
    },
  ],
  unmeasured: [],
  basis: 'sample' as const,
  contexts: 812,
  summary: ['flag new-feature: 4.9 % of keys change variant: 4.9 % off → on'],
  newWarnings: [],
  raising: ['flag new-feature: percentage of rule r1 rises from 5 to 10'],
}

const ImpactSchema = z
  .object({
    flags: z.array(
      z.object({
        flag: z.string(),
        changed: share.openapi({ description: 'Share of keys whose variant changes' }),
        moves: z.array(z.object({ from: variant, to: variant, share })),
        countries: z
          .array(z.object({ country: z.string(), variant: z.string(), before: share, after: share }))
          .openapi({ description: 'Shares that differ, over the same synthetic keys in each country' }),
        listed: z
          .object({ users: z.int(), affected: z.int() })
          .openapi({ description: 'Users that lists name, and how many of them get another variant' }),
      }),
    ),
    unmeasured: z
      .array(z.string())
      .openapi({ description: 'Flags that change too, but not measured: beyond 50, or with too many rules' }),
    basis: z.enum(['sample', 'synthetic']).openapi({
      description: '`sample`: contexts of requests of the last ten minutes; fewer than 100: made-up keys',
    }),
    contexts: z.int(),
    summary: z.array(z.string()),
    newWarnings: z.array(IssueSchema),
    raising: z.array(z.string()).openapi({ description: 'What raises exposure' }),
  })
  .openapi('Impact', { example: EXAMPLE })

const body = checkedBody(ImpactBody)

const measure = operation('viewer', {
  method: 'post',
  path: '/environments/{env}/impact',
  tags: ['Evaluation'],
  operationId: 'measureImpact',
  summary: 'What a change would do, before it is made',
  description: 'Give `flags` or `document`. Nothing is changed.',
  middleware: body.middleware,
  request: { params: EnvironmentParams, body: body.body },
  responses: answers({ status: 200, description: 'Who would get another variant', schema: ImpactSchema }, [
    'not-found',
    ...BODY_PROBLEMS,
  ]),
})

export function impact(api: Api): void {
  api.openapi(measure, async (c) => {
    const { env } = c.req.valid('param')
    const { flags, document } = c.req.valid('json')
    if ((flags === undefined) === (document === undefined))
      throw invalidRequest('$', 'must have either "flags" or "document"')
    const edit: Edit =
      flags === undefined
        ? { do: 'put-document', text: JSON.stringify(document) }
        : { do: 'patch-flags', text: JSON.stringify(flags) }
    const sample = await sampleOf(c, env)
    return json(c, await ask(c, env, (stub) => stub.impact(edit, sample)))
  })
}

/** Contexts of requests of the last ten minutes, of every location. */
async function sampleOf(c: ApiContext, environment: string) {
  const { locations } = await ask(c, environment, (stub) => stub.published('snapshot', null))
  const parts = await Promise.all(
    locations.map((location) => callMetrics(c.env, environment, location, (stub) => stub.contexts())),
  )
  return parts.flat()
}
