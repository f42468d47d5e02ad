/** The freshness rule, in simulated time. Source: docs/architecture.md, "Edge freshness". */
import { describe, expect, it } from 'vitest'
import type { Update } from '../../engine/index.ts'
import { copy, Simulation, type Visit, warm } from './simulation.ts'

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

  it.each(Array.from({ length: 25 }, (_, second) => 1_000 * second))(
    'reports for ten seconds after the last request, which came %i ms after the first',
    async (ms) => {
      const isolate = new Simulation().publish()
      await isolate.request()
      await isolate.pass(ms)
      await isolate.request()
      const lastMs = isolate.nowMs
      await isolate.pass(600_000)
      expect(isolate.reports.at(-1)! - lastMs).toBeGreaterThanOrEqual(9_000)
    },
  )

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

describe('a control plane that is always slower than REFRESH_TIMEOUT_MS', () => {
  /** Requests every 50 ms for eight seconds: when each first saw what was published, and how long anybody waited. */
  const follow = async (isolate: Simulation) => {
    const seen = { kills: Number.NaN, version: Number.NaN, waitedMs: 0 }
    const visits: Visit[] = []
    for (let elapsedMs = 0; elapsedMs < 8_000; elapsedMs += 50) {
      visits.push(await isolate.request())
      await isolate.pass(50)
      const { answer } = visits.at(-1)!
      if (Number.isNaN(seen.kills) && answer?.kills.version === 1) seen.kills = elapsedMs
      if (Number.isNaN(seen.version) && answer?.snapshot.version === 2) seen.version = elapsedMs
    }
    seen.waitedMs = Math.max(...visits.map(({ waitedMs }) => waitedMs))
    return seen
  }

  it('is followed all the same: what it says late counts, kills and snapshot', async () => {
    const isolate = await warm()
    isolate.publish().kill({ target: 'flag:v' })
    isolate.read = { afterMs: 1_500 }
    const seen = await follow(isolate)
    expect(seen.kills).toBeLessThanOrEqual(3_000)
    expect(seen.version).toBeLessThanOrEqual(3_000)
    expect(seen.waitedMs).toBeLessThanOrEqual(1_000)
    expect(isolate.snapshots.status.problems).toEqual([
      'control plane cannot be read: no answer within 1000 ms',
    ])
    expect(isolate.failures).toEqual([])
  })

  it('takes back nothing that a quicker answer has said since', async () => {
    const isolate = await warm()
    isolate.answersAsAsked = true
    isolate.read = { afterMs: 3_000 }
    await isolate.pass(1_300)
    await isolate.request()
    isolate.publish(5).kill({ target: 'flag:v' })
    isolate.read = {}
    await isolate.pass(2_100)
    await isolate.request()
    await isolate.pass(50)
    const before = (await isolate.request()).answer
    expect([before?.snapshot.version, before?.kills.version]).toEqual([5, 1])
    await isolate.pass(1_000)
    expect([...isolate.bodies]).toEqual(['1/1', '1/5'])
    const after = (await isolate.request()).answer
    expect([after?.snapshot.version, after?.kills.version]).toEqual([5, 1])
    const remembered = (isolate.remembered as { update: Update }[]).map(({ update }) => update.snapshot)
    expect(remembered).toEqual(remembered.toSorted())
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
