/** How a running edge follows the control plane, and what it does without one. */
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { encodeLastKnownGood, type FlagDocument, lastKnownGoodKey, NO_KILLS } from '../../engine/index.ts'
import {
  Control,
  canarySite,
  type Edge,
  ENVIRONMENT,
  hostOf,
  never,
  refuse,
  refused,
  site,
  snapshotText,
  startEdge,
  stubOrigins,
} from './edge.ts'

/** Only the clock of `Date` is faked: what the edge waits for goes by in real time. */
function fakeDate() {
  vi.useFakeTimers({ toFake: ['Date'] })
  onTestFinished(() => {
    vi.useRealTimers()
  })
  return (ms: number) => vi.setSystemTime(Date.now() + ms)
}

const served = async (edge: Edge) => (await edge.fetch('/')).text()

/** A namespace in memory; `delayMs` before each answer. */
const namespace = (text: string | null, delayMs = 0) => {
  let gets = 0
  const get = async (key: string) => {
    gets += 1
    await scheduler.wait(delayMs)
    return key === lastKnownGoodKey(ENVIRONMENT) ? text : null
  }
  return { binding: { get } as unknown as KVNamespace, gets: () => gets }
}

const copyOf = (document: FlagDocument, kills = NO_KILLS) =>
  encodeLastKnownGood({ writtenAtMs: Date.now(), kills, snapshot: snapshotText(document) })

const down = (): Control => {
  const control = new Control()
  control.beforeRead = refuse
  return control
}

describe('a running edge', () => {
  it('does not read while its copy is fresh', async () => {
    fakeDate()
    stubOrigins()
    const edge = await startEdge(site())
    for (let request = 0; request < 50; request += 1) await edge.fetch('/')
    expect(edge.control.reads).toBe(1)
    expect(edge.control.bodies).toEqual(['1/1'])
  })

  it('has the new version with the next request after it was idle', async () => {
    const pass = fakeDate()
    stubOrigins()
    const edge = await startEdge(site())
    expect(await served(edge)).toBe('stable.test')
    edge.control.publish(canarySite())
    pass(60_000)
    expect(await served(edge)).toBe('canary.test')
    edge.control.kill({ target: 'flag:release' })
    pass(60_000)
    expect(await served(edge)).toBe('stable.test')
    expect(edge.control.bodies).toEqual(['1/1', '1/2'])
  })

  it('answers nobody by the old version after it was idle, though the new one takes its time', async () => {
    const pass = fakeDate()
    stubOrigins()
    const edge = await startEdge(site(), { access: { open: true, keys: [] }, env: { LOCAL: 'true' } })
    const asked = () => edge.fetch('/.turnout/ofrep/v1/evaluate/flags', { method: 'POST' })
    expect(await served(edge)).toBe('stable.test')
    expect((await asked()).status).toBe(200)
    edge.control.publish(canarySite(), { access: { open: false, keys: [] } })
    edge.control.beforeBody = () => scheduler.wait(40)
    pass(60_000)
    const early = [served(edge), asked()]
    // By now the read is answered, and the body is under way.
    await scheduler.wait(20)
    const [first, evaluated, second, again] = await Promise.all([...early, served(edge), asked()])
    expect([first, second]).toEqual(['canary.test', 'canary.test'])
    expect([evaluated, again].map((each) => (each as Response).status)).toEqual([401, 401])
    expect(edge.control.bodies).toEqual(['1/1', '1/2'])
  })

  it('follows by itself within about a second, without any request', async () => {
    stubOrigins()
    const edge = await startEdge(site())
    expect(await served(edge)).toBe('stable.test')
    const { reads } = edge.control
    await vi.waitFor(() => expect(edge.control.reads).toBeGreaterThan(reads + 1))
  })

  it('serves on while the control plane hangs, and follows it when it is back', async () => {
    const pass = fakeDate()
    stubOrigins()
    const edge = await startEdge(site(), { env: { REFRESH_TIMEOUT_MS: '50' } })
    await served(edge)
    edge.control.beforeRead = never
    edge.control.publish(canarySite())
    for (let request = 0; request < 5; request += 1) {
      pass(3_000)
      expect(await served(edge)).toBe('stable.test')
    }
    edge.control.beforeRead = () => {}
    await vi.waitFor(
      async () => {
        pass(1_000)
        expect(await served(edge)).toBe('canary.test')
      },
      { timeout: 5_000 },
    )
  })

  it('never goes back to an older version or epoch', async () => {
    const pass = fakeDate()
    stubOrigins()
    const edge = await startEdge(canarySite(), { epoch: 3, version: 8 })
    await served(edge)
    for (const [epoch, version] of [
      [3, 7],
      [2, 99],
    ] as const) {
      edge.control.publish(site(), { epoch, version })
      pass(3_000)
      expect(await served(edge)).toBe('canary.test')
    }
    edge.control.publish(site(), { epoch: 4, version: 1 })
    pass(3_000)
    expect(await served(edge)).toBe('stable.test')
  })

  it('keeps a kill that an older list does not have', async () => {
    const pass = fakeDate()
    stubOrigins()
    const control = new Control().publish(canarySite())
    control.kill({ target: 'flag:release' }).kill({ target: 'flag:release' })
    const edge = await startEdge(null, { control })
    expect(await served(edge)).toBe('stable.test')
    vi.spyOn(control, 'read').mockImplementation(async () => ({
      environment: ENVIRONMENT,
      epoch: 1,
      snapshot: 1,
      kills: { epoch: 1, version: 1, kills: [] },
    }))
    pass(3_000)
    expect(await served(edge)).toBe('stable.test')
  })
})

