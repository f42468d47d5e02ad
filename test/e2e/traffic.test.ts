/** Traffic through the real edge: what streams, what fails, and what is tried again. */

import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { changeDocument, ready, side } from '../helpers/client.ts'
import { type LocalRun, startLocalRun, stopAll } from '../helpers/system.ts'

let run: LocalRun
const servers: Server[] = []

/** A TCP server that does one wrong thing with each connection. */
async function broken(onConnection: (socket: import('node:net').Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    onConnection(socket)
  }).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const TIMEOUT_MS = 400

beforeAll(async () => {
  run = await startLocalRun()
  const closed = await broken(() => {})
  servers.pop()!.close()
  const failing: Record<string, string> = {
    refuses: closed,
    hangs: await broken(() => {}),
    garbage: await broken((socket) => socket.end('this is not HTTP\r\n\r\n')),
    resets: await broken((socket) => socket.once('data', () => socket.resetAndDestroy())),
  }
  const { status, body } = await changeDocument(run, ({ flags, routes }) => {
    const stable = routes.at(-1).origins.stable.url
    flags['try-canary'] = { enabled: true, fallthrough: 'on' }
    for (const [name, url] of Object.entries(failing)) {
      const route = { flag: 'try-canary', timeoutMs: TIMEOUT_MS, fallback: 'off', debug: true }
      const origins = { on: { url }, off: { url: stable } }
      routes.unshift(
        { ...route, id: name, match: { path: `/${name}*` }, origins },
        {
          ...route,
          id: `${name}-alone`,
          match: { path: `/alone/${name}*` },
          origins: { ...origins, on: { url, fallback: null } },
        },
        { ...route, id: `${name}-twice`, match: { path: `/twice/${name}*` }, idempotent: true, origins },
      )
    }
    const unavailable = {
      flag: 'try-canary',
      fallback: 'off',
      debug: true,
      rewrite: { stripPrefix: '/unavailable', addPrefix: '/status' },
    }
    routes.unshift({
      ...unavailable,
      id: 'unavailable',
      match: { path: '/unavailable/*' },
      origins: { on: { url: routes.at(-1).origins.canary.url }, off: { url: stable } },
    })
  })
  expect(status, JSON.stringify(body)).toBe(200)
  await vi.waitFor(async () => expect((await ready(run)).body.version).toBe(body.version), {
    timeout: 10_000,
  })
})
afterAll(async () => {
  for (const server of servers) server.close()
  await stopAll()
})

const problemOf = async (path: string) => {
  const response = await fetch(run.edgeUrl + path)
  return { status: response.status, type: response.headers.get('content-type'), body: await response.json() }
}

describe('an origin that fails', () => {
  test.each([
    ['refuses', 502],
    ['garbage', 502],
    ['resets', 502],
    ['hangs', 504],
  ])('that %s, and alone, is a %i problem that names it', async (name, status) => {
    expect(await problemOf(`/alone/${name}`)).toEqual({
      status,
      type: 'application/problem+json',
      body: expect.objectContaining({
        status,
        detail: expect.stringContaining(`origin on of route ${name}-alone`),
      }),
    })
  })

  test.each(['refuses', 'garbage', 'resets', 'hangs'])(
    'that %s is succeeded by the fallback for a GET',
    async (name) => {
      const response = await fetch(`${run.edgeUrl}/${name}`)
      expect(response.status).toBe(200)
      expect(response.headers.get('x-demo-origin')).toBe('stable')
      expect(response.headers.get('x-turnout-variant')).toBe('off')
    },
  )

  test('a POST is not sent twice, unless route and client say that it may be', async () => {
    const post = (path: string, headers: Record<string, string> = {}) =>
      fetch(`${run.edgeUrl}${path}`, { method: 'POST', body: 'once', headers })
    expect((await post('/resets/echo')).status).toBe(502)
    expect((await post('/resets/echo', { 'idempotency-key': 'k' })).status).toBe(502)
    expect((await post('/twice/resets/echo')).status).toBe(502)
    const twice = await post('/twice/resets/echo', { 'idempotency-key': 'k' })
    expect(twice.status).toBe(200)
    expect(await twice.text()).toBe('once')
  })

  test('a PUT is sent twice where the route is idempotent', async () => {
    const put = (path: string) => fetch(`${run.edgeUrl}${path}`, { method: 'PUT', body: 'again' })
    expect((await put('/refuses/echo')).status).toBe(502)
    const response = await put('/twice/refuses/echo')
    expect(response.headers.get('x-demo-origin')).toBe('stable')
    expect(await response.text()).toBe('again')
  })

  test('a 503 is tried on the fallback, whose own answer is then final; a 500 is an answer', async () => {
    const unavailable = await fetch(`${run.edgeUrl}/unavailable/503`)
    expect(unavailable.status).toBe(503)
    expect(unavailable.headers.get('x-demo-origin')).toBe('stable')
    const failed = await fetch(`${run.edgeUrl}/unavailable/500`)
    expect(failed.status).toBe(500)
    expect(failed.headers.get('x-demo-origin')).toBe('canary')
  })
})

