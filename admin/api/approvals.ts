/** Changes that wait for others. */
import { z } from '@hono/zod-openapi'
import type { Decision } from '../objects/approving.ts'
import { APPROVAL_STATUSES, type Approval } from '../storage/approvals.ts'
import { callProject } from '../stubs.ts'
import { ask, hear, tell } from './ask.ts'
import { type Api, authorOf, json } from './context.ts'
import { EnvironmentFilter, environmentsOf, IdParams, partsOf } from './environment-id.ts'
import { EXAMPLES } from './examples.ts'
import { mergedPage } from './merged-page.ts'
import { PageQuery } from './paging.ts'
import { BODY_PROBLEMS, STORE_PROBLEMS, TIME_PROBLEMS } from './problem.ts'
import { answers, operation, optionalBody } from './routes.ts'
import { listOf, NoteBody } from './schemas.ts'
import { ApprovalSchema, FullApprovalSchema } from './schemas-governance.ts'
import { shownApproval } from './shown.ts'
import { timeOrNull } from './time.ts'

const tags = ['Approvals']
const body = optionalBody(NoteBody)

const list = operation('viewer', {
  method: 'get',
  path: '/approvals',
  tags,
  operationId: 'listApprovals',
  summary: 'Changes that wait, or waited, for others; newest first',
  request: {
    query: PageQuery.extend({
      environment: EnvironmentFilter,
      status: z.enum(APPROVAL_STATUSES).optional().openapi({ description: 'Of this status only' }),
    }),
  },
  responses: answers(
    { status: 200, description: 'A page of approvals', schema: listOf(ApprovalSchema, EXAMPLES.approval) },
    ['not-found', 'invalid'],
  ),
})

const get = operation('viewer', {
  method: 'get',
  path: '/approvals/{id}',
  tags,
  operationId: 'getApproval',
  summary: 'One approval, with the change it is about and what that would do now',
  request: { params: IdParams },
  responses: answers(
    {
      status: 200,
      description: 'The approval',
      schema: FullApprovalSchema,
    },
    ['not-found'],
  ),
})

const SUMMARIES: Readonly<Record<Decision, string>> = {
  approve: 'Approve; the last approval that is needed carries the change out',
  reject: 'Reject: the change is not made',
  cancel: 'Take back what one has asked for',
}

const decisionRoute = (decision: Decision) =>
  operation('editor', {
    method: 'post',
    path: `/approvals/{id}/${decision}`,
    tags,
    operationId: `${decision}Approval`,
    summary: SUMMARIES[decision],
    middleware: body.middleware,
    request: { params: IdParams, body: body.body },
    responses: answers({ status: 200, description: 'The approval as it is now', schema: ApprovalSchema }, [
      'not-found',
      'not-pending',
      ...BODY_PROBLEMS,
      ...TIME_PROBLEMS,
      ...STORE_PROBLEMS,
    ]),
  })

export function approvals(api: Api): void {
  api.openapi(list, async (c) => {
    const { limit, cursor, environment, status = null } = c.req.valid('query')
    const page = await mergedPage(await environmentsOf(c, environment), cursor, limit, {
      ask: (name, before, count) =>
        hear(c, name, environment, (stub) => stub.approvals(status, before, count)),
      timeOf: (approval: Approval) => approval.createdAtMs,
      show: shownApproval,
    })
    return json(c, page)
  })

  api.openapi(get, async (c) => {
    const { environment, n } = partsOf(c, 'approval', c.req.valid('param').id)
    const { approval, change, now } = await ask(c, environment, (stub) => stub.approval(n))
    const revokedAtMs = await callProject(c.env, (stub) => stub.revokedAtMs(approval.actor))
    const more = { actorRevokedAt: timeOrNull(revokedAtMs), change, now }
    return json(c, { ...shownApproval(environment, approval), ...more })
  })

  for (const decision of Object.keys(SUMMARIES) as Decision[])
    api.openapi(decisionRoute(decision), async (c) => {
      const { environment, n } = partsOf(c, 'approval', c.req.valid('param').id)
      const author = authorOf(c, c.req.valid('json').reason)
      const approval = await tell(c, environment, (stub) => stub.decideApproval(n, decision, author))
      return json(c, shownApproval(environment, approval))
    })
}
