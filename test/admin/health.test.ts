/** Health checks: what makes an address unhealthy, what is asked and how, and that edges hear of it. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { HealthHints } from '../../admin/health/hints.ts'
import { type Health, next, unknownHealth } from '../../admin/health/machine.ts'
import { type Check, checkKey, checksOf } from '../../admin/health/plan.ts'
import { probe } from '../../admin/health/probe.ts'
import { replanned, startable, unhealthyOf } from '../../admin/health/schedule.ts'
import { ailingAfter, eventOf, turnsOf } from '../../admin/health/turns.ts'
import type { HeldCheck } from '../../admin/storage/health.ts'
import { type ControlRpc, HEALTH_DEFAULTS, type HealthSettings, type Route } from '../../engine/index.ts'
import { ANY, call, environment, problem, value } from './client.ts'

const NOW = 1_790_000_000_000

describe('the health of an address', () => {
  /** `+` passed, `-` failed, each a second after the other. */
  const healthAfter = (outcomes: string, limits = HEALTH_DEFAULTS): Health =>
    [...outcomes].reduce(
      (health, one, at) => next(health, one === '+', limits, NOW + 1_000 * (at + 1)),
      unknownHealth(NOW),
    )

  it.each([
    // outcomes, status, since second, consecutive
    ['', 'unknown', 0, 0],
    ['+', 'healthy', 1, 1],
    ['-', 'unknown', 0, 1],
    ['--', 'unknown', 0, 2],
    ['---', 'unhealthy', 3, 3],
    ['--+', 'healthy', 3, 1],
    ['+--', 'healthy', 1, 2],
    ['+---', 'unhealthy', 4, 3],
    ['+--+--', 'healthy', 1, 2],
    ['+--+---', 'unhealthy', 7, 3],
    ['---+', 'unhealthy', 3, 1],
    ['---++', 'healthy', 5, 2],
    ['---+-+', 'unhealthy', 3, 1],
    ['---+-++', 'healthy', 7, 2],
    ['------', 'unhealthy', 3, 6],
  ])('after %s is %s', (outcomes, status, since, consecutive) => {
    expect(healthAfter(outcomes)).toMatchObject({ status, sinceMs: NOW + 1_000 * since, consecutive })
  })

  it('turns with the first failure and the first success where that is said to be enough', () => {
    const once: HealthSettings = { ...HEALTH_DEFAULTS, failures: 1, successes: 1 }
    expect(healthAfter('+-', once).status).toBe('unhealthy')
    expect(healthAfter('+-+', once).status).toBe('healthy')
  })
})

const route = (id: string, origins: Route['origins']): Route => ({
  ...{ id, match: {}, flag: 'f', fallback: 'stable', origins },
})

describe('what is checked', () => {
  it('is each origin that asks for it, and each member of its pool as it says itself', () => {
    const checks = checksOf([
      route('a', {
        stable: { url: 'https://stable.test/' },
        canary: {
          health: { path: '/up', failures: 5 },
          headers: { 'x-key': 'k' },
          pool: [
            { url: 'https://one.test/base' },
            { url: 'https://two.test', health: { path: '/alive', expectedStatus: 204 } },
            { url: 'https://three.test', health: false },
          ],
        },
        other: { pool: [{ url: 'https://four.test', health: {} }], health: false },
      }),
    ])
    expect(checks.map(({ names, url, settings }) => [names, url, settings])).toEqual([
      [['a/canary/one.test/base'], 'https://one.test/base', { ...HEALTH_DEFAULTS, path: '/up', failures: 5 }],
      [
        ['a/canary/two.test'],
        'https://two.test',
        { ...HEALTH_DEFAULTS, path: '/alive', failures: 5, expectedStatus: 204 },
      ],
      [['a/other/four.test'], 'https://four.test', HEALTH_DEFAULTS],
    ])
    expect(checks[0]!.headers).toEqual({ 'x-key': 'k' })
  })

  it('is asked once for all who ask the same', () => {
    const same = { url: 'https://stable.test', health: {} }
    const checks = checksOf([route('b', { stable: same }), route('a', { stable: same, canary: same })])
    expect(checks.map(({ names }) => names)).toEqual([['a/canary', 'a/stable', 'b/stable']])
  })
})

