/** Evaluation over OFREP: every flag, or one. Each answer is JSON with what OFREP's clients read, whatever its status. */
import type { Prepared } from '../engine/index.ts'
import { type Callers, presentedKey } from './access.ts'
import { logError } from './log.ts'
import { evaluateBulk, evaluateOne, failure, readContext } from './ofrep.ts'
import { streamUrl } from './stream.ts'
import { windowOf } from './stream-token.ts'
import type { Endpoint, Surroundings } from './surroundings.ts'
import { toldState } from './told.ts'

export const FLAGS = '/.turnout/ofrep/v1/evaluate/flags'

export const allFlags: Endpoint = (surroundings) =>
  withCaller(surroundings, undefined, async (current, caller) => {
    const { facts, streamTokens, caughtUp } = surroundings
    const context = await readContext(facts.request, caller, facts)
    if (context instanceof Response) return context
    const told = toldState(facts.query('flagConfigEtag'))
    const prepared = (told && (await caughtUp(told))) ?? current
    const nowMs = Date.now()
    const origin = `${facts.https ? 'https' : 'http'}://${facts.host}`
    return evaluateBulk(prepared, caller, context, {
      keys: facts.query('flags'),
      ifNoneMatch: facts.header('if-none-match'),
      streamUrl: await streamUrl(origin, caller, presentedKey(facts.request), streamTokens, nowMs),
      streamWindow: caller === 'server' ? windowOf(nowMs) : null,
    })
  })

export const oneFlag: Endpoint = (surroundings) => {
  const { facts } = surroundings
  const raw = facts.path.slice(FLAGS.length + 1)
  const key = decoded(raw)
  if (key === null)
    return failure(
      400,
      'PARSE_ERROR',
      `the flag key ${JSON.stringify(raw)} is not valid percent-encoding`,
      raw,
    )
  return withCaller(surroundings, key, async (prepared, caller) => {
    const context = await readContext(facts.request, caller, facts, key)
    return context instanceof Response ? context : evaluateOne(prepared, caller, key, context)
  })
}

export const wrongMethod: Endpoint = ({ facts }) => {
  const raw = facts.path.startsWith(`${FLAGS}/`) ? facts.path.slice(FLAGS.length + 1) : undefined
  const key = raw && (decoded(raw) ?? raw)
  return failure(405, 'GENERAL', 'evaluations are POST requests', key, { allow: 'POST, OPTIONS' })
}

/** Checks that there is a snapshot and that the request may ask it. */
async function withCaller(
  { facts, prepared, callers }: Surroundings,
  key: string | undefined,
  answer: (
    prepared: Prepared,
    caller: NonNullable<Awaited<ReturnType<Callers['caller']>>>,
  ) => Promise<Response>,
): Promise<Response> {
  const current = await prepared()
  if (current === null)
    return failure(503, 'GENERAL', 'no snapshot has been loaded yet', key, { 'retry-after': '1' })
  const caller = await callers.caller(facts.request, current.snapshot.access)
  if (caller === null) {
    return failure(401, 'GENERAL', 'an SDK key is required: Authorization: Bearer … or X-API-Key', key, {
      'www-authenticate': 'Bearer',
    })
  }
  try {
    return await answer(current, caller)
  } catch (cause) {
    // OFREP's clients read JSON with an error code on every status.
    logError('evaluation-failed', cause)
    return failure(500, 'GENERAL', 'the edge could not evaluate this; its log says why', key)
  }
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
