/** What came of the copies of requests that mirrors got: how often the answers were alike, and where they were not. */
import { z } from '@hono/zod-openapi'
import type { MirrorReport } from '../../engine/index.ts'
import { mergedMirrors } from '../mirrors.ts'
import { MINUTE_MS } from '../storage/flag-counts.ts'
import { callMetrics } from '../stubs.ts'
import { ask } from './ask.ts'
import { type Api, json } from './context.ts'
import { MinutesQuery } from './outcomes.ts'
import { answers, EnvironmentParams, operation } from './routes.ts'
import { time } from './schemas.ts'
import { timeOf } from './time.ts'

const DIFFERENCE = {
  at: '2026-11-26T10:00:12.000Z',
  method: 'GET',
  path: '/api/cart',
  served: 'off',
  status: [200, 200],
  latencyMs: [31, 44],
  hashes: ['3a1f0c5be2d49077', '90b1c6e4a7f35d12'],
  pointer: '/items/0/price',
}

const EXAMPLE = {
  route: 'web',
  variant: 'on',
  sent: 1200,
  matched: 1180,
  differed: { status: 4, latency: 9, body: 3 },
  bodies: 240,
  failed: 4,
  skipped: 31,
  differences: [DIFFERENCE],
}

const pair = <T extends z.ZodType>(of: T) => z.array(of).length(2)

const DifferenceSchema = z.object({
  at: time.openapi({ description: "By the edge's clock" }),
  method: z.string(),
  path: z.string().openapi({ description: 'Without its query' }),
  served: z.string().openapi({ description: 'Variant that answered the visitor' }),
  status: pair(z.int()).openapi({ description: 'What the visitor got, then the copy' }),
  latencyMs: pair(z.int()).openapi({ description: 'To response headers, likewise' }),
  hashes: pair(z.string())
    .nullable()
    .openapi({ description: 'Of the normalised bodies, likewise; null: not compared, or alike' }),
  pointer: z.string().nullable().openapi({
    description: 'JSON pointer of the first value that differs; a part that is no plain name is *',
  }),
})

const MirrorSchema = z
  .object({
    route: z.string(),
    variant: z.string().openapi({ description: 'Whose origin gets the copies' }),
    sent: z.int(),
    matched: z.int().openapi({ description: 'Alike in all that was compared' }),
    differed: z
      .object({ status: z.int(), latency: z.int(), body: z.int() })
      .openapi({ description: 'Not alike in that; a copy may count in several' }),
    bodies: z.int().openapi({ description: 'Copies whose bodies were compared' }),
    failed: z.int().openapi({ description: 'Refused, broken off or not answered in 5 s' }),
    skipped: z.int().openapi({
      description:
        'Not sent: too many under way, the variant killed or its breaker open, or the body too large',
    }),
    differences: z.array(DifferenceSchema).openapi({ description: 'A few, newest first' }),
  })
  .openapi('MirrorState', { example: EXAMPLE })

const list = operation('viewer', {
  method: 'get',
  path: '/environments/{env}/mirrors',
  tags: ['Mirrors'],
  operationId: 'listMirrors',
  summary: 'How a variant answers copies of requests, beside the one that answers visitors',
  description: 'From what the edges report; kept for a day, in windows of a minute. All in one page.',
  request: { params: EnvironmentParams, query: MinutesQuery },
  responses: answers(
    {
      status: 200,
      description: 'By route',
      schema: z
        .object({ items: z.array(MirrorSchema), nextCursor: z.null() })
        .openapi('MirrorList', { example: { items: [EXAMPLE], nextCursor: null } }),
    },
    ['not-found', 'invalid'],
  ),
})

export function mirrors(api: Api): void {
  api.openapi(list, async (c) => {
    const { env } = c.req.valid('param')
    const { minutes } = c.req.valid('query')
    const fromMs = (Math.floor(Date.now() / MINUTE_MS) - minutes + 1) * MINUTE_MS
    const locations = await ask(c, env, (stub) => stub.locations())
    const states = await Promise.all(
      locations.map((name) => callMetrics(c.env, env, name, (stub) => stub.mirrors(fromMs))),
    )
    return json(c, { items: mergedMirrors(states.flat()).map(shown), nextCursor: null })
  })
}

const shown = ({ route, variant, counts, differences }: MirrorReport): z.infer<typeof MirrorSchema> => {
  const { sent, matched, status, latency, body, bodies, failed, skipped } = counts
  return {
    ...{ route, variant, sent, matched, differed: { status, latency, body }, bodies, failed, skipped },
    differences: differences.map(({ atMs, status: codes, latencyMs, hashes, ...difference }) => ({
      at: timeOf(atMs),
      ...difference,
      status: [...codes],
      latencyMs: [...latencyMs],
      hashes: hashes && [...hashes],
    })),
  }
}
