/** Responses that a route keeps at the edge, in the Cache API of workerd. Source: docs/traffic.md, "What the edge keeps". */
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Flag, Kill, Route } from '../../engine/index.ts'
import {
  cookieOf,
  type Edge,
  type EdgeOptions,
  hostOf,
  type Origin,
  refused,
  site,
  startEdge,
  status,
  stubOrigins,
} from './edge.ts'

/** Each test has addresses of its own: the cache outlives isolates. */
let tests = 0
const address = (): string => {
  tests += 1
  return `/kept/${tests}`
}

const HOUR = { 'cache-control': 'public, max-age=3600' }
let served = 0
/** Says which answer it is, so that one that was kept can be told from a new one. */
const counting =
  (headers: Record<string, string> = HOUR): Origin =>
  (request) => {
    served += 1
    const name = new URL(request.url).hostname.replace('.test', '')
    return new Response(request.method === 'HEAD' ? null : `${name} ${served}`, {
      headers: { 'content-type': 'text/plain', ...headers },
    })
  }

interface Given extends EdgeOptions {
  origin?: Origin
  canary?: Origin
  route?: Partial<Route>
  flag?: Partial<Flag>
}

const routeOf = (route: Partial<Route> = {}): Partial<Route> => ({
  identity: [{ header: 'x-user' }],
  debug: true,
  breaker: false,
  ...route,
  cache: { store: true, ...route.cache },
})
const FRESH = { SNAPSHOT_MAX_AGE_MS: '1', SNAPSHOT_MAX_STALE_MS: '1' }

async function start({ origin = counting(), canary = origin, route, flag, ...options }: Given = {}) {
  const sent = stubOrigins({ 'stable.test': origin, 'canary.test': canary })
  const edge = await startEdge(site(routeOf(route), flag), { env: FRESH, ...options })
  return { edge, sent, ask: asker(edge) }
}

/** Asks, reads, and says what came and whether it was kept; waits until what is to be kept is. */
function asker(edge: Edge) {
  return async (path: string, init?: RequestInit) => {
    const response = await edge.fetch(path, init)
    const text = await response.text()
    await edge.settled()
    const timing = response.headers.get('server-timing') ?? ''
    return { response, text, cache: /turnout-cache;desc="(\w+)"/.exec(timing)?.[1] ?? null }
  }
}

afterEach(() => vi.useRealTimers())

