/** The Worker as it is deployed: its own entry point, and the control plane behind a real RPC binding. */
import { env, exports } from 'cloudflare:workers'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { KillList, Update } from '../../engine/index.ts'
import { canarySite, site, snapshotText, stubOrigins } from './edge.ts'

/** What control-stand-in.mjs offers a test. */
interface StandIn {
  publish(update: Update, body?: string): Promise<void>
  fail(message: string | null): Promise<void>
  reads(): Promise<number>
}

const control = (env as unknown as { CONTROL: StandIn }).CONTROL
const edge = (exports as unknown as { default: Fetcher }).default
const kills = (version: number, ...targets: 'flag:release'[]): KillList => ({
  epoch: 1,
  version,
  kills: targets.map((target) => ({ target })),
})
const update = (snapshot: number, list: KillList): Update => ({
  environment: 'test',
  epoch: 1,
  snapshot,
  kills: list,
})

it('follows what is published and killed, over real RPC', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  onTestFinished(() => {
    vi.useRealTimers()
  })
  const pass = () => vi.setSystemTime(Date.now() + 3_000)
  stubOrigins()
  const served = async () => (await edge.fetch('http://edge.test/')).text()

  await control.publish(update(1, kills(0)), snapshotText(site(), { version: 1 }))
  expect(await Promise.all(Array.from({ length: 20 }, served))).toEqual(Array(20).fill('stable.test'))
  expect(await control.reads()).toBe(1)

  await control.publish(update(2, kills(0)), snapshotText(canarySite(), { version: 2 }))
  pass()
  expect(await served()).toBe('canary.test')

  await control.publish(update(2, kills(1, 'flag:release')))
  pass()
  expect(await served()).toBe('stable.test')

  await control.publish(update(2, kills(2)))
  pass()
  expect(await served()).toBe('canary.test')
})

it('answers its own endpoints', async () => {
  expect((await edge.fetch('http://edge.test/.turnout/health/live')).status).toBe(200)
  const response = await edge.fetch('http://edge.test/.turnout/ofrep/v1/evaluate/flags/release', {
    method: 'POST',
  })
  expect(response.status).toBe(401)
})
