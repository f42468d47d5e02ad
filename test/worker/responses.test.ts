/** What the client gets back: the origin's response, untouched unless something was asked for. */
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Route } from '../../engine/index.ts'
import {
  CANARY,
  canarySite,
  cookieOf,
  type Origin,
  STABLE,
  site,
  startEdge,
  status,
  stubOrigins,
} from './edge.ts'

/** A returning visitor's answer from an origin. */
async function answer(origin: Origin, route: Partial<Route> = {}, init: RequestInit = {}) {
  const sent = stubOrigins({ 'stable.test': origin })
  const edge = await startEdge(site({ identity: [{ header: 'x-user' }], ...route }))
  return { response: await edge.fetch('/', init), sent }
}

const turnoutHeaders = (response: Response) =>
  [...response.headers.keys()].filter((name) => name.startsWith('x-turnout-'))

describe('a response', () => {
  it('is passed on untouched: status, text, headers, body', async () => {
    const headers = {
      'content-type': 'text/plain;charset=utf-8',
      etag: 'W/"1"',
      'cache-control': 'public, max-age=60',
      vary: 'accept',
      'x-odd': ' spaced, "quoted" ',
    }
    const { response } = await answer(
      () => new Response('teapot', { status: 418, statusText: 'Short And Stout', headers }),
    )
    expect(response.status).toBe(418)
    expect(response.statusText).toBe('Short And Stout')
    const { 'content-length': _, ...rest } = Object.fromEntries(response.headers)
    expect(rest).toEqual({ ...headers, 'x-odd': 'spaced, "quoted"' })
    expect(await response.text()).toBe('teapot')
  })

  it('keeps two Set-Cookie lines apart, also beside ours', async () => {
    const origin = () => {
      const headers = new Headers()
      headers.append('set-cookie', 'a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT')
      headers.append('set-cookie', 'b=2')
      return new Response('x', { headers })
    }
    const returning = await answer(origin)
    expect(returning.response.headers.getSetCookie()).toEqual([
      'a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT',
      'b=2',
    ])
    const first = await answer(origin, { identity: ['cookie'] })
    expect(first.response.headers.getSetCookie()).toEqual([
      'a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT',
      'b=2',
      expect.stringMatching(/^turnout-id=/),
    ])
  })

  it.each([204, 205, 304])('of status %i has no body, on the first visit too', async (code) => {
    for (const identity of [[{ header: 'x-user' }], ['cookie' as const]]) {
      const { response } = await answer(
        () => new Response(null, { status: code, headers: { etag: '"e"' } }),
        {
          identity,
        },
      )
      expect(response.status).toBe(code)
      expect(response.headers.get('etag')).toBe('"e"')
      expect(await response.text()).toBe('')
    }
  })

  it('to HEAD keeps the headers of the resource', async () => {
    for (const identity of [[{ header: 'x-user' }], ['cookie' as const]]) {
      const { response, sent } = await answer(
        () => new Response(null, { headers: { 'content-length': '1234', 'content-type': 'text/css' } }),
        { identity },
        { method: 'HEAD' },
      )
      expect(sent[0]!.method).toBe('HEAD')
      expect(response.headers.get('content-type')).toBe('text/css')
      expect(response.headers.get('content-length')).toBe('1234')
    }
  })

  it('that redirects is not followed', async () => {
    const { response, sent } = await answer(
      () => new Response(null, { status: 302, headers: { location: 'https://elsewhere.test/x' } }),
    )
    expect(sent.map(({ redirect }) => redirect)).toEqual(['manual'])
    expect(response.status).toBe(302)
    expect(response.headers.get('location')).toBe('https://elsewhere.test/x')
  })

  it('that redirects is not followed on the fallback either', async () => {
    const sent = stubOrigins({ 'canary.test': status(503), 'stable.test': status(301, { location: '/new' }) })
    const edge = await startEdge(canarySite())
    const response = await edge.fetch('/')
    expect(sent.map(({ redirect }) => redirect)).toEqual(['manual', 'manual'])
    expect(response.status).toBe(301)
  })

  it('is of any size and streams: the first part arrives before the last is made', async () => {
    let finish = () => {}
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('first'))
        finish = () => {
          controller.enqueue(new TextEncoder().encode(' last'))
          controller.close()
        }
      },
    })
    const { response } = await answer(() => new Response(body), { debug: true })
    const reader = response.body!.getReader()
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('first')
    finish()
    expect(new TextDecoder().decode((await reader.read()).value)).toBe(' last')
    expect((await reader.read()).done).toBe(true)
  })

  it('may take longer than the timeout once its headers are there', async () => {
    const slow = new ReadableStream<Uint8Array>({
      async start(controller) {
        controller.enqueue(new TextEncoder().encode('a'))
        await scheduler.wait(120)
        controller.enqueue(new TextEncoder().encode('b'))
        controller.close()
      },
    })
    const { response } = await answer(() => new Response(slow), { timeoutMs: 50, deadlineMs: 60 })
    expect(await response.text()).toBe('ab')
  })
})