const check = (name: string, settings: Partial<HealthSettings> = {}): Check => ({
  ...{ names: [name], url: `https://${name}.test`, headers: {} },
  settings: { ...HEALTH_DEFAULTS, ...settings },
})
const held = (one: Check, more: Partial<HeldCheck> = {}): [string, HeldCheck] => [
  checkKey(one),
  { check: one, health: unknownHealth(NOW), last: null, dueAtMs: NOW, ...more },
]
const failing = { ...unknownHealth(NOW), passed: false, consecutive: 1 }

describe('the checks of a plan', () => {
  it('begin six at a time, those that are due longest first', () => {
    const all = Array.from({ length: 9 }, (_, n) => held(check(`o${n}`), { dueAtMs: NOW - n }))
    const first = startable(new Map(all), new Set(), NOW)
    expect(first).toEqual([8, 7, 6, 5, 4, 3].map((n) => all[n]![0]))
    expect(startable(new Map(all), new Set(first.slice(2)), NOW)).toHaveLength(2)
    expect(startable(new Map(all), new Set(), NOW - 7)).toHaveLength(2)
  })

  it('begin though the clock was set back since the last ones', () => {
    const { periodMs } = HEALTH_DEFAULTS
    const later = held(check('later'), { dueAtMs: NOW + periodMs })
    const back = held(check('back'), { dueAtMs: NOW + periodMs + 1 })
    expect(startable(new Map([later, back]), new Set(), NOW)).toEqual([back[0]])
  })

  it('never wait for more than three that failed last', () => {
    const bad = Array.from({ length: 9 }, (_, n) => held(check(`b${n}`), { health: failing }))
    const good = held(check('good'), { dueAtMs: NOW })
    const chosen = startable(new Map([...bad, good]), new Set(), NOW)
    expect(chosen).toHaveLength(4)
    expect(chosen).toContain(good[0])
    expect(startable(new Map([...bad, good]), new Set(chosen), NOW)).toEqual([])
  })

  it('go on where the same is asked, and begin anew where something else is', () => {
    const unhealthy: Health = { status: 'unhealthy', sinceMs: NOW, passed: false, consecutive: 3 }
    const before = new Map([
      held(check('a'), { health: unhealthy, dueAtMs: NOW + 9_000 }),
      held(check('b'), { health: unhealthy }),
      held(check('c'), { health: unhealthy }),
    ])
    const after = replanned(
      before,
      [check('a', { periodMs: 5_000, failures: 9 }), check('b', { path: '/other' })],
      NOW,
    )
    expect([...after.values()].map(({ check: { names }, health: { status } }) => [names[0], status])).toEqual(
      [
        ['a', 'unhealthy'],
        ['b', 'unknown'],
      ],
    )
    expect(after.get(checkKey(check('a', { periodMs: 5_000, failures: 9 })))!.dueAtMs).toBe(NOW + 5_000)
    expect(unhealthyOf(after)).toEqual(['a'])
  })
})

