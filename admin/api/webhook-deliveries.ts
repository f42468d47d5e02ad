/** What webhooks were told, how it went, and again what could not be told. */
import { z } from '@hono/zod-openapi'
import { DELIVERY_STATUSES, type Delivery } from '../storage/deliveries.ts'
import type { Attempt } from '../webhook/retry.ts'
import { type Api, authorOf, json } from './context.ts'
import { EXAMPLES } from './examples.ts'
import { PageQuery, pageOf, positionIn } from './paging.ts'
import { unknown } from './problem.ts'
import { answers, operation } from './routes.ts'
import { listOf } from './schemas.ts'
import { timeOf, timeOrNull } from './time.ts'
import { AttemptSchema, DeliverySchema } from './webhook-schemas.ts'
import { ask, IdParams, path, tags } from './webhooks.ts'

const DeliveryParams = IdParams.extend({
  delivery: z
    .string()
    .openapi({ param: { name: 'delivery', in: 'path' }, description: 'Id of the delivery', example: '1204' }),
})

const test = operation('admin', {
  method: 'post',
  path: `${path}/test`,
  tags,
  operationId: 'testWebhook',
  summary: 'Send an event that tells of nothing, now and once, and answer what came of it',
  request: { params: IdParams },
  responses: answers({ status: 200, description: 'The attempt', schema: AttemptSchema }, ['not-found']),
})

const deliveries = operation('viewer', {
  method: 'get',
  path: `${path}/deliveries`,
  tags,
  operationId: 'listWebhookDeliveries',
  summary: 'What was told, is on its way, or was given up; newest first',
  request: {
    params: IdParams,
    query: PageQuery.extend({
      status: z
        .enum(DELIVERY_STATUSES)
        .optional()
        .openapi({ description: 'Those of one status', example: 'dead' }),
    }),
  },
  responses: answers(
    { status: 200, description: 'A page of deliveries', schema: listOf(DeliverySchema, EXAMPLES.delivery) },
    ['not-found', 'invalid'],
  ),
})

const replay = operation('admin', {
  method: 'post',
  path: `${path}/deliveries/{delivery}/replay`,
  tags,
  operationId: 'replayWebhookDelivery',
  summary: 'Deliver again what was delivered or given up',
  request: { params: DeliveryParams },
  responses: answers({ status: 200, description: 'It is on its way', schema: DeliverySchema }, [
    'not-found',
    'invalid',
  ]),
})

export function webhookDeliveries(api: Api): void {
  api.openapi(test, async (c) => {
    const { id } = c.req.valid('param')
    return json(c, shownAttempt(await ask(c, (stub) => stub.sendTest(id, authorOf(c)), 'once')))
  })

  api.openapi(deliveries, async (c) => {
    const { id } = c.req.valid('param')
    const { limit, cursor, status = null } = c.req.valid('query')
    const before = positionIn(cursor, z.int(), Number.MAX_SAFE_INTEGER)
    const rows = await ask(c, (stub) => stub.deliveries(id, status, before, limit + 1))
    return json(
      c,
      pageOf(rows, limit, ({ n }) => n, shownDelivery),
    )
  })

  api.openapi(replay, async (c) => {
    const { id, delivery } = c.req.valid('param')
    if (!/^[1-9]\d{0,14}$/.test(delivery)) throw unknown('delivery', delivery)
    const again = await ask(c, (stub) => stub.replay(id, Number(delivery), authorOf(c)), 'once')
    return json(c, shownDelivery(again))
  })
}

const shownAttempt = ({ atMs, durationMs, status, problem, answer }: Attempt) => ({
  at: timeOf(atMs),
  durationMs,
  status,
  problem,
  answer,
})

const shownDelivery = ({ n, status, eventId, ...delivery }: Delivery) => ({
  id: n,
  status,
  event: {
    id: eventId,
    environment: delivery.environment,
    seq: delivery.seq,
    action: delivery.action,
    subject: delivery.subject,
    at: delivery.at,
  },
  attempts: delivery.attempts,
  lastAttempts: delivery.log.map(shownAttempt),
  problem: delivery.problem,
  nextAttemptAt: timeOrNull(delivery.dueMs),
  createdAt: timeOf(delivery.createdAtMs),
  endedAt: timeOrNull(delivery.endedAtMs),
})
