/**
 * What a request gets that comes to an isolate whose copy is too old: what the control plane has now, its snapshot too, however
 * long after the read that comes. In simulated time. Source: docs/architecture.md, "Edge freshness".
 */
import { describe, expect, it } from 'vitest'
import { LIMITS, Simulation, snapshotOf, type Visit, warm } from './simulation.ts'

/** An isolate that has version 1, and then was left alone for 30 s. A read takes 15 ms from then on, a body 30 ms. */
async function idle(): Promise<Simulation> {
  const isolate = await warm()
  await isolate.pass(30_000)
  isolate.read = { afterMs: 15 }
  isolate.body = { afterMs: 30 }
  return isolate
}

/** A request every 5 ms for so long, all answered by then or a second later. */
async function crowd(isolate: Simulation, forMs: number): Promise<Visit[]> {
  const visits: Visit[] = []
  for (let elapsedMs = 0; elapsedMs < forMs; elapsedMs += 5) {
    visits.push(await isolate.request())
    await isolate.pass(5)
  }
  await isolate.pass(LIMITS.refreshTimeoutMs)
  return visits
}

describe('after a rest, with a new version out', () => {
  it('the first request is answered by the new version, as soon as its body is here', async () => {
    const isolate = (await idle()).publish()
    const visit = await isolate.request()
    await isolate.pass(60)
    expect(visit.version).toBe(2)
    expect(visit.waitedMs).toBeGreaterThanOrEqual(45)
    expect(visit.waitedMs).toBeLessThanOrEqual(50)
  })

  it('nobody is answered by the old one, whenever he comes: neither before the read, nor while the body is under way', async () => {
    const isolate = (await idle()).publish()
    const visits = await crowd(isolate, 100)
    expect(visits.map(({ version }) => version)).toEqual(Array(20).fill(2))
    expect(Math.max(...visits.map(({ waitedMs }) => waitedMs))).toBeLessThanOrEqual(50)
    // One at the start, one to refresh, and one a second later.
    expect(isolate.reads).toHaveLength(3)
    expect(isolate.bodies).toEqual(['1/1', '1/2'])
  })

  it('nor by the old one in another epoch', async () => {
    const isolate = await idle()
    isolate.epoch = 2
    const visits = await crowd(isolate.publish(1), 60)
    expect(visits.map(({ answer }) => answer?.snapshot.epoch)).toEqual(Array(12).fill(2))
  })

  it('kills that come with the read count at once, while its body is under way', async () => {
    const isolate = (await idle()).publish().kill({ target: 'flag:v' })
    const visit = await isolate.request()
    await isolate.pass(20)
    expect(isolate.snapshots.glance(isolate.sources, () => {})?.kills.version).toBe(1)
    expect(visit.doneMs).toBeNull()
    await isolate.pass(30)
    expect([visit.version, visit.answer?.kills.version]).toEqual([2, 1])
  })

  it('with nothing new out, a request waits for the read alone', async () => {
    const isolate = await idle()
    const visit = await isolate.request()
    await isolate.pass(60)
    expect([visit.version, visit.waitedMs]).toEqual([1, 15])
    expect(isolate.bodies).toEqual(['1/1'])
  })

  it('and a newer one while its body is under way: that is fetched right after it, not with the next read', async () => {
    const isolate = (await idle()).publish()
    isolate.body = { afterMs: 1_300 }
    await isolate.request()
    await isolate.pass(500)
    isolate.publish()
    await isolate.pass(830)
    expect((await isolate.request()).version).toBe(2)
    expect(isolate.bodies).toEqual(['1/1', '1/2', '1/3'])
  })

  it('and a client that was told of it: he too waits for the body, and no longer', async () => {
    const isolate = (await idle()).publish()
    const told = await isolate.request({ epoch: 1, snapshot: 2, kills: 0 })
    await isolate.pass(60)
    expect(told.version).toBe(2)
    expect(told.waitedMs).toBeLessThanOrEqual(50)
  })
})

