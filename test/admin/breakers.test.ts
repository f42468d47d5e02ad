/** What edges report of their origins: what the API makes of it, and what other isolates are told. */
import { exports } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import { LocationUpstreams, merged } from '../../admin/upstreams.ts'
import type { ControlRpc, MetricBatch, UpstreamReport } from '../../engine/index.ts'
import { call, environment, problem, value } from './client.ts'

const NOW = 1_790_000_000_000
const report = (more: Partial<UpstreamReport> = {}): UpstreamReport => ({
  ...{ name: 'shop/canary', breaker: 'closed', openForMs: null },
  ...{ ok: 10, failed: 0, unreached: 0, p95Ms: null, alert: false },
  ...more,
})
const open = report({ breaker: 'open', openForMs: 20_000, ok: 0, unreached: 5 })

describe('the addresses of a location', () => {
  it('sum what isolates tell, each attempt once and for a minute', () => {
    const known = new LocationUpstreams()
    known.add('a', [report({ failed: 1 })], true, NOW)
    known.add('a', [report({ failed: 1 })], false, NOW + 100)
    known.add('b', [report({ unreached: 2, aborted: 3 })], true, NOW + 30_000)
    expect([...known.list(NOW + 31_000)]).toMatchObject([{ ok: 20, failed: 1, unreached: 2, aborted: 3 }])
    expect([...known.list(NOW + 61_000)]).toMatchObject([{ ok: 10, failed: 0, unreached: 2 }])
    expect([...known.list(NOW + 120_000)]).toEqual([])
  })

  it('take an isolate at its last word, for ten seconds', () => {
    const known = new LocationUpstreams()
    known.add('a', [open], true, NOW)
    known.add('b', [report()], true, NOW)
    expect([...known.list(NOW)][0]!.isolates).toEqual({ closed: 1, open: 1, recovering: 0 })
    known.add('a', [report({ breaker: 'recovering' })], true, NOW + 9_000)
    expect([...known.list(NOW + 11_000)][0]!.isolates).toEqual({ closed: 0, open: 0, recovering: 1 })
  })

  it('are broken where half of those that know them say so, for as long as the longest', () => {
    const known = new LocationUpstreams()
    known.add('a', [open], true, NOW)
    expect(known.broken(NOW)).toEqual({ 'shop/canary': 20_000 })
    for (const other of ['b', 'c']) known.add(other, [report()], true, NOW)
    expect(known.broken(NOW + 1_000)).toEqual({})
    known.add('b', [{ ...open, openForMs: 24_000 }], true, NOW + 2_000)
    expect(known.broken(NOW + 2_000)).toEqual({ 'shop/canary': 24_000 })
  })

  it('are one, over many locations', () => {
    const [here, there] = [new LocationUpstreams(), new LocationUpstreams()]
    here.add('a', [report({ p95Ms: 40 }), report({ name: 'shop/stable' })], true, NOW)
    there.add('b', [{ ...open, p95Ms: 900, alert: true }], true, NOW)
    expect(merged([...here.list(NOW), ...there.list(NOW)])).toEqual([
      {
        ...{ name: 'shop/canary', ok: 10, failed: 0, unreached: 5, aborted: 0, p95Ms: 900, alerts: 1 },
        ...{ isolates: { closed: 1, open: 1, recovering: 0 }, openUntilMs: NOW + 20_000 },
      },
      expect.objectContaining({ name: 'shop/stable', ok: 10 }),
    ])
  })
})

const POOL = [{ url: 'https://one.example.com' }, { url: 'https://two.example.com' }]
const SHOP = {
  flags: { web: { enabled: true, variants: { stable: 1, canary: 2 }, off: 'stable', fallthrough: 'canary' } },
  routes: [
    {
      ...{ id: 'shop', match: {}, flag: 'web', fallback: 'stable' },
      origins: { stable: { pool: POOL }, canary: { url: 'https://canary.example.com' } },
    },
  ],
}

