/** One attempt at an origin, and the problem response where none answers. */
import type { AttemptOutcome } from './breaker.ts'
import { type Failure, failureOf } from './failover.ts'
import type { Outgoing } from './outgoing.ts'
import { problem } from './problem.ts'
import type { Service } from './service-origins.ts'
import type { Upstream } from './upstream.ts'

export type Outcome = { response: Response; failure: Failure | null } | Unanswered

export interface Unanswered {
  response: null
  failure: 'unreached'
  /** The time limit that ran out; `null`: the connection was refused or broke. */
  timedOutMs: number | null
  /** What the platform says of a connection that was refused or broke. */
  cause: string | null
}

/** One try at an address, which learns from it. `startedMs`: now. */
export function attempt(
  upstream: Upstream,
  request: Outgoing,
  timeoutMs: number,
  startedMs: number,
): Promise<Outcome> {
  return new Promise((resolve) =>
    begin(upstream.service ?? NETWORK, request, timeoutMs, (outcome) => {
      const broken = brokenOff(request, outcome)
      if (broken !== null) return resolve(broken)
      // A client that went away took its request with it: that says nothing about the origin.
      if (outcome.response !== null || !request.from.signal.aborted)
        upstream.record(verdict(outcome), startedMs, Date.now(), Math.random)
      resolve(outcome)
    }),
  )
}

/** What comes of a request whose body the client did not send as HTTP says; `null`: that is not why. */
const brokenOff = ({ upload }: Outgoing, { response }: Outcome): Outcome | null =>
  response === null && upload?.broken.aborted ? { response: brokenBody(), failure: null } : null

const verdict = ({ response }: Outcome): AttemptOutcome =>
  response === null ? 'unreached' : response.status >= 500 ? 'failed' : 'ok'

/** One try at an address that nothing is known of. */
export const tried = (request: Outgoing, timeoutMs: number): Promise<Outcome> =>
  new Promise((resolve) =>
    begin(NETWORK, request, timeoutMs, (outcome) => resolve(brokenOff(request, outcome) ?? outcome)),
  )

export const NETWORK: Service = { fetch: (target, init) => fetch(target, init) }

/**
 * Settles once. The time limit is to the response's headers; a body may take as long as it takes. (A late answer is not read;
 * the platform ends its fetch with the request. A signal for each attempt would cost every request what only a hanging origin
 * needs.)
 */
function begin(
  by: Service,
  { target, init, upload }: Outgoing,
  timeoutMs: number,
  settle: (outcome: Outcome) => void,
): void {
  let isOver = false
  const end = (outcome: Outcome): void => {
    if (isOver) return
    isOver = true
    settle(outcome)
  }
  const late = (): unknown =>
    // The client is slow, not the origin: it has time from the last piece on.
    upload?.isAwaited
      ? setTimeout(late, timeoutMs)
      : end({ response: null, failure: 'unreached', timedOutMs: timeoutMs, cause: null })
  // Not cleared: it ends with the request, and that costs less.
  setTimeout(late, timeoutMs)
  by.fetch(target, init).then(
    (response) => end(outcomeOf(response)),
    (thrown: unknown) => {
      const cause = thrown instanceof Error ? thrown.message : String(thrown)
      end({ response: null, failure: 'unreached', timedOutMs: null, cause })
    },
  )
}

function outcomeOf(response: Response): Outcome {
  const { status } = response
  // Nobody asked for that, and no answer follows.
  if (status === 101 && !response.webSocket)
    return { response: null, failure: 'unreached', timedOutMs: null, cause: 'switched protocols unasked' }
  const failure =
    status < 400 ? null : failureOf(status, status === 503 && response.headers.get('x-not-processed') === '1')
  return { response, failure }
}

/** `origin`: what to call it, e.g. `origin canary of route shop`. */
export function unreachable(origin: string, { timedOutMs }: Unanswered): Response {
  return timedOutMs === null
    ? problem(502, 'Bad Gateway', `${origin} refused the connection, broke it off or sent no valid HTTP`)
    : problem(504, 'Gateway Timeout', `${origin} sent no response headers within ${timedOutMs} ms`)
}

/** A request whose body the client did not send, or not as HTTP says. */
export const brokenBody = (): Response =>
  problem(400, 'Bad Request', 'the body of the request broke off, or is no valid chunked encoding')