describe('a cold edge', () => {
  it('reads the control plane once, however many requests wait', async () => {
    stubOrigins()
    const control = new Control().publish(site())
    control.beforeRead = () => scheduler.wait(30)
    const edge = await startEdge(null, { control })
    const answers = await Promise.all(Array.from({ length: 50 }, () => served(edge)))
    expect(answers).toEqual(Array(50).fill('stable.test'))
    expect(control.reads).toBe(1)
    expect(control.bodies).toEqual(['1/1'])
  })

  it('takes last-known-good when the control plane is out of reach, kills included', async () => {
    stubOrigins()
    const kills = { epoch: 1, version: 1, kills: [{ target: 'flag:release' as const }] }
    for (const [text, host] of [
      [copyOf(canarySite()), 'canary.test'],
      [copyOf(canarySite(), kills), 'stable.test'],
    ] as const) {
      const edge = await startEdge(null, {
        control: down(),
        env: { LAST_KNOWN_GOOD: namespace(text).binding },
      })
      expect(await served(edge)).toBe(host)
    }
  })

  it('takes last-known-good when the control plane hangs', async () => {
    stubOrigins()
    const control = new Control()
    control.beforeRead = never
    const LAST_KNOWN_GOOD = namespace(copyOf(canarySite())).binding
    const edge = await startEdge(null, { control, env: { LAST_KNOWN_GOOD, COLD_LOAD_TIMEOUT_MS: '50' } })
    expect(await served(edge)).toBe('canary.test')
  })

  it('takes last-known-good without a CONTROL binding', async () => {
    stubOrigins()
    const LAST_KNOWN_GOOD = namespace(copyOf(canarySite())).binding
    const edge = await startEdge(null, { env: { LAST_KNOWN_GOOD, CONTROL: undefined } })
    expect(await served(edge)).toBe('canary.test')
  })

  it('takes last-known-good at once when only the body of the snapshot cannot be had', async () => {
    stubOrigins()
    for (const breakIt of [
      (control: Control) => {
        control.beforeBody = refuse
      },
      (control: Control) => {
        control.body = control.body.replace('"format":1', '"format":99')
      },
      (control: Control) => {
        control.body = 'garbage'
      },
    ]) {
      const control = new Control().publish(site())
      breakIt(control)
      const LAST_KNOWN_GOOD = namespace(copyOf(canarySite())).binding
      const edge = await startEdge(null, { control, env: { LAST_KNOWN_GOOD, COLD_LOAD_TIMEOUT_MS: '60000' } })
      const first = await Promise.race([served(edge), scheduler.wait(2_000).then(() => 'still waiting')])
      expect(first).toBe('canary.test')
    }
  })

  it('serves every request that arrives while another one loads last-known-good', async () => {
    stubOrigins()
    const LAST_KNOWN_GOOD = namespace(copyOf(canarySite()), 100).binding
    const edge = await startEdge(null, { control: down(), env: { LAST_KNOWN_GOOD } })
    const first = served(edge)
    await scheduler.wait(40)
    const others = await Promise.all([edge.fetch('/'), edge.fetch('/')])
    expect(others.map(({ status }) => status)).toEqual([200, 200])
    expect(await first).toBe('canary.test')
  })

  it('goes from last-known-good to the control plane by itself', async () => {
    const pass = fakeDate()
    stubOrigins()
    const control = new Control().publish(canarySite(), { version: 2 })
    control.beforeRead = refuse
    const edge = await startEdge(null, {
      control,
      env: { LAST_KNOWN_GOOD: namespace(copyOf(site())).binding },
    })
    expect(await served(edge)).toBe('stable.test')
    control.beforeRead = () => {}
    await vi.waitFor(
      async () => {
        pass(1_000)
        expect(await served(edge)).toBe('canary.test')
      },
      { timeout: 5_000 },
    )
  })

  it('does not let an older control plane replace a newer last-known-good', async () => {
    const pass = fakeDate()
    stubOrigins()
    const control = new Control().publish(site(), { version: 4 })
    control.beforeRead = refuse
    const text = encodeLastKnownGood({
      writtenAtMs: Date.now(),
      kills: NO_KILLS,
      snapshot: snapshotText(canarySite(), { version: 5 }),
    })
    const edge = await startEdge(null, { control, env: { LAST_KNOWN_GOOD: namespace(text).binding } })
    expect(await served(edge)).toBe('canary.test')
    control.beforeRead = () => {}
    for (let second = 0; second < 4; second += 1) {
      pass(3_000)
      expect(await served(edge)).toBe('canary.test')
    }
    expect(control.reads).toBeGreaterThan(1)
  })

  it('survives a copy that cannot be read', async () => {
    stubOrigins()
    for (const text of ['', 'garbage', '{}\ngarbage', copyOf(site()).slice(0, 60)]) {
      const env = { LAST_KNOWN_GOOD: namespace(text).binding, FALLBACK_ORIGIN: 'https://plain.test' }
      const edge = await startEdge(null, { control: down(), env })
      expect(await served(edge), JSON.stringify(text.slice(0, 10))).toBe('plain.test')
    }
  })

  it('with nothing at all answers 503 with Retry-After, and serves as soon as there is something', async () => {
    const pass = fakeDate()
    stubOrigins()
    const control = down()
    const edge = await startEdge(null, { control })
    const response = await edge.fetch('/')
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    control.publish(site())
    control.beforeRead = () => {}
    pass(2_000)
    expect(await served(edge)).toBe('stable.test')
  })
})

