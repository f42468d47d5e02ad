/** What a location remembers of its isolates: counted once, forgotten in time, clocks compared, contexts spread over minutes. */
import { describe, expect, it } from 'vitest'
import { checkBatch } from '../../admin/batch.ts'
import { ClockSkew } from '../../admin/clock-skew.ts'
import { RecentContexts } from '../../admin/contexts.ts'
import { Isolates } from '../../admin/isolates.ts'
import type { MetricBatch } from '../../engine/index.ts'

const AT = 1_800_000_000_000

const batch = (isolate: string, sequence: number, more: Partial<MetricBatch> = {}): MetricBatch => ({
  isolate,
  sequence,
  location: 'MUC',
  sentAtMs: AT,
  requests: 10,
  serves: { epoch: 1, snapshot: 1, kills: 0 },
  arrivals: [],
  ...more,
})

describe('isolates', () => {
  it('count a batch once, however often it comes', () => {
    const isolates = new Isolates()
    expect(isolates.add(batch('a', 1), AT)).toBe(true)
    expect(isolates.add(batch('a', 1), AT + 1)).toBe(false)
    expect(isolates.add(batch('a', 2), AT + 2)).toBe(true)
    expect(isolates.add(batch('a', 1), AT + 3)).toBe(false)
    expect(isolates.add(batch('b', 1), AT + 4)).toBe(true)
    expect(isolates.requests(AT + 5)).toBe(30)
  })

  it('take what a repeated batch says about versions, but nothing from an older one', () => {
    const isolates = new Isolates()
    isolates.add(batch('a', 2), AT)
    isolates.add(batch('a', 2, { serves: { epoch: 1, snapshot: 1, kills: 1 } }), AT + 1)
    isolates.add(batch('a', 1, { serves: { epoch: 1, snapshot: 1, kills: 0 } }), AT + 2)
    expect([...isolates.reports(AT + 3)]).toMatchObject([{ serves: { kills: 1 }, lastSeenAtMs: AT + 1 }])
  })

  it('know who had requests when, and who sleeps', () => {
    const isolates = new Isolates()
    isolates.add(batch('a', 1), AT)
    isolates.add(batch('a', 2, { requests: 0 }), AT + 1_000)
    isolates.add(batch('b', 1, { requests: 0 }), AT + 1_000)
    expect([...isolates.reports(AT + 1_000)]).toMatchObject([
      { isolate: 'a', lastRequestsAtMs: AT, lastSeenAtMs: AT + 1_000, asleep: true },
      { isolate: 'b', lastRequestsAtMs: null, asleep: true },
    ])
  })

  it('are forgotten after five minutes of silence', () => {
    const isolates = new Isolates()
    isolates.add(batch('a', 1), AT)
    isolates.add(batch('b', 1), AT + 200_000)
    expect([...isolates.reports(AT + 300_000)]).toHaveLength(2)
    expect([...isolates.reports(AT + 300_001)]).toMatchObject([{ isolate: 'b' }])
  })

  it('are bounded: those silent longest go first', () => {
    const isolates = new Isolates()
    for (let n = 0; n < 10_005; n += 1) isolates.add(batch(`${n}`, 1), AT)
    expect(isolates.size).toBe(10_000)
    expect([...isolates.reports(AT)][0]).toMatchObject({ isolate: '5' })
  })

  it('have their requests of the last minute added up', () => {
    const isolates = new Isolates()
    isolates.add(batch('a', 1), AT)
    isolates.add(batch('a', 2, { requests: 3 }), AT + 59_000)
    expect(isolates.requests(AT + 59_999)).toBe(13)
    expect(isolates.requests(AT + 60_000)).toBe(3)
    isolates.add(batch('a', 3, { requests: 4 }), AT + 200_000)
    expect(isolates.requests(AT + 200_000)).toBe(4)
  })
})

describe('the difference of clocks', () => {
  const skewOf = (...messages: [sent: number, received: number, roundTrip?: number][]): number => {
    const skew = new ClockSkew()
    for (const [sent, received, roundTrip] of messages) skew.add(sent, received, roundTrip)
    return skew.ms
  }

  it('is taken for travel where it can be that', () => {
    expect(skewOf([1_000, 1_030, 60])).toBe(0)
    expect(skewOf([1_000, 1_060, 60])).toBe(0)
    expect(skewOf([1_000, 1_900])).toBe(0)
  })

  it('is known to within half a round trip', () => {
    expect(skewOf([1_000, 6_030, 60])).toBe(5_000)
    expect(skewOf([6_000, 1_030, 60])).toBe(-5_000)
  })

  it('is certain where a message is received before it was sent', () => {
    expect(skewOf([6_000, 1_000])).toBe(-5_000)
  })

  it('is told by the quickest of the last eight messages', () => {
    expect(skewOf([1_000, 2_500, 1_600], [2_000, 2_020, 40], [3_000, 3_800, 900])).toBe(0)
    const later = Array.from({ length: 8 }, (_, at): [number, number, number] => [
      at * 1_000,
      at * 1_000 + 9_020,
      40,
    ])
    expect(skewOf([0, 20, 40], ...later)).toBe(9_000)
  })
})