describe('an isolate that is fresh', () => {
  it('never waits for a body', async () => {
    const isolate = new Simulation().publish()
    await isolate.request()
    await isolate.pass(20)
    isolate.read = { afterMs: 15 }
    isolate.body = { afterMs: 800 }
    for (let tick = 0; tick < 200; tick += 1) {
      if (tick % 20 === 0) isolate.publish()
      expect((await isolate.request()).immediate, `after ${tick * 100} ms`).toBe(true)
      await isolate.pass(100)
    }
    expect(isolate.version - (await isolate.request()).version!).toBeLessThanOrEqual(1)
  })
})

describe('a body that does not come', () => {
  it('because it fails: the old version is served as soon as that is known, and the status says why', async () => {
    const isolate = (await idle()).publish()
    isolate.body = { afterMs: 30, fails: 'body is gone' }
    const visit = await isolate.request()
    await isolate.pass(60)
    expect(visit.version).toBe(1)
    expect(visit.waitedMs).toBeLessThanOrEqual(50)
    expect(isolate.snapshots.status.problems).toEqual(['snapshot 2 cannot be loaded: body is gone'])
  })

  it('because it is another than was asked for: likewise, and it is asked for once a read, not again and again', async () => {
    const isolate = (await idle()).publish()
    isolate.bodyText = (epoch) => snapshotOf(epoch, 1)
    const visits = await crowd(isolate, 900)
    expect(visits.every(({ version }) => version === 1)).toBe(true)
    expect(isolate.snapshots.status.problems.join()).toContain('snapshot 2 cannot be loaded')
    expect(isolate.bodies.length).toBeLessThanOrEqual(4)
  })

  it('in time: the old version is served after REFRESH_TIMEOUT_MS, the status says so, and nobody waits twice', async () => {
    for (const body of [{ hangs: true }, { afterMs: 4_000 }]) {
      const isolate = (await idle()).publish()
      isolate.body = body
      const visit = await isolate.request()
      await isolate.pass(1_005)
      expect([visit.version, visit.waitedMs]).toEqual([1, 1_000])
      expect(isolate.snapshots.status.problems).toEqual(['snapshot 2 has not come within 1000 ms'])
      for (let tick = 0; tick < 28; tick += 1) {
        expect((await isolate.request()).immediate, `${tick * 100} ms later`).toBe(true)
        await isolate.pass(100)
      }
    }
  })

  it('in time, but later: it is served from then on, and all is well', async () => {
    const isolate = (await idle()).publish()
    isolate.body = { afterMs: 4_000 }
    await isolate.request()
    await isolate.pass(4_020)
    expect((await isolate.request()).version).toBe(2)
    expect(isolate.snapshots.status.problems).toEqual([])
  })

  it('and did not come before another rest either: the next request waits for it again, and so does who comes with it', async () => {
    const isolate = (await idle()).publish()
    isolate.body = { fails: 'body is gone' }
    const failed = await isolate.request()
    await isolate.pass(60)
    failed.abort()
    await isolate.pass(60_000)
    isolate.body = { afterMs: 30 }
    const visits = await crowd(isolate, 60)
    expect(visits.map(({ version }) => version)).toEqual(Array(12).fill(2))
  })

  it('to a cold isolate is what it takes copies for, as ever', async () => {
    const isolate = new Simulation().publish(9)
    isolate.body = { hangs: true }
    const kills = { epoch: 0, version: 0, kills: [] }
    const readAtMs = isolate.nowMs - 1_000_000
    isolate.copies = [async () => ({ from: 'last-known-good', readAtMs, kills, snapshot: snapshotOf(1, 7) })]
    const first = await isolate.request()
    await isolate.pass(LIMITS.coldLoadTimeoutMs + 20)
    expect(first.version).toBe(7)
    for (let tick = 0; tick < 40; tick += 1) {
      expect((await isolate.request()).immediate, `${tick * 100} ms later`).toBe(true)
      await isolate.pass(100)
    }
    isolate.body = {}
    await isolate.pass(6_000)
    expect((await isolate.request()).version).toBe(9)
  })
})

