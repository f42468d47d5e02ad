/** Where a version has landed: the answer from what isolates report, in numbers that can be worked out by hand. */
import { describe, expect, it } from 'vitest'
import {
  type IsolateReport,
  landedAfterMs,
  propagation,
  type Reach,
  reachOf,
  type Target,
} from '../../admin/propagation.ts'
import type { Arrival } from '../../engine/index.ts'

const AT = 1_800_000_000_000
const TARGET: Target = { kind: 'kills', epoch: 5, version: 3, publishedAtMs: AT }

/** A version of the kill list, ms after publishing; `previous`: the request before. */
const arrival = (version: number, at: number, previous: number | null, epoch = 5): Arrival => ({
  kind: 'kills',
  epoch,
  version,
  atMs: AT + at,
  previousMs: previous === null ? null : AT + previous,
})

const OLD = arrival(2, -60_000, null)

function report(name: string, arrivals: Arrival[], more: Partial<IsolateReport> = {}): IsolateReport {
  const kills = arrivals.at(-1)?.version ?? 0
  return {
    isolate: name,
    serves: { epoch: 5, snapshot: 9, kills },
    arrivals,
    skewMs: 0,
    lastSeenAtMs: AT + 2_000,
    lastRequestsAtMs: AT + 2_000,
    asleep: false,
    ...more,
  }
}

const reach = (isolates: IsolateReport[], more: Partial<Reach> = {}, nowMs = AT + 2_000): Reach =>
  reachOf(
    TARGET,
    { location: 'MUC', settling: false, lastSeenAtMs: AT, requests: 7, ...more },
    isolates,
    nowMs,
  )

describe('the time to land', () => {
  const landed = (arrivals: Arrival[], skewMs = 0) => landedAfterMs(TARGET, { arrivals, skewMs })

  it('runs from publishing to the first request served with it', () => {
    expect(landed([OLD, arrival(3, 840, 790)])).toBe(840)
  })

  it('runs to a newer version where that came instead', () => {
    expect(landed([OLD, arrival(4, 900, 850)])).toBe(900)
    expect(landed([OLD, arrival(1, 900, 850, 6)])).toBe(900)
  })

  it.each([
    ['has not got it', [OLD]],
    ['never reported', []],
    ['began with it', [arrival(3, 840, null)]],
    ['slept when it was published, and woke with it', [OLD, arrival(3, 600_000, -1)]],
    ['remembers only what came later', [arrival(4, 840, 790), arrival(5, 900, 890)]],
  ])('of an isolate that %s is not known', (_, arrivals) => {
    expect(landed(arrivals)).toBeNull()
  })

  it('of an isolate that fell asleep meanwhile runs to its last older answer', () => {
    expect(landed([OLD, arrival(3, 600_000, 300)])).toBe(300)
    expect(landed([OLD, arrival(3, 2_300, 300)])).toBe(2_300)
    expect(landed([OLD, arrival(3, 2_301, 300)])).toBe(300)
  })

  it('of an isolate that was just then between two requests runs to the second', () => {
    expect(landed([OLD, arrival(3, 30, -20)])).toBe(30)
  })

  it('is corrected by how far the clock of the edge is off, and never below zero', () => {
    expect(landed([OLD, arrival(3, 5_840, 5_790)], -5_000)).toBe(840)
    expect(landed([OLD, arrival(3, 20, 10)], -5)).toBe(15)
    expect(landed([OLD, arrival(3, 10, 5)], -20)).toBe(0)
    expect(landed([OLD, arrival(3, 600_000, 5)], -20)).toBeNull()
  })

  it('heeds only versions of what is asked for', () => {
    const snapshot: Arrival = { kind: 'snapshot', epoch: 5, version: 9, atMs: AT + 5, previousMs: AT + 1 }
    expect(landed([OLD, snapshot])).toBeNull()
  })
})

