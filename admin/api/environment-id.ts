/** Things of an environment that are named from outside it: `ENVIRONMENT:NUMBER`, such as `dev:12`. */
import { z } from '@hono/zod-openapi'
import { covers } from '../access/principal.ts'
import { callProject } from '../stubs.ts'
import { requireEnvironment } from './authorization.ts'
import type { ApiContext } from './context.ts'
import { unknown } from './problem.ts'

export const IdParams = z.object({
  id: z
    .string()
    .openapi({ param: { name: 'id', in: 'path' }, description: 'Environment and number', example: 'dev:12' }),
})

/** Of lists over environments. */
export const EnvironmentFilter = z
  .string()
  .optional()
  .openapi({ description: 'Of this environment only', example: 'dev' })

/** The parts of an id, of an environment in the caller's scope. Throws 404 for what can be none. */
export function partsOf(c: ApiContext, what: string, id: string): { environment: string; n: number } {
  const [, environment, n] = /^(.+):([1-9]\d{0,14})$/.exec(id) ?? []
  if (environment === undefined) throw unknown(what, id)
  requireEnvironment(c, environment)
  return { environment, n: Number(n) }
}

/** The one environment that a query names, or every one in the caller's scope. */
export async function environmentsOf(c: ApiContext, named: string | undefined): Promise<string[]> {
  if (named !== undefined) {
    requireEnvironment(c, named)
    return [named]
  }
  const principal = c.get('principal')
  const names = await callProject(c.env, (stub) => stub.environmentNames('live'))
  return names.filter((name) => covers(principal, name))
}
