/** What applications tell of the flags they check, by variant. */
import { z } from '@hono/zod-openapi'
import { PARTS } from '../../engine/index.ts'
import { outcomesOf } from '../outcomes.ts'
import { KEPT_MINUTES, MINUTE_MS } from '../storage/flag-counts.ts'
import { callMetrics } from '../stubs.ts'
import { ask } from './ask.ts'
import { type Api, json } from './context.ts'
import { answers, EnvironmentParams, operation } from './routes.ts'
import { time } from './schemas.ts'
import { timeOf } from './time.ts'

const minutes = z
  .string()
  .regex(/^\d{1,4}$/, 'must be a whole number')
  .transform(Number)
  .refine((n) => n >= 1 && n <= KEPT_MINUTES, `must be 1 to ${KEPT_MINUTES}`)
  .default(60)
  .openapi({ type: 'integer', description: `How far back, 1 to ${KEPT_MINUTES}`, example: 60 })

export const MinutesQuery = z.strictObject({ minutes })

const OutcomesQuery = z.strictObject({
  flag: z.string().min(1).max(128).optional().openapi({
    description: 'Key of a flag. Default: all',
    example: 'new-feature',
  }),
  minutes,
})

const OutcomeSchema = z.object({
  ok: z.int(),
  errors: z.int(),
  errorRate: z.number().nullable().openapi({ description: 'Errors of all outcomes; `null`: there was none' }),
  values: z
    .object({ count: z.int(), mean: z.number().nullable(), deviation: z.number().nullable() })
    .openapi({ description: 'Values that were measured under it; `deviation` is that of a sample' }),
})

const VariantSchema = z.object({
  variant: z.string(),
  exposures: z.int().openapi({ description: 'Clients that were given it; each says so once' }),
  ...OutcomeSchema.shape,
  parts: z
    .array(OutcomeSchema.extend({ part: z.enum(PARTS) }))
    .optional()
    .openapi({
      description:
        'Of a migration: reads and writes of each side, with milliseconds as values, and `check`, where ok means that both sides agreed',
    }),
})

const EXAMPLE = {
  from: '2026-11-21T09:00:00.000Z',
  flags: [
    {
      flag: 'new-feature',
      variants: [
        {
          variant: 'on',
          exposures: 120,
          ok: 430,
          errors: 2,
          errorRate: 2 / 432,
          values: { count: 430, mean: 182.5, deviation: 41.2 },
        },
      ],
    },
  ],
}

const OutcomesSchema = z
  .object({
    from: time.openapi({ description: 'Start of the first minute that is counted' }),
    flags: z.array(z.object({ flag: z.string(), variants: z.array(VariantSchema) })),
  })
  .openapi('Outcomes', { example: EXAMPLE })

const list = operation('viewer', {
  method: 'get',
  path: '/environments/{env}/outcomes',
  tags: ['Evaluation'],
  operationId: 'listOutcomes',
  summary: 'How the variants of flags do, by what applications report',
  description:
    'Sums of what was posted to `/.turnout/events` of the edge, of all locations, in windows of a minute that are kept for a day. About ten seconds old; a crash may lose as much.',
  request: { params: EnvironmentParams, query: OutcomesQuery },
  responses: answers({ status: 200, description: 'What applications reported', schema: OutcomesSchema }, [
    'not-found',
    'invalid',
  ]),
})

export function outcomes(api: Api): void {
  api.openapi(list, async (c) => {
    const { env } = c.req.valid('param')
    const { flag = null, minutes } = c.req.valid('query')
    const fromMs = (Math.floor(Date.now() / MINUTE_MS) - minutes + 1) * MINUTE_MS
    const locations = await ask(c, env, (stub) => stub.locations())
    const counts = await Promise.all(
      locations.map((name) => callMetrics(c.env, env, name, (stub) => stub.flagCounts(fromMs, flag))),
    )
    const body = { from: timeOf(fromMs), flags: outcomesOf(counts.flat()) }
    return json(c, body)
  })
}
