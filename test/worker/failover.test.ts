/** From the chosen variant to its fallback: when a request may be tried once more, and with what. Source: docs/traffic.md, "Failover". */
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Origin as OriginConfig, Route } from '../../engine/index.ts'
import {
  CANARY,
  canarySite,
  type Edge,
  hangs,
  hello,
  hostOf,
  type Origin,
  problemOf,
  refused,
  STABLE,
  startEdge,
  status,
  stubOrigins,
} from './edge.ts'

interface Attempt {
  method: string
  canary: Origin
  route?: Partial<Route>
  headers?: Record<string, string>
  body?: string
}

/** One isolate for a test and a document: its budget of second tries is its own. Breakers have tests of their own. */
const edges = new Map<string, Promise<Edge>>()
beforeEach(() => edges.clear())
function edgeWith(route: Partial<Route>): Promise<Edge> {
  const name = JSON.stringify(route)
  const edge = edges.get(name) ?? startEdge(canarySite({ timeoutMs: 120, breaker: false, ...route }))
  edges.set(name, edge)
  return edge
}

/** One request whose canary fails; the hosts that received it, and the answer. */
async function attempt({ method, canary, route = {}, headers = {}, body }: Attempt) {
  const sent = stubOrigins({ 'canary.test': canary })
  const edge = await edgeWith(route)
  const response = await edge.fetch('/', { method, headers, ...(body !== undefined && { body }) })
  return { sent, response, hosts: sent.map((request) => hostOf(request)!.replace('.test', '')) }
}

const B: [string, Origin][] = [
  ['a refused connection', refused],
  ['a timeout before headers', hangs],
]
const C: [string, Origin][] = [502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 527, 530].map((code) => [
  `status ${code}`,
  status(code),
])
const D: [string, Origin][] = [500, 501, 505, 507, 511, 528, 529, 531, 599].map((code) => [
  `status ${code}`,
  status(code),
])
const E: [string, Origin][] = [
  ['421', status(421)],
  ['425', status(425)],
  ['503 with x-not-processed', status(503, { 'x-not-processed': '1' })],
]
const fine: [string, Origin][] = [200, 204, 301, 304, 400, 401, 404, 408, 429].map((code) => [
  `status ${code}`,
  () => new Response(null, { status: code }),
])

const TWICE = ['canary', 'stable']
const ONCE = ['canary']
const keyed = { 'idempotency-key': 'k-1' }
const idempotent = { idempotent: true }

describe.each([
  ['B', B],
  ['C', C],
])('%s: perhaps processed', (_, failures) => {
  it.each(failures)('%s: GET, HEAD and OPTIONS get one try on the fallback', async (_name, canary) => {
    for (const method of ['GET', 'HEAD', 'OPTIONS']) {
      const { hosts, response } = await attempt({ method, canary })
      expect(hosts, method).toEqual(TWICE)
      expect(response.status).toBe(200)
    }
  })

  it.each(failures)('%s: PUT and DELETE only where the route is idempotent', async (_name, canary) => {
    for (const method of ['PUT', 'DELETE']) {
      expect((await attempt({ method, canary })).hosts, method).toEqual(ONCE)
      expect((await attempt({ method, canary, headers: keyed })).hosts, method).toEqual(ONCE)
      expect((await attempt({ method, canary, route: idempotent })).hosts, method).toEqual(TWICE)
    }
  })

  it.each(failures)('%s: POST and PATCH only with a key on an idempotent route', async (_name, canary) => {
    for (const method of ['POST', 'PATCH']) {
      const body = 'payload'
      expect((await attempt({ method, canary, body })).hosts, method).toEqual(ONCE)
      expect((await attempt({ method, canary, body, headers: keyed })).hosts).toEqual(ONCE)
      expect((await attempt({ method, canary, body, route: idempotent })).hosts).toEqual(ONCE)
      // A key without a value lets the origin recognise nothing.
      const empty = { 'idempotency-key': '' }
      expect((await attempt({ method, canary, body, route: idempotent, headers: empty })).hosts).toEqual(ONCE)
      const both = await attempt({ method, canary, body, route: idempotent, headers: keyed })
      expect(both.hosts, method).toEqual(TWICE)
      expect(both.sent.map((request) => request.body)).toEqual([body, body])
    }
  })
})