describe('contexts', () => {
  const contexts = (n: number) => Array.from({ length: n }, (_, at) => ({ 'network.asn': at }))

  it('stand for as many requests as there were', () => {
    const recent = new RecentContexts(() => 0.999)
    recent.add({ of: 400, contexts: contexts(8) }, AT)
    recent.add({ of: 4, contexts: contexts(4) }, AT)
    const weights = recent.list(AT).map(({ weight }) => weight)
    expect(weights.toSorted((a, b) => a - b)).toEqual([1, 1, 1, 1, 50, 50, 50, 50, 50, 50, 50, 50])
  })

  it('are at most a hundred of each minute, whose weights are made up for', () => {
    const recent = new RecentContexts(() => 0.5)
    for (let n = 0; n < 50; n += 1) recent.add({ of: 80, contexts: contexts(8) }, AT)
    const kept = recent.list(AT)
    expect(kept).toHaveLength(100)
    expect(kept.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(4_000)
  })

  it('are kept for ten minutes', () => {
    const recent = new RecentContexts(() => 0.5)
    recent.add({ of: 1, contexts: contexts(1) }, AT)
    recent.add({ of: 1, contexts: contexts(1) }, AT + 300_000)
    expect(recent.list(AT + 300_000)).toHaveLength(2)
    expect(recent.list(AT + 600_000)).toHaveLength(1)
  })
})

describe('a batch from an edge', () => {
  const GOOD = batch('0b7e0d6e-5f0c-4a7e-9d52-1f0f3a1c2b3d', 1, {
    roundTripMs: 3,
    arrivals: [{ kind: 'kills', epoch: 1, version: 0, atMs: AT, previousMs: null }],
    sample: { of: 10, contexts: [{ targetingKey: 'ab', 'geo.isEU': true, 'network.asn': 3320 }] },
  })

  it('is taken as it is', () => {
    expect(checkBatch(GOOD)).toEqual({ ok: true, value: GOOD })
    expect(checkBatch(batch('a', 1))).toEqual({ ok: true, value: batch('a', 1) })
  })

  it('may hold what a newer edge knows, which is left out', () => {
    const sample = { of: 1, contexts: [{ 'geo.country': 'DE', 'request.ip': '203.0.113.7' }] }
    const checked = checkBatch({ ...GOOD, environment: 'other', sample })
    expect(checked).toEqual({
      ok: true,
      value: { ...GOOD, sample: { of: 1, contexts: [{ 'geo.country': 'DE' }] } },
    })
  })

  it.each<[string, unknown]>([
    ['batch', null],
    ['batch', 'text'],
    ['batch.isolate', { ...GOOD, isolate: 'x'.repeat(65) }],
    ['batch.isolate', { ...GOOD, isolate: '../a' }],
    ['batch.sequence', { ...GOOD, sequence: 0 }],
    ['batch.sequence', { ...GOOD, sequence: Number.NaN }],
    ['batch.location', { ...GOOD, location: 'a/b' }],
    ['batch.location', { ...GOOD, location: '' }],
    ['batch.sentAtMs', { ...GOOD, sentAtMs: Number.POSITIVE_INFINITY }],
    ['batch.requests', { ...GOOD, requests: -1 }],
    ['batch.requests', { ...GOOD, requests: 1.5 }],
    ['batch.roundTripMs', { ...GOOD, roundTripMs: '3' }],
    ['batch.serves.kills', { ...GOOD, serves: { epoch: 1, snapshot: 1 } }],
    ['batch.arrivals', { ...GOOD, arrivals: Array(17).fill(GOOD.arrivals[0]) }],
    ['batch.arrivals.0.kind', { ...GOOD, arrivals: [{ ...GOOD.arrivals[0], kind: 'x' }] }],
    ['batch.arrivals.0.atMs', { ...GOOD, arrivals: [{ ...GOOD.arrivals[0], atMs: 2 ** 60 }] }],
    ['batch.sample.contexts', { ...GOOD, sample: { of: 1, contexts: Array(33).fill({}) } }],
    [
      'batch.sample.contexts.0.request.path',
      { ...GOOD, sample: { of: 1, contexts: [{ 'request.path': 'x'.repeat(257) }] } },
    ],
    [
      'batch.sample.contexts.0.geo.country',
      { ...GOOD, sample: { of: 1, contexts: [{ 'geo.country': ['DE'] }] } },
    ],
  ])('is refused by name: %s', (field, value) => {
    const checked = checkBatch(value)
    expect(checked.ok ? '' : checked.error.split(': ')[0]).toBe(field)
  })
})
