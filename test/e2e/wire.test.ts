/** What only the wire shows: raw request lines, hop-by-hop headers, encodings, and clients that go away. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { FlagDocument, Route } from '../../engine/index.ts'
import {
  ask,
  exchange,
  open,
  startWireEdge,
  startWireOrigin,
  type WireEdge,
  type WireOrigin,
} from '../helpers/wire.ts'

let edge: WireEdge
let origin: WireOrigin

const document = (more: Partial<Route> = {}): FlagDocument => {
  const route = (id: string, path: string, extra: Partial<Route> = {}): Route => ({
    id,
    match: { path },
    flag: 'release',
    origins: { stable: { url: origin.url }, canary: { url: origin.url } },
    fallback: 'stable',
    identity: [{ header: 'x-user' }],
    ...more,
    ...extra,
  })
  return {
    flags: {
      release: {
        enabled: true,
        variants: { stable: 1, canary: 2 },
        off: 'stable',
        fallthrough: 'stable',
        metadata: {},
      },
    },
    routes: [
      route('public', '/public/*', { rewrite: { addPrefix: '/by-public' } }),
      route('admin', '/admin/*', { rewrite: { addPrefix: '/by-admin' } }),
      route('visitor', '/visitor/*', { identity: ['cookie'] }),
      route('debug', '/debug/*', { debug: true, identity: ['cookie'] }),
      route('flags', '/flags/*', { bootstrap: true }),
      route('short', '/short/*', { timeoutMs: 100, deadlineMs: 150 }),
      route('rest', '*'),
    ],
  }
}

beforeAll(async () => {
  origin = await startWireOrigin()
  edge = await startWireEdge({ REFRESH_TIMEOUT_MS: '300' })
  await edge.publish(document())
})
beforeEach(() => {
  origin.received.length = 0
  origin.answer = (request, response) => {
    request.on('end', () => response.end('hello'))
  }
})
afterAll(async () => {
  await edge?.stop()
  await origin?.stop()
})

const target = () => origin.received.at(-1)?.line.split(' ')[1]

describe('a request line', () => {
  test.each([
    ['/public/../admin/x', '/by-admin/admin/x'],
    ['/public/%2e%2e/admin/x', '/by-admin/admin/x'],
    ['/public/.%2E/admin/x', '/by-admin/admin/x'],
    ['/public\\..\\admin\\x', '/by-admin/admin/x'],
    ['/../../admin/x', '/by-admin/admin/x'],
    ['/public/..;/admin/x', '/by-public/public/..;/admin/x'],
    ['/public/%2e%2e%2fadmin/x', '/by-public/public/%2e%2e%2fadmin/x'],
    ['//admin/x', '//admin/x'],
    ['//evil.example/x', '//evil.example/x'],
    ['/\\evil.example/x', '//evil.example/x'],
    ['/a//b', '/a//b'],
    ['/a/%zz', '/a/%zz'],
    ['/caf\xc3\xa9', '/caf%C3%A9'],
    ['/a?x=/../y&z=%zz', '/a?x=/../y&z=%zz'],
    ['/a?', '/a'],
    ['http://edge.test/public/../admin/x', '/by-admin/admin/x'],
  ])('%s is matched and forwarded as %s', async (asked, forwarded) => {
    expect((await ask(edge.port, asked)).status).toBe(200)
    expect(target()?.replace(/\?$/, '')).toBe(forwarded)
  })

  test.each(['*', 'nonsense', '/a\x00b'])('%j is answered, whatever it is', async (asked) => {
    const method = asked === '*' ? 'OPTIONS' : asked.startsWith('edge') ? 'CONNECT' : 'GET'
    const { status } = await ask(edge.port, asked, [], method)
    expect(status).toBeGreaterThanOrEqual(200)
    expect(status).not.toBe(500)
  })

  test('may be long', async () => {
    const long = `/${'a'.repeat(8_000)}?${'b'.repeat(4_000)}`
    expect((await ask(edge.port, long)).status).toBe(200)
    expect(target()).toBe(long)
  })
})

test('a host that is none is a mistake of the request, and said to be one', async () => {
  const request = 'GET /x HTTP/1.1\r\nHost: edge.test:99999\r\nConnection: close\r\n\r\n'
  const { status, body } = await exchange(edge.port, request)
  expect(status).toBe(400)
  expect(JSON.parse(body.toString()).detail).toBe('the host and path of the request make no URL')
  expect(origin.received).toEqual([])
})

describe('request headers', () => {
  test('of one connection end here, also those that Connection names', async () => {
    await exchange(
      edge.port,
      [
        'GET /x HTTP/1.1',
        'Host: edge.test',
        'Connection: close, X-Hop, x-turnout-y',
        'Keep-Alive: timeout=5',
        'Proxy-Connection: keep-alive',
        'Proxy-Authorization: Basic eA==',
        'TE: trailers',
        'X-Hop: secret',
        'X-Turnout-Variant: canary',
        'X-TURNOUT-ANYTHING: y',
        'X-Kept: 1',
        '',
        '',
      ].join('\r\n'),
    )
    const names = origin.received[0]!.headers.map(([name]) => name.toLowerCase())
    expect(names).toContain('x-kept')
    for (const name of ['x-hop', 'proxy-connection', 'proxy-authorization', 'keep-alive'])
      expect(names).not.toContain(name)
    expect(names.filter((name) => name.startsWith('x-turnout-'))).toEqual([])
  })

  test('say where the request came from; Host is the origin’s', async () => {
    await ask(edge.port, '/x', ['X-Forwarded-Host: spoofed.example', 'X-Forwarded-Proto: https'])
    const headers = Object.fromEntries(
      origin.received[0]!.headers.map(([name, value]) => [name.toLowerCase(), value]),
    )
    expect(headers).toMatchObject({
      host: new URL(origin.url).host,
      'x-forwarded-host': 'edge.test',
      'x-forwarded-proto': 'http',
    })
  })

  test('keep the encodings, ranges and conditions that the client asked for', async () => {
    const lines = ['Accept-Encoding: br;q=1.0, gzip', 'Range: bytes=0-4', 'If-None-Match: W/"x"']
    await ask(edge.port, '/x', lines)
    const sent = origin.received[0]!.headers.map(([name, value]) => `${name.toLowerCase()}: ${value}`)
    for (const line of lines) expect(sent).toContain(line.replace(/^[^:]+/, (name) => name.toLowerCase()))
  })

  test('that make a loop are a 508', async () => {
    await ask(edge.port, '/x', ['CDN-Loop: cloudflare'])
    const loop = origin.received[0]!.headers.find(([name]) => name.toLowerCase() === 'cdn-loop')![1]
    expect(loop).toMatch(/^cloudflare, /)
    expect((await ask(edge.port, '/x', [`CDN-Loop: ${loop}`])).status).toBe(508)
  })
})

describe('a request body', () => {
  test('keeps its length, or stays chunked', async () => {
    await ask(edge.port, '/x', ['Content-Length: 7'], 'POST', 'payload')
    await ask(edge.port, '/x', ['Transfer-Encoding: chunked'], 'POST', '3\r\npay\r\n4\r\nload\r\n0\r\n\r\n')
    await ask(edge.port, '/x', ['Content-Length: 0'], 'POST')
    const framing = origin.received.map(({ headers, body }) => [
      headers.find(([name]) => /^content-length$/i.test(name))?.[1],
      headers.find(([name]) => /^transfer-encoding$/i.test(name))?.[1],
      body,
    ])
    expect(framing).toEqual([
      ['7', undefined, 'payload'],
      [undefined, 'chunked', 'payload'],
      ['0', undefined, ''],
    ])
  })

  test('is asked for where the client expects to be told so', async () => {
    const { status } = await ask(
      edge.port,
      '/x',
      ['Content-Length: 7', 'Expect: 100-continue'],
      'POST',
      'payload',
    )
    expect([200, 100]).toContain(status)
    expect(origin.received[0]!.body).toBe('payload')
    expect(origin.received[0]!.headers.map(([name]) => name.toLowerCase())).not.toContain('expect')
  })
})

describe('a response', () => {
  const page = Buffer.from('<p>'.repeat(2_000))

  test.each(['/x', '/visitor/x', '/debug/x'])(
    'that is compressed arrives byte for byte, whoever asks: %s',
    async (path) => {
      for (const [encoding, bytes] of [
        ['gzip', gzipSync(page)],
        ['br', brotliCompressSync(page)],
        ['zstd', Buffer.from('not really zstd')],
      ] as const)
        for (const accepts of ['Accept-Encoding: gzip, br', 'Accept-Encoding: identity']) {
          origin.answer = (_, response) => {
            response.writeHead(200, { 'content-encoding': encoding, 'content-length': bytes.length })
            response.end(bytes)
          }
          const answer = await ask(edge.port, path, [accepts])
          expect(answer.all('content-encoding'), `${encoding}, ${accepts}`).toEqual([encoding])
          expect(answer.body.equals(bytes), `${encoding}, ${accepts}`).toBe(true)
        }
    },
  )

  test.each(['/x', '/visitor/x', '/debug/x'])('keeps its length and its header lines: %s', async (path) => {
    origin.answer = (_, response) => {
      response.writeHead(200, [
        ...['Content-Length', String(page.length)],
        ...['Set-Cookie', 'a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT'],
        ...['Set-Cookie', 'b=2'],
        ...['Link', '</a>; rel=preload'],
        ...['Link', '</b>; rel=preload'],
        ...['X-Latin', 'caf\xe9'],
      ])
      response.end(page)
    }
    const answer = await ask(edge.port, path)
    expect(answer.all('content-length')).toEqual([String(page.length)])
    expect(answer.all('set-cookie').slice(0, 2)).toEqual([
      'a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT',
      'b=2',
    ])
    expect(answer.all('link').join(', ')).toBe('</a>; rel=preload, </b>; rel=preload')
    expect(answer.body.equals(page)).toBe(true)
  })

  test.each(['/x', '/visitor/x', '/debug/x'])('to HEAD has the length of the resource: %s', async (path) => {
    origin.answer = (_, response) => {
      response.writeHead(200, { 'content-length': 12_345, 'content-type': 'text/css' })
      response.end()
    }
    const answer = await ask(edge.port, path, [], 'HEAD')
    expect(answer.status).toBe(200)
    expect(answer.all('content-length')).toEqual(['12345'])
    expect(answer.body).toHaveLength(0)
  })

  test.each([
    [204, {}],
    [304, { etag: '"e"' }],
    [206, { 'content-range': 'bytes 0-4/10', 'content-length': '5' }],
    [302, { location: 'http://127.0.0.1:1/elsewhere' }],
    [307, { location: '/relative?x' }],
  ])('of status %i passes as it is', async (status, headers) => {
    for (const path of ['/x', '/visitor/x']) {
      origin.answer = (_, response) => {
        response.writeHead(status, headers)
        response.end(status === 206 ? 'bytes' : undefined)
      }
      const answer = await ask(edge.port, path)
      expect(answer.status).toBe(status)
      for (const [name, value] of Object.entries(headers)) expect(answer.all(name)).toEqual([value])
      expect(answer.body.toString()).toBe(status === 206 ? 'bytes' : '')
    }
    expect(origin.received).toHaveLength(2)
  })

  test.each(['/x', '/visitor/x', '/debug/x', '/flags/x'])(
    'of a status that HTTP does not know passes as it is, without what cannot be added: %s',
    async (path) => {
      for (const status of [600, 999]) {
        origin.answer = (_, response) => {
          response.writeHead(status, { 'content-type': 'text/html', 'x-own': '1' })
          response.end('<head></head>denied')
        }
        const answer = await ask(edge.port, path, ['Cookie: turnout-preview=over'])
        expect(answer.status).toBe(status)
        expect(answer.all('x-own')).toEqual(['1'])
        expect(answer.body.toString()).toBe('<head></head>denied')
      }
    },
  )

  test.each(['/x', '/visitor/x'])('that switches protocols unasked is none: %s', async (path) => {
    origin.answer = (_, response) => {
      response.socket!.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: foo\r\nConnection: Upgrade\r\n\r\n')
    }
    expect((await ask(edge.port, path)).status).toBe(502)
  })

  test('may take longer than the timeout once its headers are there', async () => {
    origin.answer = async (_, response) => {
      response.write('a')
      await sleep(300)
      response.end('b')
    }
    const answer = await ask(edge.port, '/short/x')
    expect(answer.body.toString()).toBe('ab')
  })

  test('that breaks off in its body breaks off at the client: it does not pass for a whole one', async () => {
    origin.answer = (_, response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('half')
      setTimeout(() => response.destroy(), 50)
    }
    const answer = await ask(edge.port, '/x')
    expect(answer.body.length).toBeLessThan(100)
    expect(answer.all('content-length')).toEqual(['100'])
  })
})

describe('a client that goes away', () => {
  test('ends the request to the origin as soon as that sends more', async () => {
    let closed = () => {}
    const gone = new Promise<void>((done) => {
      closed = done
    })
    origin.answer = (request, response) => {
      const timer = setInterval(() => response.write('more'), 20)
      request.socket.on('close', () => {
        clearInterval(timer)
        closed()
      })
    }
    const socket = await open(edge.port, 'GET /x HTTP/1.1\r\nHost: edge.test\r\n\r\n')
    await once(socket, 'data')
    socket.destroy()
    await gone
  })

  test('while it was the one that refreshed does not end refresh: 1 000 times', async () => {
    const version = async () => {
      const answer = await ask(edge.port, '/.turnout/health/ready')
      return JSON.parse(answer.body.toString()) as { version: number; status: string }
    }
    await edge.control({ delayMs: 50 })
    const request = 'GET /x HTTP/1.1\r\nHost: edge.test\r\n\r\n'
    for (let round = 0; round < 20; round += 1) {
      // Whoever of them holds the lease is gone before it gets its answer.
      const sockets = await Promise.all(Array.from({ length: 50 }, () => open(edge.port, request)))
      await sleep(round * 5)
      for (const socket of sockets) socket.resetAndDestroy()
    }
    const before = (await version()).version
    await edge.publish(document({ description: 'one more' }))
    await edge.control({ delayMs: 0 })
    await vi.waitFor(
      async () => expect(await version()).toMatchObject({ version: before + 1, status: 'ready' }),
      {
        timeout: 5_000,
        interval: 50,
      },
    )
  })
})

describe('a stale isolate under load', () => {
  test('reads once for all requests that wait', async () => {
    // Longer without a request than its own refresh lives would take 25 s: a cold edge stands for it.
    const cold = await startWireEdge()
    try {
      await cold.publish(document())
      await cold.control({ delayMs: 100 })
      const before = await cold.control()
      const answers = await Promise.all(Array.from({ length: 50 }, () => ask(cold.port, '/x')))
      expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200))
      expect((await cold.control()) - before).toBe(1)
    } finally {
      await cold.stop()
    }
  })
})
