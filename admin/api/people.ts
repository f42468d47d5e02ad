/** People and services that come through Cloudflare Access, and what each may do. */
import { z } from '@hono/zod-openapi'
import type { Person } from '../access/grants.ts'
import { callProject } from '../stubs.ts'
import { requireEverywhere } from './authorization.ts'
import { type Api, authorOf, json, scopeOf } from './context.ts'
import { EXAMPLES } from './examples.ts'
import { PageQuery, pageOf, positionIn } from './paging.ts'
import { BODY_PROBLEMS, invalidRequest } from './problem.ts'
import { answers, checkedBody, EditQuery, operation } from './routes.ts'
import { listOf } from './schemas.ts'
import { PersonBody, PersonSchema } from './schemas-access.ts'
import { settle } from './settle.ts'
import { timeOf, timeOrNull } from './time.ts'

const tags = ['Access']
const body = checkedBody(PersonBody)
const params = z.object({
  id: z.string().openapi({
    param: { name: 'id', in: 'path' },
    description: 'An e-mail address, or `service:NAME` for a service token of Access',
    example: EXAMPLES.person.id,
  }),
})

const list = operation('admin', {
  method: 'get',
  path: '/people',
  tags,
  operationId: 'listPeople',
  summary: 'People within the scope of the caller, by id',
  request: { query: PageQuery },
  responses: answers(
    { status: 200, description: 'A page of people', schema: listOf(PersonSchema, EXAMPLES.person) },
    ['invalid'],
  ),
})

const put = operation('admin', {
  method: 'put',
  path: '/people/{id}',
  tags,
  operationId: 'putPerson',
  summary: 'Give a person a role, or another one',
  middleware: body.middleware,
  request: { params, query: EditQuery, body: body.body },
  responses: answers(
    [
      { status: 200, description: 'The person as changed', schema: PersonSchema },
      { status: 201, description: 'Added', schema: PersonSchema },
    ],
    BODY_PROBLEMS,
  ),
})

const remove = operation('admin', {
  method: 'delete',
  path: '/people/{id}',
  tags,
  operationId: 'deletePerson',
  summary: "End a person's access, at once",
  request: { params, query: EditQuery },
  responses: answers({ status: 204, description: 'Removed' }, ['not-found']),
})

const ID = /^(?:[^\s@/]{1,64}@[a-z0-9.-]{1,253}|service:[^\s/]{1,200})$/

export function people(api: Api): void {
  api.openapi(list, async (c) => {
    const { limit, cursor } = c.req.valid('query')
    const after = positionIn(cursor, z.string(), '')
    const rows = await callProject(c.env, (stub) => stub.people(scopeOf(c), after, limit + 1))
    return json(
      c,
      pageOf(rows, limit, ({ id }) => id, shown),
    )
  })

  api.openapi(put, async (c) => {
    requireEverywhere(c)
    const id = personId(c.req.valid('param').id)
    const grant = { id, ...c.req.valid('json') }
    const answer = await callProject(c.env, (stub) => stub.putPerson(grant, authorOf(c)))
    const { created, person } = settle(answer)
    return json(c, shown(person), created ? 201 : 200)
  })

  api.openapi(remove, async (c) => {
    requireEverywhere(c)
    const { id } = c.req.valid('param')
    settle(await callProject(c.env, (stub) => stub.removePerson(asStored(id), authorOf(c)), 'once'))
    return c.body(null, 204)
  })
}

/** E-mail addresses mean the same in any case; names of services do not. */
const asStored = (id: string): string => (id.startsWith('service:') ? id : id.toLowerCase())

function personId(text: string): string {
  const id = asStored(text)
  if (ID.test(id)) return id
  throw invalidRequest(
    'path.id',
    'must be an e-mail address, or `service:NAME` for a service token of Access',
  )
}

const shown = (person: Person) => ({
  id: person.id,
  role: person.role,
  projects: person.projects,
  environments: person.environments,
  createdAt: timeOf(person.createdAtMs),
  createdBy: person.createdBy,
  lastUsedAt: timeOrNull(person.lastUsedAtMs),
})
