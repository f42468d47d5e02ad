/** Everything under the reserved prefix `/.turnout/`: evaluation, what SDKs need beside it, and health. */
import { Hono } from 'hono/tiny'
import { FlagCounts, MAX_FLAG_COUNTS, type Prepared, stateOf } from '../engine/index.ts'
import { type Callers, presentedKey } from './access.ts'
import { fromAnyPage } from './cors.ts'
import { delivery } from './delivery.ts'
import type { Release } from './env.ts'
import { events } from './events.ts'
import { logError } from './log.ts'
import { evaluateBulk, evaluateOne, failure, readContext } from './ofrep.ts'
import { problem } from './problem.ts'
import type { RequestFacts } from './request-facts.ts'
import type { Status } from './snapshots.ts'
import { lastEventId, stream, streamUrl } from './stream.ts'
import { type StreamTokens, windowOf } from './stream-token.ts'

export const PREFIX = '/.turnout/'

/** What an endpoint is told about the request and the isolate; given to the app as its bindings. */
export interface Surroundings {
  readonly facts: RequestFacts
  readonly callers: Callers
  /** Minted by the isolate's first request. */
  readonly isolate: string
  readonly release: Release | null
  readonly status: () => Status
  /** What to answer a request by. */
  readonly prepared: () => Promise<Prepared | null>
  /** Once `prepared` has answered: whether the request carries a preview that holds. */
  readonly isPreview: () => boolean
  /** What is in memory, for those who look again soon. */
  readonly glance: () => Prepared | null
  readonly streamTokens: StreamTokens
  /** Where what applications tell of flags is gathered for the next batch. */
  readonly counts: FlagCounts
}

const FLAGS = '/.turnout/ofrep/v1/evaluate/flags'

const app = new Hono<{ Bindings: Surroundings }>()

app.use('/.turnout/ofrep/*', fromAnyPage)
app.use('/.turnout/events', fromAnyPage)

app.post(FLAGS, (c) =>
  withCaller(c.req.raw, c.env, undefined, async (prepared, caller) => {
    const { facts, streamTokens } = c.env
    const context = await readContext(c.req.raw, caller, facts)
    if (context instanceof Response) return context
    const nowMs = Date.now()
    const origin = `${facts.https ? 'https' : 'http'}://${facts.host}`
    return evaluateBulk(prepared, caller, context, {
      keys: facts.query('flags'),
      ifNoneMatch: facts.header('if-none-match'),
      streamUrl: await streamUrl(origin, caller, presentedKey(c.req.raw), streamTokens, nowMs),
      streamWindow: caller === 'server' ? windowOf(nowMs) : null,
    })
  }),
)

app.post(`${FLAGS}/*`, (c) => {
  const raw = c.env.facts.path.slice(FLAGS.length + 1)
  const key = decoded(raw)
  if (key === null)
    return failure(
      400,
      'PARSE_ERROR',
      `the flag key ${JSON.stringify(raw)} is not valid percent-encoding`,
      raw,
    )
  return withCaller(c.req.raw, c.env, key, async (prepared, caller) => {
    const context = await readContext(c.req.raw, caller, c.env.facts, key)
    return context instanceof Response ? context : evaluateOne(prepared, caller, key, context)
  })
})

app.all('/.turnout/ofrep/v1/evaluate/*', () =>
  failure(405, 'GENERAL', 'evaluations are POST requests', undefined, { allow: 'POST, OPTIONS' }),
)