describe('whoever loads the body is aborted', () => {
  it('1 000 times: the others fetch it themselves, within the time that they wait, and get it', async () => {
    const isolate = await idle()
    for (let round = 0; round < 1_000; round += 1) {
      isolate.publish()
      const owner = await isolate.request()
      // The read is done, and the body is asked for.
      await isolate.pass(20)
      expect(isolate.bodies.at(-1)).toBe(`1/${isolate.version}`)
      owner.abort()
      const visits = [await isolate.request(), await isolate.request()]
      await isolate.pass(400)
      for (const visit of visits) {
        expect(visit.version, `round ${round}`).toBe(isolate.version)
        visit.abort()
      }
      expect(isolate.bodies.length).toBeLessThanOrEqual(1 + 2 * (round + 1))
      await isolate.pass(5_000)
    }
    expect(isolate.failures).toEqual([])
    expect(isolate.snapshots.status.problems).toEqual([])
  })

  it('and he who took over as well, and he after him: each waits no longer than REFRESH_TIMEOUT_MS', async () => {
    const isolate = (await idle()).publish()
    ;(await isolate.request()).abort()
    for (let next = 0; next < 3; next += 1) {
      const visit = await isolate.request()
      await isolate.pass(300)
      expect(visit.doneMs).toBeNull()
      visit.abort()
    }
    const last = await isolate.request()
    await isolate.pass(1_005)
    expect(last.waitedMs).toBeLessThanOrEqual(LIMITS.refreshTimeoutMs)
    await isolate.pass(100)
    expect((await isolate.request()).version).toBe(2)
  })
})

describe('for a client that was told of something newer', () => {
  const told = (snapshot: number, kills = 0) => ({ epoch: 1, snapshot, kills })

  it('reads at once, and answers by that', async () => {
    const isolate = await warm()
    isolate.publish()
    await isolate.pass(300)
    const visit = await isolate.request(told(2))
    await isolate.pass(10)
    expect([visit.version, visit.waitedMs]).toStrictEqual([2, 5])
  })

  it('waits for kills as for snapshots', async () => {
    const isolate = await warm()
    isolate.kill({ target: 'all-flags' })
    await isolate.pass(300)
    const visit = await isolate.request(told(1, 1))
    await isolate.pass(10)
    expect(visit.answer?.kills.version).toBe(1)
  })

  it.each([told(1), told(0), { epoch: 0, snapshot: 9, kills: 9 }])(
    'reads nothing for %j, which it has',
    async (known) => {
      const isolate = await warm()
      await isolate.pass(300)
      await isolate.request(known)
      await isolate.pass(1)
      expect(isolate.reads).toHaveLength(1)
    },
  )

  it('answers by what it has after a second, and reads no more than four times, where nobody knows of it', async () => {
    const isolate = await warm()
    await isolate.pass(300)
    const visits = [await isolate.request(told(7)), await isolate.request(told(8))]
    await isolate.pass(1_100)
    expect(visits.map(({ version }) => version)).toStrictEqual([1, 1])
    expect(Math.max(...visits.map(({ waitedMs }) => waitedMs))).toBeLessThanOrEqual(1_005)
    expect(isolate.reads.length).toBeLessThanOrEqual(1 + 4)
  })

  it('does not wait where the control plane is away', async () => {
    const isolate = await warm()
    isolate.read = { fails: 'away' }
    await isolate.pass(300)
    const visit = await isolate.request(told(2))
    await isolate.pass(30)
    expect([visit.version, visit.waitedMs < 30]).toStrictEqual([1, true])
  })

  it('goes on where whoever began to read is gone', async () => {
    const isolate = await warm()
    isolate.publish()
    isolate.read = { hangs: true }
    await isolate.pass(300)
    ;(await isolate.request(told(2))).abort()
    isolate.read = {}
    await isolate.pass(1_005)
    const visit = await isolate.request(told(2))
    await isolate.pass(20)
    expect(visit.version).toBe(2)
  })
})