describe('what passes through', () => {
  test('a WebSocket echoes text, bytes and fragments of any size', async () => {
    const socket = new WebSocket(`${run.edgeUrl.replace('http', 'ws')}/ws`)
    socket.binaryType = 'arraybuffer'
    await new Promise((done, fail) => {
      socket.onopen = done
      socket.onerror = fail
    })
    const echo = (data: string | Uint8Array<ArrayBuffer>) =>
      new Promise<string | ArrayBuffer>((done) => {
        socket.onmessage = (event) => done(event.data)
        socket.send(data)
      })
    expect(await echo('Grüße')).toBe('Grüße')
    const bytes = new Uint8Array(randomBytes(200_000))
    expect(new Uint8Array((await echo(bytes)) as ArrayBuffer)).toEqual(bytes)
    const closed = new Promise<CloseEvent>((done) => {
      socket.onclose = done
    })
    socket.close(4001, 'done')
    expect(await closed).toMatchObject({ code: 4001, reason: 'done' })
  })

  test('the first event of a stream arrives before the stream ends', async () => {
    const response = await fetch(`${run.edgeUrl}/events?every=50`)
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    const first = await reader.read()
    expect(first.value).toContain('"n":1')
    const second = await reader.read()
    expect(second).toMatchObject({ done: false, value: expect.stringContaining('"n":2') })
    await reader.cancel()
  })

  test('20 MB stream up and down again, byte for byte, unbuffered', async () => {
    const chunk = randomBytes(1024 * 1024)
    const sent = createHash('sha256')
    const received = createHash('sha256')
    let answerBegan = (): void => {}
    const began = new Promise<void>((done) => {
      answerBegan = done
    })
    async function* upload() {
      for (let i = 0; i < 20; i++) {
        sent.update(chunk)
        yield chunk
        // The second half is sent only when the first has come back: nobody on the way waits for the whole.
        if (i === 9) await began
      }
    }
    const response = await fetch(`${run.edgeUrl}/echo`, {
      method: 'POST',
      body: ReadableStream.from(upload()) as ReadableStream<Uint8Array>,
      headers: { 'content-type': 'application/x-movie' },
      duplex: 'half',
    } as RequestInit)
    expect(response.headers.get('content-type')).toBe('application/x-movie')
    let length = 0
    for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
      answerBegan()
      received.update(part)
      length += part.length
    }
    expect(length).toBe(20 * 1024 * 1024)
    expect(received.digest('hex')).toBe(sent.digest('hex'))
  })

  test('status, redirects and several cookies arrive as the origin sent them', async () => {
    for (const status of [201, 204, 404, 418]) {
      const response = await fetch(`${run.edgeUrl}/status/${status}`)
      expect(response.status).toBe(status)
    }
    const redirect = await fetch(`${run.edgeUrl}/status/302`, { redirect: 'manual' })
    expect(redirect.status).toBe(302)
  })

  test('a path with dots is matched and forwarded in one form', async () => {
    // fetch() would tidy it before sending: the raw line must reach the edge.
    const { request } = await import('node:http')
    const target = new URL(run.edgeUrl)
    const body = await new Promise<string>((done, fail) => {
      request({ host: target.hostname, port: target.port, path: '/hangs/../api/there' }, (response) => {
        let text = ''
        response.on('data', (part) => {
          text += part
        })
        response.on('end', () => done(text))
      })
        .on('error', fail)
        .end()
    })
    expect(JSON.parse(body)).toMatchObject({ path: '/api/there' })
  })

  test('a slow answer is waited for', async () => {
    expect(await side(run, '/slow?ms=300')).toMatch(/stable|canary/)
  })
})