describe('D: the origin’s own answer', () => {
  it.each([...D, ...fine])('%s is passed on, whatever the method', async (_name, canary) => {
    for (const [method, headers] of [
      ['GET', {}],
      ['POST', keyed],
    ] as const) {
      const { hosts, response } = await attempt({ method, canary, route: idempotent, headers })
      expect(hosts, method).toEqual(ONCE)
      expect(response.status).not.toBe(502)
    }
  })
})

describe('E: it says that it did nothing', () => {
  it.each(E)('%s: every method gets one try', async (_name, canary) => {
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'POST', 'PATCH'])
      expect((await attempt({ method, canary })).hosts, method).toEqual(TWICE)
  })

  it('sends a small body again, byte for byte', async () => {
    const { sent } = await attempt({ method: 'POST', canary: status(425), body: '{"order":1}' })
    expect(sent.map(({ body }) => body)).toEqual(['{"order":1}', '{"order":1}'])
  })
})

describe('A: not attempted', () => {
  it('a killed flag serves its off variant to every method, body untouched', async () => {
    for (const method of ['GET', 'POST', 'PUT']) {
      const sent = stubOrigins()
      const edge = await startEdge(canarySite(), { kills: [{ target: 'flag:release' }] })
      const body = method === 'GET' ? null : 'x'.repeat(100_000)
      await edge.fetch('/', { method, body })
      expect(sent.map((request) => [hostOf(request), request.body])).toEqual([['stable.test', body ?? '']])
    }
  })
})

describe('the log', () => {
  it('says which origin failed, why, and what was done about it; once, however often it happens', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    onTestFinished(() => warn.mockRestore())
    stubOrigins({ 'canary.test': () => new Response(null, { status: 503 }) })
    const edge = await startEdge(canarySite({ id: 'logged' }))
    for (let request = 0; request < 3; request += 1) await edge.fetch('/')
    const lines = warn.mock.calls.map(([line]) => JSON.parse(String(line)))
    const failed = lines.filter(({ route }) => route === 'logged')
    expect(failed).toEqual([
      expect.objectContaining({
        level: 'warn',
        event: 'origin-failed',
        variant: 'canary',
        status: 503,
        failover: 'stable',
      }),
    ])
  })
})

