/** Proof of arrival: where a version has landed and how long it took; and the drill, which measures the same and changes nothing; and the purge, which travels likewise. */
import { z } from '@hono/zod-openapi'
import { type Named, type Propagation, propagation as propagate, type Times } from '../propagation.ts'
import { callMetrics } from '../stubs.ts'
import { ask, tell } from './ask.ts'
import { type Api, type ApiContext, authorOf, json } from './context.ts'
import { KILLS_HEADER, tellKills } from './kills.ts'
import { invalidRequest } from './problem.ts'
import { answers, EditQuery, EnvironmentParams, operation } from './routes.ts'
import { time } from './schemas.ts'
import { timeOf, timeOrNull } from './time.ts'

const tags = ['Propagation']

const number = z
  .string()
  .regex(/^[1-9]\d{0,14}$/, 'must be a whole number from 1')
  .transform(Number)
  .optional()

const PropagationQuery = z.strictObject({
  version: number.openapi({
    type: 'integer',
    description: 'A version of the document. Default: the current one',
  }),
  kill: number.openapi({
    type: 'integer',
    description: 'A version of the kill list, as `x-turnout-kills` tells it',
  }),
})

const duration = (description: string) => z.int().nullable().openapi({ description, example: 840 })
const timesShape = {
  timed: z.int().openapi({
    description: 'Isolates that have a time: those that had traffic when it was published',
  }),
  p50Ms: duration('From publishing to the first request answered with it; of the isolates that have a time'),
  p99Ms: duration('Of the isolates that have a time'),
  maxMs: duration('Of the isolates that have a time'),
}

const LaggardSchema = z
  .object({
    isolate: z.string().openapi({ description: 'As `/.turnout/health/ready` of the edge names it' }),
    location: z.string(),
    serves: z.object({ epoch: z.int(), version: z.int(), kills: z.int() }),
    lastSeenAt: time,
  })
  .openapi('Laggard')

const TIMES = { timed: 3, p50Ms: 420, p99Ms: 840, maxMs: 840 }

const EXAMPLE = {
  version: 12,
  publishedAt: '2026-11-21T10:00:00.000Z',
  complete: true,
  isolates: 3,
  reached: 3,
  ...TIMES,
  locations: [
    {
      location: 'MUC',
      isolates: 3,
      reached: 3,
      requests: 1800,
      ...TIMES,
      lastSeenAt: '2026-11-21T10:00:02.000Z',
    },
  ],
  laggards: [],
  lost: [],
  silent: [{ location: 'SYD', lastSeenAt: null }],
  settling: [],
  clockSkewMs: 0,
}

const PropagationSchema = z
  .object({
    version: z.int().openapi({
      description: 'The version that it is about: of the document, or of the kill list if there is `kill`',
    }),
    kill: z.int().optional().openapi({ description: 'The same, where it is about the kill list' }),
    publishedAt: time,
    complete: z.boolean().openapi({
      description:
        'No isolate answers without it any more: every one with traffic has it, and no location is settling. True where ' +
        'there is no traffic at all',
    }),
    isolates: z.int().openapi({
      description:
        'Isolates that reported requests in the last 10 s; in the first 2 s also those that lack it and had some in the last 30 s',
    }),
    reached: z
      .int()
      .openapi({ description: 'How many of them answer every request with it, or with something newer' }),
    ...timesShape,
    locations: z.array(
      z.object({
        location: z.string().openapi({ example: 'MUC' }),
        isolates: z.int(),
        reached: z.int(),
        requests: z.int().openapi({ description: 'Reported in the last minute' }),
        ...timesShape,
        lastSeenAt: time,
      }),
    ),
    laggards: z
      .array(LaggardSchema)
      .openapi({ description: 'Isolates with traffic that lack it; at most 100' }),
    lost: z.array(LaggardSchema).openapi({
      description:
        'Isolates that stopped reporting in the middle of traffic and lacked it: ended, or cut off; at most 100',
    }),
    silent: z
      .array(z.object({ location: z.string(), lastSeenAt: time.nullable() }))
      .openapi({ description: 'Locations without traffic' }),
    settling: z.array(z.string()).openapi({
      description:
        'Locations that began to listen less than 10 s ago and may not have heard of every isolate',
    }),
    clockSkewMs: z.int().openapi({ description: 'Largest correction of a clock of the edge' }),
  })
  .openapi('Propagation', { example: EXAMPLE })

