/** What edges report, over the binding: where it ends up, what survives, and what it can never do. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { EnvironmentObject } from '../../admin/objects/environment.ts'
import type { MetricsObject } from '../../admin/objects/metrics.ts'
import type { Target } from '../../admin/propagation.ts'
import { system } from '../../admin/settings.ts'
import type { ControlRpc, MetricBatch } from '../../engine/index.ts'
import { call, environment, value } from './client.ts'

const control = (environment: string): ControlRpc =>
  exports.ControlRpc({ props: { environment } }) as unknown as ControlRpc

const metrics = (environment: string, location = 'MUC'): DurableObjectStub<MetricsObject> =>
  env.METRICS.getByName(`${environment}/${location}`)

const TARGET: Target = { kind: 'kills', epoch: 1, version: 1, publishedAtMs: 0 }

const batch = (isolate: string, sequence: number, more: Partial<MetricBatch> = {}): MetricBatch => ({
  isolate,
  sequence,
  location: 'MUC',
  sentAtMs: Date.now(),
  requests: 10,
  serves: { epoch: 1, snapshot: 1, kills: 1 },
  arrivals: [],
  ...more,
})

async function failureOf(call: Promise<unknown>): Promise<string> {
  const failed = await call.then(
    () => null,
    (thrown: Error) => thrown.message,
  )
  expect(failed).not.toBeNull()
  return failed!
}

const alarmOf = (environment: string): Promise<number | null> =>
  runInDurableObject(metrics(environment), (_, { storage }) => storage.getAlarm())

afterEach(() => void vi.useRealTimers())
/** Only what the object reads: its storage and the runtime keep their own time. */
const at = (ms: number) => {
  vi.useFakeTimers({ toFake: ['Date'] })
  vi.setSystemTime(ms)
}
const START = Date.now()

describe('record', () => {
  it('answers how long to wait, and counts each batch once', async () => {
    const { name } = await environment()
    expect(await control(name).record(batch('a', 1))).toEqual({ flushMs: 1_000 })
    await control(name).record(batch('a', 1))
    await control(name).record(batch('a', 2))
    expect(await metrics(name).reach('MUC', TARGET)).toMatchObject({ isolates: 1, reached: 1, requests: 20 })
  })

  it('goes to the object of its location, in the environment of the binding, whatever the batch says', async () => {
    const [one, other] = [await environment(), await environment()]
    await control(one.name).record({ ...batch('a', 1), environment: other.name } as MetricBatch)
    await control(one.name).record(batch('b', 1, { location: 'FRA' }))
    expect(await metrics(one.name).reach('MUC', TARGET)).toMatchObject({ isolates: 1 })
    expect(await metrics(one.name, 'FRA').reach('FRA', TARGET)).toMatchObject({ isolates: 1 })
    expect(await metrics(other.name).reach('MUC', TARGET)).toMatchObject({ isolates: 0 })
  })

  it('refuses what is no batch, and names the field', async () => {
    const { name } = await environment()
    const broken = { ...batch('a', 1), location: '../other/MUC' }
    expect(await failureOf(control(name).record(broken))).toContain(`environment "${name}": batch.location: `)
    expect(await failureOf(control('').record(batch('a', 1)))).toContain('props = { environment = "…" }')
  })

  it('asks for fewer batches where there are many isolates', async () => {
    const { name } = await environment()
    const flushMs = await runInDurableObject(metrics(name), (object) => {
      const answers = Array.from({ length: 1_000 }, (_, n) => object.record(name, batch(`${n}`, 1)).flushMs)
      return [0, 249, 499, 999].map((n) => answers[n])
    })
    expect(flushMs).toEqual([1_000, 1_000, 2_000, 3_000])
  })
})

