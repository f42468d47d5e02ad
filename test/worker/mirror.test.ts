/** Copies of requests for another variant: never in the way of an answer, sent only where they may be, and compared. Source: docs/traffic.md, "Mirror". */
import { describe, expect, it, vi } from 'vitest'
import {
  type Flag,
  MIRRORED,
  type Mirror,
  type Mirrored,
  type MirrorReport,
  NO_MIRRORED,
  type Route,
} from '../../engine/index.ts'
import {
  type Edge,
  type EdgeOptions,
  hangs,
  hostOf,
  never,
  type Origin,
  refused,
  type Sent,
  site,
  startEdge,
  status,
  stubOrigins,
} from './edge.ts'

const MIRROR: Mirror = { variant: 'canary', percentage: 100 }
const json =
  (value: unknown, headers: Record<string, string> = {}): Origin =>
  () =>
    Response.json(value, { headers })

interface Given extends EdgeOptions {
  mirror?: Partial<Mirror>
  stable?: Origin
  canary?: Origin
  route?: Partial<Route>
  flag?: Partial<Flag>
}

async function start({ mirror, stable, canary, route, flag, ...options }: Given = {}) {
  const sent = stubOrigins({
    ...(stable && { 'stable.test': stable }),
    ...(canary && { 'canary.test': canary }),
  })
  const edge = await startEdge(
    site({ identity: [{ header: 'x-user' }], mirror: { ...MIRROR, ...mirror }, ...route }, flag),
    { env: { SNAPSHOT_MAX_AGE_MS: '1' }, ...options },
  )
  const hosts = () => sent.map((request) => hostOf(request)!.replace('.test', ''))
  return { edge, sent, hosts, copies: () => sent.filter((request) => hostOf(request) === 'canary.test') }
}

/** What the edge has told of its mirrors, once the given number of copies (or of what was not sent) is in it. */
async function told({ control }: Edge, expected: number): Promise<MirrorReport> {
  const reports = () => control.batches.flatMap(({ mirrors = [] }) => mirrors)
  const sum = (name: 'sent' | 'skipped') => reports().reduce((all, { counts }) => all + counts[name], 0)
  await expect.poll(() => sum('sent') + sum('skipped')).toBe(expected)
  const [first] = reports()
  const counts = { ...NO_MIRRORED } as Record<Mirrored, number>
  for (const report of reports()) for (const name of MIRRORED) counts[name] += report.counts[name]
  return { ...first!, counts, differences: reports().flatMap(({ differences }) => differences) }
}

const read = async (edge: Edge, path = '/', init?: RequestInit) => {
  const response = await edge.fetch(path, init)
  return { status: response.status, text: await response.text(), headers: response.headers }
}

