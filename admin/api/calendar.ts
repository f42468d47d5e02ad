/** When changes that raise exposure may be made: weekly windows, and freezes. */
import { z } from '@hono/zod-openapi'
import type { StoredFreeze, StoredWindow } from '../storage/calendar.ts'
import { hear, tell } from './ask.ts'
import { requireEnvironment } from './authorization.ts'
import { type Api, authorOf, created, json } from './context.ts'
import { EnvironmentFilter, environmentsOf, IdParams, partsOf } from './environment-id.ts'
import { EXAMPLES } from './examples.ts'
import { BODY_PROBLEMS } from './problem.ts'
import { answers, checkedBody, EditQuery, operation } from './routes.ts'
import { listOf } from './schemas.ts'
import { FreezeBody, FreezeSchema, WindowBody, WindowSchema } from './schemas-governance.ts'
import { timeOf, timeOrNull } from './time.ts'

const tags = ['Windows and freezes']
const EnvironmentQuery = z.strictObject({ environment: EnvironmentFilter })
const problems = ['not-found', ...BODY_PROBLEMS] as const

const windowBody = checkedBody(WindowBody)
const freezeBody = checkedBody(FreezeBody)

const listWindows = operation('viewer', {
  method: 'get',
  path: '/windows',
  tags,
  operationId: 'listWindows',
  summary: 'Change windows; without any, changes may be made at any time',
  request: { query: EnvironmentQuery },
  responses: answers(
    {
      status: 200,
      description: 'All windows, by environment, newest first',
      schema: listOf(WindowSchema, EXAMPLES.window),
    },
    ['not-found'],
  ),
})

const createWindow = operation('admin', {
  method: 'post',
  path: '/windows',
  tags,
  operationId: 'createWindow',
  summary: 'Add a change window',
  middleware: windowBody.middleware,
  request: { body: windowBody.body },
  responses: answers({ status: 201, description: 'Added', schema: WindowSchema }, problems),
})

const endWindow = operation('admin', {
  method: 'delete',
  path: '/windows/{id}',
  tags,
  operationId: 'deleteWindow',
  summary: 'Remove a change window',
  request: { params: IdParams, query: EditQuery },
  responses: answers({ status: 204, description: 'Removed' }, ['not-found']),
})

const listFreezes = operation('viewer', {
  method: 'get',
  path: '/freezes',
  tags,
  operationId: 'listFreezes',
  summary: 'Freezes, past ones too until they are removed',
  request: { query: EnvironmentQuery },
  responses: answers(
    {
      status: 200,
      description: 'All freezes, by environment, newest first',
      schema: listOf(FreezeSchema, EXAMPLES.freeze),
    },
    ['not-found'],
  ),
})

const createFreeze = operation('admin', {
  method: 'post',
  path: '/freezes',
  tags,
  operationId: 'createFreeze',
  summary: 'Freeze changes that raise exposure',
  middleware: freezeBody.middleware,
  request: { body: freezeBody.body },
  responses: answers({ status: 201, description: 'Frozen', schema: FreezeSchema }, problems),
})

const endFreeze = operation('admin', {
  method: 'delete',
  path: '/freezes/{id}',
  tags,
  operationId: 'deleteFreeze',
  summary: 'Lift a freeze',
  request: { params: IdParams, query: EditQuery },
  responses: answers({ status: 204, description: 'Lifted' }, ['not-found']),
})

export function calendar(api: Api): void {
  api.openapi(listWindows, async (c) => {
    const { environment } = c.req.valid('query')
    const names = await environmentsOf(c, environment)
    const items = await Promise.all(
      names.map(async (name) =>
        (await hear(c, name, environment, (stub) => stub.windows()))
          .toReversed()
          .map((window) => shownWindow(name, window)),
      ),
    )
    return json(c, { items: items.flat(), nextCursor: null })
  })

  api.openapi(createWindow, async (c) => {
    const { environment, reason, ...window } = c.req.valid('json')
    requireEnvironment(c, environment)
    const added = await tell(c, environment, (stub) => stub.addWindow(window, authorOf(c, reason)))
    return created(c, shownWindow(environment, added))
  })

  api.openapi(endWindow, async (c) => {
    const { environment, n } = partsOf(c, 'window', c.req.valid('param').id)
    await tell(c, environment, (stub) => stub.endInCalendar('windows', n, authorOf(c)))
    return c.body(null, 204)
  })

  api.openapi(listFreezes, async (c) => {
    const { environment } = c.req.valid('query')
    const names = await environmentsOf(c, environment)
    const items = await Promise.all(
      names.map(async (name) =>
        (await hear(c, name, environment, (stub) => stub.freezes()))
          .toReversed()
          .map((freeze) => shownFreeze(name, freeze)),
      ),
    )
    return json(c, { items: items.flat(), nextCursor: null })
  })

  api.openapi(createFreeze, async (c) => {
    const { environment, from, to, reason } = c.req.valid('json')
    requireEnvironment(c, environment)
    const freeze = {
      fromMs: from === undefined ? Date.now() : Date.parse(from),
      toMs: to === undefined ? null : Date.parse(to),
      reason,
    }
    const added = await tell(c, environment, (stub) => stub.addFreeze(freeze, authorOf(c, reason)))
    return created(c, shownFreeze(environment, added))
  })

  api.openapi(endFreeze, async (c) => {
    const { environment, n } = partsOf(c, 'freeze', c.req.valid('param').id)
    await tell(c, environment, (stub) => stub.endInCalendar('freezes', n, authorOf(c)))
    return c.body(null, 204)
  })
}

const shownWindow = (environment: string, { n, days, from, to, timeZone, reason }: StoredWindow) => ({
  id: `${environment}:${n}`,
  environment,
  ...{ days, from, to, timeZone, reason },
})

const shownFreeze = (environment: string, { n, fromMs, toMs, reason, actor }: StoredFreeze) => ({
  id: `${environment}:${n}`,
  environment,
  from: timeOf(fromMs),
  to: timeOrNull(toMs),
  ...{ reason, actor },
})
