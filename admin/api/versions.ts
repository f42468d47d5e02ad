/** Published versions: who changed what, when and why, and the document as it was. */
import { z } from '@hono/zod-openapi'
import type { VersionSummary } from '../objects/answers.ts'
import { LABEL } from '../storage/labels.ts'
import { ask, tell } from './ask.ts'
import { type Api, authorOf, json, jsonText, mannerOf } from './context.ts'
import { EXAMPLE_DOCUMENT } from './document-examples.ts'
import { VERSION_HEADER } from './edits.ts'
import { EXAMPLES } from './examples.ts'
import { PageQuery, pageOf, positionIn } from './paging.ts'
import { BODY_PROBLEMS, invalidRequest, STORE_PROBLEMS, TIME_PROBLEMS } from './problem.ts'
import {
  answers,
  ChangeHeaders,
  checkedBody,
  EditQuery,
  EnvironmentParams,
  operation,
  optionalBody,
  ref,
  WAITING,
} from './routes.ts'
import { listOf, NoteBody, PublishedSchema } from './schemas.ts'
import { ComparisonSchema, LabelBody, VersionSchema } from './schemas-versions.ts'
import { timeOf } from './time.ts'

const tags = ['Versions']

const noteBody = optionalBody(NoteBody)
const labelBody = checkedBody(LabelBody)

const versionParam = (name: string, example: string) =>
  z.string().openapi({ param: { name, in: 'path' }, description: 'Number or label of a version', example })

const VersionParams = EnvironmentParams.extend({ n: versionParam('n', '12') })

const LabelParams = EnvironmentParams.extend({
  label: z.string().openapi({
    param: { name: 'label', in: 'path' },
    description: 'Begins with a letter',
    example: 'release-12',
  }),
})

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
    params: VersionParams,
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

const restore = operation('editor', {
  method: 'post',
  path: '/environments/{env}/versions/{n}/restore',
  tags,
  operationId: 'restoreVersion',
  summary: 'Publish the document of that version again, as the next version',
  description:
    'Flags, segments and routes; settings, SDK keys and kills stay as they are. `{n}` may be a label.',
  middleware: noteBody.middleware,
  request: { params: VersionParams, headers: ChangeHeaders, body: noteBody.body },
  responses: answers(
    [
      {
        ...{ status: 200, description: 'Published', schema: PublishedSchema },
        ...{ etag: 'Version of the document', headers: [VERSION_HEADER] },
      },
      WAITING,
    ],
    ['not-found', 'stage-order', ...BODY_PROBLEMS, ...TIME_PROBLEMS, ...STORE_PROBLEMS],
  ),
})

const diff = operation('viewer', {
  method: 'get',
  path: '/environments/{env}/versions/{a}/diff/{b}',
  tags,
  operationId: 'diffVersions',
  summary: 'What differs from one version to another',
  request: {
    params: EnvironmentParams.extend({ a: versionParam('a', '11'), b: versionParam('b', '12') }),
  },
  responses: answers({ status: 200, description: 'The differences', schema: ComparisonSchema }, [
    'not-found',
  ]),
})

const setLabel = operation('editor', {
  method: 'put',
  path: '/environments/{env}/labels/{label}',
  tags,
  operationId: 'putLabel',
  summary: 'Name a version, or move the name to another one',
  middleware: labelBody.middleware,
  request: { params: LabelParams, query: EditQuery, body: labelBody.body },
  responses: answers({ status: 204, description: 'Named' }, ['not-found', ...BODY_PROBLEMS]),
})

const removeLabel = operation('editor', {
  method: 'delete',
  path: '/environments/{env}/labels/{label}',
  tags,
  operationId: 'deleteLabel',
  summary: 'Take a name away from its version',
  request: { params: LabelParams, query: EditQuery },
  responses: answers({ status: 204, description: 'Taken away' }, ['not-found']),
})

export function versions(api: Api): void {
  api.openapi(restore, async (c) => {
    const { env, n } = c.req.valid('param')
    const author = authorOf(c, c.req.valid('json').reason)
    const version = await ask(c, env, (stub) => stub.versionNumber(n))
    const restored = await tell(c, env, (stub) => stub.restore(version, mannerOf(c, null), author))
    c.header(VERSION_HEADER, String(restored.version))
    return json(c, { version: restored.version, warnings: restored.warnings }, 200, restored.version)
  })

  api.openapi(diff, async (c) => {
    const { env, a, b } = c.req.valid('param')
    const [from, to] = [
      await ask(c, env, (stub) => stub.versionNumber(a)),
      await ask(c, env, (stub) => stub.versionNumber(b)),
    ]
    return json(c, await ask(c, env, (stub) => stub.diff(from, to)))
  })

  api.openapi(setLabel, async (c) => {
    const { env, label } = c.req.valid('param')
    if (!LABEL.test(label))
      throw invalidRequest(
        'path.label',
        'must begin with a letter: letters, digits, ".", "_" and "-", at most 63',
      )
    const { version } = c.req.valid('json')
    await tell(c, env, (stub) => stub.label(label, version, authorOf(c)))
    return c.body(null, 204)
  })

  api.openapi(removeLabel, async (c) => {
    const { env, label } = c.req.valid('param')
    await tell(c, env, (stub) => stub.label(label, null, authorOf(c)))
    return c.body(null, 204)
  })

  api.openapi(list, async (c) => {
    const { env } = c.req.valid('param')
    const { limit, cursor } = c.req.valid('query')
    const before = positionIn(cursor, z.int(), Number.MAX_SAFE_INTEGER)
    const rows = await ask(c, env, (stub) => stub.versions(before, limit + 1))
    return json(
      c,
      pageOf(rows, limit, ({ version }) => version, shown),
    )
  })

  api.openapi(get, async (c) => {
    const { env, n } = c.req.valid('param')
    const number = await ask(c, env, (stub) => stub.versionNumber(n))
    const version = await ask(c, env, (stub) => stub.version(number))
    const { text } = await ask(c, env, (stub) => stub.document(number, 'written'))
    // The document is text already, and may be large: it goes in as it is.
    return jsonText(c, `${JSON.stringify(shown(version)).slice(0, -1)},"document":${text}}`)
  })
}

const shown = ({
  createdAtMs,
  version,
  epoch,
  actor,
  reason,
  changeCount,
  changes,
  labels,
}: VersionSummary) => ({
  version,
  epoch,
  createdAt: timeOf(createdAtMs),
  actor,
  reason,
  changeCount,
  changes,
  labels,
})
