/** What an isolate reports of itself, and that every request is counted once whatever becomes of a batch. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { Known, MetricBatch, MirrorReport, UpstreamReport } from '../../engine/index.ts'
import { type Outgoing, Reporter } from '../../worker/metrics.ts'

const AT = 1_800_000_000_000

let reporter: Reporter
let untold: UpstreamReport[]
let heard: Record<string, number>[]
const upstreams = {
  take: () => untold.splice(0),
  heard: (broken: Record<string, number>) => void heard.push(broken),
}
let mirrored: MirrorReport[]
const mirrors = {
  get isEmpty() {
    return mirrored.length === 0
  },
  take: () => mirrored.splice(0),
}
beforeEach(() => {
  mirrored = []
  untold = []
  heard = []
  reporter = new Reporter('isolate-1', 'MUC', () => 0.5, upstreams, mirrors)
})

/** Answers a request as the handler does, with these versions. */
function answer(nowMs: number, snapshot = 1, kills = 0, epoch = 1): void {
  reporter.requests += 1
  reporter.arrived(
    { snapshot: { epoch, version: snapshot }, kills: { epoch, version: kills, kills: [] } } as never,
    nowMs,
  )
  reporter.answeredAtMs = nowMs
}

const serving = (snapshot: number, kills = 0): Known => ({ epoch: 1, snapshot, kills })
const next = (nowMs: number, serves = serving(1)): Outgoing => {
  const outgoing = reporter.next(serves, nowMs)
  if (outgoing === null) throw new Error('there is no batch')
  return outgoing
}
const accept = (outgoing: Outgoing, nowMs: number, flushMs = 1_000) =>
  reporter.accepted(outgoing, { flushMs }, 7, nowMs)
const arrivalsOf = ({ batch }: { batch: Pick<MetricBatch, 'arrivals'> }, kind: string) =>
  batch.arrivals.filter((arrival) => arrival.kind === kind).map(({ version, atMs }) => [version, atMs - AT])

describe('a batch', () => {
  it('says who, where, how many requests, and what is served since when', () => {
    answer(AT, 4, 2)
    expect(next(AT + 5, serving(4, 2))).toEqual({
      batch: {
        isolate: 'isolate-1',
        sequence: 1,
        location: 'MUC',
        requests: 1,
        serves: { epoch: 1, snapshot: 4, kills: 2 },
        arrivals: [
          { kind: 'snapshot', epoch: 1, version: 4, atMs: AT, previousMs: null },
          { kind: 'kills', epoch: 1, version: 2, atMs: AT, previousMs: null },
        ],
      },
      drawn: { of: 0, items: [] },
    })
  })

  it('tells when the request before an arrival was answered', () => {
    answer(AT)
    reporter.answeredAtMs = AT + 300
    answer(AT + 900, 1, 1)
    expect(next(AT + 900).batch.arrivals.at(-1)).toMatchObject({ atMs: AT + 900, previousMs: AT + 300 })
  })

  it('repeats the last eight versions of each kind', () => {
    for (let version = 1; version <= 10; version += 1) answer(AT + version, version, 0)
    answer(AT + 20, 10, 1)
    const outgoing = next(AT + 20)
    expect(arrivalsOf(outgoing, 'snapshot')).toEqual([3, 4, 5, 6, 7, 8, 9, 10].map((n) => [n, n]))
    expect(arrivalsOf(outgoing, 'kills')).toEqual([
      [0, 1],
      [1, 20],
    ])
  })

  it('knows a version by its first request, and never by an older one that comes late', () => {
    answer(AT, 2)
    answer(AT + 1, 2)
    answer(AT + 2, 1)
    answer(AT + 3, 1, 0, 2)
    expect(arrivalsOf(next(AT + 3), 'snapshot')).toEqual([
      [2, 0],
      [1, 3],
    ])
  })

  it('tells how long the answer to the one before took', () => {
    answer(AT)
    const first = next(AT)
    expect(first.batch).not.toHaveProperty('roundTripMs')
    accept(first, AT + 7)
    reporter.requests = 1
    expect(next(AT + 1_007).batch.roundTripMs).toBe(7)
  })
})

