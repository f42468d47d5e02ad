/** The kill switch. Needs no precondition and no valid document: it must work when nothing else does. */
import { z } from '@hono/zod-openapi'
import { isKillTarget, type KillTarget } from '../../engine/index.ts'
import type { KillRecord } from '../storage/kills.ts'
import { ask, tell } from './ask.ts'
import { type Api, type ApiContext, authorOf, json, mannerOf } from './context.ts'
import { EXAMPLES } from './examples.ts'
import { PageQuery, pageOf, positionIn } from './paging.ts'
import { BODY_PROBLEMS, invalidRequest, TIME_PROBLEMS } from './problem.ts'
import {
  answers,
  ChangeHeaders,
  checkedBody,
  EditQuery,
  EnvironmentParams,
  operation,
  TargetParams,
  WAITING,
} from './routes.ts'
import { listOf } from './schemas.ts'
import { KillBody, KillSchema } from './schemas-kills.ts'
import { timeOf } from './time.ts'

/** Header of every answer about kills: the version of the list that holds it. */
export const KILLS_HEADER = 'x-turnout-kills'

const path = '/environments/{env}/kills/{target}'
const tags = ['Kills']
const body = checkedBody(KillBody)
const headers = [KILLS_HEADER] as const

const list = operation('viewer', {
  method: 'get',
  path: '/environments/{env}/kills',
  tags,
  operationId: 'listKills',
  summary: 'The kills that hold now, newest first',
  request: { params: EnvironmentParams, query: PageQuery },
  responses: answers(
    { status: 200, description: 'A page of kills', schema: listOf(KillSchema, EXAMPLES.kill), headers },
    ['not-found', 'invalid'],
  ),
})

const get = operation('viewer', {
  method: 'get',
  path,
  tags,
  operationId: 'getKill',
  summary: 'One kill',
  request: { params: TargetParams },
  responses: answers({ status: 200, description: 'The kill', schema: KillSchema }, ['not-found', 'invalid']),
})

const put = operation('operator', {
  method: 'put',
  path,
  tags,
  operationId: 'putKill',
  summary: 'Kill a flag, a route, a tag, an origin, all routes or all flags',
  middleware: body.middleware,
  request: { params: TargetParams, headers: ChangeHeaders, body: body.body },
  responses: answers(
    [
      { status: 200, description: 'Replaced', schema: KillSchema, headers },
      { status: 201, description: 'Killed', schema: KillSchema, headers },
      WAITING,
    ],
    ['not-found', 'stage-order', ...BODY_PROBLEMS, ...TIME_PROBLEMS],
  ),
})

const remove = operation('operator', {
  method: 'delete',
  path,
  tags,
  operationId: 'deleteKill',
  summary: 'End a kill',
  request: { params: TargetParams, query: EditQuery, headers: ChangeHeaders },
  responses: answers(
    [{ status: 204, description: 'Ended', headers }, WAITING],
    ['not-found', 'invalid', 'stage-order', ...TIME_PROBLEMS],
  ),
})

export function kills(api: Api): void {
  api.openapi(list, async (c) => {
    const { env } = c.req.valid('param')
    const { limit, cursor } = c.req.valid('query')
    const after = positionIn(cursor, z.tuple([z.number(), z.string()]).nullable(), null)
    const { version, items } = await ask(c, env, (stub) => stub.kills(after, limit + 1))
    const page = pageOf(items, limit, ({ createdAtMs, target }) => [createdAtMs, target], shown)
    tellKills(c, version)
    return json(c, page)
  })

  api.openapi(get, async (c) => {
    const { env, target } = c.req.valid('param')
    return json(c, shown(await ask(c, env, (stub) => stub.kill(checked(target)))))
  })

  api.openapi(put, async (c) => {
    const { env, target } = c.req.valid('param')
    const { reason, variant = null, expiresAt, onExpiry = 'restore' } = c.req.valid('json')
    const expiresAtMs = expiresAt === undefined ? null : Date.parse(expiresAt)
    const request = { reason, variant, expiresAtMs, onExpiry }
    const { created, version, kill } = await ask(c, env, (stub) =>
      stub.putKill(checked(target), request, mannerOf(c, null), authorOf(c, reason)),
    )
    tellKills(c, version)
    return json(c, shown(kill), created ? 201 : 200)
  })

  api.openapi(remove, async (c) => {
    const { env, target } = c.req.valid('param')
    const { version } = await tell(c, env, (stub) =>
      stub.removeKill(checked(target), mannerOf(c, null), authorOf(c)),
    )
    tellKills(c, version)
    return c.body(null, 204)
  })
}

/** Says in a header which version of the list an answer is about. */
export const tellKills = (c: ApiContext, version: number): void => c.header(KILLS_HEADER, String(version))

function checked(target: string): KillTarget {
  if (isKillTarget(target)) return target
  throw invalidRequest(
    'path.target',
    'must be flag:KEY, route:ID, tag:NAME, origin:ROUTE/VARIANT, all-routes or all-flags',
  )
}

const shown = ({ target, variant, reason, actor, createdAtMs, expiresAtMs, onExpiry }: KillRecord) => ({
  target,
  ...(variant === null ? {} : { variant }),
  reason,
  actor,
  createdAt: timeOf(createdAtMs),
  ...(expiresAtMs === null ? {} : { expiresAt: timeOf(expiresAtMs), onExpiry }),
})
