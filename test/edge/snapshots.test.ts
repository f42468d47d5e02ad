/** The freshness rule, in simulated time. Source: docs/architecture.md, "Edge freshness". */
import { describe, expect, it } from 'vitest'
import type { KillList, Update } from '../../engine/index.ts'
import type { Copy } from '../../worker/holding.ts'
import { LIMITS, Simulation, snapshotOf, type Visit } from './simulation.ts'

/** An isolate that has answered its first request, whose background work has ended with it. */
async function warm(limits = {}): Promise<Simulation> {
  const isolate = new Simulation(limits).publish()
  const first = await isolate.request()
  await isolate.pass(20)
  expect(first.version).toBe(1)
  first.abort()
  return isolate
}

const copy = (version: number, from: Copy['from'] = 'last-known-good', more: Partial<Copy> = {}): Copy => ({
  from,
  readAtMs: 1_799_999_000_000,
  kills: { epoch: 0, version: 0, kills: [] },
  snapshot: snapshotOf(1, version),
  ...more,
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

describe('by age', () => {
  it('serves at once and reads nothing while the copy is younger than 1 000 ms − 20 %', async () => {
    const isolate = await warm()
    for (let request = 0; request < 7; request += 1) {
      await isolate.pass(100)
      expect((await isolate.request()).immediate).toBe(true)
    }
    expect(isolate.reads).toHaveLength(1)
  })

  it('serves at once and refreshes beside the request when it is older than 1 000 ms + 20 %', async () => {
    for (const random of [0, 0.5, 0.999]) {
      const isolate = new Simulation()
      isolate.random = random
      const first = await isolate.publish().request()
      await isolate.pass(20)
      first.abort()
      isolate.publish()
      await isolate.pass(1_400)
      const visit = await isolate.request()
      expect(visit.immediate).toBe(true)
      expect(visit.version).toBe(1)
      expect(isolate.reads).toHaveLength(2)
      await isolate.pass(20)
      expect((await isolate.request()).version).toBe(2)
    }
  })

  it('spreads the reads of isolates over 800 to 1 200 ms', async () => {
    for (const [random, beforeMs, afterMs] of [
      [0, 795, 810],
      [0.999, 1_190, 1_205],
    ] as const) {
      const isolate = new Simulation()
      isolate.random = random
      await isolate.publish().request()
      await isolate.pass(5 + beforeMs - 5)
      expect(isolate.reads).toHaveLength(1)
      await isolate.pass(afterMs - beforeMs)
      expect(isolate.reads).toHaveLength(2)
    }
  })

  it('waits for the refresh when it is older than 2 000 ms', async () => {
    const isolate = await warm()
    isolate.publish()
    isolate.read = { afterMs: 300 }
    await isolate.pass(2_100)
    const visit = await isolate.request()
    expect(visit.immediate).toBe(false)
    await isolate.pass(290)
    expect(visit.doneMs).toBeNull()
    await isolate.pass(20)
    expect(visit.doneMs).not.toBeNull()
    expect(isolate.snapshots.status.problems).toEqual([])
  })

  it('waits at most REFRESH_TIMEOUT_MS, then serves what it has', async () => {
    const isolate = await warm()
    isolate.read = { hangs: true }
    await isolate.pass(60_000)
    const visit = await isolate.request()
    await isolate.pass(5_000)
    expect(visit.version).toBe(1)
    expect(visit.waitedMs).toBeGreaterThanOrEqual(900)
    expect(visit.waitedMs).toBeLessThanOrEqual(1_010)
  })

  it('has kills and snapshot of this refresh when it has waited', async () => {
    const isolate = await warm()
    isolate.publish().kill({ target: 'flag:v' })
    await isolate.pass(10_000)
    const visit = await isolate.request()
    await isolate.pass(50)
    expect([visit.version, visit.answer?.kills.version]).toEqual([2, 1])
  })

  it('reads on by itself for 25 s after the last request, then rests', async () => {
    const isolate = new Simulation().publish()
    await isolate.request()
    await isolate.pass(25_000)
    const reads = isolate.reads.length
    expect(reads).toBeGreaterThanOrEqual(23)
    expect(reads).toBeLessThanOrEqual(28)
    await isolate.pass(600_000)
    expect(isolate.reads.length).toBeLessThanOrEqual(reads + 1)
  })

  it('keeps reading for as long as requests come, once a second and no more', async () => {
    const isolate = new Simulation().publish()
    for (let tick = 0; tick < 1_200; tick += 1) {
      await isolate.request()
      await isolate.pass(100)
    }
    expect(isolate.reads.length).toBeGreaterThanOrEqual(100)
    expect(isolate.reads.length).toBeLessThanOrEqual(130)
  })
})

describe('many requests', () => {
  it('50 on a stale isolate make one read, and all of them get its kills', async () => {
    const isolate = await warm()
    isolate.read = { afterMs: 80 }
    isolate.kill({ target: 'flag:v' })
    await isolate.pass(30_000)
    const visits: Visit[] = []
    for (let request = 0; request < 50; request += 1) visits.push(await isolate.request())
    await isolate.pass(200)
    expect(isolate.reads).toHaveLength(2)
    for (const visit of visits) {
      expect(visit.waitedMs).toBeLessThanOrEqual(100)
      expect(visit.answer?.kills.version).toBe(1)
    }
  })

  it('50 on a cold isolate make one read and fetch one body', async () => {
    const isolate = new Simulation().publish()
    isolate.read = { afterMs: 80 }
    isolate.body = { afterMs: 200 }
    const visits: Visit[] = []
    for (let request = 0; request < 50; request += 1) visits.push(await isolate.request())
    await isolate.pass(400)
    expect(visits.map(({ version }) => version)).toEqual(Array(50).fill(1))
    expect(isolate.reads).toHaveLength(1)
    expect(isolate.bodies).toEqual(['1/1'])
  })
})

describe('an owner that is aborted', () => {
  it('while it reads, 1 000 times: refresh goes on every time', async () => {
    const isolate = await warm()
    for (let round = 0; round < 1_000; round += 1) {
      isolate.publish()
      await isolate.pass(3_000)
      // It has taken the lease and asked; from now on nothing of it ever runs again.
      const owner = await isolate.request()
      expect(isolate.reads.length).toBeGreaterThan(0)
      owner.abort()
      const next = await isolate.request()
      await isolate.pass(1_100)
      expect(next.doneMs, `round ${round}: the next request is answered`).not.toBeNull()
      expect(next.waitedMs).toBeLessThanOrEqual(1_010)
      const later = await isolate.request()
      await isolate.pass(50)
      expect((await isolate.request()).version, `round ${round}: refresh goes on`).toBe(isolate.version)
      next.abort()
      later.abort()
    }
    expect(isolate.failures).toEqual([])
  })

  it('before it asks, while it reads, while it loads the body, or after: every moment is survived', async () => {
    for (let abortAfterMs = 0; abortAfterMs <= 120; abortAfterMs += 1) {
      const isolate = await warm()
      isolate.read = { afterMs: 30 }
      isolate.body = { afterMs: 60 }
      isolate.publish()
      await isolate.pass(3_000)
      const owner = await isolate.request()
      await isolate.pass(abortAfterMs)
      owner.abort()
      let seen = 0
      for (let elapsedMs = 0; elapsedMs < 7_000 && seen < 2; elapsedMs += 50) {
        const visit = await isolate.request()
        await isolate.pass(50)
        seen = visit.version ?? seen
      }
      expect(seen, `aborted after ${abortAfterMs} ms`).toBe(2)
    }
  })

  it('on a cold isolate: the next request takes over within the time that a cold load may take', async () => {
    const isolate = new Simulation().publish()
    isolate.read = { afterMs: 30 }
    const owner = await isolate.request()
    owner.abort()
    const next = await isolate.request()
    await isolate.pass(1_000)
    const later = await isolate.request()
    await isolate.pass(5_000)
    expect([next.version, later.version]).toContain(1)
    expect((await isolate.request()).version).toBe(1)
  })

  it('while it loads a copy: the others load it themselves', async () => {
    const isolate = new Simulation()
    isolate.read = { fails: 'down' }
    isolate.copies = [
      async () => {
        await isolate.after(100)
        return copy(7)
      },
    ]
    const owner = await isolate.request()
    await isolate.pass(20)
    owner.abort()
    const next = await isolate.request()
    await isolate.pass(2_500)
    expect(next.version).toBe(7)
  })

  it('leaves no lease behind that a second reader cannot take: two owners in a row', async () => {
    const isolate = await warm()
    isolate.publish()
    await isolate.pass(3_000)
    const one = await isolate.request()
    one.abort()
    await isolate.pass(1_001)
    const two = await isolate.request()
    two.abort()
    await isolate.pass(1_001)
    const three = await isolate.request()
    await isolate.pass(50)
    expect(three.doneMs).not.toBeNull()
    expect((await isolate.request()).version).toBe(2)
  })

  it('and comes back late does not disturb its successor', async () => {
    const isolate = await warm()
    isolate.read = { afterMs: 1_500 } // longer than its lease
    await isolate.pass(3_000)
    await isolate.request()
    await isolate.pass(1_100)
    isolate.read = { afterMs: 400 }
    const before = isolate.reads.length
    await isolate.pass(300)
    await isolate.request()
    await isolate.request()
    await isolate.pass(399)
    await isolate.request()
    expect(isolate.reads.length - before).toBeLessThanOrEqual(1)
  })
})

describe('an outage', () => {
  it('makes nobody wait more than once, and ends by itself', async () => {
    for (const manner of [{ fails: 'down' }, { hangs: true }, { fails: 'slow failure', afterMs: 700 }]) {
      const isolate = await warm()
      isolate.read = manner
      await isolate.pass(10_000)
      const first = await isolate.request()
      await isolate.pass(1_010)
      expect(first.version).toBe(1)
      for (let tick = 0; tick < 600; tick += 1) {
        const visit = await isolate.request()
        await isolate.pass(100)
        expect(visit.immediate, `${JSON.stringify(manner)}, ${tick * 100} ms later`).toBe(true)
        expect(visit.version).toBe(1)
      }
      expect(isolate.snapshots.status.problems).not.toEqual([])
      isolate.read = {}
      isolate.publish()
      for (let tick = 0; tick < 25; tick += 1) {
        await isolate.request()
        await isolate.pass(100)
      }
      expect((await isolate.request()).version).toBe(2)
      expect(isolate.snapshots.status.problems).toEqual([])
    }
  })

  it('makes nobody wait twice either where REFRESH_TIMEOUT_MS is longer than the stale limit', async () => {
    const isolate = await warm({ refreshTimeoutMs: 3_000 })
    isolate.read = { hangs: true }
    await isolate.pass(10_000)
    await isolate.request()
    await isolate.pass(3_010)
    for (let tick = 0; tick < 200; tick += 1) {
      const visit = await isolate.request()
      await isolate.pass(100)
      expect(visit.immediate, `${tick * 100} ms later`).toBe(true)
    }
  })

  it('does not make the edge read faster than once a second', async () => {
    const isolate = await warm()
    isolate.read = { fails: 'down' }
    await isolate.pass(10_000)
    const before = isolate.reads.length
    for (let tick = 0; tick < 300; tick += 1) {
      await isolate.request()
      await isolate.pass(100)
    }
    expect(isolate.reads.length - before).toBeLessThanOrEqual(40)
  })
})

describe('a cold isolate', () => {
  const broken = () => Promise.reject(new Error('copy is broken'))
  const nothing = async () => null

  it('takes the control plane first', async () => {
    const isolate = new Simulation().publish(9)
    isolate.copies = [async () => copy(7, 'location-cache'), async () => copy(8)]
    const visit = await isolate.request()
    await isolate.pass(50)
    expect(visit.version).toBe(9)
    expect(isolate.snapshots.status.source).toBe('control-plane')
  })

  it('waits for the control plane up to COLD_LOAD_TIMEOUT_MS, then takes the location’s copy, then last-known-good', async () => {
    for (const manner of [{ hangs: true }, { fails: 'down' }])
      for (const [copies, version, source] of [
        [[async () => copy(7, 'location-cache'), async () => copy(8)], 7, 'location-cache'],
        [[nothing, async () => copy(8)], 8, 'last-known-good'],
        [[broken, async () => copy(8)], 8, 'last-known-good'],
      ] as const) {
        const isolate = new Simulation()
        isolate.read = manner
        isolate.copies = [...copies]
        const visit = await isolate.request()
        await isolate.pass(LIMITS.coldLoadTimeoutMs + 100)
        expect(visit.version).toBe(version)
        expect(visit.waitedMs).toBeLessThanOrEqual(LIMITS.coldLoadTimeoutMs + 50)
        expect(isolate.snapshots.status).toMatchObject({ source })
        expect(isolate.snapshots.status.problems.join()).toContain('control plane')
      }
  })

  it('answers null where there is nothing, at once for a while, and tries again', async () => {
    const isolate = new Simulation()
    isolate.read = { fails: 'down' }
    isolate.copies = [nothing, broken]
    const first = await isolate.request()
    await isolate.pass(50)
    expect(first.answer).toBeNull()
    const second = await isolate.request()
    await isolate.pass(10)
    expect(second.answer).toBeNull()
    expect(second.waitedMs).toBeLessThanOrEqual(10)
    isolate.read = {}
    isolate.publish()
    await isolate.pass(1_500)
    const third = await isolate.request()
    await isolate.pass(50)
    expect(third.version).toBe(1)
  })

  it('is not answered by a copy of unknown format', async () => {
    const isolate = new Simulation()
    isolate.read = { fails: 'down' }
    const unknown = snapshotOf(1, 9).replace('"format":1', '"format":99')
    isolate.copies = [async () => copy(9, 'location-cache', { snapshot: unknown }), async () => copy(3)]
    const visit = await isolate.request()
    await isolate.pass(50)
    expect(visit.version).toBe(3)
  })

  it('keeps the kills of a copy, and a copy never takes back a newer kill', async () => {
    const list = (version: number, ...targets: 'flag:v'[]): KillList => ({
      epoch: 1,
      version,
      kills: targets.map((target) => ({ target })),
    })
    const isolate = new Simulation().publish().kill({ target: 'flag:v' }).kill({ target: 'flag:v' })
    isolate.body = { fails: 'body is gone' }
    isolate.copies = [async () => copy(7, 'last-known-good', { kills: list(1) })]
    const visit = await isolate.request()
    await isolate.pass(LIMITS.coldLoadTimeoutMs + 100)
    expect(visit.answer?.kills.version).toBe(2)
    const other = new Simulation()
    other.read = { fails: 'down' }
    other.copies = [async () => copy(7, 'last-known-good', { kills: list(5, 'flag:v') })]
    const killed = await other.request()
    await other.pass(50)
    expect(killed.answer?.kills).toMatchObject({ version: 5, kills: [{ target: 'flag:v' }] })
  })

  it('takes copies at once when only the body cannot be had, and does not ask every request to wait', async () => {
    const isolate = new Simulation().publish()
    isolate.bodyText = () => 'garbage'
    isolate.copies = [nothing]
    const first = await isolate.request()
    await isolate.pass(100)
    expect(first.answer).toBeNull()
    const second = await isolate.request()
    await isolate.pass(20)
    expect(second.waitedMs).toBeLessThanOrEqual(20)
  })
})

describe('kills', () => {
  const warmed = async () => {
    const isolate = await warm()
    await isolate.pass(3_000)
    return isolate
  }

  it('are applied before the body, and without it', async () => {
    const isolate = await warmed()
    isolate.publish().kill({ target: 'flag:v' })
    isolate.body = { hangs: true }
    const visit = await isolate.request()
    await isolate.pass(20)
    expect(isolate.snapshots.glance(isolate.sources, () => {})?.kills.version).toBe(1)
    // The request itself goes on waiting for what else the read has named.
    await isolate.pass(LIMITS.refreshTimeoutMs - 20)
    expect(visit.version).toBe(1)
    expect(visit.answer?.kills.version).toBe(1)
  })

  it('are never delayed by a body that hangs or is large', async () => {
    const isolate = await warmed()
    isolate.publish()
    isolate.bodyText = (epoch, version) => snapshotOf(epoch, version, 'x'.repeat(1_000_000))
    isolate.body = { hangs: true }
    await isolate.request()
    await isolate.pass(50)
    for (let round = 1; round <= 5; round += 1) {
      isolate.kill({ target: 'flag:v' })
      let seenAfterMs = 0
      for (; seenAfterMs < 3_000; seenAfterMs += 50) {
        const visit = await isolate.request()
        if (visit.answer?.kills.version === round) break
        await isolate.pass(50)
      }
      expect(seenAfterMs).toBeLessThanOrEqual(1_300)
    }
  })

  it('arrive by themselves while a body hangs: no request is needed', async () => {
    const isolate = await warmed()
    isolate.publish()
    isolate.body = { hangs: true }
    await isolate.request()
    await isolate.pass(50)
    isolate.kill({ target: 'flag:v' })
    await isolate.pass(1_300)
    expect((await isolate.request()).answer?.kills.version).toBe(1)
  })

  it('arrive while the body fails, again and again', async () => {
    const isolate = await warmed()
    isolate.publish()
    isolate.body = { fails: 'body is gone' }
    for (let round = 1; round <= 5; round += 1) {
      isolate.kill({ target: 'flag:v' })
      await isolate.request()
      await isolate.pass(1_500)
      const visit = await isolate.request()
      expect(visit.version).toBe(1)
      expect(visit.answer?.kills.version).toBe(round)
      expect(isolate.snapshots.status.problems.join()).toContain('body is gone')
    }
    isolate.body = {}
    await isolate.pass(1_500)
    await isolate.request()
    await isolate.pass(50)
    expect((await isolate.request()).version).toBe(2)
  })

  it('of an older list never take back a newer one, nor does an older epoch', async () => {
    const isolate = new Simulation()
    isolate.epoch = 4
    isolate.publish(3).kill({ target: 'flag:v' }).kill({ target: 'flag:v' })
    await isolate.request()
    await isolate.pass(20)
    for (const [epoch, version] of [
      [4, 1],
      [3, 99],
      [0, 0],
    ] as const) {
      isolate.kills = { epoch, version, kills: [] }
      await isolate.pass(3_000)
      const visit = await isolate.request()
      await isolate.pass(50)
      expect(visit.answer?.kills).toMatchObject({ epoch: 4, version: 2 })
    }
    isolate.kills = { epoch: 5, version: 1, kills: [] }
    await isolate.pass(3_000)
    await isolate.request()
    await isolate.pass(50)
    expect((await isolate.request()).answer?.kills).toMatchObject({ epoch: 5, version: 1 })
  })

  it('go along with every read while there are any: the control plane may have lost them', async () => {
    const isolate = new Simulation().publish()
    await isolate.request()
    await isolate.pass(20)
    expect(isolate.reads.at(-1)).not.toHaveProperty('held')
    isolate.kill({ target: 'flag:v' })
    for (const _ of [1, 2]) {
      await isolate.pass(3_000)
      await isolate.request()
      await isolate.pass(50)
    }
    expect(isolate.reads.at(-1)).toMatchObject({
      kills: 1,
      held: { version: 1, kills: [{ target: 'flag:v' }] },
    })
  })

  it('are reported with the epoch that they have: a list of an older epoch is not taken for the current one', async () => {
    // After a restore: the snapshot of epoch 2 is here, the list of epoch 1 still holds, both lists have version 1.
    const isolate = new Simulation().publish()
    isolate.kills = { epoch: 1, version: 1, kills: [{ target: 'flag:v' }] }
    await isolate.request()
    await isolate.pass(20)
    isolate.epoch = 2
    isolate.publish(1)
    for (let second = 0; second < 3; second += 1) {
      await isolate.pass(1_500)
      await isolate.request()
    }
    isolate.kills = { epoch: 2, version: 1, kills: [] }
    for (let second = 0; second < 3; second += 1) {
      await isolate.pass(1_500)
      await isolate.request()
    }
    expect((await isolate.request()).answer?.kills).toMatchObject({ epoch: 2, version: 1 })
  })
})

describe('the snapshot', () => {
  it('of an older version or epoch never wins', async () => {
    const isolate = new Simulation()
    isolate.epoch = 3
    isolate.publish(8)
    await isolate.request()
    await isolate.pass(20)
    for (const [epoch, version] of [
      [3, 7],
      [2, 900],
      [3, 8],
    ] as const) {
      isolate.epoch = epoch
      isolate.publish(version)
      await isolate.pass(3_000)
      await isolate.request()
      await isolate.pass(50)
      const { answer } = await isolate.request()
      expect([answer?.snapshot.epoch, answer?.snapshot.version]).toEqual([3, 8])
    }
    isolate.epoch = 4
    isolate.publish(1)
    await isolate.pass(3_000)
    await isolate.request()
    await isolate.pass(50)
    expect((await isolate.request()).answer?.snapshot).toMatchObject({ epoch: 4, version: 1 })
  })

  it('that comes late does not replace a newer copy that was taken meanwhile', async () => {
    const isolate = new Simulation().publish(4)
    isolate.read = { afterMs: 200 }
    isolate.body = { afterMs: 4_850 } // just after nobody waits for it any more
    isolate.copies = [async () => copy(7)]
    const visit = await isolate.request()
    await isolate.pass(6_000)
    expect(visit.version).toBe(7)
    expect(isolate.bodies).toEqual(['1/4'])
    expect((await isolate.request()).version).toBe(7)
  })

  it('may come newer than it was named, and is kept under the version that it is', async () => {
    const isolate = new Simulation().publish(4)
    isolate.bodyText = (epoch, version) => snapshotOf(epoch, version + 3)
    await isolate.request()
    await isolate.pass(20)
    expect((await isolate.request()).version).toBe(7)
    expect(isolate.snapshots.status.problems).toEqual([])
    const [remembered] = isolate.remembered as [{ update: Update; body: string }]
    expect(remembered.update).toMatchObject({ epoch: 1, snapshot: 7 })
    expect(remembered.body).toBe(snapshotOf(1, 7))
    isolate.publish(7)
    await isolate.pass(3_000)
    expect(isolate.bodies).toEqual(['1/4'])
  })

  it('that is already held is not fetched again', async () => {
    const isolate = new Simulation().publish()
    for (let tick = 0; tick < 100; tick += 1) {
      await isolate.request()
      await isolate.pass(100)
    }
    expect(isolate.bodies).toEqual(['1/1'])
  })

  it('of an unknown format, or that is no snapshot, keeps the last one and says so', async () => {
    for (const text of [
      snapshotOf(1, 2).replace('"format":1', '"format":2'),
      snapshotOf(1, 2).replace('"format":1', '"format":"1"'),
      '',
      'null',
      '[]',
      '<html>',
      snapshotOf(1, 2).slice(0, 80),
    ]) {
      const isolate = await warm()
      isolate.publish()
      isolate.bodyText = () => text
      await isolate.pass(3_000)
      await isolate.request()
      await isolate.pass(50)
      expect((await isolate.request()).version, text.slice(0, 30)).toBe(1)
      expect(isolate.snapshots.status.problems.join()).toMatch(/snapshot/)
      isolate.bodyText = snapshotOf
      isolate.publish()
      await isolate.pass(1_500)
      await isolate.request()
      await isolate.pass(50)
      expect((await isolate.request()).version).toBe(3)
      expect(isolate.snapshots.status.problems).toEqual([])
    }
  })

  it('that hangs is given up: the next version arrives', async () => {
    const isolate = await warm()
    isolate.publish()
    isolate.body = { hangs: true }
    await isolate.pass(3_000)
    await isolate.request()
    await isolate.pass(50)
    isolate.body = {}
    isolate.publish()
    for (let tick = 0; tick < 80; tick += 1) {
      await isolate.request()
      await isolate.pass(100)
    }
    expect((await isolate.request()).version).toBe(3)
  })
})

describe('the memory of the location', () => {
  it('is told what the control plane said, and when', async () => {
    const isolate = new Simulation().publish().kill({ target: 'flag:v' })
    await isolate.request()
    await isolate.pass(50)
    expect(isolate.remembered).toMatchObject([
      {
        readAtMs: 1_800_000_000_000,
        update: { epoch: 1, snapshot: 1 },
        kills: { version: 1, kills: [{ target: 'flag:v' }] },
      },
    ])
  })

  it('holds the whole list of kills, also when the update had none because it was known', async () => {
    const isolate = new Simulation().publish().kill({ target: 'flag:v' })
    await isolate.request()
    await isolate.pass(3_000)
    expect(isolate.remembered.length).toBeGreaterThan(1)
    expect(isolate.remembered.at(-1)).toMatchObject({ kills: { version: 1 } })
  })
})
