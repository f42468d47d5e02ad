/** What an isolate does that has nothing yet: the control plane first, then copies, in simulated time. */
import { describe, expect, it } from 'vitest'
import type { KillList } from '../../engine/index.ts'
import { copy, LIMITS, Simulation, snapshotOf } from './simulation.ts'

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
