/**
 * What the edges have found of each address of an origin: attempts of the last minute, and whose breakers are open. And breakers
 * told by hand: to be open, as a kill of the origin, or to begin anew.
 */
import { z } from '@hono/zod-openapi'
import { isKillTarget } from '../../engine/index.ts'
import { upstreamsOf } from '../monitoring/origins.ts'
import type { KillRecord } from '../storage/kills.ts'
import { NO_UPSTREAM, type UpstreamState } from '../upstreams.ts'
import { ask, tell } from './ask.ts'
import { type Api, type ApiContext, authorOf, json, mannerOf } from './context.ts'
import { KILLS_HEADER, tellKills } from './kills.ts'
import { BODY_PROBLEMS, invalidRequest, TIME_PROBLEMS } from './problem.ts'
import {
  answers,
  ChangeHeaders,
  checkedBody,
  EnvironmentParams,
  OriginParams,
  operation,
  WAITING,
} from './routes.ts'
import { time } from './schemas.ts'
import { BreakerBody } from './schemas-kills.ts'
import { timeOf, timeOrNull } from './time.ts'

const tags = ['Breakers']
const body = checkedBody(BreakerBody)

const EXAMPLE = {
  origin: 'web/on',
  state: 'open' as const,
  isolates: { closed: 1, open: 4, recovering: 0 },
  openUntil: '2026-11-21T10:00:30.000Z',
  attempts: 1200,
  failed: 610,
  unreached: 12,
  aborted: 3,
  failureRate: 0.518,
  p95Ms: 240,
  alert: true,
  manual: null,
}

const BreakerSchema = z
  .object({
    origin: z
      .string()
      .openapi({ description: '`{route}/{variant}`, and `/{host and path}` of a pool’s member' }),
    state: z.enum(['closed', 'open', 'recovering']).openapi({
      description:
        '`open` while it is held open by hand; else what most of the isolates that have traffic for it say, the worse where they are equal',
    }),
    isolates: z
      .object({ closed: z.int(), open: z.int(), recovering: z.int() })
      .openapi({ description: 'Isolates that told of it in the last 10 s' }),
    openUntil: time.nullable().openapi({ description: 'When the last of them admits requests again' }),
    attempts: z.int().openapi({ description: 'In the last minute; second tries count where they were made' }),
    failed: z.int().openapi({ description: 'Answered 500 or above' }),
    unreached: z.int().openapi({ description: 'No answer: refused, reset, no headers in time' }),
    aborted: z.int().openapi({
      description:
        'WebSockets and event streams of routes with `drain` that it broke off, in the last minute',
    }),
    failureRate: z.number().nullable().openapi({ description: 'Both over all; null without attempts' }),
    p95Ms: z.int().nullable().openapi({ description: 'To response headers, of the slowest isolate' }),
    alert: z
      .boolean()
      .openapi({ description: 'An isolate finds it above its alert thresholds, or has its breaker open' }),
    manual: z
      .object({ reason: z.string(), actor: z.string(), since: time, expiresAt: time.nullable() })
      .nullable()
      .openapi({ description: 'Who holds it open, and why: the kill of the origin. null: nobody' }),
  })
  .openapi('BreakerState', { example: EXAMPLE })

const list = operation('viewer', {
  method: 'get',
  path: '/environments/{env}/breakers',
  tags,
  operationId: 'listBreakers',
  summary: 'Which origins fail, and whose circuit breakers are open',
  description:
    'From what the edges report every few seconds. All in one page; an origin without traffic is named only while it is held open by hand.',
  request: { params: EnvironmentParams },
  responses: answers(
    {
      status: 200,
      description: 'By name',
      schema: z
        .object({ items: z.array(BreakerSchema), nextCursor: z.null() })
        .openapi('BreakerList', { example: { items: [EXAMPLE], nextCursor: null } }),
    },
    ['not-found'],
  ),
})

const path = '/environments/{env}/breakers/{origin}'

const get = operation('viewer', {
  method: 'get',
  path,
  tags,
  operationId: 'getBreaker',
  summary: 'What edges find of one origin, and whether it is held open',
  request: { params: OriginParams },
  responses: answers({ status: 200, description: 'Its breaker', schema: BreakerSchema }, [
    'not-found',
    'invalid',
  ]),
})

