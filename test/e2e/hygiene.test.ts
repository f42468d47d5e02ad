/**
 * Requests that are no good HTTP, or mean two things, byte for byte: what the platform's parser refuses, what the edge refuses, and
 * what an origin gets of the rest. Never a request that the edge has not seen as one.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { FlagDocument } from '../../engine/index.ts'
import {
  ask,
  exchange,
  startWireEdge,
  startWireOrigin,
  type WireEdge,
  type WireOrigin,
} from '../helpers/wire.ts'

let edge: WireEdge
let origin: WireOrigin

beforeAll(async () => {
  origin = await startWireOrigin()
  // As with nobody in front that looks at a request first.
  edge = await startWireEdge({ LOCAL: 'true' })
  const document: FlagDocument = {
    flags: {
      release: { enabled: true, variants: { stable: 1, canary: 2 }, off: 'stable', fallthrough: 'canary' },
    },
    routes: [
      {
        id: 'site',
        match: {},
        flag: 'release',
        origins: { stable: { url: 'http://127.0.0.1:9' }, canary: { url: origin.url } },
        fallback: 'stable',
        identity: [{ header: 'x-user' }],
        debug: true,
        timeoutMs: 300,
      },
    ],
  }
  await edge.publish(document)
  await ask(edge.port, '/')
})
beforeEach(() => {
  origin.received.length = 0
})
afterAll(async () => {
  await edge?.stop()
  await origin?.stop()
})

/** Writes bytes, and ends unless the server is to; gives the statuses of all that came back, in order. */
async function statuses(bytes: string, ends = true): Promise<number[]> {
  const socket = connect(edge.port, '127.0.0.1')
  socket.on('error', () => {})
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
  })
  const closed = once(socket, 'close')
  socket.write(Buffer.from(bytes, 'latin1'))
  if (ends) socket.end()
  await closed
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((found) => Number(found[1]))
}

/** What came through: method, path and body; each once, framed in one way, and from the edge. */
function cameThrough(): string[] {
  return origin.received.map(({ line, headers, body }) => {
    const names = headers.map(([name]) => name.toLowerCase())
    expect(
      names.filter((name) => name === 'cdn-loop'),
      line,
    ).toHaveLength(1)
    const framings = names.filter((name) => name === 'content-length' || name === 'transfer-encoding')
    expect(framings.length, `${line}: ${framings}`).toBeLessThanOrEqual(1)
    return `${line.replace(/ HTTP.*/, '')} ${body}`.trim()
  })
}

const HOST = 'Host: edge.test\r\n'
/** What somebody would slip past the edge behind a request that two parsers read otherwise. */
const SMUGGLED = `GET /smuggled HTTP/1.1\r\n${HOST}\r\n`
const post = (headers: string, body: string): string => `POST /a HTTP/1.1\r\n${HOST}${headers}\r\n\r\n${body}`
const get = (headers: string): string => `GET /a HTTP/1.1\r\n${HOST}${headers}\r\n`

