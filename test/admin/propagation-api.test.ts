/** The two addresses of proof of arrival, with edges that report over the binding. */
import { exports } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import type { Arrival, ControlRpc, MetricBatch } from '../../engine/index.ts'
import { call, environment, problem, type TestEnvironment, value } from './client.ts'

const control = (name: string): ControlRpc =>
  exports.ControlRpc({ props: { environment: name } }) as unknown as ControlRpc

/** An isolate that reports as an edge does, with the times that a test gives it. */
class Isolate {
  readonly id = crypto.randomUUID()
  readonly #environment: string
  readonly #location: string
  #sequence = 0
  readonly #arrivals: Arrival[] = []
  /** When it last answered a request. */
  answeredAtMs: number | null = null

  constructor(environment: string, location: string) {
    this.#environment = environment
    this.#location = location
  }

  /** Answers a request with what the control plane has now, as if at `atMs`, and reports. */
  async serve(atMs: number): Promise<void> {
    const { epoch, snapshot, kills } = await control(this.#environment).read({
      epoch: 0,
      snapshot: 0,
      kills: 0,
    })
    const add = (kind: Arrival['kind'], version: number) => {
      const last = this.#arrivals.findLast((arrival) => arrival.kind === kind)
      if (last?.version !== version)
        this.#arrivals.push({ kind, epoch, version, atMs, previousMs: this.answeredAtMs })
    }
    add('snapshot', snapshot)
    add('kills', kills!.version)
    this.answeredAtMs = atMs
    await this.report({ serves: { epoch, snapshot, kills: kills!.version } })
  }

  async report(more: Partial<MetricBatch>): Promise<void> {
    this.#sequence += 1
    const batch: MetricBatch = {
      isolate: this.id,
      sequence: this.#sequence,
      location: this.#location,
      sentAtMs: Date.now(),
      requests: 5,
      serves: { epoch: 0, snapshot: 0, kills: 0 },
      arrivals: this.#arrivals,
      ...more,
    }
    await control(this.#environment).record(batch)
  }
}

/** An environment whose locations have been heard of. */
async function withIsolates(...locations: string[]): Promise<{ api: string; isolates: Isolate[] }> {
  const made: TestEnvironment = await environment({ flags: { a: true } })
  const isolates = locations.map((location) => new Isolate(made.name, location))
  for (const isolate of isolates) await isolate.serve(Date.now() - 5_000)
  await vi.waitFor(async () => {
    const known = await made.stub.locations()
    expect(known.ok && known.value).toEqual([...new Set(locations)].sort())
  })
  return { api: made.api, isolates }
}

const kill = async (api: string): Promise<number> => {
  const response = await call(`${api}/kills/flag:a`, { method: 'PUT', body: { reason: 'x' } })
  expect(response.ok).toBe(true)
  return Number(response.headers.get('x-turnout-kills'))
}

