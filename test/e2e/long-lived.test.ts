/** Connections that stay, over real sockets: what passes both ways, how they end, and when they are sent elsewhere. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Drain, FlagDocument, Kill } from '../../engine/index.ts'
import { CLOSE, writeFrame } from '../../local/web-socket-frames.ts'
import { type OriginSocket, type SocketOrigin, startSocketOrigin } from '../helpers/web-socket-origin.ts'
import { open, startWireEdge, type WireEdge } from '../helpers/wire.ts'

let edge: WireEdge
let origin: SocketOrigin

const soon = { interval: 20 }

/** Users `u-…` are sorted by the flag, `loyal` always gets the canary. */
function document(fallthrough: string): FlagDocument {
  const drains: [string, Drain | undefined][] = [
    ['immediate', { mode: 'immediate' }],
    ['graceful', { mode: 'graceful', maxAgeSeconds: 1 }],
    ['slow', { mode: 'graceful', maxAgeSeconds: 86_400 }],
    ['kept', undefined],
  ]
  return {
    flags: {
      release: {
        enabled: true,
        variants: { stable: 1, canary: 2 },
        off: 'stable',
        rules: [
          { id: 'loyal', when: { attribute: 'targetingKey', op: 'equals', value: 'loyal' }, serve: 'canary' },
        ],
        fallthrough,
      },
    },
    routes: drains.map(([id, drain]) => ({
      id,
      match: { path: `/${id}` },
      flag: 'release',
      origins: { stable: { url: origin.url }, canary: { url: origin.url } },
      fallback: 'stable',
      identity: [{ query: 'user' }],
      ...(drain && { drain }),
    })),
  }
}

const MOVED = 'close:1012 served elsewhere now: connect again'

let version = 0
/** Resolves once the edge answers with it. */
async function publish(fallthrough: string, kills: Kill[] = []): Promise<void> {
  await edge.publish(document(fallthrough), kills)
  version += 1
  await vi.waitFor(async () => {
    const answer = await fetch(`http://127.0.0.1:${edge.port}/.turnout/health/ready`)
    expect(await answer.json()).toMatchObject({ version, killsVersion: version })
  }, soon)
}

beforeAll(async () => {
  origin = await startSocketOrigin()
  edge = await startWireEdge({ SNAPSHOT_MAX_AGE_MS: '100' })
})
beforeEach(() => publish('canary'))
afterAll(async () => {
  await edge?.stop()
  origin?.stop()
})

interface Connected {
  readonly client: WebSocket
  /** What the client was told: messages, and `close:CODE REASON` at last. */
  readonly heard: string[]
  readonly at: OriginSocket
}

async function connected(path: string, protocols: string[] = []): Promise<Connected> {
  const client = new WebSocket(`ws://127.0.0.1:${edge.port}${path}`, protocols)
  client.binaryType = 'arraybuffer'
  const heard: string[] = []
  client.addEventListener('message', ({ data }) =>
    heard.push(typeof data === 'string' ? data : `bytes:${[...new Uint8Array(data)].join()}`),
  )
  client.addEventListener('close', ({ code, reason }) => heard.push(`close:${code} ${reason}`.trim()))
  await once(client, 'open')
  return { client, heard, at: origin.sockets.at(-1)! }
}

const closing = (code: number, reason: string | Buffer): Buffer =>
  writeFrame(0x80 | CLOSE, Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]))

/** A short frame as clients send it, masked with zeros. */
const masked = (frame: Buffer): Buffer =>
  Buffer.concat([Buffer.from([frame[0]!, 0x80 | frame[1]!, 0, 0, 0, 0]), frame.subarray(2)])

/** A client that may send what no client should. */
async function handshaken(path: string): Promise<Socket> {
  const lines = [
    `GET ${path} HTTP/1.1`,
    'Host: edge.test',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ]
  const socket = await open(edge.port, `${lines.join('\r\n')}\r\n\r\n`)
  await once(socket, 'data')
  return socket
}

const becomes = (list: readonly string[], expected: readonly string[]) =>
  vi.waitFor(() => expect(list).toEqual(expected), soon)

describe.each(['/immediate', '/kept'])('a WebSocket on %s', (path) => {
  test('passes text as text and bytes as bytes, in order, both ways, and the sub-protocol', async () => {
    const { client, heard, at } = await connected(path, ['chat', 'other'])
    expect(client.protocol).toBe('chat')
    for (let n = 0; n < 50; n += 1) {
      client.send(`c${n}`)
      at.send(`o${n}`)
    }
    client.send(new Uint8Array([0, 255]))
    at.send(new Uint8Array([1, 0, 254]))
    const numbered = (side: string) => Array.from({ length: 50 }, (_, n) => `${side}${n}`)
    await becomes(at.seen, [...numbered('c'), 'bytes:0,255'])
    await becomes(heard, [...numbered('o'), 'bytes:1,0,254'])
    client.close()
  })

  test('passes large messages whole', async () => {
    const { client, heard, at } = await connected(path)
    const large = 'x'.repeat(900_000)
    client.send(large)
    await becomes(at.seen, [large])
    at.send(large)
    await becomes(heard, [large])
    client.close()
  })

  test.each([
    [4001, 'as the application likes'],
    [1000, ''],
  ])('tells the origin how the client closed it: %i %s', async (code, reason) => {
    const { client, heard, at } = await connected(path)
    client.close(code, reason)
    await becomes(at.seen, [`close:${code} ${reason}`.trim(), 'gone'])
    await becomes(heard, [`close:${code} ${reason}`.trim()])
  })

  test.each([
    [4002, 'see you'],
    [1011, 'something is wrong'],
    [1012, 'restarting'],
    [1013, 'busy'],
  ])('tells the client how the origin closed it: %i %s', async (code, reason) => {
    const { heard, at } = await connected(path)
    at.close(code, reason)
    await becomes(heard, [`close:${code} ${reason}`])
  })

  test('closes without a code where there was none', async () => {
    const first = await connected(path)
    first.client.close()
    await becomes(first.at.seen, ['close:none', 'gone'])
    const second = await connected(path)
    second.at.close(null)
    await becomes(second.heard, ['close:1005'])
  })
})