const put = operation('operator', {
  method: 'put',
  path,
  tags,
  operationId: 'putBreaker',
  summary: 'Open or close a circuit breaker by hand, everywhere',
  description:
    'Needs no precondition. Held open it is the kill `origin:{origin}`, and ends as any kill: here, there, or at `expiresAt`. Edges act by it within about a second; `GET …/propagation?kill=` with the version in `x-turnout-kills` proves it.',
  middleware: body.middleware,
  request: { params: OriginParams, headers: ChangeHeaders, body: body.body },
  responses: answers(
    [
      {
        ...{ status: 200, description: 'As told; what edges find follows', schema: BreakerSchema },
        headers: [KILLS_HEADER],
      },
      WAITING,
    ],
    ['not-found', ...BODY_PROBLEMS, ...TIME_PROBLEMS],
  ),
})

export function breakers(api: Api): void {
  api.openapi(list, async (c) => {
    const { env } = c.req.valid('param')
    const [states, { items: held }] = [await found(c, env), await ask(c, env, (stub) => stub.originKills())]
    const silent = held.map(originOf).filter((name) => !states.some((state) => state.name === name))
    const all = [...states, ...silent.map((name) => ({ ...NO_UPSTREAM, name }))]
    all.sort((a, b) => (a.name < b.name ? -1 : 1))
    return json(c, { items: all.map((state) => shown(state, held)), nextCursor: null })
  })

  api.openapi(get, async (c) => {
    const { env, origin } = c.req.valid('param')
    checked(origin)
    await ask(c, env, (stub) => stub.origin(origin))
    return answer(c, env, origin)
  })

  api.openapi(put, async (c) => {
    const { env, origin } = c.req.valid('param')
    const { state, reason, expiresAt, onExpiry = 'restore' } = c.req.valid('json')
    const target = checked(origin)
    const [manner, author] = [mannerOf(c, null), authorOf(c, reason)]
    const expiresAtMs = expiresAt === undefined ? null : Date.parse(expiresAt)
    const request = { reason, variant: null, expiresAtMs, onExpiry }
    const { version } =
      state === 'open'
        ? await ask(c, env, (stub) => stub.putKill(target, request, manner, author))
        : await tell(c, env, (stub) => stub.releaseBreaker(origin, state === 'closed', manner, author))
    tellKills(c, version)
    return answer(c, env, origin, state === 'closed')
  })
}

/** `forgotten`: edges were just told to forget what they found, so what they said before says nothing. */
async function answer(c: ApiContext, env: string, origin: string, forgotten = false): Promise<Response> {
  const { items: held } = await ask(c, env, (stub) => stub.originKills())
  const told = forgotten ? undefined : (await found(c, env)).find(({ name }) => name === origin)
  return json(c, shown(told ?? { ...NO_UPSTREAM, name: origin }, held))
}

async function found(c: ApiContext, env: string): Promise<UpstreamState[]> {
  return upstreamsOf(c.env, env, await ask(c, env, (stub) => stub.locations()))
}

function checked(origin: string): `origin:${string}` {
  const target = `origin:${origin}` as const
  if (isKillTarget(target)) return target
  throw invalidRequest(
    'path.origin',
    'must be ROUTE/VARIANT, or ROUTE/VARIANT/HOST of one member of its pool',
  )
}

const originOf = ({ target }: KillRecord): string => target.slice('origin:'.length)

function shown(
  { name: origin, isolates, openUntilMs, p95Ms, alerts, ...counts }: UpstreamState,
  held: readonly KillRecord[],
) {
  const { ok, failed, unreached, aborted } = counts
  const attempts = ok + failed + unreached
  const kill = held.find((one) => origin === originOf(one) || origin.startsWith(`${originOf(one)}/`))
  return {
    origin,
    state: kill === undefined ? stateOf(isolates) : ('open' as const),
    isolates,
    openUntil: timeOrNull(openUntilMs),
    attempts,
    failed,
    unreached,
    aborted,
    failureRate: attempts === 0 ? null : (failed + unreached) / attempts,
    p95Ms,
    alert: alerts > 0,
    manual: kill === undefined ? null : manualOf(kill),
  }
}

const manualOf = ({ reason, actor, createdAtMs, expiresAtMs }: KillRecord) => ({
  reason,
  actor,
  since: timeOf(createdAtMs),
  expiresAt: timeOrNull(expiresAtMs),
})

function stateOf({
  closed,
  open,
  recovering,
}: UpstreamState['isolates']): z.infer<typeof BreakerSchema>['state'] {
  if (open > 0 && open >= Math.max(closed, recovering)) return 'open'
  return recovering > 0 && recovering >= closed ? 'recovering' : 'closed'
}