describe('propagation', () => {
  it('of a kill names who has it, how long it took, and who lags', async () => {
    const { api, isolates } = await withIsolates('FRA', 'MUC', 'MUC')
    const [one, two, late] = isolates as [Isolate, Isolate, Isolate]
    const n = await kill(api)
    const { publishedAt } = await value(await call(`${api}/propagation?kill=${n}`))
    const publishedAtMs = Date.parse(publishedAt)
    for (const isolate of isolates) await isolate.report({ requests: 1 })
    await one.serve(publishedAtMs + 400)
    await two.serve(publishedAtMs + 700)
    const answer = await value(await call(`${api}/propagation?kill=${n}`))
    expect(answer).toMatchObject({
      ...{ version: n, kill: n },
      complete: false,
      isolates: 3,
      reached: 2,
      locations: [
        { location: 'FRA', isolates: 1, reached: 1 },
        { location: 'MUC', isolates: 2, reached: 1 },
      ],
      laggards: [{ isolate: late.id, location: 'MUC', serves: { epoch: 0, version: 0, kills: 0 } }],
      lost: [],
      silent: [],
      settling: [],
    })
    await late.serve(publishedAtMs + 900)
    expect(await value(await call(`${api}/propagation?kill=${n}`))).toMatchObject({
      complete: true,
      reached: 3,
      laggards: [],
    })
  })

  it('has times for isolates that had traffic when it was published', async () => {
    const { api, isolates } = await withIsolates('MUC', 'MUC', 'FRA')
    const [busy, sleeper, other] = isolates as [Isolate, Isolate, Isolate]
    const { kill: n, publishedAt } = await value(await call(`${api}/drill`, { method: 'POST' }))
    const publishedAtMs = Date.parse(publishedAt)
    busy.answeredAtMs = publishedAtMs + 550
    await busy.serve(publishedAtMs + 600)
    await sleeper.serve(publishedAtMs + 700)
    other.answeredAtMs = publishedAtMs + 850
    await other.serve(publishedAtMs + 900)
    expect(await value(await call(`${api}/propagation?kill=${n}`))).toMatchObject({
      complete: true,
      reached: 3,
      timed: 2,
      p50Ms: 600,
      p99Ms: 900,
      maxMs: 900,
      locations: [
        { location: 'FRA', timed: 1, p50Ms: 900 },
        { location: 'MUC', timed: 1, p50Ms: 600, maxMs: 600 },
      ],
    })
  })

  it('of a version counts isolates that have a newer one; the default is the current one', async () => {
    const { api, isolates } = await withIsolates('MUC')
    expect(await value(await call(`${api}/propagation`))).toMatchObject({
      version: 2,
      reached: 1,
      complete: true,
    })
    await value(await call(`${api}/flags/a/toggle`, { body: { enabled: false } }))
    expect(await value(await call(`${api}/propagation`))).toMatchObject({
      version: 3,
      reached: 0,
      complete: false,
      laggards: [{ isolate: isolates[0]!.id, serves: { version: 2 } }],
    })
    await isolates[0]!.serve(Date.now())
    for (const version of [1, 2, 3])
      expect(await value(await call(`${api}/propagation?version=${version}`))).toMatchObject({
        version,
        reached: 1,
        complete: true,
      })
  })

  it('names locations without traffic, and what was counted of those with', async () => {
    const { api, isolates } = await withIsolates('MUC', 'SYD')
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 20_000 })
    try {
      await isolates[0]!.serve(Date.now())
      const answer = await value(await call(`${api}/propagation`))
      expect(answer).toMatchObject({
        complete: true,
        locations: [{ location: 'MUC', isolates: 1, requests: 10 }],
        silent: [{ location: 'SYD', lastSeenAt: expect.stringMatching(/^20.*Z$/) }],
      })
    } finally {
      vi.useRealTimers()
    }
  })

  it('of an environment that no edge ever reported to has nobody to wait for', async () => {
    const { api } = await environment()
    expect(await value(await call(`${api}/propagation`))).toEqual({
      version: 1,
      publishedAt: expect.any(String),
      complete: true,
      isolates: 0,
      reached: 0,
      timed: 0,
      p50Ms: null,
      p99Ms: null,
      maxMs: null,
      locations: [],
      laggards: [],
      lost: [],
      silent: [],
      settling: [],
      clockSkewMs: 0,
    })
  })

  it.each([
    ['version=9', 'There is no version "9".'],
    ['kill=9', 'There is no version of the kill list "9".'],
  ])('of what was never published is not found: %s', async (query, detail) => {
    const { api } = await environment()
    expect((await problem(await call(`${api}/propagation?${query}`), 404)).detail).toBe(detail)
  })

  it('of an environment that does not exist is not found', async () => {
    for (const [method, address] of [
      ['GET', 'propagation'],
      ['POST', 'drill'],
    ] as const)
      await problem(await call(`/api/v1/environments/nowhere/${address}`, { method }), 404)
  })

  it.each([
    ['version=0', 'query.version'],
    ['version=-1', 'query.version'],
    ['version=1e3', 'query.version'],
    ['version=', 'query.version'],
    ['kill=1.5', 'query.kill'],
    ['kill=9999999999999999', 'query.kill'],
    ['version=1&kill=1', 'query.kill'],
    ['verson=1', 'query.verson'],
  ])('refuses %s by name', async (query, path) => {
    const { api } = await environment()
    const { errors } = await problem(await call(`${api}/propagation?${query}`), 422)
    expect(errors.map((error) => error.path)).toEqual([path])
  })
})

describe('a drill', () => {
  it('is the same kill list under the next version, and stands in the audit log', async () => {
    const { name, api } = await environment({ flags: { a: true } })
    await value(await call(`${api}/kills/flag:a`, { method: 'PUT', body: { reason: 'x' } }))
    const before = await control(name).read({ epoch: 0, snapshot: 0, kills: 0 })
    const response = await call(`${api}/drill?reason=monday`, { method: 'POST' })
    expect(response.status).toBe(202)
    expect(response.headers.get('x-turnout-kills')).toBe('2')
    const { kill, publishedAt } = await value(response)
    expect(kill).toBe(2)
    const after = await control(name).read({ epoch: 0, snapshot: 0, kills: 0 })
    expect(after).toEqual({ ...before, kills: { ...before.kills, version: 2 } })
    expect(await value(await call(`${api}/propagation?kill=2`))).toMatchObject({ kill: 2, publishedAt })
    const [entry] = (await value(await call(`/api/v1/audit?environment=${name}`))).items
    expect(entry).toMatchObject({ action: 'drill', kills: 2, reason: 'monday', changes: [] })
  })
})
