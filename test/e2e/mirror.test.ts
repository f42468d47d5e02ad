/**
 * A mirror before origins over real sockets: whatever becomes of a copy, its visitor is answered as without, and what came of it is
 * told by the API.
 */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { admin } from '../helpers/client.ts'
import { type AnyFault, type FaultOrigin, startFaultOrigin } from '../helpers/fault-origin.ts'
import { type SplitRun, startSplitRun, stopAll } from '../helpers/system.ts'

/** A tenth of a copy's time limit. */
const SOON_MS = 500

let run: SplitRun
let stable: FaultOrigin
let canary: FaultOrigin
beforeAll(async () => {
  run = await startSplitRun()
  stable = await startFaultOrigin('stable')
  canary = await startFaultOrigin('canary')
  await admin(run, '', { method: 'PUT', headers: { 'if-none-match': '*' }, body: { open: true } })
  const route = (id: string, mirror: object) => ({
    ...{ id, match: { path: `/${id}/*` }, flag: 'arm', fallback: 'stable' },
    origins: { canary: { url: canary.url }, stable: { url: stable.url } },
    mirror: { variant: 'canary', percentage: 100, ...mirror },
  })
  const published = await admin(run, '/document', {
    method: 'PUT',
    headers: { 'if-match': '*' },
    body: {
      flags: {
        arm: { enabled: true, variants: { canary: 1, stable: 2 }, off: 'stable', fallthrough: 'stable' },
      },
      routes: [
        route('safe', {}),
        route('all', { unsafeMethods: true }),
        route('capped', {}),
        { ...route('kept', {}), mirror: undefined, cache: { store: true, ttlSeconds: 60 } },
      ],
    },
  })
  expect(published.status, JSON.stringify(published.body)).toBe(200)
  await vi.waitFor(async () => expect((await ask('safe', 'warm')).status).toBe(200), 20_000)
})
afterAll(async () => {
  await stopAll()
  await Promise.all([canary.close(), stable.close()])
})

async function ask(route: string, id: string, fault?: AnyFault, init: RequestInit = {}) {
  const startedMs = performance.now()
  const response = await fetch(`${run.edgeUrl}/${route}/x`, {
    ...init,
    headers: { 'x-id': id, ...(fault && { 'x-fault-canary': String(fault) }) },
  })
  const text = await response.text()
  return { status: response.status, text, tookMs: performance.now() - startedMs }
}

const copiesOf = (id: string) => canary.received.filter((request) => request.id === id)

const FAULTS: AnyFault[] = [
  'hang',
  'reset',
  'garbage',
  'reset-after-headers',
  'drip',
  'endless',
  '500',
  '503',
] as never

test.each(FAULTS)('a copy that meets %s is nobody’s trouble', async (fault) => {
  const id = `fault-${fault}`
  const { status, text, tookMs } = await ask('safe', id, fault)
  expect([status, text]).toEqual([200, 'stable'])
  expect(tookMs).toBeLessThan(SOON_MS)
  await expect.poll(() => copiesOf(id).length).toBe(1)
})

test('a POST is copied only where the route says so, once and with its body', async () => {
  const post = (route: string, id: string) => ask(route, id, undefined, { method: 'POST', body: 'payload' })
  expect((await post('safe', 'post-safe')).text).toBe('stable')
  expect((await post('all', 'post-all')).text).toBe('stable')
  await expect.poll(() => copiesOf('post-all')).toMatchObject([{ method: 'POST', body: 'payload' }])
  expect(copiesOf('post-safe')).toEqual([])
  expect(stable.received.filter(({ id }) => id.startsWith('post-'))).toHaveLength(2)
})

test('sixteen copies may hang at a time; all visitors are answered, and the API tells', async () => {
  const before = canary.received.length
  const asked = Array.from({ length: 60 }, (_, n) => ask('capped', `capped-${n}`, 'hang'))
  for (const { status, text } of await Promise.all(asked)) expect([status, text]).toEqual([200, 'stable'])
  await expect.poll(() => canary.received.length - before).toBeGreaterThanOrEqual(1)
  const told = async () => (await admin(run, '/mirrors')).body.items
  const capped = async () =>
    (await told()).find(({ route }: { route: string }) => route === 'capped') ?? { failed: 0, skipped: 0 }
  await expect
    .poll(async () => (await capped()).failed + (await capped()).skipped, { timeout: 30_000, interval: 200 })
    .toBe(60)
  const { sent, failed, skipped, matched } = await capped()
  expect(sent).toBe(failed)
  expect(sent).toBeLessThanOrEqual(16)
  expect([skipped, matched]).toEqual([60 - sent, 0])
  const [safe] = (await told()).filter(({ route }: { route: string }) => route === 'safe')
  expect(safe.differed.status).toBe(2)
  expect(
    safe.differences.map((one: { path: string; status: number[] }) => [one.path, one.status]),
  ).toContainEqual(['/safe/x', [200, 500]])
})

test('a workerd without a cache has nothing kept, and answers all the same', async () => {
  for (const id of ['kept-1', 'kept-2'])
    expect(await ask('kept', id)).toMatchObject({ status: 200, text: 'stable' })
  expect(stable.received.filter(({ id }) => id.startsWith('kept-'))).toHaveLength(2)
})