describe('the locations of an environment', () => {
  const locationsOf = async (stub: Awaited<ReturnType<typeof environment>>['stub']) => {
    const published = await stub.published('snapshot', null)
    return published.ok ? published.value.locations : published.error
  }

  it('are known from their first batch, and told once', async () => {
    const { name, stub } = await environment()
    const told = vi.spyOn(EnvironmentObject.prototype, 'addLocation')
    for (let n = 1; n <= 3; n += 1) await control(name).record(batch('a', n))
    await control(name).record(batch('b', 1, { location: 'FRA' }))
    await vi.waitFor(async () => expect(await locationsOf(stub)).toEqual(['FRA', 'MUC']))
    expect(told.mock.calls).toEqual([['MUC'], ['FRA']])
    told.mockRestore()
  })

  it('are told again to an environment of the same name that was made anew', async () => {
    const { name, api, stub } = await environment()
    await control(name).record(batch('a', 1))
    await vi.waitFor(async () => expect(await locationsOf(stub)).toEqual(['MUC']))
    await call(api, { method: 'DELETE', headers: { 'if-match': '*' } })
    await call(api, { method: 'PUT', body: {}, headers: { 'if-none-match': '*' } })
    expect(await locationsOf(stub)).toEqual([])
    at(START + 60_000)
    await control(name).record(batch('a', 2, { serves: { epoch: 2, snapshot: 1, kills: 0 } }))
    await vi.waitFor(async () => expect(await locationsOf(stub)).toEqual(['MUC']))
  })

  it('that cannot be told are told later, and the log says so', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const name = `unborn-${crypto.randomUUID()}`
    await control(name).record(batch('a', 1))
    await vi.waitFor(() => expect(warn.mock.calls.flat().join()).toContain('environment-unknown'))
    await control(name).record(batch('a', 2))
    await call(`/api/v1/environments/${name}`, { method: 'PUT', body: {}, headers: { 'if-none-match': '*' } })
    expect(warn).toHaveBeenCalledTimes(1)
    at(START + 60_000)
    await control(name).record(batch('a', 3))
    await vi.waitFor(async () => expect(await locationsOf(env.ENVIRONMENTS.getByName(name))).toEqual(['MUC']))
    warn.mockRestore()
  })
})

describe('a restart of the control plane', () => {
  it('settles for ten seconds where there was traffic, and knows isolates again from their next batch', async () => {
    const { name } = await environment()
    at(START)
    await control(name).record(batch('a', 7))
    await evictDurableObject(metrics(name))
    expect(await metrics(name).reach('MUC', TARGET)).toMatchObject({ isolates: 0, settling: true })
    at(START + 3_000)
    await control(name).record(batch('a', 8))
    expect(await metrics(name).reach('MUC', TARGET)).toMatchObject({ isolates: 1, settling: true })
    at(START + 10_000)
    await control(name).record(batch('a', 9))
    expect(await metrics(name).reach('MUC', TARGET)).toMatchObject({
      isolates: 1,
      settling: false,
      requests: 20,
    })
  })

  it('has nothing to wait for where nobody was', async () => {
    const { name } = await environment()
    const never = { isolates: 0, settling: false, lastSeenAtMs: null }
    expect(await metrics(name).reach('MUC', TARGET)).toMatchObject(never)
    at(START)
    await control(name).record(batch('a', 1))
    at(START + 61_000)
    expect(await runDurableObjectAlarm(metrics(name))).toBe(true)
    expect(await runDurableObjectAlarm(metrics(name))).toBe(false)
    await evictDurableObject(metrics(name))
    expect(await metrics(name).reach('MUC', TARGET)).toMatchObject({
      isolates: 0,
      settling: false,
      lastSeenAtMs: START,
    })
  })

  it('has nothing to wait for where everybody sleeps, and still hears them', async () => {
    const { name } = await environment()
    at(START)
    await control(name).record(batch('a', 1))
    at(START + 14_000)
    await control(name).record(batch('a', 2, { requests: 0 }))
    at(START + 15_000)
    expect(await runDurableObjectAlarm(metrics(name))).toBe(true)
    await evictDurableObject(metrics(name))
    expect(await metrics(name).reach('MUC', TARGET)).toMatchObject({ isolates: 0, settling: false })
    at(START + 24_000)
    await control(name).record(batch('a', 3, { requests: 0 }))
    at(START + 30_000)
    expect(await runDurableObjectAlarm(metrics(name))).toBe(true)
    expect(await metrics(name).reach('MUC', TARGET)).toMatchObject({ lastSeenAtMs: START + 24_000 })
    at(START + 45_000)
    expect(await runDurableObjectAlarm(metrics(name))).toBe(true)
    expect(await runDurableObjectAlarm(metrics(name))).toBe(false)
  })

  it('has nothing to wait for a few seconds after everybody has gone to sleep, but what they may still answer by', async () => {
    const { name } = await environment()
    at(START)
    await control(name).record(batch('a', 1))
    await control(name).record(batch('b', 1))
    at(START + 1_000)
    await control(name).record(batch('a', 2, { requests: 0 }))
    await control(name).record(batch('b', 2))
    expect(await alarmOf(name)).toBeGreaterThan(START + 10_000)
    at(START + 2_000)
    await control(name).record(batch('b', 3, { requests: 0 }))
    expect(await alarmOf(name)).toBe(START + 5_000)
    at(START + 3_000)
    await control(name).record(batch('a', 3, { requests: 0 }))
    expect(await alarmOf(name)).toBe(START + 5_000)
    at(START + 5_000)
    expect(await runDurableObjectAlarm(metrics(name))).toBe(true)
    await evictDurableObject(metrics(name))
    at(START + 15_000)
    expect(await metrics(name).reach('MUC', TARGET)).toMatchObject({ isolates: 0, settling: false })
    const fresh = { ...TARGET, publishedAtMs: START + 15_000 }
    expect(await metrics(name).reach('MUC', fresh)).toMatchObject({ isolates: 0, settling: true })
    at(START + 17_000)
    expect(await metrics(name).reach('MUC', fresh)).toMatchObject({ isolates: 0, settling: false })
  })

  it('takes nobody for silent whom it has had no time to hear', async () => {
    const { name } = await environment()
    at(START)
    await control(name).record(batch('a', 1))
    await evictDurableObject(metrics(name))
    at(START + 61_000)
    await metrics(name).contexts() // it is loaded now
    expect(await runDurableObjectAlarm(metrics(name))).toBe(true)
    expect(await metrics(name).reach('MUC', TARGET)).toMatchObject({ settling: true })
    at(START + 71_000)
    expect(await runDurableObjectAlarm(metrics(name))).toBe(true)
    await evictDurableObject(metrics(name))
    expect(await metrics(name).reach('MUC', TARGET)).toMatchObject({ settling: false })
  })
})