describe('when a batch is sent', () => {
  it('nothing is, before there is a snapshot', () => {
    expect(reporter.next({ epoch: 0, snapshot: 0, kills: 0 }, AT)).toBeNull()
  })

  it('one goes each flush interval that the control plane asks for', () => {
    answer(AT)
    accept(next(AT), AT + 10, 4_000)
    reporter.requests = 5
    expect(reporter.next(serving(1), AT + 4_009)).toBeNull()
    expect(next(AT + 4_010).batch).toMatchObject({ sequence: 2, requests: 5 })
  })

  it.each([
    [0, 1_000],
    [Number.NaN, 1_000],
    [1e9, 60_000],
  ])('an interval of %s is held to %s ms', (asked, held) => {
    answer(AT)
    accept(next(AT), AT, asked)
    reporter.requests = 1
    expect(reporter.next(serving(1), AT + held - 1)).toBeNull()
    expect(reporter.next(serving(1), AT + held)).not.toBeNull()
  })

  it('an arrival goes at once', () => {
    answer(AT)
    accept(next(AT), AT + 1)
    answer(AT + 50, 1, 1)
    expect(arrivalsOf(next(AT + 50, serving(1, 1)), 'kills')).toEqual([
      [0, 0],
      [1, 50],
    ])
  })

  it('an arrival while a batch is under way goes right after it', () => {
    answer(AT)
    const first = next(AT)
    answer(AT + 5, 1, 1)
    expect(reporter.next(serving(1, 1), AT + 5)).toBeNull()
    accept(first, AT + 10)
    expect(arrivalsOf(next(AT + 10, serving(1, 1)), 'kills')).toContainEqual([1, 5])
  })

  it('one batch is under way at a time, until its lease is over', () => {
    answer(AT)
    next(AT)
    reporter.requests = 3
    expect(reporter.next(serving(1), AT + 4_999)).toBeNull()
    expect(next(AT + 5_000).batch.sequence).toBe(1)
  })

  it('silence begins with one batch that says so', () => {
    answer(AT)
    accept(next(AT), AT)
    const last = next(AT + 1_000)
    expect(last.batch.requests).toBe(0)
    accept(last, AT + 1_000)
    expect(reporter.next(serving(1), AT + 60_000)).toBeNull()
  })

  it('what is held but was not asked for yet is told too', () => {
    answer(AT)
    accept(next(AT), AT)
    accept(next(AT + 1_000), AT + 1_000)
    expect(next(AT + 2_000, serving(1, 1)).batch.serves).toEqual(serving(1, 1))
  })

  it('a clock that is set back stops nothing', () => {
    answer(AT)
    accept(next(AT), AT)
    reporter.requests = 1
    expect(reporter.next(serving(1), AT - 3_600_000)).not.toBeNull()
  })
})

