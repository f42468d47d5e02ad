/** Flags, segments and routes: one code for the three, list, read, put, patch and delete. */
import { z } from '@hono/zod-openapi'
import type { EntityKind } from '../document.ts'
import { ask } from './ask.ts'
import { type Api, etag, json, jsonText } from './context.ts'
import { EXAMPLE_FLAG, EXAMPLE_ROUTE, EXAMPLE_SEGMENT } from './document-examples.ts'
import { carryOut } from './edits.ts'
import { FlagQuery, filterOf, StaleSchema, shownStale } from './flag-query.ts'
import { PageQuery, pageOf, positionIn } from './paging.ts'
import { isHeld, preconditionOf } from './preconditions.ts'
import { BODY_PROBLEMS, STORE_PROBLEMS, TIME_PROBLEMS } from './problem.ts'
import {
  answers,
  documentBody,
  EditHeaders,
  EditQuery,
  EnvironmentParams,
  FormQuery,
  keyParams,
  NOT_MODIFIED,
  operation,
  patchBody,
  ReadHeaders,
  ref,
  WAITING,
} from './routes.ts'
import { listOf } from './schemas.ts'

interface Collection {
  /** Path segment. */
  readonly name: 'flags' | 'segments' | 'routes'
  /** Component that describes one; in the plural, the tag. */
  readonly schema: 'Flag' | 'Segment' | 'Route'
  /** An example and its key. */
  readonly key: string
  readonly example: unknown
  /** A change of the example. */
  readonly patch: object
}

const COLLECTIONS: Readonly<Record<EntityKind, Collection>> = {
  flag: {
    name: 'flags',
    schema: 'Flag',
    key: 'new-feature',
    example: EXAMPLE_FLAG,
    patch: { owner: 'checkout' },
  },
  segment: {
    name: 'segments',
    schema: 'Segment',
    key: 'beta-testers',
    example: EXAMPLE_SEGMENT,
    patch: { include: ['user1', 'user2'] },
  },
  route: {
    name: 'routes',
    schema: 'Route',
    key: EXAMPLE_ROUTE.id,
    example: EXAMPLE_ROUTE,
    patch: { timeoutMs: 5000 },
  },
}

const EDIT_PROBLEMS = [
  'malformed',
  'not-found',
  'stale',
  'invalid',
  'precondition-required',
  ...TIME_PROBLEMS,
  ...STORE_PROBLEMS,
] as const
/** A flag may lead through a migration, which may bind other flags and their routes. */
const MIGRATION_PROBLEMS = ['stage-order'] as const

/** Routes have an order: the first that matches takes the request. */
const PlaceQuery = EditQuery.extend({
  before: z.string().min(1).max(128).optional().openapi({
    description:
      'Put it right before this route. Without it a new route goes to the end, and one that is there stays where it is',
    example: 'shop',
  }),
})

