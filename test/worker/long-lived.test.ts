/** Connections that stay: WebSockets and event streams pass through and keep the arm of their handshake. */
import { describe, expect, it, vi } from 'vitest'
import { canarySite, hostOf, type Origin, refused, site, startEdge, stubOrigins } from './edge.ts'

/** Echoes in upper case and closes with the code that it is told. */
const echo: Origin = () => {
  const { 0: client, 1: server } = new WebSocketPair()
  server.accept()
  server.addEventListener('message', ({ data }) => {
    if (data === 'bye') server.close(4001, 'as asked')
    else server.send(String(data).toUpperCase())
  })
  return new Response(null, { status: 101, webSocket: client, headers: { 'sec-websocket-protocol': 'chat' } })
}

const upgrade = {
  headers: { upgrade: 'websocket', connection: 'Upgrade', 'sec-websocket-protocol': 'chat, other' },
}

/** Next message or close of a socket. */
function next(socket: WebSocket): Promise<string | number> {
  return new Promise((resolve) => {
    socket.addEventListener('message', ({ data }) => resolve(String(data)), { once: true })
    socket.addEventListener('close', ({ code }) => resolve(code), { once: true })
  })
}

describe('a WebSocket', () => {
  it.each([
    ['on a first visit', {}],
    ['with debug headers', { debug: true }],
    ['of a known visitor', { identity: [{ header: 'x-user' }] }],
  ])('passes through %s: messages both ways, sub-protocol, close code', async (_, route) => {
    const sent = stubOrigins({ 'canary.test': echo })
    const edge = await startEdge(canarySite(route))
    const response = await edge.fetch('/ws?x=1', upgrade)
    expect(response.status).toBe(101)
    expect(response.headers.get('sec-websocket-protocol')).toBe('chat')
    expect(sent[0]!.headers.get('upgrade')).toBe('websocket')
    expect(sent[0]!.headers.get('sec-websocket-protocol')).toBe('chat, other')
    expect(sent[0]!.url).toBe('https://canary.test/ws?x=1')
    const socket = response.webSocket!
    socket.accept()
    socket.send('hello')
    expect(await next(socket)).toBe('HELLO')
    socket.send('bye')
    expect(await next(socket)).toBe(4001)
  })

  it('gives a first visitor the cookie with its handshake', async () => {
    stubOrigins({ 'canary.test': echo })
    const edge = await startEdge(canarySite())
    const response = await edge.fetch('/ws', upgrade)
    expect(response.headers.getSetCookie()).toHaveLength(1)
    response.webSocket!.accept()
    response.webSocket!.close(1000)
  })

  it('that is refused is a 502 problem, and tried once', async () => {
    const sent = stubOrigins({ 'canary.test': refused })
    const edge = await startEdge(canarySite())
    expect((await edge.fetch('/ws', upgrade)).status).toBe(502)
    expect(sent.map(hostOf)).toEqual(['canary.test'])
  })

  it('that the origin answers with an ordinary response gets that response', async () => {
    stubOrigins({ 'canary.test': () => new Response('no sockets here', { status: 426 }) })
    const edge = await startEdge(canarySite())
    const response = await edge.fetch('/ws', upgrade)
    expect(response.status).toBe(426)
    expect(await response.text()).toBe('no sockets here')
  })
})

describe('a WebSocket of a route that drains', () => {
  /** Closes with the code that it is told. */
  const closing: Origin = () => {
    const { 0: client, 1: server } = new WebSocketPair()
    server.accept()
    server.addEventListener('message', ({ data }) => server.close(Number(data), 'as asked'))
    return new Response(null, { status: 101, webSocket: client })
  }

  it('counts as broken off where the origin says that something went wrong, and only there', async () => {
    stubOrigins({ 'canary.test': closing })
    const edge = await startEdge(canarySite({ drain: { mode: 'immediate' } }))
    const codes = [1000, 1001, 1002, 1011, 1012, 1013, 4001]
    for (const code of codes) {
      const socket = (await edge.fetch('/ws', upgrade)).webSocket!
      socket.accept()
      socket.send(String(code))
      expect(await next(socket)).toBe(code)
    }
    const told = () => edge.control.batches.flatMap(({ upstreams }) => upstreams ?? [])
    const answered = () => told().reduce((sum, { ok }) => sum + ok, 0)
    await vi.waitFor(() => expect(answered()).toBe(codes.length))
    // 1002 and 1011.
    expect(told().reduce((sum, { aborted = 0 }) => sum + aborted, 0)).toBe(2)
  })

  it('keeps the first visitor’s cookie and the sub-protocol, and no word about compression', async () => {
    const compressed: Origin = (...asked) => {
      const response = echo(...asked) as Response
      const headers = new Headers(response.headers)
      headers.set('sec-websocket-extensions', 'permessage-deflate')
      return new Response(null, { status: 101, webSocket: response.webSocket, headers })
    }
    stubOrigins({ 'canary.test': compressed })
    const edge = await startEdge(canarySite({ drain: { mode: 'graceful' }, debug: true }))
    const { headers, webSocket } = await edge.fetch('/ws', upgrade)
    expect(headers.getSetCookie()).toHaveLength(1)
    expect(headers.get('sec-websocket-protocol')).toBe('chat')
    expect(headers.get('sec-websocket-extensions')).toBeNull()
    expect(headers.get('x-turnout-variant')).toBe('canary')
    webSocket!.accept()
    webSocket!.close(1000)
  })

  it('that the origin answers with an ordinary response gets that response', async () => {
    stubOrigins({ 'canary.test': () => new Response('no sockets here', { status: 426 }) })
    const edge = await startEdge(canarySite({ drain: { mode: 'immediate' } }))
    expect(await (await edge.fetch('/ws', upgrade)).text()).toBe('no sockets here')
  })
})

describe('an event stream', () => {
  it('arrives event by event, on a first visit too', async () => {
    let send = (_: string) => {}
    const events: Origin = () => {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          send = (text) => controller.enqueue(new TextEncoder().encode(text))
        },
      })
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
    }
    stubOrigins({ 'stable.test': events })
    const edge = await startEdge(site())
    const response = await edge.fetch('/events', { headers: { accept: 'text/event-stream' } })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const reader = response.body!.getReader()
    for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
      send(event)
      expect(new TextDecoder().decode((await reader.read()).value)).toBe(event)
    }
    await reader.cancel()
  })
})