describe('FALLBACK_ORIGIN, while nothing was ever loaded', () => {
  const plain = () =>
    startEdge(null, { control: down(), env: { FALLBACK_ORIGIN: 'https://plain.test/base' } })

  it('gets the request as it is: method, path, query, body', async () => {
    const sent = stubOrigins()
    const edge = await plain()
    expect((await edge.fetch('/a/../b?x=1', { method: 'POST', body: 'payload' })).status).toBe(200)
    expect(sent).toMatchObject([{ url: 'https://plain.test/base/b?x=1', method: 'POST', body: 'payload' }])
  })

  it('never gets what only the edge may say, nor our cookies', async () => {
    const sent = stubOrigins()
    const edge = await plain()
    await edge.fetch('/', {
      headers: {
        'x-turnout-variant': 'canary',
        'proxy-authorization': 'x',
        connection: 'x-hop',
        'x-hop': '1',
        cookie: 'a=b; turnout-id=t; __Host-turnout-id=u',
      },
    })
    const { headers } = sent[0]!
    for (const name of ['x-turnout-variant', 'proxy-authorization', 'x-hop'])
      expect(headers.get(name), name).toBeNull()
    expect(headers.get('cookie')).toBe('a=b')
  })

  it('is told the original host, scheme and address, as any origin is', async () => {
    const sent = stubOrigins()
    const edge = await plain()
    await edge.fetch('https://shop.example.com/', { headers: { 'cf-connecting-ip': '203.0.113.7' } })
    expect(Object.fromEntries(sent[0]!.headers)).toMatchObject({
      'x-forwarded-host': 'shop.example.com',
      'x-forwarded-proto': 'https',
      'x-forwarded-for': '203.0.113.7',
    })
  })

  it('does not loop: a request that has been here before is a 508', async () => {
    const sent = stubOrigins()
    const edge = await plain()
    await edge.fetch('/')
    const loop = sent[0]!.headers.get('cdn-loop')
    expect(loop).not.toBeNull()
    expect((await edge.fetch('/', { headers: { 'cdn-loop': loop! } })).status).toBe(508)
  })

  it('that refuses is a 502 problem; its redirects are not followed; no cookie is set', async () => {
    stubOrigins({ 'plain.test': refused })
    expect((await (await plain()).fetch('/')).status).toBe(502)
    const sent = stubOrigins({
      'plain.test': () => new Response(null, { status: 302, headers: { location: '/x' } }),
    })
    const response = await (await plain()).fetch('/')
    expect(response.status).toBe(302)
    expect(response.headers.getSetCookie()).toEqual([])
    expect(sent[0]!.redirect).toBe('manual')
  })

  it('is not used once a snapshot was loaded', async () => {
    const pass = fakeDate()
    const sent = stubOrigins()
    const edge = await startEdge(site(), { env: { FALLBACK_ORIGIN: 'https://plain.test' } })
    await edge.fetch('/')
    edge.control.beforeRead = refuse
    pass(60_000)
    await edge.fetch('/')
    expect(sent.map(hostOf)).toEqual(['stable.test', 'stable.test'])
  })
})

