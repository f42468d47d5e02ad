/** Webhooks: who is told of what happens. */
import { z } from '@hono/zod-openapi'
import type { Answer } from '../objects/answers.ts'
import type { ListedWebhook } from '../objects/webhook-changes.ts'
import type { WebhooksObject } from '../objects/webhooks.ts'
import { callWebhooks, type Remote, type Times } from '../stubs.ts'
import type { WebhookChange, WebhookDraft } from '../webhook/draft.ts'
import { requireEverywhere } from './authorization.ts'
import { type Api, type ApiContext, authorOf, created, json } from './context.ts'
import { EXAMPLES } from './examples.ts'
import { PageQuery, pageOf, positionIn } from './paging.ts'
import { BODY_PROBLEMS } from './problem.ts'
import { answers, checkedBody, EditQuery, operation } from './routes.ts'
import { listOf } from './schemas.ts'
import { settle } from './settle.ts'
import { timeOf, timeOrNull } from './time.ts'
import { WebhookBody, WebhookPatch, WebhookSchema, WebhookWithSecretSchema } from './webhook-schemas.ts'

/** How long the secret before a rotation signs too, in seconds. */
const DEFAULT_OVERLAP_SECONDS = 86_400
const MAX_OVERLAP_SECONDS = 7 * 86_400

export const tags = ['Webhooks']
export const path = '/webhooks/{id}'
const newBody = checkedBody(WebhookBody)
const patchBody = checkedBody(WebhookPatch)

export const IdParams = z.object({
  id: z.string().openapi({
    param: { name: 'id', in: 'path' },
    description: 'Id of the webhook',
    example: EXAMPLES.webhook.id,
  }),
})
const list = operation('viewer', {
  method: 'get',
  path: '/webhooks',
  tags,
  operationId: 'listWebhooks',
  summary: 'Webhooks, newest first',
  request: { query: PageQuery },
  responses: answers(
    { status: 200, description: 'A page of webhooks', schema: listOf(WebhookSchema, EXAMPLES.webhook) },
    ['invalid'],
  ),
})

const create = operation('admin', {
  method: 'post',
  path: '/webhooks',
  tags,
  operationId: 'createWebhook',
  summary: 'Make a webhook; its signing secret is shown once',
  middleware: newBody.middleware,
  request: { query: EditQuery, body: newBody.body },
  responses: answers({ status: 201, description: 'Made', schema: WebhookWithSecretSchema }, BODY_PROBLEMS),
})

const get = operation('viewer', {
  method: 'get',
  path,
  tags,
  operationId: 'getWebhook',
  summary: 'One webhook',
  request: { params: IdParams },
  responses: answers({ status: 200, description: 'The webhook', schema: WebhookSchema }, ['not-found']),
})

const patch = operation('admin', {
  method: 'patch',
  path,
  tags,
  operationId: 'patchWebhook',
  summary: 'Change a webhook; what is left out stays',
  middleware: patchBody.middleware,
  request: { params: IdParams, query: EditQuery, body: patchBody.body },
  responses: answers({ status: 200, description: 'Changed', schema: WebhookSchema }, [
    'not-found',
    ...BODY_PROBLEMS,
  ]),
})

const remove = operation('admin', {
  method: 'delete',
  path,
  tags,
  operationId: 'deleteWebhook',
  summary: 'Delete a webhook and its deliveries',
  request: { params: IdParams, query: EditQuery },
  responses: answers({ status: 204, description: 'Deleted' }, ['not-found']),
})

const rotate = operation('admin', {
  method: 'post',
  path: `${path}/rotate-secret`,
  tags,
  operationId: 'rotateWebhookSecret',
  summary: 'A new signing secret, shown once; the one before signs too for a while',
  request: {
    params: IdParams,
    query: EditQuery.extend({
      overlapSeconds: z.coerce
        .number()
        .int()
        .min(0)
        .max(MAX_OVERLAP_SECONDS)
        .default(DEFAULT_OVERLAP_SECONDS)
        .openapi({
          description: 'How long both sign; 0: the one before ends now',
          example: DEFAULT_OVERLAP_SECONDS,
        }),
    }),
  },
  responses: answers({ status: 200, description: 'Rotated', schema: WebhookWithSecretSchema }, [
    'not-found',
    'invalid',
  ]),
})

export function webhooks(api: Api): void {
  api.openapi(list, async (c) => {
    const { limit, cursor } = c.req.valid('query')
    const after = positionIn(cursor, z.tuple([z.number(), z.string()]).nullable(), null)
    requireEverywhere(c)
    const all = await callWebhooks(c.env, (stub) => stub.list())
    const rest = all.filter((webhook) => after === null || isAfter(webhook, after))
    return json(
      c,
      pageOf(rest, limit, ({ createdAtMs, id }) => [createdAtMs, id], shown),
    )
  })

  api.openapi(create, async (c) => {
    const draft = c.req.valid('json') as WebhookDraft
    const { webhook, secret } = await ask(c, (stub) => stub.create(draft, authorOf(c)), 'once')
    return created(c, { ...shown(webhook), secret })
  })

  api.openapi(get, async (c) => {
    const { id } = c.req.valid('param')
    return json(c, shown(await ask(c, (stub) => stub.get(id))))
  })

  api.openapi(patch, async (c) => {
    const { id } = c.req.valid('param')
    const change = c.req.valid('json') as WebhookChange
    return json(c, shown(await ask(c, (stub) => stub.update(id, change, authorOf(c)), 'once')))
  })

  api.openapi(remove, async (c) => {
    const { id } = c.req.valid('param')
    await ask(c, (stub) => stub.remove(id, authorOf(c)), 'once')
    return c.body(null, 204)
  })

  api.openapi(rotate, async (c) => {
    const { id } = c.req.valid('param')
    const overlapMs = c.req.valid('query').overlapSeconds * 1000
    const { webhook, secret } = await ask(c, (stub) => stub.rotate(id, overlapMs, authorOf(c)), 'once')
    return json(c, { ...shown(webhook), secret })
  })
}

/** Webhooks hear of every environment, so they are for those who may act in all. */
export async function ask<T>(
  c: ApiContext,
  question: (stub: Remote<WebhooksObject>) => Promise<Answer<T>>,
  times: Times = 'again',
): Promise<T> {
  requireEverywhere(c)
  return settle(await callWebhooks(c.env, question, times))
}

const isAfter = ({ createdAtMs, id }: ListedWebhook, [atMs, last]: readonly [number, string]): boolean =>
  createdAtMs < atMs || (createdAtMs === atMs && id > last)

const shown = ({ pausedUntilMs, previousSecretUntilMs, createdAtMs, ...webhook }: ListedWebhook) => ({
  id: webhook.id,
  name: webhook.name,
  format: webhook.format,
  host: webhook.host,
  events: webhook.events,
  environments: webhook.environments,
  enabled: webhook.enabled,
  disabledReason: webhook.disabledReason,
  failing: webhook.failing,
  pausedUntil: pausedUntilMs === 0 ? null : timeOf(pausedUntilMs),
  pending: webhook.pending,
  dead: webhook.dead,
  previousSecretUntil: timeOrNull(previousSecretUntilMs),
  createdAt: timeOf(createdAtMs),
  createdBy: webhook.createdBy,
})