describe('a request body', () => {
  it.each(['POST', 'PUT', 'PATCH', 'DELETE'])('of %s arrives as it was sent', async (method) => {
    const { sent } = await answer(() => new Response('ok'), {}, { method, body: 'päyload' })
    expect(sent.map(({ body }) => body)).toEqual(['päyload'])
  })

  it('streams to the origin before the client has sent all of it', async () => {
    const { readable, writable } = new IdentityTransformStream()
    const writer = writable.getWriter()
    const seen: string[] = []
    const spy = vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
      const reader = new Request(input as string, init as RequestInit).body!.getReader()
      seen.push(new TextDecoder().decode((await reader.read()).value))
      void writer.write(new TextEncoder().encode('two')).then(() => writer.close())
      seen.push(new TextDecoder().decode((await reader.read()).value))
      return new Response('ok')
    })
    onTestFinished(() => spy.mockRestore())
    const edge = await startEdge(site())
    const pending = edge.fetch('/', { method: 'POST', body: readable })
    await writer.write(new TextEncoder().encode('one'))
    expect((await pending).status).toBe(200)
    expect(seen).toEqual(['one', 'two'])
  })
})

describe('debug headers', () => {
  it('say variant, reason and version where the route has debug', async () => {
    stubOrigins()
    const edge = await startEdge(canarySite({ debug: true }), { version: 12 })
    const { headers } = await edge.fetch('/')
    expect(headers.get('x-turnout-variant')).toBe('canary')
    expect(headers.get('x-turnout-reason')).toBe('STATIC')
    expect(headers.get('x-turnout-version')).toBe('12')
    expect(headers.get('server-timing')).toMatch(/^turnout;desc="canary"/)
  })

  it('say the reason of the decision', async () => {
    stubOrigins()
    const reason = async (flag: object, options = {}) => {
      const edge = await startEdge(site({ debug: true }, flag), options)
      return (await edge.fetch('/')).headers.get('x-turnout-reason')
    }
    expect(await reason({ fallthrough: { stable: 1, canary: 1 } })).toBe('SPLIT')
    expect(await reason({ enabled: false })).toBe('DISABLED')
    expect(await reason({}, { kills: [{ target: 'flag:release' }] })).toBe('DISABLED')
    expect(await reason({ rules: [{ id: 'all', serve: 'canary' }] })).toBe('TARGETING_MATCH')
  })

  it('say the variant that answered after a failover', async () => {
    stubOrigins({ 'canary.test': status(503) })
    const edge = await startEdge(canarySite({ debug: true }))
    expect((await edge.fetch('/')).headers.get('x-turnout-variant')).toBe('stable')
  })

  it('leave the server-timing of the origin in place', async () => {
    stubOrigins({ 'stable.test': () => new Response('x', { headers: { 'server-timing': 'db;dur=5' } }) })
    const edge = await startEdge(site({ debug: true }))
    const timing = (await edge.fetch('/')).headers.get('server-timing')
    expect(timing).toContain('db;dur=5')
    expect(timing).toContain('turnout;desc="stable"')
  })

  it('are on problem responses of a debug route too', async () => {
    stubOrigins({
      'stable.test': () => {
        throw new Error('refused')
      },
    })
    const edge = await startEdge(site({ debug: true }))
    const response = await edge.fetch('/')
    expect(response.status).toBe(502)
    expect(response.headers.get('x-turnout-variant')).toBe('stable')
  })

  it('are nowhere else', async () => {
    stubOrigins()
    for (const origins of [
      { stable: { url: STABLE }, canary: { url: CANARY } },
      { stable: { url: STABLE, context: true }, canary: { url: CANARY, context: true } },
    ]) {
      const edge = await startEdge(canarySite({ origins }))
      const first = await edge.fetch('/')
      const second = await edge.fetch('/', { headers: { cookie: cookieOf(first, 'turnout-id')! } })
      for (const response of [first, second]) {
        expect(turnoutHeaders(response)).toEqual([])
        expect(response.headers.get('server-timing')).toBeNull()
      }
    }
  })

  it('cost at most 1 KB together with the cookie', async () => {
    stubOrigins({ 'stable.test': () => new Response('x') })
    const edge = await startEdge(site({ debug: true, cookieDomain: 'shop.example.com' }))
    const { headers } = await edge.fetch('https://www.shop.example.com/')
    const added = [...headers]
      .filter(([name]) => name !== 'content-type')
      .map(([name, value]) => `${name}: ${value}\r\n`)
    expect(added.join('').length).toBeLessThan(1024)
  })
})