describe('contexts', () => {
  it('are kept with what they stand for, once', async () => {
    const { name } = await environment()
    const sample = { of: 30, contexts: [{ 'geo.country': 'DE' }, { 'geo.country': 'FR' }] }
    await control(name).record(batch('a', 1, { sample }))
    await control(name).record(batch('a', 1, { sample }))
    expect(await metrics(name).contexts()).toEqual([
      { context: { 'geo.country': 'DE' }, weight: 15 },
      { context: { 'geo.country': 'FR' }, weight: 15 },
    ])
  })
})

describe('what no control plane of this version knows', () => {
  it('is stored nowhere', async () => {
    const { name } = await environment()
    const contexts = [{ 'geo.country': 'DE', 'request.ip': '203.0.113.7' }]
    await control(name).record(batch('a', 1, { sample: { of: 1, contexts } }))
    expect(await metrics(name).contexts()).toEqual([{ context: { 'geo.country': 'DE' }, weight: 1 }])
  })
})

describe('versions of the kill list', () => {
  it('are kept with the time at which they were made', async () => {
    const { api, stub } = await environment({ flags: { a: true } })
    const beforeMs = Date.now()
    await value(await call(`${api}/kills/flag:a`, { method: 'PUT', body: { reason: 'x' } }))
    const published = await stub.published('kills', 1)
    const { target } = published.ok ? published.value : { target: null }
    expect(target).toMatchObject({ kind: 'kills', version: 1 })
    expect(target!.publishedAtMs).toBeGreaterThanOrEqual(beforeMs)
    expect(target!.publishedAtMs).toBeLessThanOrEqual(Date.now())
  })

  it('are at most a thousand', async () => {
    const { stub } = await environment()
    await runInDurableObject(stub, (object) => {
      for (let n = 0; n < 1_003; n += 1) object.drill(system(null))
    })
    const known = async (n: number) => (await stub.published('kills', n)).ok
    expect([await known(3), await known(4), await known(1_003), await known(1_004)]).toEqual([
      false,
      true,
      true,
      false,
    ])
  })

  it('go on in a raised epoch', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { name, stub } = await environment()
    const { epoch } = await control(name).read({ epoch: 0, snapshot: 0, kills: 0 })
    const { kills } = await control(name).read({ epoch, snapshot: 1, kills: 40 })
    expect(await stub.published('kills', kills!.version)).toMatchObject({
      ok: true,
      value: { target: { epoch: epoch + 1, version: 41 } },
    })
    error.mockRestore()
  })
})
