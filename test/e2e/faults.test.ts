/**
 * Origins that fail over real sockets. No request that may not be repeated reaches origins twice, whatever fails: counted at
 * the origins, over random requests and faults. `TURNOUT_REQUESTS` (default 2 000) says how many.
 */
import { Agent, request } from 'node:http'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { admin } from '../helpers/client.ts'
import { FAULTS, type Fault, type FaultOrigin, startFaultOrigin } from '../helpers/fault-origin.ts'
import { sequence } from '../helpers/random.ts'
import { type SplitRun, startSplitRun, stopAll } from '../helpers/system.ts'

const REQUESTS = Number(process.env.TURNOUT_REQUESTS ?? 2_000)
const CLIENTS = 24
const TIMEOUT_MS = 150

const CELLS = (Object.keys(FAULTS) as Fault[]).flatMap((fault) =>
  ([0, 1, 2] as const).map((n) => ({ fault, idempotent: n > 0, key: n > 1, id: `cell-${fault}-${n}` })),
)

let run: SplitRun
let canary: FaultOrigin
let stable: FaultOrigin
beforeAll(async () => {
  run = await startSplitRun()
  canary = await startFaultOrigin('canary')
  stable = await startFaultOrigin('stable')
  const route = (id: string, more: object) => ({
    ...{ id, match: { path: `/${id}/*` }, flag: 'arm', fallback: 'stable' },
    ...{ timeoutMs: TIMEOUT_MS, deadlineMs: 10_000 },
    origins: { canary: { url: canary.url }, stable: { url: stable.url } },
    ...more,
  })
  const created = await admin(run, '', {
    method: 'PUT',
    headers: { 'if-none-match': '*' },
    body: { open: true },
  })
  expect(created.status).toBe(201)
  const published = await admin(run, '/document', {
    method: 'PUT',
    headers: { 'if-match': '*' },
    body: {
      flags: {
        arm: { enabled: true, variants: { canary: 1, stable: 2 }, off: 'stable', fallthrough: 'canary' },
      },
      routes: [
        // Each cell of the table by itself: breakers and budgets would soon have their say.
        ...CELLS.map(({ id, idempotent }) => route(id, { breaker: false, idempotent })),
        route('plain', {}),
        route('idempotent', { idempotent: true }),
      ],
    },
  })
  expect(published.body).toMatchObject({ version: 2 })
  await vi.waitFor(async () => expect((await ask('plain', 'GET', 'warm')).status).toBe(200))
})
afterAll(async () => {
  await stopAll()
  await Promise.all([canary.close(), stable.close()])
})

interface Asked {
  readonly faults?: { readonly canary?: Fault | undefined; readonly stable?: Fault | undefined }
  readonly key?: boolean
  readonly body?: string | undefined
}

const agent = new Agent({ keepAlive: true })

/** By a client that never asks twice by itself, as `fetch` does after a 421. */
function ask(route: string, method: string, id: string, { faults = {}, key, body }: Asked = {}) {
  const headers: Record<string, string> = { 'x-id': id }
  if (body !== undefined) headers['content-length'] = String(body.length)
  if (key) headers['idempotency-key'] = id
  for (const [origin, fault] of Object.entries(faults))
    if (fault) headers[`x-fault-${origin}`] = String(fault)
  return new Promise<{ status: number }>((answered, failed) => {
    request(`${run.edgeUrl}/${route}/x`, { method, headers, agent }, (response) => {
      const done = () => answered({ status: response.statusCode! })
      response.on('error', done).on('end', done).resume()
    })
      .on('error', failed)
      .end(body)
  })
}

const reached = (id: string): string[] =>
  [...canary.received, ...stable.received]
    .filter((request) => request.id === id)
    .map(({ origin, method }) => `${origin} ${method}`)

/** What the table of docs/traffic.md calls each fault. */
const FAILURES: Record<Fault, 'unreached' | 'unavailable' | 'untouched' | null> = {
  ...{ reset: 'unreached', close: 'unreached', garbage: 'unreached', hang: 'unreached' },
  ...{ 502: 'unavailable', 503: 'unavailable', 504: 'unavailable' },
  ...{ 'not-processed': 'untouched', 421: 'untouched', 425: 'untouched' },
  ...{ 500: null, 'reset-after-headers': null, drip: null },
}

/** The table of docs/traffic.md, "Failover". */
function mayBeAskedAgain(
  failure: (typeof FAILURES)[Fault],
  method: string,
  idempotent: boolean,
  key: boolean,
): boolean {
  if (failure === null) return false
  if (failure === 'untouched' || ['GET', 'HEAD', 'OPTIONS'].includes(method)) return true
  return idempotent && (key || ['PUT', 'DELETE'].includes(method))
}

const METHODS = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'POST', 'PATCH'] as const

test.each(CELLS)('a canary that meets "$fault"; idempotent: $idempotent, key: $key', async (cell) => {
  const { id: route, fault, idempotent, key } = cell
  for (const method of METHODS) {
    // Without a body the answer is whole before it breaks off.
    if (method === 'HEAD' && fault === 'reset-after-headers') continue
    const id = `${route} ${method}`
    const body = ['POST', 'PUT', 'PATCH'].includes(method) ? 'once' : undefined
    const { status } = await ask(route, method, id, { faults: { canary: fault }, key, body })
    const again = mayBeAskedAgain(FAILURES[fault], method, idempotent, key)
    const [first, second] = [`canary ${method}`, `stable ${method}`]
    expect(reached(id), method).toEqual(again ? [first, second] : [first])
    if (again) expect(status, method).toBe(200)
  }
})

test('reaches origins twice only where it may', { timeout: 180_000 }, async () => {
  const seed = Number(process.env.TURNOUT_SEED ?? Date.now() % 2 ** 31)
  const random = sequence(seed)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  const faults = [...Array(12).fill(undefined), ...Object.keys(FAULTS)] as (Fault | undefined)[]
  const bodies = [undefined, '', 'small', 'x'.repeat(65_536), 'x'.repeat(65_537), 'x'.repeat(300_000)]
  const asked = Array.from({ length: REQUESTS }, (_, n) => ({
    id: `random ${n}`,
    route: pick(['plain', 'idempotent']),
    method: pick(METHODS),
    key: random() < 0.5,
    body: pick(bodies),
    faults: { canary: pick(faults), stable: pick(faults) },
  }))
  const queue = [...asked]
  const client = async () => {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const { route, method, id, body } = next
      const bodied = ['PUT', 'DELETE', 'POST', 'PATCH'].includes(method) ? { body } : { body: undefined }
      await ask(route, method, id, { ...next, ...bodied })
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, client))

  const times = new Map<string, number>()
  for (const { id } of [...canary.received, ...stable.received]) times.set(id, (times.get(id) ?? 0) + 1)
  let twice = 0
  for (const { id, route, method, key, faults, body } of asked) {
    const count = times.get(id) ?? 0
    const what = `seed ${seed}: ${method} ${route} key ${key} ${body?.length} ${JSON.stringify(faults)}`
    expect(count, what).toBeLessThanOrEqual(2)
    if (count === 2) twice += 1
    // Whichever was asked first, it said that it did nothing, or the request may be repeated.
    const said = Object.values(faults).some((fault) => fault && FAILURES[fault] === 'untouched')
    const mayBeTwice = said || mayBeAskedAgain('unreached', method, route === 'idempotent', key)
    // None: the connection that was to carry it broke before.
    if (!mayBeTwice) expect(count, what).toBeLessThanOrEqual(1)
  }
  expect(twice).toBeGreaterThan(0)
})
