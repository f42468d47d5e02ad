/** Emergency acts that somebody must look at afterwards. */
import { z } from '@hono/zod-openapi'
import type { Review } from '../storage/reviews.ts'
import { ask, tell } from './ask.ts'
import { type Api, authorOf, json } from './context.ts'
import { EXAMPLES } from './examples.ts'
import { PageQuery, pageOf, positionIn } from './paging.ts'
import { BODY_PROBLEMS } from './problem.ts'
import { answers, checkedBody, EnvironmentParams, operation } from './routes.ts'
import { listOf } from './schemas.ts'
import { ReviewBody, ReviewSchema } from './schemas-governance.ts'
import { timeOrNull } from './time.ts'

const tags = ['Reviews']
const body = checkedBody(ReviewBody)

const list = operation('viewer', {
  method: 'get',
  path: '/environments/{env}/reviews',
  tags,
  operationId: 'listReviews',
  summary: 'Kills and broken glass that somebody must look at, newest first',
  request: {
    params: EnvironmentParams,
    query: PageQuery.extend({
      status: z
        .enum(['open', 'closed', 'all'])
        .default('open')
        .openapi({ description: 'Of this status only' }),
    }),
  },
  responses: answers(
    { status: 200, description: 'A page of reviews', schema: listOf(ReviewSchema, EXAMPLES.review) },
    ['not-found', 'invalid'],
  ),
})

const close = operation('operator', {
  method: 'post',
  path: '/environments/{env}/reviews/{seq}/close',
  tags,
  operationId: 'closeReview',
  summary: 'Say what was found',
  middleware: body.middleware,
  request: {
    params: EnvironmentParams.extend({
      seq: z.string().openapi({
        param: { name: 'seq', in: 'path' },
        description: 'Number of the audit entry',
        example: '12',
      }),
    }),
    body: body.body,
  },
  responses: answers({ status: 200, description: 'The review, closed', schema: ReviewSchema }, [
    'not-found',
    'not-pending',
    ...BODY_PROBLEMS,
  ]),
})

export function reviews(api: Api): void {
  api.openapi(list, async (c) => {
    const { env } = c.req.valid('param')
    const { limit, cursor, status } = c.req.valid('query')
    const before = positionIn(cursor, z.int(), Number.MAX_SAFE_INTEGER)
    const rows = await ask(c, env, (stub) => stub.reviews(status, before, limit + 1))
    return json(
      c,
      pageOf(rows, limit, ({ seq }) => seq, shown),
    )
  })

  api.openapi(close, async (c) => {
    const { env, seq } = c.req.valid('param')
    const { note } = c.req.valid('json')
    const n = /^[1-9]\d{0,14}$/.test(seq) ? Number(seq) : 0
    return json(c, shown(await tell(c, env, (stub) => stub.closeReview(n, note, authorOf(c)))))
  })
}

const shown = ({ openedAtMs, closedAtMs, seq, action, subject, actor, reason, closedBy, note }: Review) => ({
  ...{ seq, action, subject, actor, reason },
  openedAt: timeOrNull(openedAtMs),
  closedAt: timeOrNull(closedAtMs),
  ...{ closedBy, note },
})
