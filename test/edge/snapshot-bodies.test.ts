/** How an isolate comes by the bodies of snapshots, and what it takes for one, in simulated time. */
import { describe, expect, it } from 'vitest'
import type { Update } from '../../engine/index.ts'
import { copy, Simulation, snapshotOf, warm } from './simulation.ts'

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