describe('bounds', () => {
  it('one failover a request: a failing fallback is the answer', async () => {
    const sent = stubOrigins({ 'canary.test': status(503), 'stable.test': status(502) })
    const edge = await startEdge(
      canarySite({ origins: { stable: { url: STABLE, fallback: 'canary' }, canary: { url: CANARY } } }),
    )
    const response = await edge.fetch('/')
    expect(sent.map(hostOf)).toEqual(['canary.test', 'stable.test'])
    expect([502, 503]).toContain(response.status)
  })

  it('a variant without fallback, or that is its own, is tried once and its answer passed on', async () => {
    const own = await attempt({ method: 'GET', canary: status(503), route: { fallback: 'canary' } })
    expect(own.hosts).toEqual(ONCE)
    expect(own.response.status).toBe(503)
    expect(await own.response.text()).toBe('status 503')
    const origins = { stable: { url: STABLE }, canary: { url: CANARY, fallback: null } }
    const none = await attempt({ method: 'GET', canary: status(503), route: { origins } })
    expect(none.hosts).toEqual(ONCE)
    expect(none.response.status).toBe(503)
  })

  it('takes the fallback that the origin names before that of the route', async () => {
    const sent = stubOrigins({ 'canary.test': refused })
    const document = canarySite()
    const edge = await startEdge({
      ...document,
      flags: {
        release: {
          enabled: true,
          variants: { stable: 1, canary: 2, spare: 3 },
          off: 'stable',
          fallthrough: 'canary',
        },
      },
      routes: [
        {
          ...document.routes![0]!,
          origins: {
            stable: { url: STABLE },
            canary: { url: CANARY, fallback: 'spare' },
            spare: { url: 'https://spare.test' },
          },
        },
      ],
    })
    await edge.fetch('/')
    expect(sent.map(hostOf)).toEqual(['canary.test', 'spare.test'])
  })

  it('never fails over to a killed variant: a killed flag stays where the kill put it', async () => {
    const sent = stubOrigins({ 'stable.test': status(503) })
    const origins = { stable: { url: STABLE, fallback: 'canary' }, canary: { url: CANARY } }
    for (const target of ['flag:release', 'route:site', 'all-routes'] as const) {
      const edge = await startEdge(canarySite({ origins }), { kills: [{ target }] })
      expect((await edge.fetch('/')).status, target).toBe(503)
    }
    expect(sent.map(hostOf)).toEqual(Array(3).fill('stable.test'))
  })

  it('none when less than 100 ms of the deadline are left', async () => {
    const route = { timeoutMs: 100, deadlineMs: 190 }
    const late = await attempt({ method: 'GET', canary: hangs, route })
    expect(late.hosts).toEqual(ONCE)
    expect(late.response.status).toBe(504)
    const early = await attempt({ method: 'GET', canary: refused, route })
    expect(early.hosts).toEqual(TWICE)
  })

  it('the deadline bounds both attempts together', async () => {
    const sent = stubOrigins({ 'canary.test': hangs, 'stable.test': hangs })
    const edge = await startEdge(canarySite({ timeoutMs: 1_000, deadlineMs: 1_500 }))
    const response = await edge.fetch('/')
    expect(response.status).toBe(504)
    expect(sent.map(hostOf)).toEqual(['canary.test', 'stable.test'])
    // What was left for the second: at most half of what an attempt may take.
    const { detail } = (await response.json()) as { detail: string }
    const [, limitMs] = /^origin stable .* within (\d+) ms$/.exec(detail) ?? []
    expect(Number(limitMs)).toBeLessThanOrEqual(500)
  })

  it('takes the timeout of the origin before that of the route', async () => {
    const origins: Record<string, OriginConfig> = {
      stable: { url: STABLE },
      canary: { url: CANARY, timeoutMs: 50 },
    }
    const { hosts, response } = await attempt({
      method: 'GET',
      canary: hangs,
      route: { timeoutMs: 60_000, origins },
    })
    expect(hosts).toEqual(TWICE)
    expect(response.status).toBe(200)
  })

  it('none for a request that asks for an event stream', async () => {
    const { hosts } = await attempt({
      method: 'GET',
      canary: status(503),
      headers: { accept: 'application/json, Text/Event-Stream' },
    })
    expect(hosts).toEqual(ONCE)
  })

  it('none for an upgrade', async () => {
    const { hosts } = await attempt({
      method: 'GET',
      canary: status(503),
      headers: { upgrade: 'WebSocket' },
    })
    expect(hosts).toEqual(ONCE)
  })

  it('one where a client offers HTTP/2, which is no upgrade here', async () => {
    const { hosts } = await attempt({ method: 'GET', canary: status(503), headers: { upgrade: 'h2c' } })
    expect(hosts).toEqual(TWICE)
  })

  it('replays a body of 64 KiB, and none that is larger or of unknown length', async () => {
    const route = idempotent
    const put = (body: BodyInit) => {
      const sent = stubOrigins({ 'canary.test': status(503) })
      return startEdge(canarySite(route)).then(async (edge) => {
        const response = await edge.fetch('/', { method: 'PUT', body })
        return { sent, response }
      })
    }
    const small = await put('x'.repeat(65_536))
    expect(small.sent.map((request) => [hostOf(request), request.body.length])).toEqual([
      ['canary.test', 65_536],
      ['stable.test', 65_536],
    ])
    const large = await put('x'.repeat(65_537))
    expect(large.sent.map((request) => [hostOf(request), request.body.length])).toEqual([
      ['canary.test', 65_537],
    ])
    expect(large.response.status).toBe(503)
    const streamed = await put(new Blob(['x'.repeat(1000)]).stream())
    expect(streamed.sent.map((request) => [hostOf(request), request.body.length])).toEqual([
      ['canary.test', 1000],
    ])
  })
})

