/** Copies of a document between the stores. */
import type { CopyRequest } from '../objects/copying.ts'
import { tell } from './ask.ts'
import { type Api, authorOf, json, mannerOf } from './context.ts'
import { BODY_PROBLEMS, STORE_PROBLEMS, TIME_PROBLEMS } from './problem.ts'
import { answers, ChangeHeaders, checkedBody, EnvironmentParams, operation, WAITING } from './routes.ts'
import { CopyBody, CopySchema } from './schemas-store.ts'

const body = checkedBody(CopyBody)

const copy = operation('admin', {
  method: 'post',
  path: '/environments/{env}/store/copy',
  tags: ['Environments'],
  operationId: 'copyStore',
  summary: 'Copy the document from one store to another',
  description:
    'Both must be set up in the control plane. A dry run unless `dryRun` is false. What is then in the target is read again and compiled: `identical` says whether edges would serve the same from either.',
  middleware: body.middleware,
  request: { params: EnvironmentParams, headers: ChangeHeaders, body: body.body },
  responses: answers(
    [{ status: 200, description: 'What changed, or would', schema: CopySchema }, WAITING],
    ['not-found', ...BODY_PROBLEMS, ...TIME_PROBLEMS, ...STORE_PROBLEMS],
  ),
})

export function store(api: Api): void {
  api.openapi(copy, async (c) => {
    const { env } = c.req.valid('param')
    const { from, to, dryRun, reason } = c.req.valid('json')
    const request: CopyRequest = { from, to, dryRun }
    const copied = await tell(c, env, (stub) =>
      stub.copyStore(request, mannerOf(c, null), authorOf(c, reason)),
    )
    return json(c, { ...copied, dryRun })
  })
}
