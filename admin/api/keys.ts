/** SDK keys: what OFREP and SDK callers of an environment that is not open must show. */
import { z } from '@hono/zod-openapi'
import { mintSdkKey } from '../auth.ts'
import type { ListedKey } from '../storage/directory.ts'
import { callProject } from '../stubs.ts'
import { tell } from './ask.ts'
import { requireEnvironment } from './authorization.ts'
import { type Api, authorOf, created, json, scopeOf } from './context.ts'
import { EnvironmentFilter } from './environment-id.ts'
import { EXAMPLES } from './examples.ts'
import { PageQuery, pageOf, positionIn } from './paging.ts'
import { BODY_PROBLEMS, unknown } from './problem.ts'
import { answers, checkedBody, EditQuery, operation } from './routes.ts'
import { listOf } from './schemas.ts'
import { CreatedKeySchema, KeyBody, KeySchema } from './schemas-access.ts'
import { timeOf } from './time.ts'

const tags = ['Keys']
const body = checkedBody(KeyBody)

const list = operation('viewer', {
  method: 'get',
  path: '/keys',
  tags,
  operationId: 'listKeys',
  summary: 'SDK keys, newest first, without their texts',
  request: {
    query: PageQuery.extend({
      environment: EnvironmentFilter,
    }),
  },
  responses: answers(
    { status: 200, description: 'A page of keys', schema: listOf(KeySchema, EXAMPLES.key) },
    ['invalid'],
  ),
})

const create = operation('admin', {
  method: 'post',
  path: '/keys',
  tags,
  operationId: 'createKey',
  summary: 'Make an SDK key; its text is shown once',
  middleware: body.middleware,
  request: { query: EditQuery, body: body.body },
  responses: answers({ status: 201, description: 'Made', schema: CreatedKeySchema }, [
    'not-found',
    ...BODY_PROBLEMS,
  ]),
})

const remove = operation('admin', {
  method: 'delete',
  path: '/keys/{id}',
  tags,
  operationId: 'deleteKey',
  summary: 'Revoke an SDK key; edges refuse it with their next refresh',
  request: {
    params: z.object({
      id: z.string().openapi({
        param: { name: 'id', in: 'path' },
        description: 'Id of the key',
        example: EXAMPLES.key.id,
      }),
    }),
    query: EditQuery,
  },
  responses: answers({ status: 204, description: 'Revoked' }, ['not-found']),
})

export function keys(api: Api): void {
  api.openapi(list, async (c) => {
    const { limit, cursor, environment = null } = c.req.valid('query')
    if (environment !== null) requireEnvironment(c, environment)
    const after = positionIn(cursor, z.tuple([z.number(), z.string()]).nullable(), null)
    const rows = await callProject(c.env, (stub) => stub.keys(scopeOf(c), environment, after, limit + 1))
    return json(
      c,
      pageOf(rows, limit, ({ createdAtMs, id }) => [createdAtMs, id], shown),
    )
  })

  api.openapi(create, async (c) => {
    const { environment, kind, name } = c.req.valid('json')
    requireEnvironment(c, environment)
    const { key, text } = await mintSdkKey(kind, name, Date.now())
    await tell(c, environment, (stub) => stub.addKey(key, authorOf(c)))
    return created(c, { ...shown({ ...key, environment }), key: text })
  })

  api.openapi(remove, async (c) => {
    const { id } = c.req.valid('param')
    const key = await callProject(c.env, (stub) => stub.key(id))
    if (key === null) throw unknown('key', id)
    const { environment } = key
    requireEnvironment(c, environment)
    await tell(c, environment, (stub) => stub.removeKey(id, authorOf(c)))
    return c.body(null, 204)
  })
}

const shown = ({ id, environment, kind, name, createdAtMs }: ListedKey) => ({
  id,
  environment,
  kind,
  name,
  createdAt: timeOf(createdAtMs),
})
