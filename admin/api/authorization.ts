/** What a caller may do: every operation names the role it needs, and an environment in its address must be in scope. */
import type { MiddlewareHandler } from 'hono'
import { covers, hasRole, type Role } from '../access/principal.ts'
import type { ApiContext, ApiEnv } from './context.ts'
import { Problem } from './problem.ts'

/** Refuses (403) callers of a lower role, and those that may not act in the environment of the address. */
export const requires =
  (role: Role): MiddlewareHandler<ApiEnv> =>
  async (c, next) => {
    requireRole(c, role)
    const environment = c.req.param('env')
    if (environment !== undefined) requireEnvironment(c, environment)
    await next()
  }

export function requireRole(c: ApiContext, role: Role): void {
  const principal = c.get('principal')
  if (hasRole(principal, role)) return
  throw new Problem('forbidden', `This needs the role ${role}; ${principal.id} has ${principal.role}.`)
}

/** For environments that a body or a query names. */
export function requireEnvironment(c: ApiContext, environment: string): void {
  const principal = c.get('principal')
  if (covers(principal, environment)) return
  throw new Problem(
    'forbidden',
    `${principal.id} may not act in environment ${JSON.stringify(environment)}.`,
    {
      what: 'environment',
      name: environment,
      message: `is not one that ${principal.id} may act in`,
    },
  )
}

/** For what belongs to all environments: a caller who may act in some only may not change it. */
export function requireEverywhere(c: ApiContext): void {
  const { id, projects, environments } = c.get('principal')
  if (projects === null && environments === null) return
  throw new Problem('forbidden', `This concerns all environments; ${id} may act in some only.`)
}
