/** What flags have beyond the other entities: many in one version, and the toggle. */
import { z } from '@hono/zod-openapi'
import type { Edited } from '../objects/answers.ts'
import { type Api, authorOf, json, jsonText } from './context.ts'
import { carryOut } from './edits.ts'
import { EXAMPLES } from './examples.ts'
import { preconditionOf } from './preconditions.ts'
import { BODY_PROBLEMS, STORE_PROBLEMS, TIME_PROBLEMS } from './problem.ts'
import {
  answers,
  ChangeHeaders,
  checkedBody,
  EditHeaders,
  EditQuery,
  EnvironmentParams,
  FLAG_AS_WRITTEN,
  keyParams,
  operation,
  patchBody,
  ref,
  WAITING,
} from './routes.ts'
import { PublishedSchema, ToggleBody } from './schemas.ts'

const flagPatches = patchBody('FlagPatches', EXAMPLES.flagPatches)
const toggleBody = checkedBody(ToggleBody)

const PatchedSchema = PublishedSchema.extend({
  items: z.array(z.object({ key: z.string(), version: z.int(), flag: z.unknown().openapi(ref('Flag')) })),
}).openapi('PatchedFlags', { example: EXAMPLES.patchedFlags })

const patchMany = operation('editor', {
  method: 'patch',
  path: '/environments/{env}/flags',
  tags: ['Flags'],
  operationId: 'patchFlags',
  summary: 'Change many flags in one version, all or none',
  description: 'The body maps flag keys to merge patches; `null` deletes a flag. The ETag is the document’s.',
  middleware: flagPatches.middleware,
  request: { params: EnvironmentParams, query: EditQuery, headers: EditHeaders, body: flagPatches.body },
  responses: answers(
    [
      {
        status: 200,
        description: 'Published',
        schema: PatchedSchema,
        etag: 'Version of the document',
        headers: ['x-turnout-version'],
      },
      WAITING,
    ],
    [
      'not-found',
      'stale',
      'precondition-required',
      'stage-order',
      ...BODY_PROBLEMS,
      ...TIME_PROBLEMS,
      ...STORE_PROBLEMS,
    ],
  ),
})

const toggle = operation('operator', {
  method: 'post',
  path: '/environments/{env}/flags/{key}/toggle',
  tags: ['Flags'],
  operationId: 'toggleFlag',
  summary: 'Switch a flag on or off; needs no precondition',
  middleware: toggleBody.middleware,
  request: { params: keyParams('new-feature'), headers: ChangeHeaders, body: toggleBody.body },
  responses: answers(
    [FLAG_AS_WRITTEN, WAITING],
    ['not-found', 'stage-order', ...BODY_PROBLEMS, ...TIME_PROBLEMS, ...STORE_PROBLEMS],
  ),
})

export function flags(api: Api): void {
  api.openapi(patchMany, async (c) => {
    const { env } = c.req.valid('param')
    const edit = { do: 'patch-flags', text: await c.req.text() } as const
    const edited = await carryOut(c, env, edit, preconditionOf(c))
    return json(c, shown(edited), 200, edited.version)
  })

  api.openapi(toggle, async (c) => {
    const { env, key } = c.req.valid('param')
    const { enabled, reason } = c.req.valid('json')
    const author = authorOf(c, reason)
    const edited = await carryOut(c, env, { do: 'toggle', key, enabled }, null, author)
    const { text, since } = edited.entities[0]!
    return jsonText(c, text, 200, since)
  })
}

const shown = ({ version, warnings, entities }: Edited) => ({
  version,
  warnings,
  items: entities.map(({ key, since, text }) => ({ key, version: since, flag: JSON.parse(text) })),
})
