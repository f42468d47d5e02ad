/** Which kills an isolate knows, whatever becomes of snapshots, in simulated time. */
import { describe, expect, it } from 'vitest'
import { LIMITS, Simulation, snapshotOf, warm } from './simulation.ts'

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
