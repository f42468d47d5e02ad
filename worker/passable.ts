/** Requests that cannot be passed on as they are, whoever the origin is. Source: docs/security.md, "What is refused before it is passed on". */
import { readText } from './body.ts'
import { problem } from './problem.ts'

/** Whether the platform would make a WebSocket of it. What else a client offers (`h2c`) ends here, and the request goes on. */
export const isUpgrade = ({ headers }: Request): boolean =>
  headers.get('upgrade')?.toLowerCase() === 'websocket'

/** Whether the client means to keep its connection for events. Media types know no case (RFC 9110, section 8.3.1). */
export const asksForEvents = ({ headers }: Request): boolean =>
  /\btext\/event-stream\b/i.test(headers.get('accept') ?? '')

/** The answer to such a request; `null`: it can be passed on. */
export function refusalOf(request: Request): Response | null | Promise<Response | null> {
  const { method } = request
  // It would be answered with all that the origin was told.
  if (method === 'TRACE') return problem(501, 'Not Implemented', 'TRACE is not passed on')
  // The platform makes a GET of it: rules for the one method must not let the other through.
  if (method !== 'GET' && isUpgrade(request))
    return problem(400, 'Bad Request', `an upgrade is a GET, and this is a ${method}`)
  const isBare = method === 'GET' || method === 'HEAD'
  return isBare && request.body !== null ? withContent(request) : null
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
