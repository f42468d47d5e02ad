/** Origins that health checks find unhealthy: they are left alone, and nobody is refused because of it. */
import { expect, it, vi } from 'vitest'
import { CANARY, Control, canarySite, hostOf, STABLE, startEdge, status, stubOrigins } from './edge.ts'

const soon = { interval: 20 }

/** Hosts that answered the first request of an edge. */
async function firstHosts(unhealthy: Record<string, number>, route = {}, init: RequestInit = {}) {
  const sent = stubOrigins()
  const control = new Control()
  control.unhealthy = unhealthy
  const edge = await startEdge(canarySite(route), { control })
  const response = await edge.fetch('/', init)
  await response.text()
  expect(response.status).toBe(200)
  return sent.map((request) => hostOf(request)!)
}

it('leaves an unhealthy origin alone from the first request on, whatever its method', async () => {
  expect(await firstHosts({ 'site/canary': 20_000 })).toEqual(['stable.test'])
  expect(await firstHosts({ 'site/canary': 20_000 }, {}, { method: 'POST', body: 'once' })).toEqual([
    'stable.test',
  ])
})

it('leaves it alone where it has no breaker', async () => {
  expect(await firstHosts({ 'site/canary': 20_000 }, { breaker: false })).toEqual(['stable.test'])
})

it('moves traffic and never refuses it: where all are unhealthy, the fallback is asked', async () => {
  expect(await firstHosts({ 'site/canary': 20_000, 'site/stable': 20_000 })).toEqual(['stable.test'])
  const alone = { origins: { stable: { url: STABLE }, canary: { url: CANARY, fallback: null } } }
  expect(await firstHosts({ 'site/canary': 20_000 }, alone)).toEqual(['canary.test'])
})

it('leaves one member of a pool alone', async () => {
  const pool = [{ url: 'https://one.test' }, { url: 'https://two.test' }]
  const origins = { stable: { url: STABLE }, canary: { pool, strategy: 'failover' as const } }
  expect(await firstHosts({ 'site/canary/one.test': 20_000 }, { origins })).toEqual(['two.test'])
})

it('goes there again as soon as the checks say so', async () => {
  const sent = stubOrigins()
  const control = new Control()
  control.unhealthy = { 'site/canary': 20_000 }
  const edge = await startEdge(canarySite(), { control, env: { SNAPSHOT_MAX_AGE_MS: '100' } })
  const next = async () => {
    await (await edge.fetch('/')).text()
    return hostOf(sent.at(-1))
  }
  expect(await next()).toBe('stable.test')
  control.unhealthy = {}
  await vi.waitFor(async () => expect(await next()).toBe('canary.test'), soon)
})

it('goes by its own breakers again where nobody says so any more', async () => {
  const sent = stubOrigins({ 'canary.test': status(503) })
  const control = new Control()
  control.unhealthy = { 'site/canary': 150 }
  const edge = await startEdge(canarySite(), { control, env: { SNAPSHOT_MAX_AGE_MS: '100' } })
  const next = async () => {
    const before = sent.length
    await (await edge.fetch('/')).text()
    return sent.slice(before).map(hostOf)
  }
  expect(await next()).toEqual(['stable.test'])
  control.beforeRead = () => {
    throw new Error('the control plane is gone')
  }
  // Asked again, and failed over as ever.
  await vi.waitFor(async () => expect(await next()).toEqual(['canary.test', 'stable.test']), soon)
})
