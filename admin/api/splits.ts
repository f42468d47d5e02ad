/** Traffic moved in one command: blue-green switches, and weights as those of version aliases. */
import { z } from '@hono/zod-openapi'
import type { Edit } from '../edit.ts'
import { parseWeights, type SplitOf } from '../split.ts'
import { type Api, type ApiContext, authorOf, jsonText } from './context.ts'
import { carryOut } from './edits.ts'
import { BODY_PROBLEMS, STORE_PROBLEMS, TIME_PROBLEMS } from './problem.ts'
import {
  answers,
  ChangeHeaders,
  checkedBody,
  EnvironmentParams,
  FLAG_AS_WRITTEN,
  operation,
  WAITING,
} from './routes.ts'
import { reason } from './schemas.ts'
import { settle } from './settle.ts'

const name = z.string().min(1).max(128)

const OF = {
  route: name.optional().openapi({ description: 'The route whose flag it is', example: 'web' }),
  flag: name.optional().openapi({ description: 'Or the flag itself', example: 'web-canary' }),
}

type Of = { readonly route?: string | undefined; readonly flag?: string | undefined }
const oneOf = ({ route, flag }: Of): boolean => (route === undefined) !== (flag === undefined)
const ONE_OF = { message: 'give either "route" or "flag"', path: ['route'] }

const SwitchBody = z
  .strictObject({
    ...OF,
    from: name.optional().openapi({ description: 'What it must be serving now', example: 'off' }),
    to: name.openapi({ description: 'The variant that everybody gets', example: 'on' }),
    reason: reason.optional(),
  })
  .refine(oneOf, ONE_OF)
  .openapi('Switch', { example: { route: 'web', from: 'off', to: 'on', reason: 'release 12' } })

const ShiftBody = z
  .strictObject({
    ...OF,
    weights: z
      .union([z.string().min(1).max(4_096), z.record(name, z.number().min(0))])
      .optional()
      .openapi({ description: 'Variant → weight, also as the text `1:90,2:10`' }),
    previous: z
      .literal(true)
      .optional()
      .openapi({ description: 'Instead of weights: those of the version before they last changed' }),
    reason: reason.optional(),
  })
  .refine(oneOf, ONE_OF)
  .refine(({ weights, previous }) => (weights === undefined) !== (previous === undefined), {
    message: 'give either "weights" or "previous": true',
    path: ['weights'],
  })
  .openapi('Shift', { example: { flag: 'web-canary', weights: 'off:90,on:10', reason: 'version 2 to 10 %' } })

const switchBody = checkedBody(SwitchBody)
const shiftBody = checkedBody(ShiftBody)

const responses = answers(
  [FLAG_AS_WRITTEN, WAITING],
  ['not-found', 'changed-since', 'stage-order', ...BODY_PROBLEMS, ...TIME_PROBLEMS, ...STORE_PROBLEMS],
)

const switchTo = operation('editor', {
  method: 'post',
  path: '/environments/{env}/switch',
  tags: ['Flags'],
  operationId: 'switchTraffic',
  summary: 'Serve one variant to everybody: blue to green, and back',
  description:
    'Enables the flag and sets its `fallthrough`. Rules stay, and go first. With `from` a flag that serves something else ' +
    'is left alone: 409.',
  middleware: switchBody.middleware,
  request: { params: EnvironmentParams, headers: ChangeHeaders, body: switchBody.body },
  responses,
})

const shift = operation('editor', {
  method: 'post',
  path: '/environments/{env}/shift',
  tags: ['Flags'],
  operationId: 'shiftTraffic',
  summary: 'Share traffic among variants by weight, or go back to the shares before',
  description: 'Enables the flag and sets its `fallthrough`. Rules stay, and go first.',
  middleware: shiftBody.middleware,
  request: { params: EnvironmentParams, headers: ChangeHeaders, body: shiftBody.body },
  responses,
})

export function splits(api: Api): void {
  api.openapi(switchTo, async (c) => {
    const { from = null, to: serve, reason: why, ...of } = c.req.valid('json')
    return answered(c, c.req.valid('param').env, { do: 'serve', of: splitOf(of), serve, from }, why)
  })

  api.openapi(shift, async (c) => {
    const { env } = c.req.valid('param')
    const { weights, reason: why, ...named } = c.req.valid('json')
    const of = splitOf(named)
    if (weights === undefined) return answered(c, env, { do: 'serve-previous', of }, why)
    const serve = typeof weights === 'string' ? settle(parseWeights(weights), env) : weights
    return answered(c, env, { do: 'serve', of, serve, from: null }, why)
  })
}

async function answered(c: ApiContext, environment: string, edit: Edit, why: string | undefined) {
  const edited = await carryOut(c, environment, edit, null, authorOf(c, why))
  const { text, since } = edited.entities[0]!
  return jsonText(c, text, 200, since)
}

const splitOf = ({ route, flag }: Of): SplitOf =>
  route === undefined ? { kind: 'flag', key: flag! } : { kind: 'route', key: route }