describe('what webhooks are told', () => {
  const being = (status: Health['status'], ...names: string[]): HeldCheck => ({
    ...held({ ...check('a'), names }, { health: { ...unknownHealth(NOW), status } })[1],
  })
  const told = (ailing: string[], ...checks: HeldCheck[]) =>
    turnsOf(new Set(ailing), checks).map(({ name, to }) => `${name} ${to}`)

  it.each<[string, string[], HeldCheck[], string[]]>([
    [
      'each address that becomes unhealthy',
      [],
      [being('unhealthy', 'a', 'b')],
      ['a unhealthy', 'b unhealthy'],
    ],
    ['and that once', ['a'], [being('unhealthy', 'a', 'b')], ['b unhealthy']],
    ['that it is healthy again', ['a'], [being('healthy', 'a', 'b')], ['a healthy']],
    ['not that one is well which nobody has called unhealthy', [], [being('healthy', 'a')], []],
    ['nothing while an address is not known again', ['a'], [being('unknown', 'a', 'b')], []],
    ['that it is checked no more', ['a', 'b'], [being('unhealthy', 'b')], ['a unchecked']],
  ])('is %s', (_, ailing, checks, turns) => {
    expect(told(ailing, ...checks)).toEqual(turns)
    expect(
      told([...ailingAfter(new Set(ailing), turnsOf(new Set(ailing), checks))], ...checks),
    ).toStrictEqual([])
  })

  it('says of what, by which check, and why', () => {
    const last = { atMs: NOW, durationMs: 5, status: 503, problem: 'answered 503' }
    const [turn] = turnsOf(new Set(), [{ ...being('unhealthy', 'shop/canary'), last }])
    expect(eventOf(turn!, 'prod', NOW)).toMatchObject({
      ...{ seq: 0, at: new Date(NOW).toISOString(), environment: 'prod', action: 'origin.unhealthy' },
      ...{ subject: 'origin:shop/canary', actor: 'turnout', reason: 'answered 503' },
      details: { url: 'https://a.test/health/ready', status: 503 },
    })
    const hashes = [
      eventOf(turn!, 'prod', NOW),
      eventOf(turn!, 'dev', NOW),
      eventOf(turn!, 'prod', NOW + 1),
      eventOf({ ...turn!, to: 'healthy' }, 'prod', NOW),
    ].map(({ hash }) => hash)
    expect(new Set(hashes).size).toBe(4)
    expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/)
  })
})

describe('what edges are told', () => {
  it('is nothing until somebody has checked, and nothing again when nobody does any more', () => {
    const hints = new HealthHints()
    expect(hints.told(NOW)).toBeUndefined()
    hints.hear(['shop/canary'], 20_000, NOW)
    expect(hints.told(NOW + 5_000)).toEqual({ 'shop/canary': 15_000 })
    expect(hints.told(NOW + 20_000)).toBeUndefined()
    hints.hear([], 20_000, NOW + 21_000)
    expect(hints.told(NOW + 99_000)).toEqual({})
  })
})

/** What origins were asked, and how they answer, by host. */
let asked: Request[]
/** Bodies that were sent, by address. */
let posted: Map<string, string[]>
let answers: Record<string, () => Response | Promise<Response>>
let logged: string[]
let bodies: { cancelled: boolean }[]
beforeEach(() => {
  asked = []
  posted = new Map()
  answers = {}
  logged = []
  bodies = []
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (url, init) => {
    const request = new Request(String(url), init as RequestInit)
    asked.push(request)
    if (typeof init?.body === 'string')
      posted.set(request.url, [...(posted.get(request.url) ?? []), init.body])
    const answer = answers[new URL(request.url).host]
    if (answer === undefined) throw new TypeError('connection refused')
    return Promise.race([
      answer(),
      new Promise<never>((_, fail) =>
        init?.signal?.addEventListener('abort', () => fail(init.signal!.reason)),
      ),
    ])
  })
  vi.spyOn(console, 'warn').mockImplementation((line: string) => void logged.push(line))
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const status = (code: number) => () => {
  const body = { cancelled: false }
  bodies.push(body)
  const stream = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(1_000)),
    cancel: () => {
      body.cancelled = true
    },
  })
  return new Response([101, 204, 304].includes(code) ? null : stream, { status: code })
}

