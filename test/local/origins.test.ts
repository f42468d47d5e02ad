import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { originPage } from '../../local/origin-page.ts'
import { type Side, startOrigin } from '../../local/origins.ts'

async function origin(side: Side, ports: number[] = []) {
  const started = await startOrigin(side, ports)
  onTestFinished(() => started.stop())
  return started
}

describe('a demo origin', () => {
  test('takes the port it prefers, or a free one where that is in use', async () => {
    const first = await origin('stable')
    await first.stop()
    expect((await origin('stable', [first.port])).port).toBe(first.port)
    const second = await origin('canary', [first.port])
    expect(second.port).not.toBe(first.port)
    expect((await fetch(second.url)).headers.get('x-demo-origin')).toBe('canary')
  })

  test('says on every page and in JSON who it is', async () => {
    const { url } = await origin('canary')
    expect(await (await fetch(`${url}/anywhere`)).text()).toContain('<h1>CANARY</h1>')
    expect(await (await fetch(`${url}/api/things?x=1`, { method: 'DELETE' })).json()).toMatchObject({
      origin: 'canary',
      method: 'DELETE',
      path: '/api/things?x=1',
    })
    const failed = await fetch(`${url}/status/503`)
    expect([failed.status, await failed.json()]).toEqual([
      503,
      { origin: 'canary', status: 503, title: 'Service Unavailable' },
    ])
  })

  test('answers alike below a prefix', async () => {
    const { url } = await origin('stable')
    const echo = await fetch(`${url}/conduit/echo`, { method: 'POST', body: 'hello' })
    expect(await echo.text()).toBe('hello')
    expect(await (await fetch(`${url}/conduit/events?every=10&count=2`)).text()).toBe(
      'id: 1\ndata: {"origin":"stable","n":1}\n\nid: 2\ndata: {"origin":"stable","n":2}\n\n',
    )
  })

  test('stops at once, whatever is open', async () => {
    const { url, stop } = await startOrigin('stable', [])
    const events = await fetch(`${url}/events`)
    const socket = await handshake(url)
    await stop()
    await expect(events.text()).rejects.toThrow()
    socket.destroy()
  })

  test('shows the variant and what to try first, and folds the rest', () => {
    const told = [
      ['x-turnout-context', 'e30.e30.x'],
      ['x-turnout-variant', 'on'],
      ['x-turnout-version', '2'],
    ] as const
    const page = originPage('canary', 'GET', '/', told)
    const order = [
      '<h1>',
      '>x-turnout-variant<',
      'Change the flag',
      '<details>',
      '>x-turnout-context<',
      '2</td>',
    ]
    const places = order.map((part) => page.indexOf(part))
    expect(places).toEqual(places.toSorted((a, b) => a - b))
    expect(places).not.toContain(-1)
    expect(page.match(/x-turnout-variant/g)).toHaveLength(1)
    expect(originPage('canary', 'GET', '/', [])).not.toContain('<details>')
    expect(originPage('canary', 'GET', '/', [])).toContain('told this origin nothing')
  })

  test('shows what it was told as text, never as HTML', () => {
    const page = originPage('stable', 'GET', '/<script>', [['x-turnout-variant', '"><img src=x>']])
    expect(page).toContain('/&lt;script&gt;')
    expect(page).toContain('<td>&quot;&gt;&lt;img src=x&gt;</td>')
    expect(page).not.toMatch(/<script|<img/)
  })
})

describe('the WebSocket echo', () => {
  /** Frames as a client sends them: masked, here with zeros, which change nothing. */
  const frame = (first: number, payload: Buffer) =>
    Buffer.concat([Buffer.from([first, 0x80 | payload.length, 0, 0, 0, 0]), payload])

  test('keeps fragments apart, answers a ping between them, and closes with the code it got', async () => {
    const { url } = await origin('stable')
    const socket = await handshake(url)
    const close = Buffer.from([0x03, 0xe8])
    const frames = [
      frame(0x01, Buffer.from('he')),
      frame(0x89, Buffer.from('p')),
      frame(0x80, Buffer.from('llo')),
      frame(0x88, close),
    ]
    // One byte at a time: a frame may arrive in any pieces.
    for (const byte of Buffer.concat(frames)) socket.write(Buffer.from([byte]))
    expect(await rest(socket)).toEqual(
      Buffer.concat([
        Buffer.from([0x01, 2]),
        Buffer.from('he'),
        Buffer.from([0x8a, 1]),
        Buffer.from('p'),
        Buffer.from([0x80, 3]),
        Buffer.from('llo'),
        Buffer.from([0x88, 2]),
        close,
      ]),
    )
  })

  test('refuses a frame that is too large, with code 1009', async () => {
    const { url } = await origin('stable')
    const socket = await handshake(url)
    socket.write(Buffer.from([0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0]))
    expect(await rest(socket)).toEqual(Buffer.from([0x88, 2, 1009 >> 8, 1009 & 0xff]))
  })

  test('answers an upgrade to something else with 400', async () => {
    const { port } = await origin('stable')
    const socket = connect(port, '127.0.0.1')
    socket.write('GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n')
    expect((await rest(socket)).toString()).toMatch(/^HTTP\/1\.1 400 /)
  })
})

/** A connection after its handshake, with the key of RFC 6455, section 1.3. */
async function handshake(url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.write(
    'GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  )
  const [head] = await once(socket, 'data')
  expect(head.toString()).toContain('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
  return socket
}

/** Everything until the other side closes. */
async function rest(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of socket) parts.push(part)
  return Buffer.concat(parts)
}
