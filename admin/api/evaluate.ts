/** What a flag decides for a context, and why: the same engine that edges run, on the current snapshot and kills. */
import { ask } from './ask.ts'
import { type Api, jsonText } from './context.ts'
import { BODY_PROBLEMS } from './problem.ts'
import { answers, checkedBody, EnvironmentParams, operation } from './routes.ts'
import { EvaluateBody, ExplanationSchema } from './schemas.ts'

const body = checkedBody(EvaluateBody)

const explain = operation('viewer', {
  method: 'post',
  path: '/environments/{env}/evaluate',
  tags: ['Evaluation'],
  operationId: 'evaluateFlag',
  summary: 'Evaluate a flag, or the flag of a route, for a context, with every step',
  description: 'An unknown flag is a decision too: `errorCode: "FLAG_NOT_FOUND"`.',
  middleware: body.middleware,
  request: { params: EnvironmentParams, body: body.body },
  responses: answers({ status: 200, description: 'The decision and its steps', schema: ExplanationSchema }, [
    'not-found',
    ...BODY_PROBLEMS,
  ]),
})

export function evaluate(api: Api): void {
  api.openapi(explain, async (c) => {
    const { env } = c.req.valid('param')
    const { flag = null, route = null, context } = c.req.valid('json')
    const explained = await ask(c, env, (stub) =>
      route === null ? stub.explain(flag!, context) : stub.explainRoute(route, context),
    )
    return jsonText(c, explained)
  })
}