/** The five routes of one kind. */
function routesOf(kind: EntityKind) {
  const { name, schema, key, example, patch } = COLLECTIONS[kind]
  const path = `/environments/{env}/${name}/{key}`
  const common = { path, tags: [`${schema}s`] }
  const problems = kind === 'segment' ? EDIT_PROBLEMS : [...EDIT_PROBLEMS, ...MIGRATION_PROBLEMS]
  const params = keyParams(key)
  const body = documentBody(schema)
  const patches = patchBody('MergePatch', patch)
  const one = {
    status: 200,
    description: `The ${kind} as written`,
    schema: ref(schema),
    etag: `Version in which the ${kind} last changed`,
  } as const
  const edited = { ...one, headers: ['x-turnout-version'] } as const
  const item = z.object({
    key: z.string(),
    version: z.int(),
    [kind]: z.unknown().openapi(ref(schema)),
    ...(kind === 'flag' ? { stale: StaleSchema } : {}),
  })
  const query = PageQuery.extend(FormQuery.shape)
  return {
    list: operation('viewer', {
      ...common,
      method: 'get',
      path: `/environments/{env}/${name}`,
      operationId: `list${schema}s`,
      summary:
        kind === 'flag' ? 'All flags, or those that the query describes, by key' : `All ${name}, by key`,
      request: {
        params: EnvironmentParams,
        query: kind === 'flag' ? query.extend(FlagQuery.shape) : query,
      },
      responses: answers(
        {
          status: 200,
          description: `A page of ${name}`,
          schema: listOf(item, { key, version: 12, [kind]: example }),
          etag: 'Version of the document',
        },
        ['not-found', 'invalid'],
      ),
    }),
    get: operation('viewer', {
      ...common,
      method: 'get',
      operationId: `get${schema}`,
      summary: `One ${kind}`,
      request: { params, query: FormQuery, headers: ReadHeaders },
      responses: answers([one, NOT_MODIFIED], ['not-found', 'invalid']),
    }),
    put: operation('editor', {
      ...common,
      method: 'put',
      operationId: `put${schema}`,
      summary: `Create or replace a ${kind}`,
      middleware: body.middleware,
      request: {
        params,
        query: kind === 'route' ? PlaceQuery : EditQuery,
        headers: EditHeaders,
        body: body.body,
      },
      responses: answers(
        [edited, { ...edited, status: 201, description: 'Created' }, WAITING],
        [...problems, ...BODY_PROBLEMS],
      ),
    }),
    patch: operation('editor', {
      ...common,
      method: 'patch',
      operationId: `patch${schema}`,
      summary: `Change fields of a ${kind} (JSON Merge Patch, RFC 7396)`,
      middleware: patches.middleware,
      request: { params, query: EditQuery, headers: EditHeaders, body: patches.body },
      responses: answers([edited, WAITING], [...problems, ...BODY_PROBLEMS]),
    }),
    remove: operation('editor', {
      ...common,
      method: 'delete',
      operationId: `delete${schema}`,
      summary: `Delete a ${kind}`,
      request: { params, query: EditQuery, headers: EditHeaders },
      responses: answers(
        [{ status: 204, description: 'Deleted', headers: ['x-turnout-version'] }, WAITING],
        problems,
      ),
    }),
  }
}

export function entities(api: Api, kind: EntityKind): void {
  const { list, get, put, patch, remove } = routesOf(kind)

  api.openapi(list, async (c) => {
    const { env } = c.req.valid('param')
    const { limit, cursor, form, ...words } = c.req.valid('query')
    const after = positionIn(cursor, z.string(), '')
    const { version, items } = await ask(c, env, (stub) =>
      stub.entities(kind, after, limit + 1, form, filterOf(words)),
    )
    const page = pageOf(
      items,
      limit,
      ({ key }) => key,
      ({ key, since, text, stale }) => ({
        key,
        version: since,
        [kind]: JSON.parse(text),
        ...(stale === null ? {} : { stale: shownStale(stale) }),
      }),
    )
    return json(c, page, 200, version)
  })

  api.openapi(get, async (c) => {
    const { env, key } = c.req.valid('param')
    const { form } = c.req.valid('query')
    const { since, text } = await ask(c, env, (stub) => stub.entity(kind, key, form))
    return isHeld(c, since) ? c.body(null, 304, { etag: etag(since) }) : jsonText(c, text, 200, since)
  })

  for (const [verb, route] of [
    ['put', put],
    ['patch', patch],
  ] as const)
    api.openapi(route, async (c) => {
      const { env, key } = c.req.valid('param')
      const { before } = c.req.valid('query') as z.infer<typeof PlaceQuery>
      const place = before === undefined ? {} : { before }
      const edit = { do: verb, kind, key, text: await c.req.text(), ...place }
      const edited = await carryOut(c, env, edit, preconditionOf(c))
      const { text, since } = edited.entities[0]!
      return jsonText(c, text, edited.created ? 201 : 200, since)
    })

  api.openapi(remove, async (c) => {
    const { env, key } = c.req.valid('param')
    await carryOut(c, env, { do: 'remove', kind, key }, preconditionOf(c))
    return c.body(null, 204)
  })
}
