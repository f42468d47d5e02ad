/** Health checks of a running system: an unhealthy origin loses its traffic and gets it back, and no visitor notices. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { admin } from '../helpers/client.ts'
import { type FaultOrigin, startFaultOrigin } from '../helpers/fault-origin.ts'
import { type SplitRun, startSplitRun, stopAll } from '../helpers/system.ts'

const SOON = { timeout: 30_000, interval: 20 }

let run: SplitRun
let canary: FaultOrigin
let stable: FaultOrigin
beforeAll(async () => {
  run = await startSplitRun()
  canary = await startFaultOrigin('canary')
  stable = await startFaultOrigin('stable')
  const settings = { periodMs: 1_000, timeoutMs: 500, failures: 3, successes: 2 }
  await admin(run, '', { method: 'PUT', headers: { 'if-none-match': '*' }, body: { open: true } })
  const published = await admin(run, '/document', {
    method: 'PUT',
    headers: { 'if-match': '*' },
    body: {
      flags: {
        arm: { enabled: true, variants: { canary: 1, stable: 2 }, off: 'stable', fallthrough: 'canary' },
      },
      routes: [
        {
          ...{ id: 'shop', match: {}, flag: 'arm', fallback: 'stable' },
          origins: { canary: { url: canary.url, health: settings }, stable: { url: stable.url } },
        },
      ],
    },
  })
  expect(published.body).toMatchObject({ version: 2 })
})
afterAll(async () => {
  await stopAll()
  await Promise.all([canary.close(), stable.close()])
})

/** Asks until the answer comes from `name`; no answer on the way may be a failure. */
async function askUntil(name: string): Promise<void> {
  const codes = new Set<number>()
  await vi.waitFor(async () => {
    const response = await fetch(`${run.edgeUrl}/x`)
    codes.add(response.status)
    expect(await response.text()).toBe(name)
  }, SOON)
  expect([...codes]).toEqual([200])
}

const state = async () => (await admin(run, '/health')).body.items[0]

test('an unhealthy origin loses its traffic, and has it back after two checks that passed', async () => {
  await vi.waitFor(async () => expect((await fetch(`${run.edgeUrl}/x`)).status).toBe(200), SOON)
  await askUntil('canary')
  await vi.waitFor(async () => expect(await state()).toMatchObject({ state: 'healthy' }), SOON)

  // It answers its visitors as before: only the checks can know.
  canary.health = 503
  await askUntil('stable')
  expect(canary.checks.get(503)).toBeGreaterThanOrEqual(3)
  expect(await state()).toMatchObject({
    ...{ origin: 'shop/canary', state: 'unhealthy', passed: false },
    last: { status: 503, problem: 'answered 503' },
  })

  const passedBefore = canary.checks.get(200)!
  canary.health = 200
  await askUntil('canary')
  expect(canary.checks.get(200)).toBeGreaterThanOrEqual(passedBefore + 2)
  expect(await state()).toMatchObject({ state: 'healthy', passed: true })
})

test('checks are no attempts: those are of visitors alone', async () => {
  const before = canary.received.length + stable.received.length
  const checked = canary.checks.get(200)!
  await vi.waitFor(() => expect(canary.checks.get(200)).toBeGreaterThan(checked + 1), SOON)
  expect(canary.received.length + stable.received.length).toBe(before)
})
