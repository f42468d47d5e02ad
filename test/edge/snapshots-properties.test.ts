/** The freshness rule under random schedules: whatever fails, in whatever order, nothing goes back and nothing stops for good. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { LIMITS, type Manner, Simulation, snapshotOf, type Visit } from './simulation.ts'

const manner: fc.Arbitrary<Manner> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ afterMs: fc.integer({ min: 0, max: 50 }) }) },
  { weight: 2, arbitrary: fc.constantFrom<Manner>({ fails: 'down' }, { fails: 'slow', afterMs: 900 }) },
  { weight: 2, arbitrary: fc.constantFrom<Manner>({ hangs: true }, { afterMs: 1_500 }, { afterMs: 6_000 }) },
)

type Step =
  | { do: 'pass'; ms: number }
  | { do: 'request' }
  | { do: 'abort'; which: number }
  | { do: 'publish' | 'kill' | 'new-epoch' | 'restore-old' | 'garbage' | 'whole' }
  | { do: 'read'; manner: Manner }
  | { do: 'body'; manner: Manner }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      ms: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.constantFrom(1_000, 2_500, 40_000)),
    }),
  },
  { weight: 8, arbitrary: fc.constant({ do: 'request' as const }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('abort' as const), which: fc.nat(20) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('publish' as const, 'kill', 'new-epoch', 'restore-old', 'garbage', 'whole'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.oneof(
      fc.record({ do: fc.constant('read' as const), manner }),
      fc.record({ do: fc.constant('body' as const), manner }),
    ),
  },
)

/** What the control plane has told: the truth that an isolate must reach, and never go back from. */
class World {
  readonly isolate = new Simulation()
  readonly visits: Visit[] = []
  readonly answered = new Set<Visit>()
  /** In the order in which they were answered. */
  readonly seen: { snapshot: number; kills: number }[] = []
  #broken = false

  constructor() {
    this.isolate.publish()
    this.isolate.bodyText = (epoch, version) => (this.#broken ? 'garbage' : snapshotOf(epoch, version))
  }

  async run(one: Step): Promise<void> {
    const { isolate } = this
    if (one.do === 'pass') await isolate.pass(one.ms)
    else if (one.do === 'request') this.visits.push(await isolate.request())
    else if (one.do === 'abort') this.visits.at(-1 - one.which)?.abort()
    else if (one.do === 'publish') isolate.publish()
    else if (one.do === 'kill') isolate.kill({ target: 'flag:v' })
    else if (one.do === 'new-epoch') this.#newEpoch()
    else if (one.do === 'restore-old') isolate.publish(Math.max(1, isolate.version - 1))
    else if (one.do === 'garbage') this.#broken = true
    else if (one.do === 'whole') this.#broken = false
    else if (one.do === 'read' || one.do === 'body') isolate[one.do] = one.manner
    this.#collect()
  }

  #newEpoch(): void {
    const { isolate } = this
    isolate.epoch += 1
    isolate.version = 1
    isolate.kills = { epoch: isolate.epoch, version: 1, kills: isolate.kills.kills }
  }

  /** Answers in order of time; those of one moment count as one. */
  #collect(): void {
    const fresh = this.visits.filter((visit) => visit.doneMs !== null && !this.answered.has(visit))
    for (const visit of fresh.toSorted((a, b) => a.doneMs! - b.doneMs!)) {
      this.answered.add(visit)
      if (!visit.answer || visit.aborted) continue
      const { snapshot, kills } = visit.answer
      this.seen.push({
        snapshot: snapshot.epoch * 1e6 + snapshot.version,
        kills: kills.epoch * 1e6 + kills.version,
      })
    }
  }
}

const schedule = fc.array(step, { maxLength: 60 })
const runs = { numRuns: 300 }

it('no request ever sees an older snapshot or an older list of kills than one before it', async () => {
  await fc.assert(
    fc.asyncProperty(schedule, async (steps) => {
      const world = new World()
      for (const one of steps) await world.run(one)
      for (const [index, { snapshot, kills }] of world.seen.entries()) {
        const before = world.seen[index - 1]
        if (!before) continue
        expect(snapshot).toBeGreaterThanOrEqual(before.snapshot)
        expect(kills).toBeGreaterThanOrEqual(before.kills)
      }
    }),
    runs,
  )
})

it('refresh never stops for good: whatever has happened, a healthy control plane is followed again', async () => {
  await fc.assert(
    fc.asyncProperty(schedule, async (steps) => {
      const world = new World()
      const { isolate } = world
      for (const one of steps) await world.run(one)
      for (const visit of world.visits) visit.abort()
      isolate.read = {}
      isolate.body = {}
      await world.run({ do: 'whole' })
      isolate.epoch += 1
      isolate.version = 1
      isolate.kills = { epoch: isolate.epoch, version: 1, kills: [] }
      // A lease that a dead request left behind may hold for as long as a cold load, or a body, may take.
      for (let tick = 0; tick < 36; tick += 1) {
        await isolate.request()
        await isolate.pass(250)
      }
      const { answer } = await isolate.request()
      expect(answer?.snapshot).toMatchObject({ epoch: isolate.epoch, version: 1 })
      expect(answer?.kills).toMatchObject({ epoch: isolate.epoch, version: 1 })
      expect(isolate.snapshots.status).toMatchObject({ source: 'control-plane', problems: [] })
    }),
    { numRuns: 120 },
  )
})

it('nobody waits longer than a refresh, or a cold load, may take, and nothing is thrown', async () => {
  await fc.assert(
    fc.asyncProperty(schedule, async (steps) => {
      const world = new World()
      for (const one of steps) await world.run(one)
      await world.isolate.pass(20_000)
      expect(world.isolate.failures).toEqual([])
      for (const visit of world.visits) {
        if (visit.aborted) continue
        const limitMs = LIMITS.coldLoadTimeoutMs + 2 * LIMITS.refreshTimeoutMs + 20
        expect(visit.waitedMs).toBeLessThanOrEqual(limitMs)
      }
      let loaded = false
      for (const visit of world.visits) {
        if (loaded && !visit.aborted) expect(visit.waitedMs).toBeLessThanOrEqual(LIMITS.refreshTimeoutMs + 10)
        loaded ||= visit.immediate && Boolean(visit.answer)
      }
    }),
    runs,
  )
})

it('with a control plane that answers in time, no answer is older than the staleness that is allowed', async () => {
  const healthy = fc.record({ afterMs: fc.integer({ min: 0, max: 200 }) })
  const calm: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('pass' as const),
        ms: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1_500, max: 40_000 })),
      }),
    },
    { weight: 4, arbitrary: fc.constant({ do: 'request' as const }) },
    { weight: 2, arbitrary: fc.constant({ do: 'publish' as const }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('read' as const, 'body'), manner: healthy }) },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(calm, { maxLength: 60 }), async (steps) => {
      const world = new World()
      const published: { atMs: number; version: number }[] = []
      const note = () => published.push({ atMs: world.isolate.nowMs, version: world.isolate.version })
      note()
      for (const one of steps) {
        await world.run(one)
        if (one.do === 'publish') note()
      }
      await world.isolate.pass(LIMITS.coldLoadTimeoutMs)
      for (const { startedMs, version } of world.visits) {
        const owed = published.findLast(({ atMs }) => atMs <= startedMs - LIMITS.maxStaleMs)
        expect(version).toBeGreaterThanOrEqual(owed?.version ?? 1)
      }
    }),
    runs,
  )
})
