/** Requests that no route took: a wrong address (404), a wrong method (405), or the question which methods there are. */
import type { RouterRoute } from 'hono/types'
import type { ApiContext } from './context.ts'
import { Problem } from './problem.ts'

/** Answers OPTIONS with `allow`, and nothing that would let a page of another site in; throws the problem of all others. */
export function answerUnrouted(c: ApiContext, routes: readonly RouterRoute[]): Response {
  const methods = new Set(
    routes
      .filter(({ method, path }) => method !== 'ALL' && matches(path, c.req.path))
      .map(({ method }) => method),
  )
  if (methods.size === 0) throw nothingAt(c.req.path)
  if (methods.has('GET')) methods.add('HEAD')
  const allow = [...methods.add('OPTIONS')].sort().join(', ')
  if (c.req.method === 'OPTIONS') return c.body(null, 204, { allow })
  throw new Problem(
    'method-not-allowed',
    `${c.req.path} takes ${allow}.`,
    [{ path: 'method', message: `must be one of ${allow}, got ${c.req.method}` }],
    { allow },
  )
}

export const nothingAt = (path: string): Problem =>
  new Problem('not-found', `There is nothing at ${path}.`, [{ path: 'path', message: 'leads to nothing' }])

/** Whether a pattern such as `/environments/:env` matches a path. */
function matches(pattern: string, path: string): boolean {
  const [wanted, given] = [pattern.split('/'), path.split('/')]
  return (
    wanted.length === given.length &&
    wanted.every((part, at) => (part.startsWith(':') ? given[at] !== '' : part === given[at]))
  )
}