describe('a copy', () => {
  it('is the same request, marked, and its answer reaches nobody', async () => {
    const { edge, copies } = await start({
      canary: () => new Response('copy', { headers: { 'set-cookie': 'a=1', 'x-copy': '1' } }),
    })
    const { text, headers } = await read(edge, '/a/b?c=d', {
      headers: { accept: 'text/plain', 'x-turnout-shadow': 'no' },
    })
    expect(text).toBe('stable.test')
    expect([headers.get('set-cookie'), headers.get('x-copy')]).toEqual([null, null])
    await expect.poll(copies).toHaveLength(1)
    const [copy] = copies() as [Sent]
    expect(copy.url).toBe('https://canary.test/a/b?c=d')
    expect(copy.headers.get('x-turnout-shadow')).toBe('1')
    expect(copy.headers.get('accept')).toBe('text/plain')
    expect(copy.redirect).toBe('manual')
  })

  it('has credentials only where the variant is of the same host, or may share them', async () => {
    const headers = { authorization: 'Bearer x', cookie: 'session=1' }
    const apart = await start()
    await read(apart.edge, '/', { headers })
    await expect.poll(() => apart.copies().length).toBe(1)
    expect(apart.copies()[0]!.headers.get('authorization')).toBeNull()
    expect(apart.copies()[0]!.headers.get('cookie')).toBeNull()
    const origins = {
      stable: { url: 'https://stable.test' },
      canary: { url: 'https://canary.test', shareCredentials: true },
    }
    const together = await start({ route: { origins } })
    await read(together.edge, '/', { headers })
    await expect.poll(() => together.copies().length).toBe(1)
    expect(together.copies()[0]!.headers.get('authorization')).toBe('Bearer x')
  })

  it('is sent for as many requests as the percentage says, drawn one by one', async () => {
    const draws = vi.spyOn(Math, 'random').mockReturnValue(0.3)
    const { edge, copies } = await start({ mirror: { percentage: 30.5 } })
    await read(edge)
    await expect.poll(() => copies().length).toBe(1)
    draws.mockReturnValue(0.31)
    await read(edge)
    await edge.settled()
    expect(copies()).toHaveLength(1)
    draws.mockRestore()
  })

  it.each<[string, Given, RequestInit]>([
    ['of 0 %', { mirror: { percentage: 0 } }, {}],
    ['of a request that its variant answered', { flag: { fallthrough: 'canary' } }, {}],
    ['of a POST', {}, { method: 'POST', body: 'x' }],
    ['of a PUT', {}, { method: 'PUT', body: 'x' }],
    ['of a DELETE', {}, { method: 'DELETE' }],
    ['of an event stream', {}, { headers: { accept: 'Text/Event-Stream' } }],
    ['of an upgrade', { mirror: { unsafeMethods: true } }, { headers: { upgrade: 'websocket' } }],
    ['where a kill decided', { kills: [{ target: 'route:site' }] }, {}],
    ['of what the fallback answered', { stable: status(503), route: { fallback: 'canary' } }, {}],
  ])('is not sent %s', async (_, given, init) => {
    const { edge, sent } = await start(given)
    await read(edge, '/', init)
    await edge.settled()
    expect(sent.filter(({ headers }) => headers.has('x-turnout-shadow'))).toEqual([])
  })

  it('has the body, up to 64 KiB, where the route lets methods that change something be copied', async () => {
    const { edge, copies, hosts } = await start({
      mirror: { unsafeMethods: true },
      route: {
        origins: {
          stable: { url: 'https://stable.test', fallback: null },
          canary: { url: 'https://canary.test' },
        },
      },
    })
    await read(edge, '/', { method: 'POST', body: 'payload' })
    await expect.poll(() => copies().length).toBe(1)
    expect(copies().map(({ method, body }) => [method, body])).toEqual([['POST', 'payload']])
    const large = 'x'.repeat(65_537)
    expect((await read(edge, '/', { method: 'POST', body: large })).status).toBe(200)
    const { readable, writable } = new IdentityTransformStream()
    const writer = writable.getWriter()
    void writer.write(new TextEncoder().encode('streamed')).then(() => writer.close())
    expect((await read(edge, '/', { method: 'POST', body: readable })).status).toBe(200)
    expect((await told(edge, 3)).counts).toMatchObject({ sent: 1, skipped: 2 })
    expect(hosts().filter((host) => host === 'stable')).toHaveLength(3)
  })

  it('is not sent to a variant that is killed, nor to one whose breaker is open', async () => {
    const { edge, copies } = await start({ kills: [{ target: 'origin:site/canary' }] })
    await read(edge)
    expect((await told(edge, 1)).counts).toMatchObject({ sent: 0, skipped: 1 })
    expect(copies()).toEqual([])
  })

  it('of what is kept in the cache is not sent: nothing was asked', async () => {
    const stable = json({ a: 1 }, { 'cache-control': 'public, max-age=60' })
    const { edge, copies } = await start({ stable, route: { cache: { store: true } } })
    await read(edge, '/mirrored-and-kept')
    await edge.settled()
    await read(edge, '/mirrored-and-kept')
    await edge.settled()
    expect(copies()).toHaveLength(1)
  })
})

describe('nothing that happens to a copy', () => {
  const endless: Origin = () =>
    new Response(
      new ReadableStream<Uint8Array>({
        pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
      }),
    )
  it.each<[string, Origin]>([
    ['that hangs', hangs],
    ['that is refused', refused],
    ['that fails', status(500)],
    ['without an end', endless],
    ['whose body hangs', () => new Response(new ReadableStream({ pull: never }))],
    [
      'whose body breaks off',
      () => new Response(new ReadableStream({ pull: (body) => body.error(new Error('broke off')) })),
    ],
  ])('%s delays or changes an answer', async (_, canary) => {
    const { edge, copies } = await start({ canary, stable: json({ a: 1 }) })
    const answers = await Promise.all(Array.from({ length: 5 }, () => read(edge)))
    expect(answers.map(({ text }) => text)).toEqual(Array(5).fill('{"a":1}'))
    await expect.poll(() => copies().length).toBe(5)
  })

  it('is waited for: the answer streams while its copy hangs', async () => {
    let finish = () => {}
    const { edge } = await start({
      canary: hangs,
      stable: () =>
        new Response(
          new ReadableStream<Uint8Array>({
            start(body) {
              body.enqueue(new TextEncoder().encode('first'))
              finish = () => {
                body.enqueue(new TextEncoder().encode(' last'))
                body.close()
              }
            },
          }),
        ),
    })
    const reader = (await edge.fetch('/')).body!.getReader()
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('first')
    finish()
    expect(new TextDecoder().decode((await reader.read()).value)).toBe(' last')
  })

  it('is more than sixteen at a time', async () => {
    const { edge, copies } = await start({ canary: hangs })
    for (let n = 0; n < 20; n += 1) expect((await read(edge)).text).toBe('stable.test')
    await expect.poll(() => copies().length).toBe(16)
    await edge.settled()
    expect(copies()).toHaveLength(16)
  })

  it('counts for its variant: no attempt, no breaker', async () => {
    const { edge } = await start({ canary: status(500) })
    for (let n = 0; n < 12; n += 1) await read(edge)
    await told(edge, 12)
    const names = edge.control.batches.flatMap(({ upstreams = [] }) => upstreams).map(({ name }) => name)
    expect(new Set(names)).toEqual(new Set(['site/stable']))
  })
})