describe('a response that may be kept', () => {
  it('answers the next request, with its age, as it came', async () => {
    const path = address()
    const { sent, ask } = await start({
      origin: counting({ ...HOUR, etag: '"1"', vary: 'accept', 'x-own': 'own' }),
    })
    const first = await ask(path)
    const second = await ask(path)
    expect([first.cache, second.cache]).toEqual(['miss', 'hit'])
    expect(second.text).toBe(first.text)
    expect(sent).toHaveLength(1)
    const own = (response: Response) =>
      Object.fromEntries(
        [...response.headers].filter(([name]) => !/^(age|server-timing|content-length|date)$/.test(name)),
      )
    expect(own(second.response)).toEqual(own(first.response))
    expect(second.response.headers.get('age')).toMatch(/^\d$/)
    expect(second.response.status).toBe(200)
  })

  it('answers another isolate, and a HEAD without its body', async () => {
    const path = address()
    const { ask } = await start()
    const first = await ask(path)
    const other = await startEdge(site(routeOf()), { env: FRESH })
    expect((await asker(other)(path)).text).toBe(first.text)
    const head = await ask(path, { method: 'HEAD' })
    expect([head.cache, head.text]).toEqual(['hit', ''])
    expect(head.response.headers.get('cache-control')).toBe('public, max-age=3600')
  })

  it('answers who has it already with 304', async () => {
    const path = address()
    const { ask } = await start({ origin: counting({ ...HOUR, etag: 'W/"1"' }) })
    await ask(path)
    const again = await ask(path, { headers: { 'if-none-match': '"0", W/"1"' } })
    expect([again.response.status, again.cache, again.text]).toEqual([304, 'hit', ''])
    expect(again.response.headers.get('etag')).toBe('W/"1"')
    expect(again.response.headers.get('cache-control')).toBe('public, max-age=3600')
  })

  it('is one for each query, host, scheme and route', async () => {
    const path = address()
    const { ask } = await start({ env: { ...FRESH, LOCAL: 'true' } })
    const urls = [`${path}?a`, `${path}?b`, `http://other.test${path}?a`, `https://edge.test${path}?a`]
    for (const url of urls) expect((await ask(url)).cache, url).toBe('miss')
    for (const url of urls) expect((await ask(url)).cache, url).toBe('hit')
  })

  it('may be a redirect, or an error of the client', async () => {
    for (const [code, body] of [
      [404, 'no'],
      [301, null],
    ] as const) {
      const path = address()
      const { ask } = await start({ origin: () => new Response(body, { status: code, headers: HOUR }) })
      await ask(path)
      const kept = await ask(path)
      expect([kept.response.status, kept.cache, kept.text]).toEqual([code, 'hit', body ?? ''])
    }
  })

  it('is asked for anew when it is stale', async () => {
    const path = address()
    vi.useFakeTimers({ toFake: ['Date'] })
    const { ask } = await start({ origin: counting({ 'cache-control': 'max-age=60', age: '20' }) })
    await ask(path)
    vi.setSystemTime(Date.now() + 39_000)
    const kept = await ask(path)
    expect([kept.cache, kept.response.headers.get('age')]).toEqual(['hit', '59'])
    vi.setSystemTime(Date.now() + 2_000)
    expect((await ask(path)).cache).toBe('miss')
  })

  it('is fresh for as long as the route says where it says nothing, and nobody is logged in', async () => {
    const route = { cache: { store: true, ttlSeconds: 60 }, identity: ['cookie' as const] }
    const { ask } = await start({ origin: counting({}), route })
    const path = address()
    const first = await ask(path)
    const visitor = { cookie: cookieOf(first.response, 'turnout-id')! }
    expect((await ask(path, { headers: visitor })).cache).toBe('hit')
    const user = { headers: { cookie: `${visitor.cookie}; session=1` } }
    const theirs = address()
    await ask(theirs, user)
    expect((await ask(theirs, user)).cache).toBe('miss')
  })
})

