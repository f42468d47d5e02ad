/** The whole document of an environment: read, replace, check. */
import { ask } from './ask.ts'
import { type Api, etag, json, jsonText } from './context.ts'
import { carryOut } from './edits.ts'
import { isHeld, preconditionOf } from './preconditions.ts'
import { BODY_PROBLEMS, STORE_PROBLEMS, TIME_PROBLEMS } from './problem.ts'
import {
  answers,
  documentBody,
  EditHeaders,
  EditQuery,
  EnvironmentParams,
  FormQuery,
  NOT_MODIFIED,
  operation,
  ReadHeaders,
  ref,
  WAITING,
} from './routes.ts'
import { PublishedSchema, ValidationSchema } from './schemas.ts'

const path = '/environments/{env}/document'
const tags = ['Document']
const body = documentBody('FlagDocument')

const get = operation('viewer', {
  method: 'get',
  path,
  tags,
  operationId: 'getDocument',
  summary: 'The document, as written or in canonical form',
  request: { params: EnvironmentParams, query: FormQuery, headers: ReadHeaders },
  responses: answers(
    [
      {
        status: 200,
        description: 'The document',
        schema: ref('FlagDocument'),
        etag: 'Version of the document',
      },
      NOT_MODIFIED,
    ],
    ['not-found', 'invalid'],
  ),
})

const put = operation('editor', {
  method: 'put',
  path,
  tags,
  operationId: 'putDocument',
  summary: 'Replace the document, as one version',
  middleware: body.middleware,
  request: { params: EnvironmentParams, query: EditQuery, headers: EditHeaders, body: body.body },
  responses: answers(
    [
      {
        status: 200,
        description: 'Published',
        schema: PublishedSchema,
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

const validate = operation('viewer', {
  method: 'post',
  path: '/environments/{env}/validate',
  tags,
  operationId: 'validateDocument',
  summary: 'Check a document without saving it',
  middleware: body.middleware,
  request: { params: EnvironmentParams, body: body.body },
  responses: answers(
    { status: 200, description: 'What is wrong with it, if anything', schema: ValidationSchema },
    ['malformed', 'not-found', 'too-large', 'unsupported-media-type'],
  ),
})

export function document(api: Api): void {
  api.openapi(get, async (c) => {
    const { env } = c.req.valid('param')
    const { form } = c.req.valid('query')
    const { version, text } = await ask(c, env, (stub) => stub.document(null, form))
    return isHeld(c, version) ? c.body(null, 304, { etag: etag(version) }) : jsonText(c, text, 200, version)
  })

  api.openapi(put, async (c) => {
    const { env } = c.req.valid('param')
    const edit = { do: 'put-document', text: await c.req.text() } as const
    const { version, warnings } = await carryOut(c, env, edit, preconditionOf(c))
    return json(c, { version, warnings }, 200, version)
  })

  api.openapi(validate, async (c) => {
    const { env } = c.req.valid('param')
    const text = await c.req.text()
    const { errors, warnings } = await ask(c, env, (stub) => stub.validate(text))
    return json(c, { valid: errors.length === 0, errors, warnings })
  })
}