describe('when no try is left', () => {
  it('a refused connection is a 502 problem that does not tell where the origin is', async () => {
    const { response } = await attempt({ method: 'POST', canary: refused, body: 'x' })
    expect(response.status).toBe(502)
    const text = JSON.stringify(await problemOf(response))
    expect(text).not.toContain('canary.test')
    expect(text).toContain('canary')
  })

  it('a timeout is a 504 problem', async () => {
    const { response } = await attempt({
      method: 'POST',
      canary: hangs,
      body: 'x',
      route: { timeoutMs: 50 },
    })
    expect(response.status).toBe(504)
    expect(await problemOf(response)).toMatchObject({ status: 504 })
  })

  it('both refused is a 502 problem', async () => {
    const sent = stubOrigins({ 'canary.test': refused, 'stable.test': refused })
    const edge = await startEdge(canarySite())
    const response = await edge.fetch('/')
    expect(response.status).toBe(502)
    expect(await problemOf(response)).toMatchObject({ status: 502 })
    expect(sent).toHaveLength(2)
  })

  it('is not cached by anybody', async () => {
    const { response } = await attempt({ method: 'POST', canary: refused, body: 'x' })
    expect(response.headers.get('cache-control')).toMatch(/no-store/)
  })
})

describe('credentials on the way to a fallback', () => {
  const credentials = { authorization: 'Bearer t', cookie: 'session=1', 'x-api-key': 'k' }
  const seen = async (stable: Partial<OriginConfig>, canary: Origin = status(503)) => {
    const sent = stubOrigins({
      'canary.test': canary,
      'canary.test:8443': hello,
    })
    const edge = await startEdge(
      canarySite({ origins: { stable: { url: STABLE, ...stable }, canary: { url: CANARY } } }),
    )
    await edge.fetch('/', { headers: { ...credentials, 'x-other': 'o' } })
    expect(sent).toHaveLength(2)
    return sent.map(({ headers }) =>
      ['authorization', 'cookie', 'x-api-key', 'x-other'].filter((name) => headers.has(name)),
    )
  }
  const ALL = ['authorization', 'cookie', 'x-api-key', 'x-other']

  it('stay behind when it is on another host', async () => {
    expect(await seen({})).toEqual([ALL, ['x-other']])
    expect(await seen({}, refused)).toEqual([ALL, ['x-other']])
  })

  it('go along where it shares credentials', async () => {
    expect(await seen({ shareCredentials: true })).toEqual([ALL, ALL])
  })

  it('go along to another path of the same host', async () => {
    expect(await seen({ url: `${CANARY}/old` })).toEqual([ALL, ALL])
  })

  it('go to the fallback as such when nothing else was attempted', async () => {
    const sent = stubOrigins()
    const edge = await startEdge(canarySite(), { kills: [{ target: 'flag:release' }] })
    await edge.fetch('/', { headers: credentials })
    expect(sent[0]!.headers.get('authorization')).toBe('Bearer t')
    expect(sent[0]!.headers.get('cookie')).toBe('session=1')
  })

  it('are those of the client: an origin’s own configured headers are sent to it alone', async () => {
    const sent = stubOrigins({ 'canary.test': status(503) })
    const edge = await startEdge(
      canarySite({
        origins: {
          stable: { url: STABLE, headers: { authorization: 'Basic stable' } },
          canary: { url: CANARY, headers: { authorization: 'Basic canary', 'x-canary-key': 'k' } },
        },
      }),
    )
    await edge.fetch('/')
    expect(sent.map(({ headers }) => [headers.get('authorization'), headers.get('x-canary-key')])).toEqual([
      ['Basic canary', 'k'],
      ['Basic stable', null],
    ])
  })
})