describe('a check', () => {
  const settings = { ...HEALTH_DEFAULTS, path: '/health/ready?deep=1' }
  const origin = { names: ['a'], url: 'https://a.test/base', headers: { 'x-key': 'k' }, settings }

  it('is a GET that says what it is, follows no redirect and reads no body', async () => {
    answers['a.test'] = status(200)
    expect(await probe(origin, true)).toMatchObject({ status: 200, problem: null })
    const [request] = asked
    expect(request).toMatchObject({ method: 'GET', url: 'https://a.test/base/health/ready?deep=1' })
    expect(request!.redirect).toBe('manual')
    expect(Object.fromEntries(request!.headers)).toMatchObject({
      ...{ 'x-turnout-health': '1', 'user-agent': 'Turnout-Health/1', 'x-key': 'k' },
    })
    expect(bodies).toEqual([{ cancelled: true }])
  })

  it.each([
    [status(204), undefined, 204, null],
    [status(302), undefined, 302, 'answered 302: redirects are not followed'],
    [status(404), undefined, 404, 'answered 404'],
    [status(503), undefined, 503, 'answered 503'],
    [status(302), 302, 302, null],
    [status(200), 204, 200, 'answered 200, not 204'],
    [() => Promise.reject(new Error('connection lost')), undefined, null, 'no answer: connection lost'],
  ])('passes by its status, %#', async (answer, expectedStatus, code, sentence) => {
    answers['a.test'] = answer
    const expecting = expectedStatus === undefined ? settings : { ...settings, expectedStatus }
    expect(await probe({ ...origin, settings: expecting }, true)).toMatchObject({
      ...{ status: code, problem: sentence },
    })
  })

  it('that has no answer in time fails', async () => {
    vi.useFakeTimers()
    answers['a.test'] = () => new Promise(() => {})
    const outcome = probe(origin, true)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await outcome).toMatchObject({ status: null, problem: 'no answer: nothing within 5000 ms' })
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each([
    'http://127.0.0.1:8080',
    'http://169.254.169.254',
    'http://localhost',
    'http://metadata.internal',
  ])('never asks %s outside of local runs', async (url) => {
    const outcome = await probe({ ...origin, url }, false)
    expect(outcome.problem).toMatch(/^not asked: the URL must have a/)
    expect(asked).toEqual([])
  })
})

/** An effect is carried out at most once a second. */
const SOON = { interval: 50 }

describe('an environment', () => {
  const document = (health: object | undefined) => ({
    flags: {
      arm: { enabled: true, variants: { stable: 1, canary: 2 }, off: 'stable', fallthrough: 'canary' },
    },
    routes: [
      {
        ...{ id: 'shop', match: {}, flag: 'arm', fallback: 'stable' },
        origins: {
          stable: { url: 'https://stable.test' },
          canary: { url: 'https://canary.test', ...(health && { health }) },
        },
      },
    ],
  })
  const object = (name: string) => env.HEALTH.getByName(name)
  const control = (name: string) =>
    exports.ControlRpc({ props: { environment: name } }) as unknown as ControlRpc
  const reading = (name: string) => control(name).read({ epoch: 0, snapshot: 0, kills: 0 })
  const listed = async (api: string) => (await value(await call(`${api}/health`))).items

  /** Makes the check now that is due in a while, and waits until it is over. */
  async function ring(name: string) {
    const before = checksMade()
    await runInDurableObject(object(name), (_, { storage }) => {
      storage.sql.exec('UPDATE checks SET due_at = 0')
    })
    // Another instance, as after an eviction: all it knows is what was stored.
    await evictDurableObject(object(name))
    await runDurableObjectAlarm(object(name))
    await vi.waitFor(() => expect(checksMade()).toBeGreaterThan(before), SOON)
  }
  const checksMade = () => asked.filter(({ headers }) => headers.has('x-turnout-health')).length
  async function planned(health: object) {
    const made = await environment(document(health))
    await vi.waitFor(async () => {
      await runDurableObjectAlarm(made.stub)
      expect(await listed(made.api)).toHaveLength(1)
    }, SOON)
    await vi.waitFor(() => expect(checksMade()).toBeGreaterThan(0), SOON)
    return made
  }

  it('has none checked that does not ask for it', async () => {
    const { api } = await environment(document(undefined))
    expect(await value(await call(`${api}/health`))).toEqual({ items: [], nextCursor: null })
    await problem(await call('/api/v1/environments/nowhere/health'), 404)
  })

  it('tells edges of an address that failed three times, over evictions, until it has passed twice', async () => {
    answers['canary.test'] = status(503)
    const { name, api } = await planned({})
    expect(await reading(name)).not.toHaveProperty('unhealthy')
    await ring(name)
    await ring(name)
    await vi.waitFor(async () => {
      const { unhealthy } = await reading(name)
      expect(unhealthy?.['shop/canary']).toBeGreaterThan(15_000)
      expect(unhealthy?.['shop/canary']).toBeLessThanOrEqual(20_000)
    }, SOON)
    const [item] = await listed(api)
    expect(item).toMatchObject({
      ...{ origin: 'shop/canary', state: 'unhealthy', passed: false, consecutive: 3 },
      last: { status: 503, problem: 'answered 503' },
      check: { url: 'https://canary.test/health/ready', periodMs: 10_000, expectedStatus: null },
    })
    expect(logged.map((line) => JSON.parse(line))).toContainEqual({
      ...{ level: 'warn', event: 'origin-health', environment: name, origins: 'shop/canary' },
      ...{ status: 'unhealthy', problem: 'answered 503' },
    })
    answers['canary.test'] = status(200)
    await ring(name)
    await vi.waitFor(
      async () => expect(await listed(api)).toMatchObject([{ passed: true, consecutive: 1 }]),
      SOON,
    )
    expect(await listed(api)).toMatchObject([{ state: 'unhealthy' }])
    await ring(name)
    await vi.waitFor(async () => expect((await reading(name)).unhealthy).toEqual({}), SOON)
    expect(await listed(api)).toMatchObject([{ state: 'healthy', consecutive: 2 }])
  })

  /** Hears of origins there from now on; answers what it was told, oldest first. */
  async function listening({ name }: { name: string }) {
    answers['receiver.test'] = status(200)
    const body = {
      name: 'ops',
      url: `https://receiver.test/${name}`,
      events: ['origin.*'],
      environments: [name],
    }
    const { id } = await value(await call('/api/v1/webhooks', { body }))
    return async () => {
      const { items } = await value(await call(`/api/v1/webhooks/${id}/deliveries`))
      return items
        .map(({ event }: { event: Record<string, string> }) => `${event.action} ${event.subject}`)
        .reverse()
    }
  }
  const UNHEALTHY = 'origin.unhealthy origin:shop/canary'
  const HEALTHY = 'origin.healthy origin:shop/canary'

  it('tells webhooks once when an address turns, over evictions', async () => {
    answers['canary.test'] = status(503)
    const made = await planned({})
    const told = await listening(made)
    await ring(made.name)
    expect(await told()).toEqual([])
    await ring(made.name)
    await vi.waitFor(async () => expect(await told()).toEqual([UNHEALTHY]), SOON)
    await ring(made.name)
    answers['canary.test'] = status(200)
    await ring(made.name)
    await ring(made.name)
    await vi.waitFor(async () => expect(await told()).toEqual([UNHEALTHY, HEALTHY]), SOON)
    const message = JSON.parse(posted.get(`https://receiver.test/${made.name}`)![0]!)
    expect(message).toMatchObject({
      type: 'origin.unhealthy',
      data: { environment: made.name, reason: 'answered 503', details: { status: 503 } },
    })
    // Nobody has changed anything.
    const { items } = await value(await call(`/api/v1/audit?environment=${made.name}`))
    expect(items.map(({ action }: { action: string }) => action)).not.toContain('origin.unhealthy')
  })

  it('tells webhooks that an unhealthy address is checked no more, by which their alert ends', async () => {
    answers['canary.test'] = status(503)
    const made = await environment(document({ failures: 1 }))
    const told = await listening(made)
    await vi.waitFor(async () => {
      await runDurableObjectAlarm(made.stub)
      expect(await told()).toEqual([UNHEALTHY])
    }, SOON)
    await value(
      await call(`${made.api}/document`, { method: 'PUT', body: document(undefined), headers: ANY }),
    )
    await vi.waitFor(async () => {
      await runDurableObjectAlarm(made.stub)
      expect(await told()).toEqual([UNHEALTHY, 'origin.unchecked origin:shop/canary'])
    }, SOON)
  })

  it('tells webhooks later, once and in order, if they cannot be told now', async () => {
    answers['canary.test'] = status(200)
    const made = await planned({ failures: 1, successes: 1 })
    const told = await listening(made)
    const renamed = (from: string, to: string) =>
      runInDurableObject(env.WEBHOOKS.getByName('webhooks'), (_, { storage }) => {
        storage.sql.exec(`ALTER TABLE ${from} RENAME TO ${to}`)
      })
    await renamed('webhooks', 'hidden')
    try {
      for (const code of [503, 200]) {
        answers['canary.test'] = status(code)
        await ring(made.name)
        await vi.waitFor(() => expect(logged.join()).toContain('health-events-untold'), SOON)
        logged = []
      }
    } finally {
      await renamed('hidden', 'webhooks')
    }
    await ring(made.name)
    await vi.waitFor(async () => expect(await told()).toEqual([UNHEALTHY, HEALTHY]), SOON)
    const left = await runInDurableObject(object(made.name), (_, { storage }) =>
      storage.sql.exec('SELECT n FROM untold').toArray(),
    )
    expect(left).toEqual([])
  })

  it('stops when no route asks for it any more, and when it is deleted', async () => {
    answers['canary.test'] = status(503)
    const { name, api, stub } = await planned({ failures: 1 })
    await vi.waitFor(
      async () => expect((await reading(name)).unhealthy).toHaveProperty(['shop/canary']),
      SOON,
    )
    await value(await call(`${api}/document`, { method: 'PUT', body: document(undefined), headers: ANY }))
    await vi.waitFor(async () => {
      await runDurableObjectAlarm(stub)
      expect(await listed(api)).toEqual([])
      expect((await reading(name)).unhealthy).toEqual({})
    }, SOON)
    const alarm = () => runInDurableObject(object(name), (_, { storage }) => storage.getAlarm())
    await vi.waitFor(async () => expect(await alarm()).toBeNull(), SOON)
    await value(await call(`${api}/document`, { method: 'PUT', body: document({}), headers: ANY }))
    await vi.waitFor(async () => {
      await runDurableObjectAlarm(stub)
      expect(await alarm()).not.toBeNull()
    }, SOON)
    expect((await call(api, { method: 'DELETE', headers: ANY })).status).toBe(204)
    await vi.waitFor(async () => {
      await runDurableObjectAlarm(stub)
      expect(await alarm()).toBeNull()
    }, SOON)
  })

  it('counts no check as traffic', async () => {
    answers['canary.test'] = status(200)
    const { api } = await planned({})
    expect(await value(await call(`${api}/breakers`))).toEqual({ items: [], nextCursor: null })
  })

  it('has what checks find among its metrics', async () => {
    answers['canary.test'] = status(503)
    const { name } = await planned({ failures: 1 })
    const line = `turnout_origin_healthy{environment="${name}",origin="shop/canary"} 0\n`
    await vi.waitFor(async () => expect(await (await call('/metrics')).text()).toContain(line), SOON)
  })

  it('ignores a plan that is older than the one at hand', async () => {
    answers['canary.test'] = status(200)
    const { name, api } = await planned({})
    await object(name).plan({ environment: name, epoch: 1, version: 1, checks: [] })
    expect(await listed(api)).toHaveLength(1)
  })
})