describe('a batch that failed', () => {
  it('is sent again after three seconds, under its number, with its own counts and the latest versions', () => {
    answer(AT)
    const first = next(AT)
    reporter.requests = 9
    reporter.failed(first, AT + 100)
    expect(reporter.next(serving(1, 1), AT + 3_099)).toBeNull()
    const again = next(AT + 3_100, serving(1, 1))
    expect(again.batch).toMatchObject({ sequence: 1, requests: 1, serves: serving(1, 1) })
    accept(again, AT + 3_100)
    expect(next(AT + 4_100).batch).toMatchObject({ sequence: 2, requests: 9 })
  })

  it('counts as failed only as long as nobody has acknowledged it', () => {
    answer(AT)
    const first = next(AT)
    const again = next(AT + 5_000)
    accept(again, AT + 5_001)
    reporter.failed(first, AT + 5_002)
    reporter.requests = 2
    expect(next(AT + 6_001).batch).toMatchObject({ sequence: 2, requests: 2 })
  })

  it('however batches fare, every request is in exactly one that was acknowledged', () => {
    let answered = 0
    const counted = new Map<number, number>()
    let nowMs = AT
    // Fixed fates: taken, lost on the way, taken but the answer is lost.
    for (const fate of 'tltattllatatllaattt') {
      const requests = 1 + (answered % 7)
      for (let n = 0; n < requests; n += 1) answer(nowMs)
      answered += requests
      const outgoing = next(nowMs)
      if (fate !== 'l') counted.set(outgoing.batch.sequence, outgoing.batch.requests)
      if (fate === 't') accept(outgoing, nowMs)
      else reporter.failed(outgoing, nowMs)
      nowMs += 10_000
    }
    while (reporter.requests > 0) {
      const outgoing = next(nowMs)
      counted.set(outgoing.batch.sequence, outgoing.batch.requests)
      accept(outgoing, nowMs)
      nowMs += 10_000
    }
    expect([...counted.values()].reduce((sum, n) => sum + n, 0)).toBe(answered)
  })
})

describe('addresses of origins', () => {
  const state: UpstreamReport = {
    ...{ name: 'shop/canary', breaker: 'open', openForMs: 20_000 },
    ...{ ok: 3, failed: 5, unreached: 2, p95Ms: 80, alert: true },
  }

  it('are told once, with the batch that was put together when they were asked for', () => {
    answer(AT)
    untold = [state]
    const first = next(AT)
    expect(first.batch.upstreams).toEqual([state])
    reporter.failed(first, AT + 100)
    untold = [{ ...state, ok: 9 }]
    const again = next(AT + 60_000)
    expect([again.batch.sequence, again.batch.upstreams]).toEqual([1, [state]])
    accept(again, AT + 60_100)
    answer(AT + 62_000)
    const second = next(AT + 62_000)
    expect(second.batch.upstreams).toEqual([{ ...state, ok: 9 }])
  })

  it('are not spoken of where there is nothing to tell', () => {
    answer(AT)
    expect(next(AT).batch).not.toHaveProperty('upstreams')
  })

  it('hear what others have found', () => {
    answer(AT)
    reporter.accepted(next(AT), { flushMs: 1_000, broken: { 'shop/canary': 9_000 } }, 7, AT + 10)
    expect(heard).toEqual([{ 'shop/canary': 9_000 }])
  })
})

describe('what applications tell of flags', () => {
  const tell = (flag: string, ok = 1) => reporter.flags.add({ flag, variant: 'on', ok })
  const told = ({ batch }: Outgoing) => batch.flags?.map(({ flag, ok }) => [flag, ok])

  it('is reported once, whatever becomes of the batch', () => {
    answer(AT)
    tell('a')
    const lost = next(AT)
    expect(told(lost)).toStrictEqual([['a', 1]])
    reporter.failed(lost, AT)
    tell('a', 5)
    const again = next(AT + 3_000)
    expect([again.batch.sequence, told(again)]).toStrictEqual([1, [['a', 1]]])
    accept(again, AT + 3_000)
    const then = next(AT + 4_000)
    expect([then.batch.sequence, told(then)]).toStrictEqual([2, [['a', 5]]])
  })

  it('is no part of a batch where there is nothing', () => {
    answer(AT)
    expect(next(AT).batch).not.toHaveProperty('flags')
  })

  it('goes on in the next batch where it is too much for one, even without requests', () => {
    answer(AT)
    for (let at = 0; at < 201; at += 1) tell(`flag-${at}`)
    const first = next(AT)
    expect(first.batch.flags).toHaveLength(200)
    accept(first, AT)
    const second = next(AT + 1_000)
    expect([second.batch.requests, told(second)]).toStrictEqual([0, [['flag-200', 1]]])
  })
})
