import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { app } from '../../admin/api/app.ts'
import { PROJECT_NAME } from '../../admin/objects/names.ts'
import { ProjectObject } from '../../admin/objects/project.ts'
import { type Bucket, takeCall } from '../../admin/rate-limit.ts'
import { laneOf, Throttle } from '../../admin/throttle.ts'
import { call, environment, problem, TOKEN, value } from './client.ts'

const NOW = 1_800_000_000_000

/** Times at which calls were made, of those at which somebody asked. */
function allowed(asked: readonly number[], perSecond: number): number[] {
  let bucket: Bucket | null = null
  return asked.filter((atMs) => {
    const taken = takeCall(bucket, perSecond, atMs)
    bucket = taken.bucket
    return taken.waitMs === 0
  })
}

describe('takeCall', () => {
  it('lets one second’s worth through at once, and then one after another', () => {
    const every10Ms = Array.from({ length: 201 }, (_, n) => NOW + n * 10)
    const times = allowed([...Array(10).fill(NOW), ...every10Ms], 5).map((at) => at - NOW)
    expect(times).toEqual([0, 0, 0, 0, 0, 200, 400, 600, 800, 1_000, 1_200, 1_400, 1_600, 1_800, 2_000])
  })

  it('never lets more through in any time than was saved up and has come since', () => {
    const asked = fc.array(fc.nat(5_000), { maxLength: 200 }).map((times) => times.toSorted((a, b) => a - b))
    fc.assert(
      fc.property(asked, fc.integer({ min: 1, max: 50 }), (times, perSecond) => {
        const made = allowed(
          times.map((at) => NOW + at),
          perSecond,
        )
        for (const [first, from] of made.entries())
          for (const [last, to] of made.entries())
            if (last >= first) {
              const most = perSecond + ((to - from) * perSecond) / 1_000
              if (last - first + 1 > most) return false
            }
        return true
      }),
      { seed: 3, numRuns: 100 },
    )
  })

  it('says truly how long to wait: then a call may be made, and a millisecond earlier not', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(300), { maxLength: 30 }),
        fc.integer({ min: 1, max: 20 }),
        (gaps, perSecond) => {
          let bucket: Bucket | null = null
          let atMs = NOW
          for (const gap of gaps) {
            atMs += gap
            const { bucket: next, waitMs } = takeCall(bucket, perSecond, atMs)
            if (waitMs > 0) {
              expect(takeCall(next, perSecond, atMs + waitMs).waitMs).toBe(0)
              if (waitMs > 1) expect(takeCall(next, perSecond, atMs + waitMs - 1).waitMs).toBeGreaterThan(0)
            }
            bucket = next
          }
        },
      ),
      { seed: 3, numRuns: 200 },
    )
  })

  it('gives nothing for a clock that was set back, and goes on from there', () => {
    const { bucket } = takeCall({ thousandths: 1_000, atMs: NOW }, 1, NOW)
    const earlier = takeCall(bucket, 1, NOW - 60_000)
    expect(earlier.waitMs).toBe(1_000)
    expect(takeCall(earlier.bucket, 1, NOW - 59_000).waitMs).toBe(0)
  })
})

describe('laneOf', () => {
  const at = (path: string) => `/api/v1/environments/prod/${path}`
  it.each([
    ['PUT', at('kills/flag:checkout'), 'kills'],
    ['PUT', at('kills/origin:shop%2Fcanary'), 'kills'],
    ['DELETE', at('kills/flag:checkout'), 'all-else'],
    ['GET', at('kills/flag:checkout'), 'all-else'],
    ['PUT', at('kills'), 'all-else'],
    ['POST', at('flags/checkout/toggle'), 'toggles'],
    ['PUT', at('flags/checkout'), 'all-else'],
    ['POST', '/api/v1/other/flags/checkout/toggle', 'all-else'],
  ])('counts %s %s among %s', (method, path, lane) => expect(laneOf(method, path)).toBe(lane))
})

