/** The control plane gone: the edge goes on with what it has, says so, and recovers by itself. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { decodeLastKnownGood, decodeSnapshot, lastKnownGoodKey } from '../../engine/index.ts'
import { admin, check, ready } from '../helpers/client.ts'
import { type SplitRun, startSplitRun, stopAll } from '../helpers/system.ts'

const soon = { timeout: 15_000, interval: 50 }

let run: SplitRun
beforeAll(async () => {
  run = await startSplitRun()
  const created = await admin(run, '', {
    method: 'PUT',
    headers: { 'if-none-match': '*' },
    body: { open: true },
  })
  expect(created.status).toBe(201)
  const document = { flags: { shop: { enabled: true }, killed: { enabled: true } } }
  const published = await admin(run, '/document', {
    method: 'PUT',
    headers: { 'if-match': '*' },
    body: document,
  })
  expect(published.status).toBe(200)
  await admin(run, '/kills/flag:killed', { method: 'PUT', body: { reason: 'a test' } })
  await vi.waitFor(
    async () => expect((await check(run, 'killed')).body).toMatchObject({ metadata: { killed: true } }),
    soon,
  )
})
afterAll(stopAll)

describe('an outage of the control plane', () => {
  test('the edge goes on, says degraded, and takes up changes when it is back', async () => {
    expect((await ready(run)).body).toMatchObject({ status: 'ready', source: 'control-plane' })
    await run.killAdmin()
    await expect
      .poll(async () => {
        await check(run, 'shop')
        return (await ready(run)).body.status
      }, soon)
      .toBe('degraded')
    const { status, body } = await ready(run)
    expect(status).toBe(200)
    expect(body.problems.join()).toContain('control plane cannot be read')
    expect((await check(run, 'shop')).body).toMatchObject({ value: true })
    expect((await check(run, 'killed')).body).toMatchObject({ value: false, metadata: { killed: true } })

    await run.startAdmin()
    await admin(run, '/flags/shop/toggle', { body: { enabled: false } })
    await expect.poll(async () => (await check(run, 'shop')).body.value, soon).toBe(false)
    await expect.poll(async () => (await ready(run)).body.status, soon).toBe('ready')
  })

  test('a cold edge starts from last-known-good, kills included', async () => {
    const { body } = await admin(run, '')
    // The copy is written after the answer: wait until it holds what was answered.
    await expect.poll(() => versionsInCopy(run), soon).toEqual([body.version, body.killsVersion])
    await run.killAdmin()
    const cold = { ...run, edgeUrl: await run.restartEdge() }
    await expect.poll(async () => (await check(cold, 'shop')).body.value, soon).toBe(false)
    expect((await check(cold, 'killed')).body).toMatchObject({ value: false, metadata: { killed: true } })
    expect((await ready(cold)).body).toMatchObject({
      status: 'degraded',
      source: 'last-known-good',
      version: body.version,
      killsVersion: body.killsVersion,
    })
    await run.startAdmin()
    await admin(run, '/kills/flag:killed', { method: 'DELETE' })
    await expect.poll(async () => (await check(cold, 'killed')).body.value, soon).toBe(true)
    await expect
      .poll(async () => (await ready(cold)).body, soon)
      .toMatchObject({ status: 'ready', source: 'control-plane' })
  })
})

function versionsInCopy({ stateDir }: SplitRun): [snapshot: number, kills: number] | string {
  const copy = decodeLastKnownGood(readFileSync(join(stateDir, lastKnownGoodKey('dev')), 'utf8'))
  if (!copy.ok) return copy.error
  const snapshot = decodeSnapshot(copy.value.snapshot)
  return snapshot.ok ? [snapshot.value.version, copy.value.kills.version] : snapshot.error.message
}