describe('what is told', () => {
  it('of answers that are alike is that they are', async () => {
    const { edge } = await start({ stable: json({ a: 1, b: 2 }), canary: json({ b: 2, a: 1 }) })
    await read(edge)
    const { route, variant, counts, differences } = await told(edge, 1)
    expect({ route, variant, differences }).toEqual({ route: 'site', variant: 'canary', differences: [] })
    expect(counts).toEqual({
      sent: 1,
      matched: 1,
      status: 0,
      latency: 0,
      body: 0,
      bodies: 1,
      failed: 0,
      skipped: 0,
    })
  })

  it('of bodies that differ is where, and no value', async () => {
    const { edge } = await start({
      stable: json({ id: 1, price: 'secret-1' }),
      canary: json({ id: 2, price: 'secret-2' }),
      mirror: { ignore: ['/id'] },
    })
    await read(edge, '/cart?token=secret-3')
    const { counts, differences } = await told(edge, 1)
    expect(counts).toMatchObject({ sent: 1, matched: 0, body: 1, bodies: 1, status: 0 })
    expect(differences).toEqual([
      {
        ...{ atMs: expect.any(Number), method: 'GET', path: '/cart', served: 'stable', status: [200, 200] },
        latencyMs: [expect.any(Number), expect.any(Number)],
        hashes: [expect.stringMatching(/^[0-9a-f]{16}$/), expect.stringMatching(/^[0-9a-f]{16}$/)],
        pointer: '/price',
      },
    ])
    expect(JSON.stringify(edge.control.batches)).not.toContain('secret')
  })

  it('of another class of status is both, and bodies are not compared', async () => {
    const { edge } = await start({ stable: json({ a: 1 }), canary: status(404) })
    await read(edge)
    const { counts, differences } = await told(edge, 1)
    expect(counts).toMatchObject({ sent: 1, status: 1, bodies: 0, body: 0 })
    expect(differences[0]).toMatchObject({ status: [200, 404], hashes: null, pointer: null })
  })

  it('of one that fails is that it failed', async () => {
    const { edge } = await start({ canary: refused })
    await read(edge)
    expect((await told(edge, 1)).counts).toMatchObject({ sent: 1, failed: 1, matched: 0 })
  })

  it('of bodies above 64 KiB is nothing about them', async () => {
    const large = () => new Response('x'.repeat(65_537))
    const streamed = () => new Response(new Blob(['x'.repeat(65_537)]).stream())
    for (const [stable, canary] of [
      [large, large],
      [streamed, large],
      [json({}), streamed],
    ] as const) {
      const { edge } = await start({ stable, canary })
      await read(edge)
      expect((await told(edge, 1)).counts).toMatchObject({ sent: 1, matched: 1, bodies: 0 })
    }
  })

  it('of bodies is five a second, however many copies there are', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const { edge } = await start({ stable: json({ a: 1 }), canary: json({ a: 2 }) })
    for (let n = 0; n < 12; n += 1) await read(edge)
    await edge.settled()
    vi.setSystemTime(Date.now() + 5_000)
    await read(edge)
    vi.useRealTimers()
    const { counts, differences } = await told(edge, 13)
    expect(counts).toMatchObject({ sent: 13, bodies: 6, body: 6 })
    expect(differences.length).toBeLessThanOrEqual(8)
  })
})

it('a HEAD is copied as a HEAD', async () => {
  const { edge, copies } = await start()
  await read(edge, '/', { method: 'HEAD' })
  expect((await told(edge, 1)).counts).toMatchObject({ sent: 1, matched: 1, bodies: 0 })
  expect(copies().map(({ method }) => method)).toEqual(['HEAD'])
})
