/**
 * Everything under the reserved prefix `/.turnout/`: evaluation, what SDKs need beside it, and health. A table of paths, since
 * there are so few of them: any router's code would weigh more than all that they do.
 */
import { FlagCounts, MAX_FLAG_COUNTS, type Prepared, stateOf } from '../engine/index.ts'
import { forAnyPage, preflight } from './cors.ts'
import { delivery } from './delivery.ts'
import { allFlags, FLAGS, oneFlag, wrongMethod } from './evaluations.ts'
import { events } from './events.ts'
import { live, ready } from './health.ts'
import { problem } from './problem.ts'
import { lastEventId, stream } from './stream.ts'
import type { Endpoint, Surroundings } from './surroundings.ts'

export const PREFIX = '/.turnout/'

const OFREP = '/.turnout/ofrep/'
const EVENTS = '/.turnout/events'

/** What a path takes. HEAD is answered as GET, without the body. */
interface Methods {
  readonly GET?: Endpoint
  readonly POST?: Endpoint
}

export async function endpoints(surroundings: Surroundings): Promise<Response> {
  const { path, request } = surroundings.facts
  const isForPages = path.startsWith(OFREP) || path === EVENTS
  if (isForPages && request.method === 'OPTIONS') return preflight()
  const response = await answer(path, request.method, surroundings)
  return isForPages ? forAnyPage(response) : response
}

function answer(path: string, method: string, surroundings: Surroundings): Response | Promise<Response> {
  const methods = path.startsWith(`${FLAGS}/`) ? ONE_FLAG : ENDPOINTS.get(path)
  if (methods === undefined) return problem(404, 'Not Found', `there is nothing at ${path}`)
  const endpoint = method === 'POST' ? methods.POST : READING.has(method) ? methods.GET : undefined
  if (endpoint === undefined)
    return path.startsWith(OFREP) ? wrongMethod(surroundings) : notTaken(path, methods)
  return method === 'HEAD' ? withoutBody(endpoint(surroundings)) : endpoint(surroundings)
}

const READING = new Set(['GET', 'HEAD'])

function notTaken(path: string, { GET }: Methods): Response {
  const allow = GET ? 'GET, HEAD' : 'POST, OPTIONS'
  return problem(405, 'Method Not Allowed', `${path} takes ${allow}`, { allow })
}

async function withoutBody(answering: Response | Promise<Response>): Promise<Response> {
  const response = await answering
  await response.body?.cancel()
  return new Response(null, response)
}

const snapshot: Endpoint = async ({ facts, prepared: current, callers }) => {
  const prepared = await current()
  if (prepared === null) return unprepared()
  const caller = await callers.caller(facts.request, prepared.snapshot.access)
  return delivery(prepared, caller, facts.header('if-none-match'))
}

const changes: Endpoint = async ({ facts, callers, streamTokens, glance, prepared: current }) => {
  const prepared = await current()
  if (prepared === null) return unprepared()
  const token = facts.query('token')
  const isTokenGood = token !== null && (await streamTokens.verify(token, Date.now()))
  const mayListen = async ({ snapshot }: Prepared) =>
    isTokenGood || (await callers.callerByUrl(facts.request, facts.query('key'), snapshot.access)) !== null
  if (!(await mayListen(prepared))) return unknownCaller()
  return stream(lastEventId(facts.header('last-event-id'), facts.query('lastEventId')), {
    state: () => {
      const latest = glance()
      return latest && stateOf(latest)
    },
    mayListen: () => mayListen(glance() ?? prepared),
    now: Date.now,
    wait: (ms) => scheduler.wait(ms),
    random: Math.random,
  })
}

const outcomes: Endpoint = async ({ facts, callers, counts, isPreview, prepared: current }) => {
  const prepared = await current()
  if (prepared === null) return unprepared()
  const caller = await callers.callerByUrl(facts.request, facts.query('key'), prepared.snapshot.access)
  if (caller === null) return unknownCaller()
  // What somebody does under a preview says nothing of what others would do.
  const into = isPreview() ? new FlagCounts(MAX_FLAG_COUNTS) : counts
  return events(facts.request, prepared, caller, into)
}

const unknownCaller = (): Response =>
  problem(
    401,
    'Unauthorized',
    'an SDK key is required: Authorization: Bearer … or X-API-Key; a client key may stand in the URL as ?key=',
    { 'www-authenticate': 'Bearer', 'access-control-allow-origin': '*' },
  )

const unprepared = (): Response =>
  problem(503, 'Service Unavailable', 'no snapshot has been loaded yet', { 'retry-after': '1' })

const ONE_FLAG: Methods = { POST: oneFlag }

const ENDPOINTS: ReadonlyMap<string, Methods> = new Map<string, Methods>([
  [FLAGS, { POST: allFlags }],
  ['/.turnout/snapshot', { GET: snapshot }],
  ['/.turnout/stream', { GET: changes }],
  [EVENTS, { POST: outcomes }],
  ['/.turnout/health/live', { GET: live }],
  ['/.turnout/health/ready', { GET: ready }],
])