describe('a location', () => {
  it('counts isolates with traffic, and names those that lack it', () => {
    const late = report('late', [OLD])
    expect(reach([report('a', [OLD, arrival(3, 500, 450)]), late])).toMatchObject({
      isolates: 2,
      reached: 1,
      landedMs: [500],
      laggards: [{ isolate: 'late', location: 'MUC', serves: late.serves, lastSeenAtMs: AT + 2_000 }],
      lost: [],
    })
  })

  it('takes for reached who holds it before anybody asked', () => {
    const holds = report('a', [OLD], { serves: { epoch: 5, snapshot: 9, kills: 3 } })
    expect(reach([holds])).toMatchObject({ isolates: 1, reached: 1, landedMs: [], laggards: [] })
  })

  it('does not wait for who sleeps', () => {
    const asleep = report('a', [OLD], { lastRequestsAtMs: AT - 8_001, asleep: true })
    expect(reach([asleep])).toMatchObject({ isolates: 0, reached: 0, laggards: [], lost: [] })
    expect(reach([{ ...asleep, lastRequestsAtMs: AT - 8_000 }])).toMatchObject({ isolates: 1, reached: 0 })
  })

  it('waits for who may have read just before, until that is too old to answer by', () => {
    const dozes = report('a', [OLD], { lastRequestsAtMs: AT - 20_000, asleep: true })
    const at = (ms: number, each = dozes) => reach([each], {}, AT + ms)
    expect(at(500)).toMatchObject({ isolates: 1, reached: 0, laggards: [{ isolate: 'a' }] })
    expect(at(1_999)).toMatchObject({ isolates: 1, reached: 0 })
    expect(at(2_000)).toMatchObject({ isolates: 0, laggards: [], lost: [] })
    const has = { ...dozes, serves: { epoch: 5, snapshot: 9, kills: 3 } }
    expect(at(500, has)).toMatchObject({ isolates: 0, laggards: [] })
    expect(at(500, { ...dozes, lastRequestsAtMs: AT - 29_501 })).toMatchObject({ isolates: 0 })
    expect(at(500, { ...dozes, lastRequestsAtMs: null })).toMatchObject({ isolates: 0 })
  })

  it('names who fell silent in the middle of traffic, and counts it no longer', () => {
    const gone = report('gone', [OLD], { lastRequestsAtMs: AT - 9_000, lastSeenAtMs: AT - 9_000 })
    expect(reach([gone])).toMatchObject({ isolates: 0, laggards: [], lost: [{ isolate: 'gone' }] })
  })

  it('tells the largest correction of a clock', () => {
    const isolates = [report('a', [OLD], { skewMs: 40 }), report('b', [OLD], { skewMs: -90 })]
    expect(reach(isolates).clockSkewMs).toBe(-90)
  })
})

describe('the whole', () => {
  const landed = (...times: number[]) => times.map((ms, at) => report(`${at}`, [OLD, arrival(3, ms, 1)]))

  it('is complete when every isolate with traffic has it, everywhere', () => {
    const there = reach(landed(100, 300))
    const answer = propagation(TARGET, [there, { ...reach(landed(900)), location: 'FRA' }])
    expect(answer).toMatchObject({
      complete: true,
      isolates: 3,
      reached: 3,
      times: { timed: 3, p50Ms: 300, p99Ms: 900, maxMs: 900 },
      locations: [
        { location: 'MUC', isolates: 2, reached: 2, times: { timed: 2, p50Ms: 100, p99Ms: 300, maxMs: 300 } },
        { location: 'FRA', isolates: 1, reached: 1, times: { timed: 1, p50Ms: 900 } },
      ],
      laggards: [],
      silent: [],
    })
    expect(propagation(TARGET, [there, reach([report('late', [OLD])])]).complete).toBe(false)
  })

  it('is not complete while a location has only begun to listen', () => {
    const answer = propagation(TARGET, [reach(landed(100)), reach([], { location: 'FRA', settling: true })])
    expect(answer).toMatchObject({ complete: false, settling: ['FRA'], silent: [] })
  })

  it('names locations without traffic', () => {
    const quiet = reach([], { location: 'SYD', lastSeenAtMs: AT - 3_600_000 })
    expect(propagation(TARGET, [reach(landed(100)), quiet])).toMatchObject({
      complete: true,
      locations: [{ location: 'MUC' }],
      silent: [{ location: 'SYD', lastSeenAtMs: AT - 3_600_000 }],
    })
  })

  it('has no times where nobody has one, and nothing to wait for where nobody is', () => {
    expect(propagation(TARGET, [])).toMatchObject({
      complete: true,
      isolates: 0,
      times: { timed: 0, p50Ms: null, p99Ms: null, maxMs: null },
    })
  })

  it('takes percentiles by nearest rank', () => {
    const { times } = propagation(TARGET, [reach(landed(...Array.from({ length: 200 }, (_, at) => at + 1)))])
    expect(times).toEqual({ timed: 200, p50Ms: 100, p99Ms: 198, maxMs: 200 })
  })

  it('names at most a hundred laggards, but counts all', () => {
    const late = Array.from({ length: 150 }, (_, at) => report(`${at}`, [OLD]))
    const answer = propagation(TARGET, [reach(late)])
    expect(answer.laggards).toHaveLength(100)
    expect(answer).toMatchObject({ isolates: 150, reached: 0 })
  })
})