describe('two lengths', () => {
  test.each<[string, string, number[]]>([
    ['different lengths', post('Content-Length: 3\r\nContent-Length: 60', `abc${SMUGGLED}`), [400]],
    ['a list of lengths', post('Content-Length: 3, 3', 'abc'), [400]],
    ['a length with a sign', post('Content-Length: +3', 'abc'), [400]],
    ['a negative length', post('Content-Length: -3', 'abc'), [400]],
    ['a length in hexadecimal', post('Content-Length: 0x3', 'abc'), [400]],
    ['a length that is a word', post('Content-Length: three', 'abc'), [400]],
    ['an empty length', post('Content-Length:', 'abc'), [400]],
    ['a length with a space in it', post('Content-Length: 1 2', 'abc'), [400]],
    ['a length beyond 64 bits', post('Content-Length: 18446744073709551619', `abc${SMUGGLED}`), [400]],
    ['an encoding that is none', post('Content-Length: 4\r\nTransfer-Encoding: xchunked', 'abcd'), [400]],
    [
      'a quoted encoding',
      post('Content-Length: 4\r\nTransfer-Encoding: "chunked"', `0\r\n\r\n${SMUGGLED}`),
      [400],
    ],
    [
      'an encoding after a vertical tab',
      post('Content-Length: 4\r\nTransfer-Encoding: \x0bchunked', '0\r\n\r\n'),
      [400],
    ],
    [
      'a space before the colon',
      post('Content-Length: 4\r\nTransfer-Encoding : chunked', '0\r\n\r\n'),
      [400],
    ],
    [
      'a header that begins with a space',
      post('Content-Length: 4\r\n Transfer-Encoding: chunked', '0\r\n\r\n'),
      [400],
    ],
    [
      'an encoding on a second line (obs-fold)',
      post('Content-Length: 4\r\nTransfer-Encoding:\r\n chunked', '0\r\n\r\n'),
      [400],
    ],
    ['two encodings', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity', '0\r\n\r\n'), [400]],
    ['chunked that is not last', post('Transfer-Encoding: chunked, identity', '0\r\n\r\n'), [400]],
    ['chunked in HTTP/1.0', `POST /a HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, [400]],
  ])('%s: refused, and nothing reaches the origin', async (_, bytes, expected) => {
    expect(await statuses(bytes)).toEqual(expected)
    expect(cameThrough()).toEqual([])
  })

  test('of which chunked wins, as it must, are forwarded as one; what follows is a request of its own', async () => {
    const both = post('Content-Length: 6\r\nTransfer-Encoding: chunked', `0\r\n\r\n${SMUGGLED}`)
    expect((await statuses(both))[0]).toBe(200)
    // RFC 9112, section 6.1: the length is ignored. The rest was sent by the same client, and passes the edge as any request.
    expect(cameThrough()[0]).toBe('POST /a')
    for (const line of cameThrough().slice(1)) expect(line).toBe('GET /smuggled')
  })

  test('that are the same are one', async () => {
    expect(
      await statuses(post('Content-Length: 3\r\nContent-Length: 3\r\nConnection: close', 'abc')),
    ).toEqual([200])
    expect(cameThrough()).toEqual(['POST /a abc'])
  })
})

describe('chunks', () => {
  test.each([
    ['a size that is no number', 'zz\r\nabc\r\n0\r\n\r\n'],
    ['a negative size', '-1\r\nabc\r\n0\r\n\r\n'],
    ['a size with 0x', `0x3\r\nabc\r\n0\r\n\r\n${SMUGGLED}`],
    ['a size beyond 64 bits', `10000000000000003\r\nabc\r\n0\r\n\r\n${SMUGGLED}`],
    ['no line end after its bytes', `3\r\nabcXX0\r\n\r\n${SMUGGLED}`],
    ['bare line feeds', `3\nabc\n0\n\n${SMUGGLED}`],
    ['a line feed in an extension', `3;\nxx\r\nabc\r\n0\r\n\r\n${SMUGGLED}`],
    ['a second one that is none', '3\r\nabc\r\nzz\r\n\r\n'],
  ])('with %s are the client’s fault, and no request', async (_, chunks) => {
    expect(await statuses(post('Transfer-Encoding: chunked', chunks))).toEqual([400])
    for (const line of cameThrough()) expect(line).toBe('POST /a (aborted)')
  })

  test('with extensions and trailers are put together; neither is passed on', async () => {
    const body = '3;x=y\r\nabc\r\n0\r\nX-Turnout-Variant: canary\r\nX-T: v\r\n\r\n'
    expect(
      await statuses(post('Transfer-Encoding: chunked\r\nTrailer: X-T\r\nConnection: close', body)),
    ).toEqual([200])
    expect(cameThrough()).toEqual(['POST /a abc'])
    const names = origin.received[0]!.headers.map(([name]) => name.toLowerCase())
    for (const name of ['x-turnout-variant', 'x-t', 'trailer']) expect(names).not.toContain(name)
  })

  test('that break off break off at the origin: half a body does not pass for a whole one', async () => {
    for (const bytes of [
      post('Transfer-Encoding: chunked', '5\r\nab'),
      post('Content-Length: 200000', 'x'.repeat(100_000)),
    ]) {
      origin.received.length = 0
      await statuses(bytes)
      await vi.waitFor(() => expect(cameThrough()).toEqual(['POST /a (aborted)']))
    }
  })
})

describe('header lines', () => {
  test.each([
    ['on a second line (obs-fold)', get('X-Fold: a\r\n b\r\n')],
    ['with a bare carriage return', get('X: a\rY: b\r\n')],
    ['with a NUL', get('X: a\0b\r\n')],
    ['without a colon', get('Nonsense\r\n')],
    ['without a name', get(': x\r\n')],
    ['with a name that is none', get('X(Y): x\r\n')],
    ['with two hosts', get('Host: evil.test\r\n')],
    ['without a host', 'GET /a HTTP/1.1\r\n\r\n'],
    ['with an empty host', 'GET /a HTTP/1.1\r\nHost:\r\n\r\n'],
    ['with a host with a space', 'GET /a HTTP/1.1\r\nHost: edge .test\r\n\r\n'],
    ['with two hosts in one', 'GET /a HTTP/1.1\r\nHost: edge.test, evil.test\r\n\r\n'],
    ['with a host with a port that is none', 'GET /a HTTP/1.1\r\nHost: edge.test:99999\r\n\r\n'],
    ['with a host with a path', 'GET /a HTTP/1.1\r\nHost: edge.test/admin?\r\n\r\n'],
    ['with a host with a backslash', 'GET /a HTTP/1.1\r\nHost: edge.test\\admin?\r\n\r\n'],
    ['with a host with a query', 'GET /a HTTP/1.1\r\nHost: edge.test?\r\n\r\n'],
    ['with a host with a fragment', 'GET /a HTTP/1.1\r\nHost: edge.test#\r\n\r\n'],
    ['with a host with a user', 'GET /a HTTP/1.1\r\nHost: evil.test@edge.test\r\n\r\n'],
    ['with a host with a comma', 'GET /a HTTP/1.1\r\nHost: evil.test,edge.test\r\n\r\n'],
  ])('%s are refused', async (_, bytes) => {
    expect(await statuses(bytes)).toEqual([400])
    expect(cameThrough()).toEqual([])
  })

  test('of 300 kB are too many, and so is an address of 100 kB', async () => {
    expect(await statuses(get(`X-Long: ${'x'.repeat(300_000)}\r\n`))).toEqual([431])
    expect(await statuses(`GET /${'a'.repeat(100_000)} HTTP/1.1\r\n${HOST}\r\n`)).toEqual([414])
    expect(cameThrough()).toEqual([])
  })

  test('with ten thousand cookies of ours leave none, in linear time', async () => {
    expect((await ask(edge.port, '/a', [`Cookie: ${'turnout-preview=x; '.repeat(7_000)}b=1`])).status).toBe(
      200,
    )
    expect(
      origin.received[0]!.headers.filter(([name]) => /^cookie$/i.test(name)).map(([, value]) => value),
    ).toEqual(['b=1'])
  })

  test.each(['h2c', 'foo'])(
    'that ask for an upgrade to %s do not reach the origin: it cannot be led past the edge',
    async (to) => {
      const lines = [
        'Connection: Upgrade, HTTP2-Settings',
        `Upgrade: ${to}`,
        'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
      ]
      // Some clients offer HTTP/2 with whatever they send.
      for (const method of ['GET', 'HEAD', 'POST']) {
        const body = method === 'POST' ? 'abc' : ''
        const length = method === 'POST' ? ['Content-Length: 3'] : []
        expect((await ask(edge.port, '/a', [...lines, ...length], method, body)).status, method).toBe(200)
        const names = origin.received.at(-1)!.headers.map(([name]) => name.toLowerCase())
        for (const name of ['upgrade', 'http2-settings']) expect(names).not.toContain(name)
      }
      expect(cameThrough()).toEqual(['GET /a', 'HEAD /a', 'POST /a abc'])
    },
  )
})

describe('request lines', () => {
  test.each([
    ['no version', 'GET /a\r\n\r\n'],
    ['a version that is none', `GET /a HTTP/1.9\r\n${HOST}\r\n`],
    ['a space in the address', `GET /a b HTTP/1.1\r\n${HOST}\r\n`],
    ['a space before them', ` GET /a HTTP/1.1\r\n${HOST}\r\n`],
    ['a method that is none', `GE(T /a HTTP/1.1\r\n${HOST}\r\n`],
  ])('with %s are refused', async (_, bytes) => {
    expect(await statuses(bytes)).toEqual([400])
    expect(cameThrough()).toEqual([])
  })

  test('of everything (*) are refused: there is no path to match', async () => {
    expect(await statuses(`OPTIONS * HTTP/1.1\r\n${HOST}\r\n`)).toEqual([400])
    expect(cameThrough()).toEqual([])
  })

  test('with a method in lower case are of no known method', async () => {
    expect(await statuses(`get /a HTTP/1.1\r\n${HOST}\r\n`)).toEqual([501])
    expect(cameThrough()).toEqual([])
  })

  test('with TRACE are refused: an origin would answer with all that it was told', async () => {
    expect((await ask(edge.port, '/a', [], 'TRACE')).status).toBe(501)
    expect(cameThrough()).toEqual([])
  })

  test('of an upgrade with another method than GET are refused: the origin would see a GET', async () => {
    const lines = [
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ]
    for (const body of ['', 'abc'])
      expect(
        (
          await ask(
            edge.port,
            '/a',
            ['Connection: Upgrade', ...lines, `Content-Length: ${body.length}`],
            'POST',
            body,
          )
        ).status,
      ).toBe(400)
    for (const method of ['HEAD', 'OPTIONS', 'DELETE'])
      expect((await ask(edge.port, '/a', ['Connection: Upgrade', ...lines], method)).status, method).toBe(400)
    expect(cameThrough()).toEqual([])
  })

  test('that follow each other at once are answered in order, each by itself', async () => {
    const second = `GET /b HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`
    expect(await statuses(`${get('')}${second}`, false)).toEqual([200, 200])
    expect(cameThrough()).toEqual(['GET /a', 'GET /b'])
  })
})

describe('a body with GET or HEAD', () => {
  test.each(['Content-Length: 0', 'Transfer-Encoding: chunked'])(
    'that is empty is none: %s',
    async (line) => {
      for (const method of ['GET', 'HEAD']) {
        const body = line.startsWith('T') ? '0\r\n\r\n' : ''
        expect((await ask(edge.port, '/a', [line], method, body)).status, method).toBe(200)
      }
      expect(cameThrough()).toEqual(['GET /a', 'HEAD /a'])
    },
  )

  test('is refused with a sentence; what follows it is no request', async () => {
    for (const method of ['GET', 'HEAD']) {
      const bytes = `${method} /a HTTP/1.1\r\n${HOST}Content-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`
      expect((await statuses(bytes))[0]).toBe(400)
    }
    expect(cameThrough()).toEqual([])
    const { body } = await ask(edge.port, '/a', ['Content-Length: 3'], 'GET', 'abc')
    expect(JSON.parse(body.toString()).detail).toBe(
      'a GET with a body cannot be passed on; send it with another method',
    )
  })
})

describe('a client', () => {
  /** Who serves now: if the canary's breaker were open, the stable origin, where nobody is. */
  const served = async () => (await ask(edge.port, '/a')).all('x-turnout-variant')

  test('cannot open a breaker by what it sends', async () => {
    const wrong = [
      post('Transfer-Encoding: chunked', 'zz\r\n'),
      post('Transfer-Encoding: chunked', '5\r\nab'),
      post('Content-Length: 10', 'ab'),
      post('Content-Length: 200000', 'ab'),
      `GET /a HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc`,
    ]
    for (const bytes of wrong) for (let n = 0; n < 8; n += 1) await statuses(bytes)
    expect(await served()).toEqual(['canary'])
  })

  test('may take longer to send than its origin may take to answer', async () => {
    const socket = connect(edge.port, '127.0.0.1')
    const answered = once(socket, 'data')
    socket.write(`POST /a HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`)
    for (const piece of ['ab', 'cd', 'ef']) {
      await sleep(250)
      socket.write(`2\r\n${piece}\r\n`)
    }
    socket.write('0\r\n\r\n')
    expect(String((await answered)[0])).toMatch(/^HTTP\/1\.1 200/)
    socket.destroy()
    expect(cameThrough()).toEqual(['POST /a abcdef'])
    expect(await served()).toEqual(['canary'])
  })
})

describe('an edge that has nothing to go by yet', () => {
  let cold: WireEdge
  beforeAll(async () => {
    cold = await startWireEdge({ FALLBACK_ORIGIN: origin.url, FALLBACK_TIMEOUT_MS: '300' })
  })
  afterAll(() => cold?.stop())

  test('does not blame its origin for what the client sends', async () => {
    const bytes = post('Transfer-Encoding: chunked', 'zz\r\nabc\r\n0\r\n\r\n')
    expect((await exchange(cold.port, bytes)).status).toBe(400)
    for (const line of cameThrough()) expect(line).toBe('POST /a (aborted)')
  })

  test('nor for how slowly it does', async () => {
    const socket = connect(cold.port, '127.0.0.1')
    const answered = once(socket, 'data')
    socket.write(post('Transfer-Encoding: chunked', '2\r\nab\r\n'))
    await sleep(500)
    socket.write('0\r\n\r\n')
    expect(String((await answered)[0])).toMatch(/^HTTP\/1\.1 200/)
    socket.destroy()
    expect(cameThrough()).toEqual(['POST /a ab'])
  })
})

describe('response headers', () => {
  test('of one connection end here', async () => {
    origin.answer = (_, response) => {
      response.writeHead(200, [
        ...['Keep-Alive', 'timeout=5'],
        ...['Proxy-Connection', 'keep-alive'],
        ...['Trailer', 'X-T'],
        ...['X-Kept', '1'],
      ])
      response.end('x')
    }
    const { headers } = await ask(edge.port, '/a')
    const names = headers.map(([name]) => name.toLowerCase())
    expect(names).toContain('x-kept')
    expect(names).not.toContain('keep-alive')
    origin.answer = (request, response) => {
      request.on('end', () => response.end('hello'))
    }
  })

  test.each([
    '/%0d%0aSet-Cookie:%20x=1',
    '/a?next=%0d%0aSet-Cookie:%20x=1',
    '/%E5%98%8A%E5%98%8DSet-Cookie:x=1',
  ])('cannot be split by the address %s', async (path) => {
    origin.answer = (request, response) => {
      response.writeHead(302, { location: request.url }).end()
    }
    const answer = await ask(edge.port, path)
    expect(answer.all('set-cookie')).toEqual([])
    expect(answer.all('location')).toEqual([path])
    const link = await ask(edge.port, `${path}${path.includes('?') ? '&' : '?'}turnout-preview=`)
    expect(link.all('location')).toEqual([path])
    expect(link.all('set-cookie')).toHaveLength(1)
  })
})
