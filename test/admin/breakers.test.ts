/** What edges report of their origins: what the API makes of it, and what other isolates are told. */
import { exports } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import { LocationUpstreams, merged } from '../../admin/upstreams.ts'
import type { ControlRpc, MetricBatch, UpstreamReport } from '../../engine/index.ts'
import { call, environment, value } from './client.ts'

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
    known.add('b', [report({ unreached: 2 })], true, NOW + 30_000)
    expect([...known.list(NOW + 31_000)]).toMatchObject([{ ok: 20, failed: 1, unreached: 2 }])
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
        ...{ name: 'shop/canary', ok: 10, failed: 0, unreached: 5, p95Ms: 900, alerts: 1 },
        ...{ isolates: { closed: 1, open: 1, recovering: 0 }, openUntilMs: NOW + 20_000 },
      },
      expect.objectContaining({ name: 'shop/stable', ok: 10 }),
    ])
  })
})

describe('the API', () => {
  it('shows what the edges found, and tells an isolate what the others of its location found', async () => {
    const { name, api } = await environment({ flags: { a: true } })
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
  })
})
