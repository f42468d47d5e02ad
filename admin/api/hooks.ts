/**
 * Called by AWS when something has changed there: by an API destination of EventBridge, or by anything that knows the
 * secret. It means "look now", and is never data: what has changed, the store says. Beside the API, and at its address too.
 */
import type { OpenAPIHono } from '@hono/zod-openapi'
import { EVERYWHERE } from '../access/principal.ts'
import { sameSecret } from '../auth.ts'
import { parseConfig } from '../env.ts'
import { ENVIRONMENT_NAME } from '../settings.ts'
import { callEnvironment, callProject } from '../stubs.ts'
import type { ApiContext, ApiEnv } from './context.ts'
import { Problem, settle, unknownEnvironment } from './problem.ts'

const SECRET_HEADER = 'x-turnout-hook-secret'

export function hooks(app: OpenAPIHono<ApiEnv>): void {
  app.on('POST', ['/hooks/aws', '/api/v1/hooks/aws'], async (c) => {
    const { kind, hookSecret } = parseConfig(c.env).store
    if (hookSecret === null || kind === 'embedded')
      throw new Problem('not-found', 'AWS has nothing to tell: STORE or AWS_HOOK_SECRET is not set.')
    if (!(await sameSecret(c.req.header(SECRET_HEADER) ?? '', hookSecret)))
      throw new Problem('unauthorized', `The header ${SECRET_HEADER} does not hold AWS_HOOK_SECRET.`)
    const environments = await environmentsOf(c)
    await Promise.all(environments.map((name) => lookSoon(c, name)))
    return c.json({ environments: environments.length }, 202)
  })
}

/** The one that the address names, or all. */
async function environmentsOf(c: ApiContext): Promise<string[]> {
  const named = c.req.query('environment')
  if (named === undefined) {
    const { environments } = await callProject(c.env, (stub) => stub.vitals(EVERYWHERE))
    return environments.map(({ name }) => name)
  }
  if (!ENVIRONMENT_NAME.test(named)) throw unknownEnvironment(named)
  return [named]
}

async function lookSoon(c: ApiContext, environment: string): Promise<void> {
  settle(await callEnvironment(c.env, environment, (stub) => stub.lookSoon()), environment)
}
