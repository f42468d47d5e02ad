/** What applications told of flags: from the edges' reports to an answer of the API. */
import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { outcomesOf } from '../../admin/outcomes.ts'
import { COUNTED, type ControlRpc, type FlagCount, type MetricBatch } from '../../engine/index.ts'
import { call, environment, problem, value } from './client.ts'

const row = (flag: string, variant: string, counts: Partial<FlagCount>): FlagCount => ({
  ...(Object.fromEntries(COUNTED.map((name) => [name, 0])) as unknown as FlagCount),
  flag,
  variant,
  ...counts,
})
const batch = (sequence: number, flags: FlagCount[], location = 'MUC'): MetricBatch => ({
  isolate: `isolate-${location}`,
  sequence,
  location,
  sentAtMs: Date.now(),
  requests: 1,
  serves: { epoch: 1, snapshot: 1, kills: 0 },
  arrivals: [],
  flags,
})
const control = (name: string): ControlRpc =>
  exports.ControlRpc({ props: { environment: name } }) as unknown as ControlRpc
const metrics = (name: string, location: string) => env.METRICS.getByName(`${name}/${location}`)

/** An environment that knows of its locations. */
async function reported(...batches: MetricBatch[]) {
  const made = await environment()
  for (const each of batches) await control(made.name).record(each)
  const locations = [...new Set(batches.map(({ location }) => location))].sort()
  await vi.waitFor(async () => expect(await made.stub.locations()).toMatchObject({ value: locations }))
  return made
}

afterEach(() => void vi.useRealTimers())

