/** Tells a wrong method (405, with `allow`) from a wrong address (404). */
import type { RouterRoute } from 'hono/types'
import type { ApiContext } from './context.ts'
import { Problem } from './problem.ts'

/** Throws the problem of a request that no route took. */
export function refuseUnknown(c: ApiContext, routes: readonly RouterRoute[]): never {
  const methods = new Set(
    routes
      .filter(({ method, path }) => method !== 'ALL' && matches(path, c.req.path))
      .map(({ method }) => method),
  )
  if (methods.size === 0) throw new Problem('not-found', `There is nothing at ${c.req.path}.`)
  const allow = [...methods].sort().join(', ')
  throw new Problem('method-not-allowed', `${c.req.path} takes ${allow}.`, [], { allow })
}

/** Whether a pattern such as `/environments/:env` matches a path. */
function matches(pattern: string, path: string): boolean {
  const [wanted, given] = [pattern.split('/'), path.split('/')]
  return (
    wanted.length === given.length &&
    wanted.every((part, at) => (part.startsWith(':') ? given[at] !== '' : part === given[at]))
  )
}