describe('by hand', () => {
  const rpc = (name: string) => exports.ControlRpc({ props: { environment: name } }) as unknown as ControlRpc
  const killsOf = async (name: string) => (await rpc(name).read({ epoch: 0, snapshot: 0, kills: 0 })).kills!

  it('a breaker is opened, which is a kill of the origin, and closed again', async () => {
    const { name, api } = await environment(SHOP)
    const put = (origin: string, body: object) => call(`${api}/breakers/${origin}`, { method: 'PUT', body })
    const opened = await put('shop/canary', { state: 'open', reason: 'wrong prices' })
    expect(opened.headers.get('x-turnout-kills')).toBe('1')
    expect(await value(opened)).toMatchObject({
      ...{ origin: 'shop/canary', state: 'open', attempts: 0, failureRate: null },
      manual: { reason: 'wrong prices', expiresAt: null },
    })
    expect(await value(await call(`${api}/kills/origin:shop/canary`))).toMatchObject({
      reason: 'wrong prices',
    })
    expect((await value(await call(`${api}/breakers`))).items).toMatchObject([
      { origin: 'shop/canary', state: 'open' },
    ])

    const closed = await put('shop%2Fcanary', { state: 'closed', reason: 'prices are right' })
    expect(closed.headers.get('x-turnout-kills')).toBe('2')
    expect(await value(closed)).toMatchObject({ origin: 'shop/canary', state: 'closed', manual: null })
    expect(await killsOf(name)).toMatchObject({
      ...{ version: 2, kills: [] },
      closings: [{ origin: 'shop/canary', version: 2 }],
    })
    const { items } = await value(await call(`/api/v1/audit?environment=${name}&limit=3`))
    expect(items).toMatchObject([
      { action: 'breaker.closed', subject: 'origin:shop/canary', reason: 'prices are right', kills: 2 },
      { action: 'kill.lifted', subject: 'kill:origin:shop/canary' },
      { action: 'kill.placed' },
    ])
  })

  it('"closed" tells edges to begin anew, "auto" does not', async () => {
    const { name, api } = await environment(SHOP)
    const put = (body: object) =>
      call(`${api}/breakers/shop/stable/one.example.com`, { method: 'PUT', body: { reason: 'x', ...body } })
    expect((await put({ state: 'auto' })).headers.get('x-turnout-kills')).toBe('0')
    await value(await put({ state: 'open', expiresAt: '2099-01-01T00:00:00Z' }))
    expect(await value(await put({ state: 'auto' }))).toMatchObject({ state: 'closed', manual: null })
    expect((await killsOf(name)).closings).toBeUndefined()
    expect((await put({ state: 'closed' })).headers.get('x-turnout-kills')).toBe('3')
    expect((await killsOf(name)).closings).toEqual([{ origin: 'shop/stable/one.example.com', version: 3 }])
  })

  it('what holds a whole origin open is shown for each member of its pool', async () => {
    const { api } = await environment(SHOP)
    await call(`${api}/breakers/shop/stable`, { method: 'PUT', body: { state: 'open', reason: 'x' } })
    expect(await value(await call(`${api}/breakers/shop/stable/two.example.com`))).toMatchObject({
      ...{ state: 'open', manual: { reason: 'x' } },
    })
    expect(await value(await call(`${api}/breakers/shop/canary`))).toMatchObject({ state: 'closed' })
  })

  it.each([
    ['shop/canary', { state: 'half-open', reason: 'x' }, 422, '$.state'],
    ['shop/canary', { state: 'open' }, 422, '$.reason'],
    ['shop/canary', { state: 'closed', reason: 'x', expiresAt: '2099-01-01T00:00:00Z' }, 422, '$.expiresAt'],
    ['shop/canary', { state: 'open', reason: 'x', onExpiry: 'extend' }, 422, '$.onExpiry'],
    ['shop', { state: 'open', reason: 'x' }, 422, 'path.origin'],
  ])('%s with %j is refused by its field', async (origin, body, status, path) => {
    const { api } = await environment(SHOP)
    const refused = await problem(await call(`${api}/breakers/${origin}`, { method: 'PUT', body }), status)
    expect(refused.errors.map((error) => error.path)).toEqual([path])
  })

  it('an origin that is none is 404 and names the nearest', async () => {
    const { api } = await environment(SHOP)
    for (const state of ['open', 'closed', 'auto']) {
      const body = { state, reason: 'x' }
      const refused = await problem(await call(`${api}/breakers/shop/canry`, { method: 'PUT', body }), 404)
      expect(refused.detail, state).toContain('shop/canary')
    }
    await problem(await call(`${api}/breakers/shop/canry`), 404)
  })

  it('closing waits for approval where it lifts a kill of a protected environment, and not where it lifts none', async () => {
    const { api } = await environment(SHOP)
    const { body, headers } = { body: { approvals: 1 }, headers: { 'if-match': '*' } }
    await value(await call(api, { method: 'PUT', body, headers }))
    const put = (state: string) =>
      call(`${api}/breakers/shop/canary`, { method: 'PUT', body: { state, reason: 'x' } })
    expect((await put('closed')).status).toBe(200)
    expect((await put('open')).status).toBe(200)
    const waiting = await put('closed')
    expect(waiting.status).toBe(202)
    expect(await waiting.json()).toMatchObject({ raising: ['kill origin:shop/canary is lifted'] })
    expect(await value(await call(`${api}/breakers/shop/canary`))).toMatchObject({ state: 'open' })
  })
})

describe('the API', () => {
  it('shows what the edges found, and tells an isolate what the others of its location found', async () => {
    const { name, api } = await environment(SHOP)
    const control = exports.ControlRpc({ props: { environment: name } }) as unknown as ControlRpc
    const { epoch, snapshot, kills } = await control.read({ epoch: 0, snapshot: 0, kills: 0 })
    const batch = (isolate: string, upstreams: UpstreamReport[]): MetricBatch => ({
      ...{
        isolate,
        sequence: 1,
        location: 'MUC',
        sentAtMs: Date.now(),
        requests: 5,
        arrivals: [],
        upstreams,
      },
      serves: { epoch, snapshot, kills: kills!.version },
    })
    expect(await value(await call(`${api}/breakers`))).toEqual({ items: [], nextCursor: null })
    await control.record(batch('one', [{ ...open, failed: 3, ok: 2, alert: true }]))
    const told = await control.record(batch('two', [report({ name: 'shop/stable' })]))
    expect(told.broken?.['shop/canary']).toBeGreaterThan(15_000)
    const { items } = await vi.waitFor(async () => {
      const answer = await value(await call(`${api}/breakers`))
      expect(answer.items).toHaveLength(2)
      return answer
    })
    expect(items[0]).toMatchObject({
      ...{ origin: 'shop/canary', state: 'open', attempts: 10, failed: 3, unreached: 5, failureRate: 0.8 },
      ...{ isolates: { closed: 0, open: 1, recovering: 0 }, alert: true },
    })
    expect(Date.parse(items[0].openUntil)).toBeGreaterThan(Date.now())
    expect(items[1]).toMatchObject({
      origin: 'shop/stable',
      state: 'closed',
      openUntil: null,
      failureRate: 0,
    })
    const body = { state: 'closed', reason: 'repaired' }
    expect(await value(await call(`${api}/breakers/shop/canary`, { method: 'PUT', body }))).toMatchObject({
      state: 'closed',
      openUntil: null,
      attempts: 0,
    })
  })
})