describe('a WebSocket of a route that drains', () => {
  test('is over for the origin if the client is gone', async () => {
    const before = origin.sockets.length
    const socket = await handshaken('/immediate')
    socket.resetAndDestroy()
    await vi.waitFor(() => expect(origin.sockets[before]!.seen.at(-1)).toBe('gone'), soon)
  })

  test('is over for the client if the origin breaks off', async () => {
    const { heard, at } = await connected('/immediate')
    at.breakOff()
    await becomes(heard, ['close:1011 the other side broke off'])
  })

  test.each([
    [999, 'none'],
    [5_000, 'none'],
    [1_006, 'stands for none'],
  ])('is over for the other side whatever code it was closed with: %i', async (code, reason) => {
    const byOrigin = await connected('/immediate')
    byOrigin.at.close(code, reason)
    await becomes(byOrigin.heard, ['close:1011 the other side broke off'])
    const before = origin.sockets.length
    const client = await handshaken('/immediate')
    client.write(masked(closing(code, reason)))
    const told = 'close:1011 the other side broke off'
    await vi.waitFor(() => expect(origin.sockets[before]!.seen).toEqual([told, 'gone']), soon)
    client.destroy()
  })

  test('is over for the other side with a reason that grows too long on the way', async () => {
    const { heard, at } = await connected('/immediate')
    // Each byte is no UTF-8, and is read as a character of three.
    at.socket.write(closing(4_000, Buffer.alloc(120, 0xff)))
    await becomes(heard, ['close:1011 the other side broke off'])
  })

  test('is closed with 1012 once its visitor is given another variant, others are not', async () => {
    const moved = await connected('/immediate?user=u-1')
    const loyal = await connected('/immediate?user=loyal')
    await publish('stable')
    await becomes(moved.heard, [MOVED])
    await becomes(moved.at.seen, ['close:1001 the visitor is served elsewhere now', 'gone'])
    loyal.client.send('still here')
    await becomes(loyal.at.seen, ['still here'])
    expect(loyal.heard).toEqual([])
    loyal.client.close()
  })

  test('is closed gracefully within its time', async () => {
    const { heard } = await connected('/graceful?user=u-1')
    await publish('stable')
    await becomes(heard, [MOVED])
  })

  test.each<[string, Kill]>([
    ['its route', { target: 'route:slow' }],
    ['its flag', { target: 'flag:release' }],
    ['its origin', { target: 'origin:slow/canary' }],
  ])('is closed at once by a kill of %s, however much time it has', async (_, kill) => {
    const { heard } = await connected('/slow?user=u-1')
    await publish('canary', [kill])
    await becomes(heard, [MOVED])
  })

  test('stays through a change that does not concern its visitor', async () => {
    const { client, heard, at } = await connected('/immediate?user=u-1')
    const witness = await connected('/graceful?user=u-1')
    await publish('canary', [{ target: 'route:graceful' }])
    await becomes(witness.heard, [MOVED])
    at.send('still here')
    await becomes(heard, ['still here'])
    client.close()
  })
})

describe('a WebSocket of a route that does not drain', () => {
  test('stays where it is', async () => {
    const { client, heard, at } = await connected('/kept?user=u-1')
    const witness = await connected('/immediate?user=u-1')
    await publish('stable')
    await becomes(witness.heard, [MOVED])
    at.send('still here')
    await becomes(heard, ['still here'])
    client.close()
  })
})

describe('an event stream', () => {
  const streamed = async (path: string) => {
    const before = origin.streams.length
    const response = await fetch(`http://127.0.0.1:${edge.port}${path}`)
    const heard: string[] = []
    const text = new TextDecoder()
    const ended = (async () => {
      try {
        for await (const chunk of response.body!) heard.push(text.decode(chunk))
        heard.push('end')
      } catch {
        heard.push('broken')
      }
    })()
    await vi.waitFor(() => expect(heard).toEqual(['data: hello\n\n']), soon)
    return { heard, ended, at: origin.streams[before]! }
  }

  test('of a route that drains arrives event by event, and ends as a whole once its visitor is moved', async () => {
    const { heard, at } = await streamed('/immediate?user=u-1')
    at.write('data: more\n\n')
    await becomes(heard, ['data: hello\n\n', 'data: more\n\n'])
    const closed = once(at, 'close')
    await publish('stable')
    await becomes(heard, ['data: hello\n\n', 'data: more\n\n', 'end'])
    await closed
  })

  test.each(['/immediate', '/kept'])('on %s that breaks off does not pass for a whole one', async (path) => {
    const { heard, at } = await streamed(path)
    at.destroy()
    await becomes(heard, ['data: hello\n\n', 'broken'])
  })

  test('of a route that does not drain stays where it is', async () => {
    const { heard, at } = await streamed('/kept?user=u-1')
    const witness = await connected('/immediate?user=u-1')
    await publish('stable')
    await becomes(witness.heard, [MOVED])
    at.end('data: last\n\n')
    await becomes(heard, ['data: hello\n\n', 'data: last\n\n', 'end'])
  })
})
