/** Requests that cannot be passed on as they are, whoever the origin is. Source: docs/security.md, "What is refused before it is passed on". */
import { readText } from './body.ts'
import { problem } from './problem.ts'

/** The answer to such a request; `null`: it can be passed on. */
export function refusalOf(request: Request): Response | null | Promise<Response | null> {
  const { method } = request
  if (method === 'GET' || method === 'HEAD') return request.body === null ? null : withContent(request)
  // It would be answered with all that the origin was told.
  if (method === 'TRACE') return problem(501, 'Not Implemented', 'TRACE is not passed on')
  // The platform makes a GET of it: rules for the one method must not let the other through.
  return request.headers.get('upgrade') === null
    ? null
    : problem(400, 'Bad Request', `an upgrade is a GET, and this is a ${method}`)
}

/** The platform sends no body with GET and HEAD. Many clients say that it has no bytes; a few mean to send some. */
async function withContent(request: Request): Promise<Response | null> {
  const isEmpty = (await readText(request, 0).catch(() => null)) === ''
  return isEmpty
    ? null
    : problem(
        400,
        'Bad Request',
        `a ${request.method} with a body cannot be passed on; send it with another method`,
      )
}
