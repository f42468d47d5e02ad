/** Changes of flags that are made at a time, and perhaps taken back at another. */
import { z } from '@hono/zod-openapi'
import { SCHEDULE_STATUSES, type Schedule } from '../storage/schedules.ts'
import { ask, hear, tell } from './ask.ts'
import { requireEnvironment } from './authorization.ts'
import { type Api, authorOf, created, json, mannerOf } from './context.ts'
import { EnvironmentFilter, environmentsOf, IdParams, partsOf } from './environment-id.ts'
import { EXAMPLES } from './examples.ts'
import { mergedPage } from './merged-page.ts'
import { PageQuery } from './paging.ts'
import { BODY_PROBLEMS, invalidRequest, TIME_PROBLEMS } from './problem.ts'
import { answers, ChangeHeaders, checkedBody, EditQuery, operation, WAITING } from './routes.ts'
import { listOf } from './schemas.ts'
import { ScheduleBody, ScheduleSchema } from './schemas-governance.ts'
import { shownSchedule } from './shown.ts'

const tags = ['Schedules']
const body = checkedBody(ScheduleBody)

/** Characters of JSON. A schedule is a few flags at a time, and stands whole in lists: a document is replaced by itself. */
const MAX_SCHEDULED_LENGTH = 256 * 1024

const list = operation('viewer', {
  method: 'get',
  path: '/schedules',
  tags,
  operationId: 'listSchedules',
  summary: 'Schedules, newest first',
  request: {
    query: PageQuery.extend({
      environment: EnvironmentFilter,
      status: z.enum(SCHEDULE_STATUSES).optional().openapi({ description: 'Of this status only' }),
    }),
  },
  responses: answers(
    { status: 200, description: 'A page of schedules', schema: listOf(ScheduleSchema, EXAMPLES.schedule) },
    ['not-found', 'invalid'],
  ),
})

const create = operation('editor', {
  method: 'post',
  path: '/schedules',
  tags,
  operationId: 'createSchedule',
  summary: 'Change flags at a time, and take it back at another',
  description:
    'Checked now, by the document of now, and approved now where that is needed; checked again at its time.',
  middleware: body.middleware,
  request: { headers: ChangeHeaders, body: body.body },
  responses: answers(
    [{ status: 201, description: 'Planned', schema: ScheduleSchema }, WAITING],
    ['not-found', ...BODY_PROBLEMS, ...TIME_PROBLEMS],
  ),
})

const get = operation('viewer', {
  method: 'get',
  path: '/schedules/{id}',
  tags,
  operationId: 'getSchedule',
  summary: 'One schedule',
  request: { params: IdParams },
  responses: answers({ status: 200, description: 'The schedule', schema: ScheduleSchema }, ['not-found']),
})

const cancel = operation('editor', {
  method: 'delete',
  path: '/schedules/{id}',
  tags,
  operationId: 'cancelSchedule',
  summary: 'Cancel: what is planned is not made, what is made is not taken back',
  request: { params: IdParams, query: EditQuery },
  responses: answers({ status: 200, description: 'The schedule as it is now', schema: ScheduleSchema }, [
    'not-found',
    'not-pending',
  ]),
})

export function schedules(api: Api): void {
  api.openapi(list, async (c) => {
    const { limit, cursor, environment, status = null } = c.req.valid('query')
    const page = await mergedPage(await environmentsOf(c, environment), cursor, limit, {
      ask: (name, before, count) =>
        hear(c, name, environment, (stub) => stub.schedules(status, before, count)),
      timeOf: (schedule: Schedule) => schedule.createdAtMs,
      show: shownSchedule,
    })
    return json(c, page)
  })

  api.openapi(create, async (c) => {
    const { environment, at, until, flags, reason } = c.req.valid('json')
    requireEnvironment(c, environment)
    const atMs = Date.parse(at)
    const untilMs = until === undefined ? null : Date.parse(until)
    if (atMs <= Date.now()) throw invalidRequest('$.at', 'must be in the future')
    if (untilMs !== null && untilMs <= atMs) throw invalidRequest('$.until', 'must be after `at`')
    if (Object.keys(flags).length === 0) throw invalidRequest('$.flags', 'must name at least one flag')
    const text = JSON.stringify(flags)
    if (text.length > MAX_SCHEDULED_LENGTH)
      throw invalidRequest(
        '$.flags',
        `must have at most ${MAX_SCHEDULED_LENGTH} characters of JSON, has ${text.length}`,
      )
    const schedule = { atMs, untilMs, text }
    const manner = mannerOf(c, null)
    const author = authorOf(c, reason)
    const planned = await tell(c, environment, (stub) => stub.addSchedule(schedule, manner, author))
    return created(c, shownSchedule(environment, planned))
  })

  api.openapi(get, async (c) => {
    const { environment, n } = partsOf(c, 'schedule', c.req.valid('param').id)
    const schedule = await ask(c, environment, (stub) => stub.schedule(n))
    return json(c, shownSchedule(environment, schedule))
  })

  api.openapi(cancel, async (c) => {
    const { environment, n } = partsOf(c, 'schedule', c.req.valid('param').id)
    const schedule = await tell(c, environment, (stub) => stub.cancelSchedule(n, authorOf(c)))
    return json(c, shownSchedule(environment, schedule))
  })
}