describe('what is not kept', () => {
  const never = async (given: Given, init?: RequestInit) => {
    const path = address()
    const { ask } = await start(given)
    await ask(path, init)
    return (await ask(path, init)).text
  }

  it.each([
    ['without a freshness', {}],
    ['private', { 'cache-control': 'private, max-age=60' }],
    ['with a cookie of the origin', { ...HOUR, 'set-cookie': 'session=1' }],
    ['that varies by cookie', { ...HOUR, vary: 'Cookie' }],
    ['that varies by everything', { ...HOUR, vary: '*' }],
  ] as [string, Record<string, string>][])('%s', async (_, headers) => {
    const before = served
    expect(await never({ origin: counting(headers) })).toBe(`stable ${before + 2}`)
  })

  it('an answer to a request with Authorization, unless it is public', async () => {
    const before = served
    const init = { headers: { authorization: 'Bearer x' } }
    expect(await never({ origin: counting({ 'cache-control': 'max-age=60' }) }, init)).toBe(
      `stable ${before + 2}`,
    )
    expect(await never({}, init)).toBe(`stable ${before + 3}`)
  })

  it('a route’s that does not ask for it', async () => {
    const before = served
    expect(await never({ route: { cache: { store: false } } })).toBe(`stable ${before + 2}`)
  })

  it('a body above 2 MiB, whether it says its length or not, and one that breaks off', async () => {
    const large = 'x'.repeat(2 * 1024 * 1024 + 1)
    const streamed = () => new Response(new Blob([large]).stream(), { headers: HOUR })
    const broken = () => {
      const { readable, writable } = new TransformStream()
      const writer = writable.getWriter()
      void writer
        .write(new TextEncoder().encode('part'))
        .then(() => writer.abort(new Error('broke off')))
        .catch(() => {})
      return new Response(readable, { headers: HOUR })
    }
    for (const origin of [() => new Response(large, { headers: HOUR }), streamed, broken]) {
      const path = address()
      const { edge, sent } = await start({ origin })
      for (let n = 0; n < 2; n += 1) {
        await (await edge.fetch(path)).text().catch(() => '')
        await edge.settled()
      }
      expect(sent).toHaveLength(2)
    }
  })

  it('the visitor’s cookie: it is set beside what is kept, and that leaves as private', async () => {
    const path = address()
    const { ask } = await start({ route: { identity: ['cookie'] } })
    const first = await ask(path)
    const second = await ask(path)
    expect(second.cache).toBe('hit')
    expect(cookieOf(first.response, 'turnout-id')).toBeDefined()
    expect(cookieOf(second.response, 'turnout-id')).not.toBe(cookieOf(first.response, 'turnout-id'))
    expect(second.response.headers.get('cache-control')).toBe('private, max-age=3600')
    const back = await ask(path, { headers: { cookie: cookieOf(first.response, 'turnout-id')! } })
    expect([back.cache, back.response.headers.get('set-cookie')]).toEqual(['hit', null])
    expect(back.response.headers.get('cache-control')).toBe('public, max-age=3600')
  })
})

describe('what a request says', () => {
  it('no-cache gets a new answer, which replaces what was kept', async () => {
    const path = address()
    const { ask } = await start()
    await ask(path)
    const fresh = await ask(path, { headers: { 'cache-control': 'no-cache' } })
    expect(fresh.cache).toBe('miss')
    expect((await ask(path)).text).toBe(fresh.text)
  })

  it('no-store and ranges leave what is kept alone', async () => {
    const path = address()
    const { ask, sent } = await start()
    const first = await ask(path)
    for (const headers of [{ 'cache-control': 'no-store' }, { range: 'bytes=0-1' }] as Record<
      string,
      string
    >[]) {
      const apart = await ask(path, { headers })
      expect([apart.cache, apart.text === first.text]).toEqual([null, false])
    }
    expect(sent[2]!.headers.get('range')).toBe('bytes=0-1')
    expect((await ask(path)).text).toBe(first.text)
  })

  it('only-if-cached gets what is kept, or 504', async () => {
    const path = address()
    const { ask, sent } = await start()
    const init = { headers: { 'cache-control': 'only-if-cached' } }
    expect((await ask(path, init)).response.status).toBe(504)
    expect(sent).toHaveLength(0)
    await ask(path)
    expect((await ask(path, init)).cache).toBe('hit')
  })

  it('another language is another answer', async () => {
    const path = address()
    const { ask } = await start({ origin: counting({ ...HOUR, vary: 'accept-language' }) })
    const german = { headers: { 'accept-language': 'de' } }
    await ask(path, german)
    expect((await ask(path, german)).cache).toBe('hit')
    expect((await ask(path, { headers: { 'accept-language': 'fr' } })).cache).toBe('miss')
  })

  it('a POST that succeeds ends what is kept of its address, in every variant', async () => {
    const path = address()
    const { ask } = await start()
    await ask(path)
    await ask(path, { method: 'POST', body: 'x' })
    expect((await ask(path)).cache).toBe('miss')
    const failing = await start({ origin: status(500) })
    await failing.ask(path, { method: 'POST', body: 'x' })
    expect((await failing.ask(path)).cache).toBe('hit')
  })
})

