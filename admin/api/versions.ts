/** Published versions: who changed what, when and why, and the document as it was. */
import { z } from '@hono/zod-openapi'
import type { VersionSummary } from '../objects/answers.ts'
import { ask } from './ask.ts'
import { type Api, json } from './context.ts'
import { EXAMPLE_DOCUMENT } from './document-schema.ts'
import { EXAMPLES } from './examples.ts'
import { PageQuery, pageOf, positionIn } from './paging.ts'
import { Problem } from './problem.ts'
import { answers, EnvironmentParams, operation, ref } from './routes.ts'
import { listOf, VersionSchema } from './schemas.ts'

const tags = ['Versions']

const list = operation('viewer', {
  method: 'get',
  path: '/environments/{env}/versions',
  tags,
  operationId: 'listVersions',
  summary: 'Published versions, newest first',
  request: { params: EnvironmentParams, query: PageQuery },
  responses: answers(
    { status: 200, description: 'A page of versions', schema: listOf(VersionSchema, EXAMPLES.version) },
    ['not-found', 'invalid'],
  ),
})

const get = operation('viewer', {
  method: 'get',
  path: '/environments/{env}/versions/{n}',
  tags,
  operationId: 'getVersion',
  summary: 'One version with all its changes and its document',
  request: {
    params: EnvironmentParams.extend({
      n: z
        .string()
        .openapi({ param: { name: 'n', in: 'path' }, description: 'Number of the version', example: '12' }),
    }),
  },
  responses: answers(
    {
      status: 200,
      description: 'The version',
      schema: VersionSchema.extend({ document: z.unknown().openapi(ref('FlagDocument')) }).openapi(
        'FullVersion',
        { example: { ...EXAMPLES.version, document: EXAMPLE_DOCUMENT } },
      ),
    },
    ['not-found'],
  ),
})

export function versions(api: Api): void {
  api.openapi(list, async (c) => {
    const { env } = c.req.valid('param')
    const { limit, cursor } = c.req.valid('query')
    const before = positionIn(cursor, z.int(), Number.MAX_SAFE_INTEGER)
    const rows = await ask(c, env, (stub) => stub.versions(before, limit + 1))
    return json(c, JSON.stringify(pageOf(rows, limit, ({ version }) => version, shown)))
  })

  api.openapi(get, async (c) => {
    const { env, n } = c.req.valid('param')
    if (!/^[1-9]\d{0,14}$/.test(n))
      throw new Problem('not-found', `There is no version ${JSON.stringify(n)}.`)
    const version = await ask(c, env, (stub) => stub.version(Number(n)))
    const { text } = await ask(c, env, (stub) => stub.document(Number(n), 'written'))
    // The document is text already, and may be large: it goes in as it is.
    return json(c, `${JSON.stringify(shown(version)).slice(0, -1)},"document":${text}}`)
  })
}

const shown = ({ createdAtMs, version, epoch, actor, reason, changeCount, changes }: VersionSummary) => ({
  version,
  epoch,
  createdAt: new Date(createdAtMs).toISOString(),
  actor,
  reason,
  changeCount,
  changes,
})