const PUBLISHED = {
  kill: z.int().openapi({ description: 'Version of the kill list', example: 7 }),
  publishedAt: time,
}
const PUBLISHED_EXAMPLE = { kill: 7, publishedAt: EXAMPLE.publishedAt }
const DrillSchema = z.object(PUBLISHED).openapi('Drill', { example: PUBLISHED_EXAMPLE })
const PurgeSchema = z.object(PUBLISHED).openapi('Purge', { example: PUBLISHED_EXAMPLE })

const get = operation('viewer', {
  method: 'get',
  path: '/environments/{env}/propagation',
  tags,
  operationId: 'getPropagation',
  summary: 'Where a version has landed, and how long it took',
  description: 'Name a `version` of the document or of the kill list (`kill`), not both.',
  request: { params: EnvironmentParams, query: PropagationQuery },
  responses: answers({ status: 200, description: 'What the edges report', schema: PropagationSchema }, [
    'not-found',
    'invalid',
  ]),
})

const drill = operation('operator', {
  method: 'post',
  path: '/environments/{env}/drill',
  tags,
  operationId: 'drill',
  summary: 'Publish the same kill list again, to measure how long a kill takes',
  description: 'Changes no answer of any edge. Measured by `propagation?kill=N`.',
  request: { params: EnvironmentParams, query: EditQuery },
  responses: answers(
    { status: 202, description: 'Under way', schema: DrillSchema, headers: [KILLS_HEADER] },
    ['not-found', 'invalid'],
  ),
})

const purge = operation('operator', {
  method: 'post',
  path: '/environments/{env}/purge',
  tags,
  operationId: 'purge',
  summary: 'Let no edge use what it keeps of responses',
  description:
    'For routes with `cache.store`. Travels as a kill does: `propagation?kill=N` tells when it is everywhere. Kills of ' +
    'traffic and steps back purge by themselves.',
  request: { params: EnvironmentParams, query: EditQuery },
  responses: answers(
    { status: 202, description: 'Under way', schema: PurgeSchema, headers: [KILLS_HEADER] },
    ['not-found', 'invalid'],
  ),
})

export function propagation(api: Api): void {
  api.openapi(get, async (c) => {
    const { env } = c.req.valid('param')
    const { version, kill } = c.req.valid('query')
    if (version !== undefined && kill !== undefined)
      throw invalidRequest('query.kill', 'must not stand beside "version": one question at a time')
    const kind = kill === undefined ? 'snapshot' : 'kills'
    const { target, locations } = await ask(c, env, (stub) => stub.published(kind, kill ?? version ?? null))
    const reaches = await Promise.all(
      locations.map((name) => callMetrics(c.env, env, name, (stub) => stub.reach(name, target))),
    )
    return json(c, shown(propagate(target, reaches)))
  })

  api.openapi(drill, async (c) => {
    const { env } = c.req.valid('param')
    return published(c, await tell(c, env, (stub) => stub.drill(authorOf(c))))
  })

  api.openapi(purge, async (c) => {
    const { env } = c.req.valid('param')
    return published(c, await tell(c, env, (stub) => stub.purge(authorOf(c))))
  })
}

function published(c: ApiContext, list: { readonly version: number; readonly publishedAtMs: number }) {
  tellKills(c, list.version)
  return json(c, { kill: list.version, publishedAt: timeOf(list.publishedAtMs) }, 202)
}

function shown({ target, locations, laggards, lost, silent, times, ...counts }: Propagation) {
  const { complete, isolates, reached, settling, clockSkewMs } = counts
  return {
    version: target.version,
    ...(target.kind === 'kills' ? { kill: target.version } : {}),
    publishedAt: timeOf(target.publishedAtMs),
    complete,
    isolates,
    reached,
    ...shownTimes(times),
    locations: locations.map(({ location, isolates, reached, requests, times, lastSeenAtMs }) => ({
      location,
      isolates,
      reached,
      requests,
      ...shownTimes(times),
      lastSeenAt: timeOf(lastSeenAtMs),
    })),
    laggards: laggards.map(shownIsolate),
    lost: lost.map(shownIsolate),
    silent: silent.map(({ location, lastSeenAtMs }) => ({
      location,
      lastSeenAt: timeOrNull(lastSeenAtMs),
    })),
    settling,
    clockSkewMs,
  }
}

const shownTimes = ({ timed, p50Ms, p99Ms, maxMs }: Times): Times => ({ timed, p50Ms, p99Ms, maxMs })

const shownIsolate = ({ isolate, location, serves, lastSeenAtMs }: Named) => ({
  isolate,
  location,
  serves: { epoch: serves.epoch, version: serves.snapshot, kills: serves.kills },
  lastSeenAt: timeOf(lastSeenAtMs),
})
