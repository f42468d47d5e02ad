/** From one environment to the next: what differs, and flags copied. */
import { z } from '@hono/zod-openapi'
import { compare } from '../governance/comparison.ts'
import { copyable } from '../governance/promotion.ts'
import { ask, tell } from './ask.ts'
import { requireEnvironment } from './authorization.ts'
import { type Api, authorOf, json, mannerOf } from './context.ts'
import { BODY_PROBLEMS, invalidRequest, STORE_PROBLEMS } from './problem.ts'
import { answers, ChangeHeaders, checkedBody, EnvironmentParams, operation, WAITING } from './routes.ts'
import { ComparisonSchema, PromotionBody, PromotionSchema } from './schemas-versions.ts'

const tags = ['Promotion']
const body = checkedBody(PromotionBody)

const promotion = operation('editor', {
  method: 'post',
  path: '/environments/{env}/promote',
  tags,
  operationId: 'promoteFlags',
  summary: 'Copy flags to another environment, as one version there',
  description:
    'Routes and origins are never copied. Parts of a flag that the target names in its metadata `local` (`"allowlist, rules.beta"`) stay as they are there.',
  middleware: body.middleware,
  request: { params: EnvironmentParams, headers: ChangeHeaders, body: body.body },
  responses: answers(
    [{ status: 200, description: 'What changed, or would', schema: PromotionSchema }, WAITING],
    ['not-found', 'changed-since', 'stage-order', ...BODY_PROBLEMS, ...STORE_PROBLEMS],
  ),
})

const comparison = operation('viewer', {
  method: 'get',
  path: '/environments/{env}/compare/{other}',
  tags,
  operationId: 'compareEnvironments',
  summary: 'What differs from one environment to another, as written',
  request: {
    params: EnvironmentParams.extend({
      other: z.string().openapi({
        param: { name: 'other', in: 'path' },
        description: 'Name of the environment to compare with',
        example: 'staging',
      }),
    }),
  },
  responses: answers({ status: 200, description: 'The differences', schema: ComparisonSchema }, [
    'not-found',
  ]),
})

export function promote(api: Api): void {
  api.openapi(promotion, async (c) => {
    const { env } = c.req.valid('param')
    const { to: named, flags, dryRun, expected = null, reason } = c.req.valid('json')
    const to = named ?? (await ask(c, env, (stub) => stub.describe())).promotesTo
    if (to === null) throw invalidRequest('$.to', `is required: ${env} does not say where it promotes to`)
    requireEnvironment(c, to)
    if (to === env) throw invalidRequest('$.to', 'must be another environment')
    const source = await ask(c, env, (stub) => stub.document(null, 'written'))
    const text = JSON.stringify(copyable(JSON.parse(source.text), flags))
    const promotion = { from: env, fromVersion: source.version, text, flags }
    const preview = await ask(c, to, (stub) => stub.previewPromotion(promotion))
    const answer = { from: env, fromVersion: source.version, to, dryRun, ...preview }
    if (dryRun) return json(c, answer)
    const manner = mannerOf(c, null)
    const author = authorOf(c, reason)
    const seen = expected ?? preview.version
    const { version } = await tell(c, to, (stub) => stub.promote(promotion, seen, manner, author))
    return json(c, { ...answer, version })
  })

  api.openapi(comparison, async (c) => {
    const { env, other } = c.req.valid('param')
    requireEnvironment(c, other)
    const [one, two] = [
      await ask(c, env, (stub) => stub.document(null, 'written')),
      await ask(c, other, (stub) => stub.document(null, 'written')),
    ]
    return json(c, compare(JSON.parse(one.text), JSON.parse(two.text)))
  })
}
