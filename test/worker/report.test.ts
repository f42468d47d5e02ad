/** The isolate's report of itself, through the real entry point: what is sent, when, and that it disturbs nobody. */
import { describe, expect, it, vi } from 'vitest'
import { CANARY, Control, canarySite, never, site, startEdge, stubOrigins } from './edge.ts'

const soon = { interval: 10 }
const reported = (control: Control, count = 1) =>
  vi.waitFor(() => expect(control.batches.length).toBeGreaterThanOrEqual(count), soon)

describe('an isolate', () => {
  it('reports at its first request what it answers with, and where', async () => {
    stubOrigins()
    const { control, fetch } = await startEdge(site(), { epoch: 3, version: 7 })
    const beforeMs = Date.now()
    await fetch('/articles', { cf: { colo: 'MUC', country: 'DE' } as never })
    await reported(control)
    const [batch] = control.batches
    expect(batch).toMatchObject({ sequence: 1, location: 'MUC', requests: 1 })
    expect(batch?.serves).toEqual({ epoch: 3, snapshot: 7, kills: 0 })
    const [arrival] = batch?.arrivals ?? []
    expect(arrival).toMatchObject({ kind: 'snapshot', epoch: 3, version: 7, previousMs: null })
    expect(arrival!.atMs).toBeGreaterThanOrEqual(beforeMs)
    expect(arrival!.atMs).toBeLessThanOrEqual(batch!.sentAtMs)
  })

  it.each([
    ['names no data centre', undefined],
    ['names none that can be', 'M U C'],
  ])('is at "local" where the platform %s', async (_, colo) => {
    stubOrigins()
    const { control, fetch } = await startEdge(site())
    await fetch('/', { cf: { colo } as never })
    await reported(control)
    expect(control.batches[0]?.location).toBe('local')
  })

  it('counts evaluations too, and requests that no route takes, but not its own liveness', async () => {
    stubOrigins()
    const { control, fetch } = await startEdge(site({ match: { path: '/shop' } }), {
      access: { open: true, keys: [] },
    })
    await fetch('/shop')
    await reported(control)
    await fetch('/nowhere')
    await fetch('/.turnout/health/live')
    await fetch('/.turnout/ofrep/v1/evaluate/flags/release', { method: 'POST', body: '{}' })
    await reported(control, 2)
    expect(control.batches.reduce((sum, { requests }) => sum + requests, 0)).toBe(3)
  })

  it('tells of a kill with the first request that it holds for', async () => {
    stubOrigins()
    const { control, fetch } = await startEdge(canarySite())
    await fetch('/')
    await reported(control)
    control.kill({ target: 'flag:release' })
    await vi.waitFor(async () => expect(await (await fetch('/')).text()).not.toBe(new URL(CANARY).host), soon)
    await vi.waitFor(() => {
      const kills = control.batches.flatMap(({ arrivals }) => arrivals).filter(({ kind }) => kind === 'kills')
      expect(kills.at(-1)).toMatchObject({ version: 1, previousMs: expect.any(Number) })
    }, soon)
  })

  it('sends a few contexts of routed requests, without names', async () => {
    stubOrigins()
    const { control, fetch } = await startEdge(site({ identity: [{ header: 'x-user' }] }))
    await fetch('/articles/1?q=secret', { headers: { 'x-user': 'alice' }, cf: { country: 'FR' } as never })
    const sent = () => control.batches.flatMap(({ sample }) => sample ?? [])
    await vi.waitFor(() => expect(sent()).toHaveLength(1), soon)
    expect(sent()[0]).toMatchObject({
      of: 1,
      contexts: [{ 'geo.country': 'FR', 'request.path': '/articles/1' }],
    })
    expect(JSON.stringify(control.batches)).not.toMatch(/alice|secret/)
  })
})

describe('a report that fails', () => {
  it.each([
    [
      'is refused',
      () => Promise.reject(new Error('The RPC receiver does not implement the method "record".')),
    ],
    ['is never answered', never],
  ])('because it %s leaves answers as they are', async (_, beforeRecord) => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    stubOrigins()
    const control = new Control()
    control.beforeRecord = beforeRecord
    const { fetch } = await startEdge(site(), { control })
    for (let n = 0; n < 3; n += 1) expect((await fetch('/')).status).toBe(200)
    await reported(control)
    expect(
      (await fetch('/.turnout/health/ready').then((response) => response.json())) as object,
    ).toMatchObject({
      status: 'ready',
    })
    warn.mockRestore()
  })

  it('is said in the log', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    stubOrigins()
    const control = new Control()
    control.beforeRecord = () => Promise.reject(new Error('metrics are down'))
    const { fetch } = await startEdge(site(), { control })
    await fetch('/')
    await vi.waitFor(() => expect(warn.mock.calls.flat().join()).toContain('metrics are down'), soon)
    expect(warn.mock.calls.flat().join()).toContain('"event":"report-failed"')
    warn.mockRestore()
  })
})