describe('Throttle', () => {
  it('counts each caller for itself', () => {
    const throttle = new Throttle(1)
    expect([
      throttle.waitMs('a', 'all-else', NOW),
      throttle.waitMs('b', 'all-else', NOW),
      throttle.waitMs('a', 'all-else', NOW),
    ]).toEqual([0, 0, 1_000])
  })

  it('limits nobody at 0', () => {
    const throttle = new Throttle(0)
    for (let n = 0; n < 10_000; n++) expect(throttle.waitMs('a', 'all-else', NOW)).toBe(0)
  })

  it('counts kills and toggles apart from all else, and from each other', () => {
    const throttle = new Throttle(30)
    for (const lane of ['all-else', 'toggles', 'kills'] as const) {
      for (let n = 0; n < 30; n++) expect(throttle.waitMs('a', lane, NOW)).toBe(0)
      expect(throttle.waitMs('a', lane, NOW)).toBeGreaterThan(0)
    }
  })

  it('lets twenty kills a second pass where the limit is lower, and no more', () => {
    const throttle = new Throttle(1)
    for (let n = 0; n < 20; n++) expect(throttle.waitMs('a', 'kills', NOW)).toBe(0)
    expect(throttle.waitMs('a', 'kills', NOW)).toBe(50)
  })

  it('forgets who has been quiet, however many there were, and nobody else', () => {
    const throttle = new Throttle(1)
    for (let n = 0; n < 5_000; n++) throttle.waitMs(`caller ${n}`, 'all-else', NOW)
    expect(throttle.waitMs('caller 4999', 'all-else', NOW)).toBe(1_000)
    throttle.waitMs('busy', 'all-else', NOW + 900)
    throttle.waitMs('other', 'all-else', NOW + 1_100)
    expect(throttle.remembered).toBe(2)
    expect(throttle.waitMs('busy', 'all-else', NOW + 1_100)).toBe(800)
  })
})

const limited = { ...env, API_REQUESTS_PER_SECOND: '3' }
const ask = (bindings: object, token: string) =>
  app.fetch(
    new Request('https://admin.test/api/v1/whoami', { headers: { authorization: `Bearer ${token}` } }),
    bindings,
  )

describe('API_REQUESTS_PER_SECOND', () => {
  it('refuses the call after that many, with the seconds to wait', async () => {
    const bindings = { ...limited }
    for (let n = 0; n < 3; n++) expect((await ask(bindings, TOKEN)).status).toBe(200)
    const response = await ask(bindings, TOKEN)
    expect(response.headers.get('retry-after')).toBe('1')
    expect(await problem(response, 429)).toMatchObject({
      type: 'urn:turnout:problem:too-many-requests',
      detail: 'Try again in a second.',
    })
  })

  it('holds for each token, over all isolates, and counts no stranger', async () => {
    const mint = async () =>
      value(await call('/api/v1/tokens', { body: { name: `t-${crypto.randomUUID()}`, role: 'viewer' } }))
    const [one, other] = [await mint(), await mint()]
    const stub = env.PROJECT.getByName(PROJECT_NAME)
    await runInDurableObject(stub, async (_, state) => {
      const project = new ProjectObject(state, limited)
      const PROJECT = { getByName: () => project }
      // New bindings for each call: as if each came to another isolate.
      const from = async (token: string) => (await ask({ ...limited, PROJECT }, token)).status
      const statuses = [await from(one.token), await from(one.token), await from(one.token)]
      expect(statuses).toEqual([200, 200, 200])
      expect([await from(one.token), await from(other.token)]).toEqual([429, 200])
      for (let n = 0; n < 5; n++) expect(await from(`tn_${'x'.repeat(43)}`)).toBe(401)
    })
  })

  it('refuses no kill and no toggle of whoever has spent it on something else', async () => {
    const { api } = await environment({ flags: { checkout: { enabled: true } } })
    const one = await value(
      await call('/api/v1/tokens', { body: { name: `t-${crypto.randomUUID()}`, role: 'operator' } }),
    )
    const stub = env.PROJECT.getByName(PROJECT_NAME)
    await runInDurableObject(stub, async (_, state) => {
      const project = new ProjectObject(state, limited)
      const PROJECT = { getByName: () => project }
      for (const [token, bindings] of [
        [TOKEN, { ...limited }],
        [one.token, { ...limited, PROJECT }],
      ] as const) {
        const send = (method: string, path: string, body: object) =>
          app.fetch(
            new Request(`https://admin.test${api}${path}`, {
              method,
              headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
              body: JSON.stringify(body),
            }),
            bindings,
          )
        for (let n = 0; n < 3; n++) await ask(bindings, token)
        expect((await send('PUT', '/kills/all-flags', { reason: 'outage' })).status).toBeLessThan(300)
        expect((await send('POST', '/flags/checkout/toggle', { enabled: false })).status).toBe(200)
        expect((await ask(bindings, token)).status).toBe(429)
      }
    })
  })

  it.each(['-1', '1.5', 'many', '1e3', '100001', ' 1'])('is refused as %j', async (value) => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    await problem(await ask({ ...env, API_REQUESTS_PER_SECOND: value }, TOKEN), 500)
    expect(error.mock.calls.flat().join()).toContain(
      `API_REQUESTS_PER_SECOND must be a whole number from 0 (no limit) to 100000`,
    )
    error.mockRestore()
  })
})
