/** Signed previews: links that let one person see a variant before everybody else does. */
import { z } from '@hono/zod-openapi'
import { PREVIEW } from '../../engine/index.ts'
import { parseConfig } from '../env.ts'
import type { StoredPreview } from '../storage/previews.ts'
import { ask, tell } from './ask.ts'
import { type Api, type ApiContext, authorOf, created, json } from './context.ts'
import { EXAMPLES } from './examples.ts'
import { PageQuery, pageOf, positionIn } from './paging.ts'
import { BODY_PROBLEMS, invalidRequest } from './problem.ts'
import { answers, checkedBody, EditQuery, EnvironmentParams, operation, optionalBody } from './routes.ts'
import { listOf } from './schemas.ts'
import { CreatedPreviewSchema, PreviewBody, PreviewSchema, RotateBody } from './schemas-previews.ts'
import { timeOf, timeOrNull } from './time.ts'

const tags = ['Previews']
const headers = ['x-turnout-version'] as const
const body = checkedBody(PreviewBody)
const rotation = optionalBody(RotateBody)

const list = operation('viewer', {
  method: 'get',
  path: '/environments/{env}/previews',
  tags,
  operationId: 'listPreviews',
  summary: 'Previews that are not over, newest first, without their tokens',
  request: { params: EnvironmentParams, query: PageQuery },
  responses: answers(
    { status: 200, description: 'A page of previews', schema: listOf(PreviewSchema, EXAMPLES.preview) },
    ['not-found', 'invalid'],
  ),
})

const create = operation('operator', {
  method: 'post',
  path: '/environments/{env}/previews',
  tags,
  operationId: 'createPreview',
  summary: 'Make a link that lets whoever opens it see a variant',
  description:
    'Beats everything but a kill, for at most a day, at one host. Changes nothing for anybody else, so it needs no approval. ' +
    'With the first preview of an environment comes `x-turnout-version`: edges that have that version know the key.',
  middleware: body.middleware,
  request: { params: EnvironmentParams, body: body.body },
  responses: answers({ status: 201, description: 'Made', schema: CreatedPreviewSchema, headers }, [
    'not-found',
    ...BODY_PROBLEMS,
  ]),
})

const remove = operation('operator', {
  method: 'delete',
  path: '/environments/{env}/previews/{id}',
  tags,
  operationId: 'deletePreview',
  summary: 'End a preview; edges refuse it with their next refresh',
  request: {
    params: z.object({
      ...EnvironmentParams.shape,
      id: z.string().openapi({
        param: { name: 'id', in: 'path' },
        description: 'Id of the preview',
        example: EXAMPLES.preview.id,
      }),
    }),
    query: EditQuery,
  },
  responses: answers({ status: 204, description: 'Ended', headers }, ['not-found']),
})

const rotate = operation('admin', {
  method: 'post',
  path: '/environments/{env}/preview-key/rotate',
  tags,
  operationId: 'rotatePreviewKey',
  summary: 'Sign previews with a new key',
  description: 'Previews that were made before hold until their time is over, unless `endAll` ends them.',
  middleware: rotation.middleware,
  request: { params: EnvironmentParams, body: rotation.body },
  responses: answers({ status: 204, description: 'Done', headers }, ['not-found', ...BODY_PROBLEMS]),
})

export function previews(api: Api): void {
  api.openapi(list, async (c) => {
    const { env } = c.req.valid('param')
    const { limit, cursor } = c.req.valid('query')
    const after = positionIn(cursor, z.tuple([z.number(), z.string()]).nullable(), null)
    const rows = await ask(c, env, (stub) => stub.previews(after, limit + 1))
    return json(
      c,
      pageOf(rows, limit, ({ createdAtMs, id }) => [createdAtMs, id], shown),
    )
  })

  api.openapi(create, async (c) => {
    const { env } = c.req.valid('param')
    const { route = null, flag = null, variant, host, path, ttlSeconds, reason } = c.req.valid('json')
    const scheme = parseConfig(c.env).local ? 'http' : 'https'
    const audience = host === undefined ? null : audienceOf(scheme, host)
    const request = { route, flag, variant, host: audience, ttlSeconds }
    const made = await tell(c, env, (stub) => stub.mintPreview(request, authorOf(c, reason)))
    const { preview, token, version } = made
    if (version !== null) tellVersion(c, version)
    const url = `${scheme}://${preview.host}${path}${path.includes('?') ? '&' : '?'}${PREVIEW}=${token}`
    const cookie = `${scheme === 'https' ? '__Host-' : ''}${PREVIEW}=${token}`
    return created(c, { ...shown(preview), token, url, cookie })
  })

  api.openapi(remove, async (c) => {
    const { env, id } = c.req.valid('param')
    const { version } = await tell(c, env, (stub) => stub.revokePreview(id, authorOf(c)))
    tellVersion(c, version)
    return c.body(null, 204)
  })

  api.openapi(rotate, async (c) => {
    const { env } = c.req.valid('param')
    const { endAll, reason } = c.req.valid('json')
    const { version } = await tell(c, env, (stub) => stub.rotatePreviewKey(endAll, authorOf(c, reason)))
    tellVersion(c, version)
    return c.body(null, 204)
  })
}

const tellVersion = (c: ApiContext, version: number): void => c.header('x-turnout-version', String(version))

/** As the edge sees its own host: in lower case, without the port that the scheme has anyway. Throws for what is no host. */
function audienceOf(scheme: 'http' | 'https', host: string): string {
  const url = URL.parse(`${scheme}://${host}`)
  const isHost = url !== null && /^[A-Za-z0-9.:[\]_-]+$/.test(host) && url.href === `${scheme}://${url.host}/`
  if (!isHost)
    throw invalidRequest('$.host', 'must be a host name, perhaps with a port, such as www.example.com')
  return url.host
}

const shown = (preview: StoredPreview) => ({
  id: preview.id,
  route: preview.route,
  flag: preview.flag,
  variant: preview.variant,
  host: preview.host,
  createdAt: timeOf(preview.createdAtMs),
  createdBy: preview.actor,
  reason: preview.reason,
  expiresAt: timeOf(preview.expiresAtMs),
  revokedAt: timeOrNull(preview.revokedAtMs),
})