describe('a location’s cache', () => {
  const env = { LOCATION_CACHE: 'true' }
  const start = (control: Control, more = {}) => startEdge(null, { control, env: { ...env, ...more } })
  /** The cache is keyed by host: a host per test keeps them apart. */
  const get = async (edge: Edge, host: string) => (await edge.fetch(`http://${host}/`)).text()

  it('lets isolates share bodies, and reads for 250 ms', async () => {
    const pass = fakeDate()
    stubOrigins()
    const control = new Control().publish(site())
    const one = await start(control)
    expect(await get(one, 'share.test')).toBe('stable.test')
    await vi.waitFor(async () => {
      const before = control.reads
      const other = await start(control)
      pass(100)
      expect(await get(other, 'share.test')).toBe('stable.test')
      expect(control.reads).toBe(before)
    })
    expect(control.bodies).toEqual(['1/1'])
  })

  it('counts age from when the control plane answered: a chain of isolates never keeps an entry alive', async () => {
    const pass = fakeDate()
    stubOrigins()
    const control = new Control().publish(site())
    expect(await get(await start(control), 'chain.test')).toBe('stable.test')
    control.publish(canarySite())
    let answer = ''
    // Each isolate is cold and comes 200 ms after the last; 2 s are more than anybody may lag behind.
    for (let isolate = 0; isolate < 10; isolate += 1) {
      pass(200)
      await scheduler.wait(20)
      answer = await get(await start(control), 'chain.test')
    }
    expect(answer).toBe('canary.test')
  })

  it('is what a cold isolate starts from when the control plane is gone', async () => {
    const pass = fakeDate()
    stubOrigins()
    const control = new Control().publish(canarySite())
    expect(await get(await start(control), 'cold.test')).toBe('canary.test')
    await scheduler.wait(50)
    control.beforeRead = refuse
    pass(10_000)
    const LAST_KNOWN_GOOD = namespace(copyOf(site())).binding
    expect(await get(await start(control, { LAST_KNOWN_GOOD }), 'cold.test')).toBe('canary.test')
  })

  it('that fails is a cache that has nothing', async () => {
    stubOrigins()
    const failing = () => Promise.reject(new Error('cache is broken'))
    for (const method of ['match', 'put'] as const) {
      const spy = vi.spyOn(caches.default, method).mockImplementation(failing)
      expect(await get(await start(new Control().publish(site())), 'broken.test')).toBe('stable.test')
      spy.mockRestore()
    }
  })
})

describe('settings', () => {
  const answer = async (env: object) => {
    const errors = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => errors.mockRestore())
    const edge = await startEdge(site(), { env })
    const response = await edge.fetch('/')
    const { level, event, cause } = JSON.parse(String(errors.mock.calls.flat().join(' ')))
    return { status: response.status, level, event, cause }
  }

  it('that are wrong make a 500 problem, and the log names each of them', async () => {
    stubOrigins()
    const { cause, ...logged } = await answer({
      SNAPSHOT_MAX_AGE_MS: '5s',
      REFRESH_TIMEOUT_MS: '0',
      FALLBACK_ORIGIN: 'ftp://x',
    })
    expect(logged).toEqual({ status: 500, level: 'error', event: 'request-failed' })
    expect(cause).toContain('SNAPSHOT_MAX_AGE_MS must be 1..60000, got "5s"')
    expect(cause).toContain('REFRESH_TIMEOUT_MS')
    expect(cause).toContain('FALLBACK_ORIGIN')
  })
})
