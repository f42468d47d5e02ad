/** What edges tell of their mirrors: added up, kept for a day and within bounds, and shown. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { mergedMirrors, mergedTotals } from '../../admin/mirrors.ts'
import { addMirrorReports, readMirrors, readMirrorTotals } from '../../admin/storage/mirrors.ts'
import {
  type ControlRpc,
  type MetricBatch,
  type MirrorDifference,
  type MirrorReport,
  NO_MIRRORED,
} from '../../engine/index.ts'
import { call, environment, problem, value } from './client.ts'
import { readExposition } from './prometheus.ts'

const NOW = 1_790_000_000_000
const MINUTE = 60_000

const difference = (more: Partial<MirrorDifference> = {}): MirrorDifference => ({
  ...{ atMs: NOW, method: 'GET', path: '/cart', served: 'stable', status: [200, 200], latencyMs: [31, 44] },
  ...{ hashes: ['3a1f0c5be2d49077', '90b1c6e4a7f35d12'], pointer: '/price' },
  ...more,
})

const report = (
  more: Partial<MirrorReport['counts']> = {},
  rest: Partial<MirrorReport> = {},
): MirrorReport => ({
  ...{ route: 'shop', variant: 'canary', differences: [], ...rest },
  counts: { ...NO_MIRRORED, sent: 10, matched: 9, ...more },
})

async function edgeOf(name: string) {
  const control = exports.ControlRpc({ props: { environment: name } }) as unknown as ControlRpc
  const { epoch, snapshot, kills } = await control.read({ epoch: 0, snapshot: 0, kills: 0 })
  const batch = (location: string, sequence: number, mirrors: unknown): MetricBatch =>
    ({
      ...{ isolate: `isolate-${location}`, sequence, location, sentAtMs: Date.now(), requests: 5 },
      ...{ arrivals: [], mirrors, serves: { epoch, snapshot, kills: kills!.version } },
    }) as MetricBatch
  return { record: (...args: Parameters<typeof batch>) => control.record(batch(...args)) }
}

describe('mirrors of several locations', () => {
  it('are one by route and variant, with the newest differences', () => {
    const old = difference({ atMs: NOW - 5 })
    const many = Array.from({ length: 60 }, (_, n) => difference({ atMs: NOW + n }))
    const merged = mergedMirrors([
      report({ status: 1 }, { differences: [old] }),
      report({}, { route: 'api' }),
      report({ status: 2 }, { differences: many }),
    ])
    expect(merged.map(({ route, counts }) => [route, counts.sent, counts.status])).toEqual([
      ['api', 10, 0],
      ['shop', 20, 3],
    ])
    expect(merged[1]!.differences).toHaveLength(50)
    expect(merged[1]!.differences[0]!.atMs).toBe(NOW + 59)
    expect(merged[1]!.differences).not.toContainEqual(old)
  })
})

describe('totals of several locations', () => {
  const total = (sent: number, heardAtMs: number, route = 'shop') => ({
    ...{ route, variant: 'canary', heardAtMs },
    counts: { ...NO_MIRRORED, sent },
  })

  it('are one by route and variant, where any location has heard of it lately, and then of all', () => {
    const totals = [total(5, NOW - 1), total(7, NOW), total(9, NOW - 1, 'old')]
    expect(mergedTotals(totals, NOW)).toEqual([total(12, NOW)])
  })
})

describe('a location', () => {
  const inStorage = async (work: (sql: SqlStorage) => void) =>
    runInDurableObject(env.METRICS.getByName(`mirrors-${crypto.randomUUID()}`), (_, { storage }) =>
      work(storage.sql),
    )

  it('adds up by the minute, and forgets what is older than a day', () =>
    inStorage((sql) => {
      addMirrorReports(sql, [report({}, { differences: [difference()] })], NOW)
      addMirrorReports(sql, [report({ body: 1 })], NOW + MINUTE)
      expect(readMirrors(sql, NOW)).toMatchObject([
        { counts: { sent: 20, body: 1 }, differences: [difference()] },
      ])
      expect(readMirrors(sql, NOW + MINUTE)).toMatchObject([
        { counts: { sent: 10, body: 1 }, differences: [] },
      ])
      addMirrorReports(sql, [report()], NOW + 25 * 60 * MINUTE)
      expect(readMirrors(sql, NOW)).toMatchObject([{ counts: { sent: 10, body: 0 }, differences: [] }])
    }))

  it('adds up for ever too, of the thousand mirrors that were heard of last', () =>
    inStorage((sql) => {
      addMirrorReports(sql, [report(), report({}, { route: 'api' })], NOW)
      addMirrorReports(sql, [report({ body: 1 })], NOW + 30 * 24 * 60 * MINUTE)
      const [api, shop] = readMirrorTotals(sql)
      expect(api).toMatchObject({ route: 'api', counts: { sent: 10 }, heardAtMs: NOW - (NOW % MINUTE) })
      expect(shop).toMatchObject({ route: 'shop', counts: { sent: 20, body: 1 } })
      const many = Array.from({ length: 999 }, (_, n) => report({}, { route: `r${n}` }))
      addMirrorReports(sql, many, NOW + 31 * 24 * 60 * MINUTE)
      const kept = readMirrorTotals(sql).map(({ route }) => route)
      expect(kept).toHaveLength(1_000)
      expect(kept).toContain('shop')
      expect(kept).not.toContain('api')
    }))

  it('keeps the newest fifty differences of each mirror', () =>
    inStorage((sql) => {
      for (let n = 0; n < 30; n += 1) {
        const differences = [difference({ atMs: NOW + 2 * n }), difference({ atMs: NOW + 2 * n + 1 })]
        addMirrorReports(sql, [report({}, { differences }), report({}, { route: 'api', differences })], NOW)
      }
      for (const { differences } of readMirrors(sql, NOW)) {
        expect(differences).toHaveLength(50)
        expect(differences.at(0)!.atMs).toBe(NOW + 59)
      }
    }))
})

describe('the API', () => {
  it('shows what all locations tell, each batch once, and after a restart', async () => {
    const { name, api } = await environment({ flags: { a: true } })
    const edge = await edgeOf(name)
    const mirrors = [report({ latency: 1 }, { differences: [difference()] })]
    await edge.record('MUC', 1, mirrors)
    await edge.record('MUC', 1, mirrors)
    await edge.record('FRA', 1, mirrors)
    const shown = async () => (await value(await call(`${api}/mirrors`))).items
    await expect.poll(async () => (await shown())[0]?.sent).toBe(20)
    const [mirror] = await shown()
    expect(mirror).toMatchObject({
      ...{ route: 'shop', variant: 'canary', sent: 20, matched: 18, bodies: 0, failed: 0, skipped: 0 },
      differed: { status: 0, latency: 2, body: 0 },
    })
    const { atMs, ...rest } = difference()
    const one = { at: new Date(atMs).toISOString(), ...rest }
    expect(mirror.differences).toEqual([one, one])
    await evictDurableObject(env.METRICS.getByName(`${name}/MUC`))
    expect((await shown())[0].sent).toBe(20)
  })

  it('counts in metrics what all locations told, for good', async () => {
    const { name } = await environment({ flags: { a: true } })
    const edge = await edgeOf(name)
    const samples = async () => {
      const read = readExposition(await (await call('/metrics')).text())
      return ['copies', 'differences', 'bodies_compared'].flatMap((metric) =>
        read
          .get(`turnout_mirror_${metric}_total`)!
          .samples.filter(({ labels }) => labels.environment === name)
          .map(({ labels, value: count }) => {
            const { environment: _, route, variant, ...rest } = labels
            expect([route, variant]).toEqual(['shop', 'canary'])
            return [metric, ...Object.values(rest), count].join(' ')
          }),
      )
    }
    const told = report({ matched: 6, latency: 3, body: 1, bodies: 4, failed: 1, skipped: 2 })
    await edge.record('MUC', 1, [told])
    await expect
      .poll(samples)
      .toEqual([
        ...['copies matched 6', 'copies differed 3', 'copies failed 1', 'copies skipped 2'],
        ...['differences status 0', 'differences latency 3', 'differences body 1', 'bodies_compared 4'],
      ])
    await edge.record('FRA', 1, [told])
    await edge.record('MUC', 2, [told])
    await expect.poll(samples).toContain('copies matched 18')
    await evictDurableObject(env.METRICS.getByName(`${name}/MUC`))
    expect(await samples()).toContain('bodies_compared 12')
  })

  it('refuses a time that is none', async () => {
    const { api } = await environment({ flags: { a: true } })
    for (const minutes of ['0', '1441', 'x'])
      expect((await problem(await call(`${api}/mirrors?minutes=${minutes}`), 422)).errors[0]!.path).toBe(
        'query.minutes',
      )
  })

  it.each<[string, unknown]>([
    ['counts.sent', [{ ...report(), counts: { ...NO_MIRRORED, sent: -1 } }]],
    ['counts.matched', [{ ...report(), counts: { sent: 1 } }]],
    ['differences', [report({}, { differences: Array(5).fill(difference()) })]],
    ['path', [report({}, { differences: [difference({ path: 'x'.repeat(257) })] })]],
    ['hashes', [report({}, { differences: [difference({ hashes: ['a body', 'b'] })] })]],
    ['mirrors', Array(65).fill(report())],
  ])('takes no batch whose %s is out of bounds', async (field, mirrors) => {
    const { name } = await environment({ flags: { a: true } })
    const edge = await edgeOf(name)
    // The promise of a call over RPC is an object of its own, whose rejection `rejects` would leave unhandled.
    const thrown = await edge.record('MUC', 1, mirrors).then(
      () => null,
      (cause: Error) => cause,
    )
    expect(thrown?.message).toContain(field)
  })
})
