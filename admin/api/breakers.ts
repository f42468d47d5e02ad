/** What the edges have found of each address of an origin: attempts of the last minute, and whose breakers are open. */
import { z } from '@hono/zod-openapi'
import { upstreamsOf } from '../monitoring/origins.ts'
import type { UpstreamState } from '../upstreams.ts'
import { ask } from './ask.ts'
import { type Api, json } from './context.ts'
import { answers, EnvironmentParams, operation } from './routes.ts'
import { time } from './schemas.ts'

const EXAMPLE = {
  origin: 'web/on',
  state: 'open' as const,
  isolates: { closed: 1, open: 4, recovering: 0 },
  openUntil: '2026-11-21T10:00:30.000Z',
  attempts: 1200,
  failed: 610,
  unreached: 12,
  failureRate: 0.518,
  p95Ms: 240,
  alert: true,
}

const BreakerSchema = z
  .object({
    origin: z
      .string()
      .openapi({ description: '`{route}/{variant}`, and `/{host and path}` of a pool’s member' }),
    state: z.enum(['closed', 'open', 'recovering']).openapi({
      description: 'What most of the isolates that have traffic for it say; the worse where they are equal',
    }),
    isolates: z
      .object({ closed: z.int(), open: z.int(), recovering: z.int() })
      .openapi({ description: 'Isolates that told of it in the last 10 s' }),
    openUntil: time.nullable().openapi({ description: 'When the last of them admits requests again' }),
    attempts: z.int().openapi({ description: 'In the last minute; second tries count where they were made' }),
    failed: z.int().openapi({ description: 'Answered 500 or above' }),
    unreached: z.int().openapi({ description: 'No answer: refused, reset, no headers in time' }),
    failureRate: z.number().nullable().openapi({ description: 'Both over all; null without attempts' }),
    p95Ms: z.int().nullable().openapi({ description: 'To response headers, of the slowest isolate' }),
    alert: z.boolean().openapi({ description: 'An isolate finds it above its alert thresholds' }),
  })
  .openapi('BreakerState', { example: EXAMPLE })

const list = operation('viewer', {
  method: 'get',
  path: '/environments/{env}/breakers',
  tags: ['Breakers'],
  operationId: 'listBreakers',
  summary: 'Which origins fail, and whose circuit breakers are open',
  description:
    'From what the edges report every few seconds. All in one page; an origin without traffic is not named.',
  request: { params: EnvironmentParams },
  responses: answers(
    {
      status: 200,
      description: 'By name',
      schema: z
        .object({ items: z.array(BreakerSchema), nextCursor: z.null() })
        .openapi('BreakerList', { example: { items: [EXAMPLE], nextCursor: null } }),
    },
    ['not-found'],
  ),
})

export function breakers(api: Api): void {
  api.openapi(list, async (c) => {
    const { env } = c.req.valid('param')
    const locations = await ask(c, env, (stub) => stub.locations())
    const states = await upstreamsOf(c.env, env, locations)
    return json(c, JSON.stringify({ items: states.map(shown), nextCursor: null }))
  })
}

function shown({ name: origin, isolates, openUntilMs, ok, failed, unreached, p95Ms, alerts }: UpstreamState) {
  const attempts = ok + failed + unreached
  return {
    origin,
    state: stateOf(isolates),
    isolates,
    openUntil: openUntilMs === null ? null : new Date(openUntilMs).toISOString(),
    attempts,
    failed,
    unreached,
    failureRate: attempts === 0 ? null : (failed + unreached) / attempts,
    p95Ms,
    alert: alerts > 0,
  }
}

function stateOf({
  closed,
  open,
  recovering,
}: UpstreamState['isolates']): z.infer<typeof BreakerSchema>['state'] {
  if (open > 0 && open >= Math.max(closed, recovering)) return 'open'
  return recovering > 0 && recovering >= closed ? 'recovering' : 'closed'
}
