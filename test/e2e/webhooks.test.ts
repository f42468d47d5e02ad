/** Webhooks of a whole local run: a kill is told, signed, over real connections, to targets that fail, hang, and come back. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { PROJECT_ROOT } from '../../local/build.ts'
import { admin } from '../helpers/client.ts'
import { type LocalRun, startLocalRun, stopAll } from '../helpers/system.ts'

interface Got {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A target on this machine. `answer` has the number of the request, from 1; `null`: it never answers. */
interface Receiver {
  readonly url: string
  readonly got: Got[]
}

const servers = new Set<Server>()
const soon = { timeout: 20_000, interval: 50 }

async function receiver(answer: (n: number) => number | null): Promise<Receiver> {
  const got: Got[] = []
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part)
    got.push({ headers: request.headers, body: Buffer.concat(parts).toString() })
    const status = answer(got.length)
    if (status !== null) response.writeHead(status, { location: '/elsewhere' }).end('done')
  })
  servers.add(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/turnout`, got }
}

/** The check that docs/webhooks.md gives to receivers, taken from there. */
async function verifier(): Promise<(secret: string, headers: IncomingHttpHeaders, body: string) => unknown> {
  const page = readFileSync(join(PROJECT_ROOT, 'docs', 'webhooks.md'), 'utf8')
  const code = /^```js\n([\s\S]*?)^```/m.exec(page)![1]!
  return (await import(`data:text/javascript,${encodeURIComponent(code)}`)).verify
}

let run: LocalRun

beforeAll(async () => {
  run = await startLocalRun()
})

afterEach(() => {
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
  servers.clear()
})

afterAll(stopAll)

const api = (path: string, call = {}) => admin(run, `/api/v1/webhooks${path}`, call)

async function webhook(url: string): Promise<{ id: string; secret: string }> {
  const { status, body } = await api('', { body: { name: 'test', url, events: ['kill.*'] } })
  expect(status).toBe(201)
  return body
}

const kill = (target: string) => admin(run, `/kills/${target}`, { method: 'PUT', body: { reason: 'a test' } })
const lift = (target: string) => admin(run, `/kills/${target}`, { method: 'DELETE' })
const deliveries = async (id: string) => (await api(`/${id}/deliveries`)).body.items

describe('a kill', () => {
  test('is told to a target that fails at first, signed each time, and its end after it', async () => {
    const { url, got } = await receiver((n) => (n <= 2 ? 503 : 204))
    const { id, secret } = await webhook(url)
    await kill('flag:new-feature')
    await lift('flag:new-feature')
    // The first waits are up to 5 s and up to 20 s.
    await expect
      .poll(() => deliveries(id), { timeout: 40_000, interval: 100 })
      .toMatchObject([
        { status: 'delivered', attempts: 1, event: { action: 'kill.lifted' } },
        { status: 'delivered', attempts: 3, event: { action: 'kill.placed', environment: 'dev' } },
      ])
    expect(got.map(({ body }) => JSON.parse(body).type)).toEqual([
      'kill.placed',
      'kill.placed',
      'kill.placed',
      'kill.lifted',
    ])
    const verify = await verifier()
    for (const { headers, body } of got) {
      expect(verify(secret, headers, body)).toEqual(JSON.parse(body))
      expect(() => verify(secret, headers, `${body} `)).toThrow('not from Turnout')
      expect(() => verify(`whsec_${btoa('x'.repeat(32))}`, headers, body)).toThrow('not from Turnout')
      expect(() => verify(secret, { ...headers, 'webhook-timestamp': '1' }, body)).toThrow('too old')
    }
    expect(new Set(got.map(({ headers }) => headers['webhook-id'])).size).toBe(2)
    const log = await admin(run, '/api/v1/audit?environment=dev&action=kill.*&limit=2')
    expect([got[3], got[0]].map((one) => JSON.parse(one!.body).data)).toEqual(log.body.items)
  })

  test('is told to everybody else at once while a target hangs, whose attempt is over after 10 s', async () => {
    const slow = await receiver(() => null)
    const quick = await receiver(() => 200)
    const hanging = await webhook(slow.url)
    await webhook(quick.url)
    await kill('flag:new-feature')
    await expect.poll(() => [slow.got.length, quick.got.length], soon).toEqual([1, 1])
    await lift('flag:new-feature')
    await expect.poll(() => quick.got.length, soon).toBe(2)
    expect(slow.got).toHaveLength(1)
    await expect
      .poll(async () => (await deliveries(hanging.id)).at(-1), soon)
      .toMatchObject({ attempts: 1, problem: 'no answer: nothing within 10 s', status: 'pending' })
    await api(`/${hanging.id}`, { method: 'DELETE' })
  })

  test('is told although everything died while the target was answering', async () => {
    const { url, got } = await receiver((n) => (n === 1 ? null : 200))
    const { id } = await webhook(url)
    await kill('flag:new-feature')
    await expect.poll(() => got.length, soon).toBe(1)
    await run.stop('SIGKILL')
    run = await startLocalRun({ stateDir: run.stateDir })
    await expect
      .poll(() => deliveries(id), { timeout: 45_000, interval: 100 })
      .toMatchObject([{ status: 'delivered', event: { action: 'kill.placed' } }])
    expect(got[1]!.headers['webhook-id']).toBe(got[0]!.headers['webhook-id'])
  })

  test('follows no redirect', async () => {
    const { url, got } = await receiver(() => 307)
    const { id } = await webhook(url)
    const { body } = await api(`/${id}/test`, { method: 'POST' })
    expect(body).toMatchObject({ status: 307, problem: 'answered 307: redirects are not followed' })
    expect(got).toHaveLength(1)
  })
})