describe('variants', () => {
  const SPLIT: Partial<Route> = { overrides: { header: { 'x-canary': { true: 'canary' } } } }
  const canary = { headers: { 'x-canary': 'true' } }

  it('each have their own', async () => {
    const path = address()
    const { ask } = await start({ route: SPLIT })
    const [stable, other] = [await ask(path), await ask(path, canary)]
    expect([stable.text.split(' ')[0], other.text.split(' ')[0]]).toEqual(['stable', 'canary'])
    expect((await ask(path)).text).toBe(stable.text)
    expect((await ask(path, canary)).text).toBe(other.text)
  })

  it('have another where their origin has another address', async () => {
    const path = address()
    const { ask, edge } = await start({ origin: counting() })
    await ask(path)
    const moved = { stable: { url: 'https://stable.test/v2' }, canary: { url: 'https://canary.test' } }
    edge.control.publish(site(routeOf({ origins: moved })))
    await expect.poll(async () => (await ask(path)).response.headers.get('x-turnout-version')).toBe('2')
    expect((await ask(address())).cache).toBe('miss')
    expect((await ask(path)).text).not.toBe('stable 1')
  })

  it('keep nothing of what another answered in their place', async () => {
    const path = address()
    const { ask, sent } = await start({ flag: { fallthrough: 'canary' }, canary: refused })
    await ask(path)
    const again = await ask(path)
    expect(again.cache).toBe('miss')
    expect(sent.map(hostOf)).toEqual(['canary.test', 'stable.test', 'canary.test', 'stable.test'])
  })

  it('of pages leave as private, no-cache, and are kept all the same', async () => {
    const path = address()
    const { ask } = await start({ route: SPLIT, origin: counting({ ...HOUR, 'content-type': 'text/html' }) })
    for (const cache of ['miss', 'hit']) {
      const { response, ...rest } = await ask(path)
      expect(rest.cache).toBe(cache)
      expect(response.headers.get('cache-control')).toBe('private, no-cache')
    }
  })
})

describe('a purge', () => {
  const kill: Kill = { target: 'route:site', variant: 'stable' }

  async function keptThenNot(change: (edge: Edge) => void, after: (edge: Edge) => void = () => {}) {
    const path = address()
    const { ask, edge } = await start({ kills: [] })
    await ask(path)
    expect((await ask(path)).cache).toBe('hit')
    change(edge)
    after(edge)
    const { version, kills } = edge.control
    await expect
      .poll(async () => {
        await ask(address())
        return (await (await edge.fetch('/.turnout/health/ready')).json()) as object
      })
      .toMatchObject({ version, killsVersion: kills.version })
    return (await ask(path)).cache
  }

  it('comes with a kill, and what was kept does not come back with its end', async () => {
    expect(await keptThenNot(({ control }) => control.kill(kill))).toBe('miss')
    const lifted = await keptThenNot(
      ({ control }) => control.kill(kill),
      ({ control }) => control.kill(),
    )
    expect(lifted).toBe('miss')
  })

  it('comes with what takes traffic back', async () => {
    expect(await keptThenNot(({ control }) => control.publish(site(routeOf()), { cacheEpoch: 2 }))).toBe(
      'miss',
    )
  })

  it('does not come with another edit, nor with a drill', async () => {
    const more = { ...site(routeOf()), segments: { staff: { include: ['ada'] } } }
    expect(await keptThenNot(({ control }) => control.publish(more))).toBe('hit')
    expect(await keptThenNot(({ control }) => control.drill())).toBe('hit')
  })
})

it('a platform without a cache is one that has nothing', async () => {
  const path = address()
  const spy = vi.spyOn(caches.default, 'match').mockRejectedValue(new Error('no cache here'))
  const { ask, sent } = await start()
  for (let n = 0; n < 3; n += 1) expect((await ask(path)).response.status).toBe(200)
  expect(sent).toHaveLength(3)
  expect(spy).toHaveBeenCalledTimes(1)
  spy.mockRestore()
})
