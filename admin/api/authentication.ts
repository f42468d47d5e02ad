/** Every call under /api/v1 shows the admin token. */
import type { MiddlewareHandler } from 'hono'
import { bearerToken, sameSecret } from '../auth.ts'
import { parseConfig } from '../env.ts'
import type { ApiEnv } from './context.ts'
import { Problem } from './problem.ts'

const CHALLENGE = { 'www-authenticate': 'Bearer realm="turnout"' }

export const authentication: MiddlewareHandler<ApiEnv> = async (c, next) => {
  const { adminToken } = parseConfig(c.env)
  if (adminToken === null)
    throw new Problem(
      'unauthorized',
      'ADMIN_TOKEN is not set on the control plane, so nobody may call this API; see admin/wrangler.toml.',
      [],
      CHALLENGE,
    )
  const token = bearerToken(c.req.header('authorization'))
  if (token === null)
    throw new Problem('unauthorized', 'Send "authorization: Bearer <ADMIN_TOKEN>".', [], CHALLENGE)
  if (!(await sameSecret(token, adminToken)))
    throw new Problem('unauthorized', 'The token is not the one of this control plane.', [], CHALLENGE)
  c.set('actor', 'admin')
  await next()
}
