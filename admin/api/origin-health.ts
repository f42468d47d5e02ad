/** What health checks have found of each address of an origin that is checked. */
import { z } from '@hono/zod-openapi'
import { HEALTH_STATUSES } from '../health/machine.ts'
import type { AddressHealth } from '../objects/health.ts'
import { callHealth } from '../stubs.ts'
import { ask } from './ask.ts'
import { type Api, json } from './context.ts'
import { answers, EnvironmentParams, operation } from './routes.ts'
import { time } from './schemas.ts'
import { timeOf } from './time.ts'

const EXAMPLE = {
  origin: 'web/on',
  state: 'unhealthy' as const,
  since: '2026-11-21T10:00:30.000Z',
  passed: false,
  consecutive: 4,
  last: { at: '2026-11-21T10:00:40.000Z', durationMs: 12, status: 503, problem: 'answered 503' },
  nextAt: '2026-11-21T10:00:50.000Z',
  check: {
    ...{ url: 'https://canary.example.com/health/ready', periodMs: 10_000, timeoutMs: 5_000 },
    ...{ failures: 3, successes: 2, expectedStatus: null },
  },
}

const HealthSchema = z
  .object({
    origin: z
      .string()
      .openapi({ description: '`{route}/{variant}`, and `/{host and path}` of a pool’s member' }),
    state: z
      .enum(HEALTH_STATUSES)
      .openapi({ description: '`unhealthy`: edges leave it alone. `unknown`: not checked often enough yet' }),
    since: time,
    passed: z
      .boolean()
      .nullable()
      .openapi({ description: 'How the last check ended; null before the first' }),
    consecutive: z.int().openapi({ description: 'Checks in a row that ended so' }),
    last: z
      .object({
        at: time,
        durationMs: z.int(),
        status: z.int().nullable().openapi({ description: 'null: no answer' }),
        problem: z.string().nullable().openapi({ description: 'null: it passed' }),
      })
      .nullable(),
    nextAt: time,
    check: z.object({
      url: z.string(),
      periodMs: z.int(),
      timeoutMs: z.int(),
      failures: z.int().openapi({ description: 'So many in a row make it unhealthy' }),
      successes: z.int().openapi({ description: 'So many in a row make it healthy again' }),
      expectedStatus: z.int().nullable().openapi({ description: 'null: any from 200 to 299' }),
    }),
  })
  .openapi('OriginHealth', { example: EXAMPLE })

const list = operation('viewer', {
  method: 'get',
  path: '/environments/{env}/health',
  tags: ['Health checks'],
  operationId: 'listOriginHealth',
  summary: 'Which origins are healthy, as the control plane finds them',
  description: 'Addresses of origins that have a `health` in the document. All in one page.',
  request: { params: EnvironmentParams },
  responses: answers(
    {
      status: 200,
      description: 'By name',
      schema: z
        .object({ items: z.array(HealthSchema), nextCursor: z.null() })
        .openapi('OriginHealthList', { example: { items: [EXAMPLE], nextCursor: null } }),
    },
    ['not-found'],
  ),
})

export function originHealth(api: Api): void {
  api.openapi(list, async (c) => {
    const { env } = c.req.valid('param')
    // Asked first whether there is such an environment: the other object would not know.
    await ask(c, env, (stub) => stub.locations())
    const found = await callHealth(c.env, env, (stub) => stub.list())
    return json(c, { items: found.map(shown), nextCursor: null })
  })
}

function shown({ name, check, status, sinceMs, passed, consecutive, last, dueAtMs }: AddressHealth) {
  const { path, periodMs, timeoutMs, failures, successes, expectedStatus = null } = check.settings
  return {
    origin: name,
    state: status,
    since: timeOf(sinceMs),
    passed,
    consecutive,
    last: last && {
      at: timeOf(last.atMs),
      durationMs: last.durationMs,
      status: last.status,
      problem: last.problem,
    },
    nextAt: timeOf(dueAtMs),
    check: { url: check.url + path, periodMs, timeoutMs, failures, successes, expectedStatus },
  }
}
