/** API tokens, and who the caller is. */
import { z } from '@hono/zod-openapi'
import type { Token } from '../access/grants.ts'
import { isWithin } from '../access/principal.ts'
import { mintToken } from '../auth.ts'
import { callProject } from '../stubs.ts'
import { type Api, authorOf, created, json, scopeOf } from './context.ts'
import { EXAMPLES } from './examples.ts'
import { PageQuery, pageOf, positionIn } from './paging.ts'
import { BODY_PROBLEMS, Problem } from './problem.ts'
import { answers, checkedBody, EditQuery, operation } from './routes.ts'
import { listOf } from './schemas.ts'
import { CreatedTokenSchema, PrincipalSchema, TokenBody, TokenSchema } from './schemas-access.ts'
import { settle } from './settle.ts'
import { timeOf, timeOrNull } from './time.ts'

const tags = ['Access']
const body = checkedBody(TokenBody)

const whoami = operation('viewer', {
  method: 'get',
  path: '/whoami',
  tags,
  operationId: 'whoAmI',
  summary: 'Who the caller is and may do',
  responses: answers({ status: 200, description: 'The caller', schema: PrincipalSchema }, []),
})

const list = operation('admin', {
  method: 'get',
  path: '/tokens',
  tags,
  operationId: 'listTokens',
  summary: 'Tokens within the scope of the caller, newest first, without their texts',
  request: { query: PageQuery },
  responses: answers(
    { status: 200, description: 'A page of tokens', schema: listOf(TokenSchema, EXAMPLES.token) },
    ['invalid'],
  ),
})

const create = operation('admin', {
  method: 'post',
  path: '/tokens',
  tags,
  operationId: 'createToken',
  summary: 'Make a token; its text is shown once',
  middleware: body.middleware,
  request: { query: EditQuery, body: body.body },
  responses: answers({ status: 201, description: 'Made', schema: CreatedTokenSchema }, BODY_PROBLEMS),
})

const revoke = operation('admin', {
  method: 'delete',
  path: '/tokens/{id}',
  tags,
  operationId: 'deleteToken',
  summary: 'Revoke a token, at once',
  request: {
    params: z.object({
      id: z.string().openapi({
        param: { name: 'id', in: 'path' },
        description: 'Id of the token',
        example: EXAMPLES.token.id,
      }),
    }),
    query: EditQuery,
  },
  responses: answers({ status: 204, description: 'Revoked' }, ['not-found']),
})

export function tokens(api: Api): void {
  api.openapi(whoami, (c) => {
    const { id, role, projects, environments } = c.get('principal')
    return json(c, { id, role, projects, environments })
  })

  api.openapi(list, async (c) => {
    const { limit, cursor } = c.req.valid('query')
    const after = positionIn(cursor, z.tuple([z.number(), z.string()]).nullable(), null)
    const rows = await callProject(c.env, (stub) => stub.tokens(scopeOf(c), after, limit + 1))
    return json(
      c,
      pageOf(rows, limit, ({ createdAtMs, id }) => [createdAtMs, id], shown),
    )
  })

  api.openapi(create, async (c) => {
    const { expiresAt, ...wanted } = c.req.valid('json')
    const principal = c.get('principal')
    if (!isWithin(wanted, principal))
      throw new Problem('forbidden', `${principal.id} may not give a token more than it may do itself.`, [
        {
          path: wanted.environments === null ? '$.projects' : '$.environments',
          message: `must not allow more than ${principal.id} may do`,
        },
      ])
    const { text, hash, id } = await mintToken()
    const token: Token = {
      id,
      ...wanted,
      createdAtMs: Date.now(),
      createdBy: principal.id,
      expiresAtMs: expiresAt === undefined ? null : Date.parse(expiresAt),
      revokedAtMs: null,
      lastUsedAtMs: null,
    }
    settle(await callProject(c.env, (stub) => stub.addToken(token, hash, authorOf(c)), 'once'))
    return created(c, { ...shown(token), token: text })
  })

  api.openapi(revoke, async (c) => {
    const { id } = c.req.valid('param')
    const token = await callProject(c.env, (stub) => stub.token(id))
    const principal = c.get('principal')
    if (token !== null && !isWithin(token, principal))
      throw new Problem('forbidden', `${principal.id} may not revoke a token that may do more than itself.`)
    const { everywhere } = settle(await callProject(c.env, (stub) => stub.endToken(id, authorOf(c))))
    if (!everywhere)
      throw new Problem(
        'interrupted',
        'The token is revoked, but an environment has not heard of it and may take it for a minute yet; repeat this to be sure.',
      )
    return c.body(null, 204)
  })
}

const shown = (token: Token) => ({
  id: token.id,
  name: token.name,
  role: token.role,
  projects: token.projects,
  environments: token.environments,
  createdAt: timeOf(token.createdAtMs),
  createdBy: token.createdBy,
  expiresAt: timeOrNull(token.expiresAtMs),
  revokedAt: timeOrNull(token.revokedAtMs),
  lastUsedAt: timeOrNull(token.lastUsedAtMs),
})
