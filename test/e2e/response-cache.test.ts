/**
 * Both bundles on Miniflare, which has the Cache API, before an origin over real sockets: encoded bodies come out as they went
 * in, and what takes traffic back in the control plane purges at the edge.
 */
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { afterAll, beforeAll, expect, it } from 'vitest'

const TOKEN = 'token-of-the-tests'
const ENVIRONMENT = 'cached'
const bundle = (name: string) =>
  readFile(fileURLToPath(new URL(`../../dist/${name}/index.js`, import.meta.url)), 'utf8')

let miniflare: Miniflare
let origin: Server
let served = 0

beforeAll(async () => {
  origin = createServer((request, response) => {
    served += 1
    const text = `answer ${served} of ${request.url}, which repeats, repeats, repeats`
    const headers = { 'cache-control': 'public, max-age=600', 'content-type': 'text/plain', etag: '"1"' }
    if (request.url === '/plain') response.writeHead(200, headers).end(text)
    else {
      const encoding = request.url === '/br' ? 'br' : 'gzip'
      response.writeHead(200, { ...headers, 'content-encoding': encoding, vary: 'accept-encoding' })
      response.end(encoding === 'br' ? brotliCompressSync(text) : gzipSync(text))
    }
  })
  await new Promise<void>((done) => origin.listen(0, '127.0.0.1', done))
  const url = `http://127.0.0.1:${(origin.address() as AddressInfo).port}`
  const common = {
    compatibilityDate: '2026-10-20',
    modules: true as const,
    kvNamespaces: { LAST_KNOWN_GOOD: 'last-known-good' },
  }
  const control = { name: 'admin', entrypoint: 'ControlRpc', props: { environment: ENVIRONMENT } }
  const options = {
    workers: [
      {
        ...common,
        name: 'edge',
        script: await bundle('edge'),
        bindings: { ENVIRONMENT, COOKIE_KEY: 'a key of at least 32 characters, for tests', LOCAL: 'true' },
        serviceBindings: { CONTROL: control },
      },
      {
        ...common,
        name: 'admin',
        script: await bundle('admin'),
        bindings: { ADMIN_BOOTSTRAP_TOKEN: TOKEN, LOCAL: 'true' },
        durableObjects: Object.fromEntries(
          ['Environment', 'Project', 'Metrics', 'Webhooks', 'Idempotency'].map((name) => [
            { Environment: 'ENVIRONMENTS' }[name] ?? name.toUpperCase(),
            { className: `${name}Object`, useSQLite: true },
          ]),
        ),
      },
    ],
  }
  miniflare = new Miniflare(
    convertV4MiniflareOptions(options as Parameters<typeof convertV4MiniflareOptions>[0]),
  )
  await miniflare.ready
  await admin('PUT', '', {}, { 'if-none-match': '*' })
  const document = {
    flags: {
      release: { enabled: true, variants: { blue: 1, green: 2 }, off: 'blue', fallthrough: 'blue' },
      other: true,
    },
    routes: [
      {
        id: 'web',
        match: {},
        flag: 'release',
        identity: [{ header: 'x-user' }],
        origins: { blue: { url }, green: { url } },
        fallback: 'blue',
        debug: true,
        cache: { store: true },
      },
    ],
  }
  await admin('PUT', '/document', document, { 'if-match': '*' })
})

afterAll(async () => {
  await miniflare.dispose()
  origin.closeAllConnections()
  origin.close()
})

async function admin(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const worker = await miniflare.getWorker('admin')
  const response = await worker.fetch(`http://admin.test/api/v1/environments/${ENVIRONMENT}${path}`, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
}

async function ask(path: string) {
  const edge = await miniflare.getWorker('edge')
  const response = await edge.fetch(`https://edge.test${path}`, {
    headers: { 'accept-encoding': 'gzip, br' },
  })
  const timing = response.headers.get('server-timing') ?? ''
  return {
    status: response.status,
    text: await response.text(),
    headers: response.headers,
    cache: /turnout-cache;desc="(\w+)"/.exec(timing)?.[1],
    version: response.headers.get('x-turnout-version'),
  }
}

/** Asks until it is kept; its text. */
async function kept(path: string): Promise<string> {
  await expect.poll(async () => (await ask(path)).cache).toBe('hit')
  return (await ask(path)).text
}

it.each(['/plain', '/gzip', '/br'])('%s comes out of the cache as it came from its origin', async (path) => {
  const first = await ask(path)
  expect([first.cache, first.text]).toEqual(['miss', expect.stringContaining(`of ${path}, which repeats`)])
  expect(await kept(path)).toBe(first.text)
  const hit = await ask(path)
  expect(hit.headers.get('etag')).toBe(path === '/plain' ? '"1"' : 'W/"1"')
  expect(hit.headers.get('cache-control')).toBe('public, max-age=600')
  expect(hit.headers.get('age')).toMatch(/^\d+$/)
})

it('what takes traffic back purges everywhere, and nothing else does', async () => {
  const first = await kept('/page')
  const landed = async (change: () => Promise<void>) => {
    const before = (await ask('/plain')).version
    await change()
    await expect.poll(async () => (await ask('/plain')).version).not.toBe(before)
  }
  await landed(() => admin('POST', '/flags/other/toggle', { enabled: false }))
  expect(await kept('/page')).toBe(first)
  await landed(() => admin('POST', '/versions/2/restore', {}))
  const second = await kept('/page')
  expect(second).not.toBe(first)

  await admin('PUT', '/kills/route:web', { reason: 'broken' })
  await expect.poll(async () => (await ask('/page')).text).not.toBe(second)
  await admin('DELETE', '/kills/route:web')
  await expect.poll(async () => (await ask('/page')).headers.get('x-turnout-reason')).toBe('STATIC')
  expect([first, second]).not.toContain(await kept('/page'))

  const third = await kept('/page')
  await admin('POST', '/purge')
  await expect.poll(async () => (await ask('/page')).text).not.toBe(third)
})