describe('outcomes', () => {
  it('are the sums of all locations, each report counted once', async () => {
    const munich = batch(1, [
      row('checkout', 'on', { exposures: 2, ok: 7, errors: 1, values: 3, sum: 6, squares: 14 }),
      row('checkout', 'off', { ok: 4 }),
    ])
    const { api } = await reported(munich, munich, batch(2, [row('checkout', 'on', { ok: 2 })]), {
      ...batch(1, [row('checkout', 'on', { exposures: 1 }), row('banner', 'on', { errors: 1 })], 'FRA'),
    })
    const answer = await value(await call(`${api}/outcomes`))
    expect(answer.flags).toStrictEqual([
      {
        flag: 'banner',
        variants: [
          {
            variant: 'on',
            exposures: 0,
            ok: 0,
            errors: 1,
            errorRate: 1,
            values: { count: 0, mean: null, deviation: null },
          },
        ],
      },
      {
        flag: 'checkout',
        variants: [
          {
            variant: 'off',
            exposures: 0,
            ok: 4,
            errors: 0,
            errorRate: 0,
            values: { count: 0, mean: null, deviation: null },
          },
          {
            variant: 'on',
            exposures: 3,
            ok: 9,
            errors: 1,
            errorRate: 0.1,
            values: { count: 3, mean: 2, deviation: 1 },
          },
        ],
      },
    ])
    const one = await value(await call(`${api}/outcomes?flag=banner`))
    expect(one.flags.map(({ flag }: { flag: string }) => flag)).toStrictEqual(['banner'])
    expect((await value(await call(`${api}/outcomes?flag=absent`))).flags).toStrictEqual([])
  })

  it('of a migration are told by side too, apart from the whole', async () => {
    const { api } = await reported(
      batch(1, [
        row('orders-db', 'shadow', { exposures: 1, ok: 4 }),
        row('orders-db', 'shadow', { part: 'read-new', ok: 3, errors: 1, values: 4, sum: 40, squares: 400 }),
        row('orders-db', 'shadow', { part: 'check', ok: 2, errors: 1 }),
        row('orders-db', 'live', { part: 'write-old', ok: 1 }),
      ]),
      batch(1, [row('orders-db', 'shadow', { part: 'check', ok: 1 })], 'FRA'),
    )
    const { flags } = await value(await call(`${api}/outcomes`))
    const none = { count: 0, mean: null, deviation: null }
    expect(flags[0].variants).toMatchObject([
      { variant: 'live', exposures: 0, ok: 0, errorRate: null, parts: [{ part: 'write-old', ok: 1 }] },
      {
        ...{ variant: 'shadow', exposures: 1, ok: 4, errors: 0, errorRate: 0 },
        parts: [
          {
            part: 'read-new',
            ok: 3,
            errors: 1,
            errorRate: 0.25,
            values: { count: 4, mean: 10, deviation: 0 },
          },
          { part: 'check', ok: 3, errors: 1, errorRate: 0.25, values: none },
        ],
      },
    ])
  })

  it('outlive the object that gathered them, from its alarm on', async () => {
    const { name, api } = await reported(batch(1, [row('checkout', 'on', { ok: 3 })]))
    await runDurableObjectAlarm(metrics(name, 'MUC'))
    await evictDurableObject(metrics(name, 'MUC'))
    expect((await value(await call(`${api}/outcomes`))).flags[0].variants[0].ok).toBe(3)
  })

  it('are those of the minutes that are asked for, and are kept for a day', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const startMs = Math.floor(Date.now() / 60_000) * 60_000
    const at = (minutes: number) => vi.setSystemTime(startMs + minutes * 60_000)
    at(0)
    const { name, api } = await reported(batch(1, [row('checkout', 'on', { ok: 1 })]))
    const okOf = async (query: string): Promise<number | undefined> =>
      (await value(await call(`${api}/outcomes${query}`))).flags[0]?.variants[0].ok
    expect(await okOf('')).toBe(1)
    at(30)
    await control(name).record(batch(2, [row('checkout', 'on', { ok: 10 })]))
    expect(await okOf('')).toBe(11)
    expect(await okOf('?minutes=30')).toBe(10)
    expect(await okOf('?minutes=31')).toBe(11)
    at(30 + 24 * 60)
    expect(await okOf('?minutes=1440')).toBeUndefined()
    await control(name).record(batch(3, [row('checkout', 'on', { ok: 100 })]))
    expect(await okOf('?minutes=1440')).toBe(100)
    at(31)
    expect(await okOf('?minutes=1440')).toBe(110)
  })

  it.each(['minutes=0', 'minutes=1441', 'minutes=x', 'hours=1', 'flag='])(
    'are refused for %s',
    async (query) => {
      const { api } = await environment()
      const { errors } = await problem(await call(`${api}/outcomes?${query}`), 422)
      expect(errors![0]!.path).toMatch(/^query(\.minutes|\.flag|\.hours)?$/)
    },
  )

  it('are none of an environment that is not there', async () => {
    await problem(await call('/api/v1/environments/absent/outcomes'), 404)
  })

  it.each([
    [{ flag: '' }, 'flags.0.flag'],
    [{ variant: 'x'.repeat(129) }, 'flags.0.variant'],
    [{ part: 'read' }, 'flags.0.part'],
    [{ ok: -1 }, 'flags.0.ok'],
    [{ exposures: 0.5 }, 'flags.0.exposures'],
    [{ sum: Number.NaN }, 'flags.0.sum'],
  ])('of a batch with %j are refused, by name', async (wrong, path) => {
    const { name } = await environment()
    const bad = { ...row('checkout', 'on', {}), ...wrong } as unknown as FlagCount
    const refused = await control(name)
      .record(batch(1, [bad]))
      .then(
        () => 'nothing',
        (thrown: Error) => thrown.message,
      )
    expect(refused).toContain(`batch.${path}: `)
  })
})

describe('the spread of values', () => {
  it('is that of a sample, and never below zero for rounding', () => {
    const spread = (values: number[]) => {
      const sum = values.reduce((total, each) => total + each, 0)
      const squares = values.reduce((total, each) => total + each ** 2, 0)
      const counts = [row('a', 'on', { values: values.length, sum, squares })]
      return outcomesOf(counts)[0]!.variants[0]!.values.deviation
    }
    expect(spread([2, 4, 4, 4, 5, 5, 7, 9])).toBeCloseTo(Math.sqrt(32 / 7), 12)
    expect(spread([0.1, 0.1, 0.1])).toBeCloseTo(0, 6)
    expect(spread([5])).toBeNull()
  })
})
