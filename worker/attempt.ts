/** One attempt at an origin, and the problem response where none answers. */
import { type Failure, failureOf } from './failover.ts'
import { problem } from './problem.ts'

export type Outcome =
  | { response: Response; failure: Failure | null }
  | { response: null; failure: 'unreached'; timedOut: boolean }

/** One try. The time limit is to the response's headers; a body may take as long as it takes. */
export async function attempt(request: Request, timeoutMs: number): Promise<Outcome> {
  let timer = 0
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, null)
  })
  const answer = fetch(request)
  try {
    const response = await Promise.race([answer, late])
    if (response !== null)
      return {
        response,
        failure: failureOf(response.status, response.headers.get('x-not-processed') === '1'),
      }
    // Nobody will read a late answer, and its failure is no news. (The platform ends the fetch with the request; a signal
    // for each attempt would cost every request what only a hanging origin needs.)
    answer.then((response) => response.body?.cancel()).catch(() => undefined)
    return { response: null, failure: 'unreached', timedOut: true }
  } catch {
    return { response: null, failure: 'unreached', timedOut: false }
  } finally {
    clearTimeout(timer)
  }
}

/** `origin`: what to call it, e.g. `origin canary of route shop`. */
export function unreachable(origin: string, timeoutMs: number, timedOut: boolean): Response {
  return timedOut
    ? problem(504, 'Gateway Timeout', `${origin} sent no response headers within ${timeoutMs} ms`)
    : problem(502, 'Bad Gateway', `${origin} refused the connection, broke it off or sent no valid HTTP`)
}