/** Checks that there is a snapshot and that the request may ask it. */
async function withCaller(
  request: Request,
  { prepared, callers }: Surroundings,
  key: string | undefined,
  answer: (
    prepared: Prepared,
    caller: NonNullable<Awaited<ReturnType<Callers['caller']>>>,
  ) => Promise<Response>,
): Promise<Response> {
  const current = await prepared()
  if (current === null)
    return failure(503, 'GENERAL', 'no snapshot has been loaded yet', key, { 'retry-after': '1' })
  const caller = await callers.caller(request, current.snapshot.access)
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

app.get('/.turnout/snapshot', async ({ env, req }) => {
  const prepared = await env.prepared()
  if (prepared === null) return unprepared()
  const caller = await env.callers.caller(req.raw, prepared.snapshot.access)
  return delivery(prepared, caller, req.raw.headers.get('if-none-match'))
})

app.get('/.turnout/stream', async ({ env, req }) => {
  const { facts, callers, streamTokens } = env
  const prepared = await env.prepared()
  if (prepared === null) return unprepared()
  const token = facts.query('token')
  const isTokenGood = token !== null && (await streamTokens.verify(token, Date.now()))
  const mayListen = async ({ snapshot }: Prepared) =>
    isTokenGood || (await callers.callerByUrl(req.raw, facts.query('key'), snapshot.access)) !== null
  if (!(await mayListen(prepared))) return unknownCaller()
  return stream(lastEventId(facts.header('last-event-id'), facts.query('lastEventId')), {
    state: () => {
      const current = env.glance()
      return current && stateOf(current)
    },
    mayListen: () => mayListen(env.glance() ?? prepared),
    now: Date.now,
    wait: (ms) => scheduler.wait(ms),
    random: Math.random,
  })
})

app.post('/.turnout/events', async ({ env, req }) => {
  const prepared = await env.prepared()
  if (prepared === null) return unprepared()
  const { facts, callers, counts } = env
  const caller = await callers.callerByUrl(req.raw, facts.query('key'), prepared.snapshot.access)
  if (caller === null) return unknownCaller()
  // What somebody does under a preview says nothing of what others would do.
  const into = env.isPreview() ? new FlagCounts(MAX_FLAG_COUNTS) : counts
  return events(req.raw, prepared, caller, into)
})

const unknownCaller = (): Response =>
  problem(
    401,
    'Unauthorized',
    'an SDK key is required: Authorization: Bearer … or X-API-Key; a client key may stand in the URL as ?key=',
    { 'www-authenticate': 'Bearer', 'access-control-allow-origin': '*' },
  )

const unprepared = (): Response =>
  problem(503, 'Service Unavailable', 'no snapshot has been loaded yet', { 'retry-after': '1' })

app.get('/.turnout/health/live', () =>
  Response.json({ status: 'ok' }, { headers: { 'cache-control': 'no-store' } }),
)

app.get('/.turnout/health/ready', async ({ env }) => {
  const prepared = await env.prepared()
  const { release } = env
  const { source, readAtMs, problems } = env.status()
  const headers = { 'cache-control': 'no-store' }
  if (prepared === null)
    return Response.json(
      { status: 'unavailable', release, isolate: env.isolate, problems },
      { status: 503, headers },
    )
  const { environment, epoch, version } = prepared.snapshot
  const status = problems.length === 0 && source === 'control-plane' ? 'ready' : 'degraded'
  const ageMs = Number.isFinite(readAtMs) ? Math.max(0, Date.now() - readAtMs) : null
  const body = {
    status,
    environment,
    epoch,
    version,
    killsVersion: prepared.kills.version,
    kills: prepared.kills.kills.map(({ target }) => namedInPublic(target)),
    source,
    ageMs,
    release,
    isolate: env.isolate,
    problems,
  }
  return Response.json(body, { headers })
})

/** Anybody may ask for it, and the host of an origin is nobody's business: `origin:ROUTE/VARIANT` alone. */
const namedInPublic = (target: string): string =>
  target.startsWith('origin:') ? target.split('/', 2).join('/') : target

const READ = 'GET, HEAD'
const METHODS: Readonly<Record<string, string>> = {
  '/.turnout/snapshot': READ,
  '/.turnout/stream': READ,
  '/.turnout/events': 'POST, OPTIONS',
  '/.turnout/health/live': READ,
  '/.turnout/health/ready': READ,
}

app.notFound(({ env: { facts } }) => {
  const { path } = facts
  const allow = Object.hasOwn(METHODS, path) ? METHODS[path]! : null
  return allow === null
    ? problem(404, 'Not Found', `there is nothing at ${path}`)
    : problem(405, 'Method Not Allowed', `${path} takes ${allow}`, { allow })
})
app.onError((cause) => {
  throw cause
})

export const endpoints = (request: Request, surroundings: Surroundings): Response | Promise<Response> =>
  app.fetch(request, surroundings)
