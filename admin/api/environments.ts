/** Environments: list, create, settings, delete. */
import { z } from '@hono/zod-openapi'
import { parseConfig } from '../env.ts'
import type { Described, StoreStatus } from '../objects/answers.ts'
import type { Description } from '../settings.ts'
import { ENVIRONMENT_NAME, type Settings } from '../settings.ts'
import { callProject } from '../stubs.ts'
import { ask, tell } from './ask.ts'
import { type Api, authorOf, etag, json, mannerOf, scopeOf } from './context.ts'
import { EXAMPLES } from './examples.ts'
import { PageQuery, pageOf, positionIn } from './paging.ts'
import { isHeld, preconditionOf } from './preconditions.ts'
import { BODY_PROBLEMS, invalidRequest, TIME_PROBLEMS } from './problem.ts'
import {
  answers,
  checkedBody,
  EditHeaders,
  EditQuery,
  EnvironmentParams,
  NOT_MODIFIED,
  operation,
  ReadHeaders,
  WAITING,
} from './routes.ts'
import { listOf } from './schemas.ts'
import { EnvironmentSchema, ListedEnvironmentSchema, SettingsBody } from './schemas-environments.ts'
import { timeOf, timeOrNull } from './time.ts'

const path = '/environments/{env}'
const tags = ['Environments']
const body = checkedBody(SettingsBody)
const one = {
  status: 200,
  schema: EnvironmentSchema,
  etag: 'Version in which the settings last changed',
} as const

const list = operation('viewer', {
  method: 'get',
  path: '/environments',
  tags,
  operationId: 'listEnvironments',
  summary: 'All environments, by name',
  request: { query: PageQuery },
  responses: answers(
    {
      status: 200,
      description: 'A page of environments',
      schema: listOf(ListedEnvironmentSchema, EXAMPLES.listedEnvironment),
    },
    ['invalid'],
  ),
})

const get = operation('viewer', {
  method: 'get',
  path,
  tags,
  operationId: 'getEnvironment',
  summary: 'One environment',
  request: { params: EnvironmentParams, headers: ReadHeaders },
  responses: answers([{ ...one, description: 'The environment' }, NOT_MODIFIED], ['not-found']),
})

const put = operation('admin', {
  method: 'put',
  path,
  tags,
  operationId: 'putEnvironment',
  summary: 'Create an environment, or change its settings',
  middleware: body.middleware,
  request: { params: EnvironmentParams, query: EditQuery, headers: EditHeaders, body: body.body },
  responses: answers(
    [
      { ...one, description: 'The environment as changed' },
      { ...one, status: 201, description: 'Created' },
      WAITING,
    ],
    ['stale', 'precondition-required', ...BODY_PROBLEMS, ...TIME_PROBLEMS],
  ),
})

const remove = operation('admin', {
  method: 'delete',
  path,
  tags,
  operationId: 'deleteEnvironment',
  summary: 'Delete an environment and all it holds',
  request: { params: EnvironmentParams, query: EditQuery, headers: EditHeaders },
  responses: answers(
    [{ status: 204, description: 'Deleted' }, WAITING],
    ['malformed', 'not-found', 'stale', 'precondition-required', ...TIME_PROBLEMS],
  ),
})

export function environments(api: Api): void {
  api.openapi(list, async (c) => {
    const { limit, cursor } = c.req.valid('query')
    const after = positionIn(cursor, z.string(), '')
    const rows = await callProject(c.env, (stub) => stub.environments(scopeOf(c), after, limit + 1))
    return json(
      c,
      pageOf(rows, limit, ({ name }) => name, listed),
    )
  })

  api.openapi(get, async (c) => {
    const { env } = c.req.valid('param')
    const description = await ask(c, env, (stub) => stub.describe())
    if (isHeld(c, description.revision)) return c.body(null, 304, { etag: etag(description.revision) })
    return json(c, described(description), 200, description.revision)
  })

  api.openapi(put, async (c) => {
    const { env } = c.req.valid('param')
    if (!ENVIRONMENT_NAME.test(env))
      throw invalidRequest(
        'path.env',
        'must be {env} or {project}.{env}: lower-case letters, digits, "-" and "_"',
      )
    const settings: Settings = c.req.valid('json')
    if (settings.open && !parseConfig(c.env).local)
      throw invalidRequest('$.open', 'an environment may be open in local runs only; make an SDK key instead')
    const manner = mannerOf(c, preconditionOf(c))
    const { created, description } = await tell(c, env, (stub) =>
      stub.putSettings(env, settings, manner, authorOf(c)),
    )
    return json(c, described(description), created ? 201 : 200, description.revision)
  })

  api.openapi(remove, async (c) => {
    const { env } = c.req.valid('param')
    const manner = mannerOf(c, preconditionOf(c))
    await tell(c, env, (stub) => stub.remove(manner, authorOf(c)))
    return c.body(null, 204)
  })
}

const listed = (description: Description) => ({
  name: description.name,
  open: description.open,
  edgeHosts: description.edgeHosts,
  tier: description.tier,
  promotesTo: description.promotesTo,
  approvals: description.approvals,
  drillEveryMinutes: description.drillEveryMinutes,
  revision: description.revision,
  createdAt: timeOf(description.createdAtMs),
})

const described = (description: Described) => {
  const { epoch, version, killsVersion, store } = description
  return { ...listed(description), epoch, version, killsVersion, store: shownStore(store) }
}

const shownStore = ({ kind, place, trouble, warnings, checkedAtMs, okAtMs }: StoreStatus) => ({
  ...{ kind, place, status: trouble === null ? 'ok' : 'degraded' },
  ...{ problem: trouble?.detail ?? null, errors: trouble?.errors ?? [], warnings },
  ...{
    since: timeOrNull(trouble?.sinceMs ?? null),
    checkedAt: timeOrNull(checkedAtMs),
    okAt: timeOrNull(okAtMs),
  },
})
