import { exports } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import type { ControlRpc } from '../../admin/rpc.ts'
import type { KillList, KillTarget } from '../../engine/index.ts'
import { backupOf, lose, restore } from './backup.ts'
import { ANY, call, environment, NEW, type TestEnvironment, value } from './client.ts'

const edgeOf = (name: string) =>
  (exports as unknown as { ControlRpc: (o: object) => ControlRpc }).ControlRpc({
    props: { environment: name },
  })

const get = (path: string) => call(path).then((response) => value(response))
const kill = async (api: string, target: string) =>
  value(await call(`${api}/kills/${target}`, { method: 'PUT', body: { reason: 'errors' } }))
const lift = async (api: string, target: string) =>
  expect((await call(`${api}/kills/${target}`, { method: 'DELETE' })).status).toBe(204)

/** What an edge holds that has just read. */
async function holding(
  name: string,
): Promise<{ epoch: number; snapshot: number; kills: number; held: KillList }> {
  const { epoch, snapshot, kills } = await edgeOf(name).read({ epoch: 0, snapshot: 0, kills: 0 })
  return { epoch, snapshot, kills: kills!.version, held: kills! }
}

const targetsOf = (list: KillList | null): string[] => (list?.kills ?? []).map(({ target }) => target).sort()

const list = (epoch: number, version: number, ...targets: string[]): KillList => ({
  ...{ epoch, version },
  kills: targets.map((target) => ({ target: target as KillTarget })),
})

/** The environment with kills a and b, of which the backup knows a only, restored after its storage was lost; and an edge of before. */
async function afterLoss(): Promise<{ test: TestEnvironment; edge: Awaited<ReturnType<typeof holding>> }> {
  const test = await environment({ flags: { a: true, b: true } })
  await kill(test.api, 'flag:a')
  const text = await backupOf(test.name)
  await kill(test.api, 'flag:b')
  const edge = await holding(test.name)
  await lose(test.stub)
  await value(await restore(text, test.name))
  return { test, edge }
}

describe('a kill that an edge holds from a time that storage has lost', () => {
  it('comes back after a restore, before the edge could drop it, and somebody has to look at it', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { test, edge } = await afterLoss()
    const { name, api } = test
    const update = await edgeOf(name).read(edge)
    expect(update.epoch).toBeGreaterThan(edge.epoch)
    expect(targetsOf(update.kills)).toEqual(['flag:a', 'flag:b'])
    expect(update.kills!.epoch).toBe(update.epoch)
    expect(await get(`${api}/kills/flag:b`)).toMatchObject({
      actor: 'turnout',
      reason: expect.stringContaining('an edge held this kill'),
    })
    const [entry] = (await get(`/api/v1/audit?environment=${name}&limit=1`)).items
    expect(entry).toMatchObject({ action: 'kill.recovered', subject: 'kill:flag:b' })
    expect((await get(`${api}/reviews`)).items).toContainEqual(expect.objectContaining({ seq: entry.seq }))
    expect(error.mock.calls.flat().join()).toContain('kills-recovered')
    error.mockRestore()
  })

  it('stays lifted once somebody has lifted it, whichever edge still holds it', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { test, edge } = await afterLoss()
    await edgeOf(test.name).read(edge)
    await lift(test.api, 'flag:b')
    await lift(test.api, 'flag:a')
    const late = await edgeOf(test.name).read(edge)
    expect(targetsOf(late.kills)).toEqual([])
    error.mockRestore()
  })

  it('comes back in an environment that was made anew under the same name', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { name, api, stub } = await environment({ flags: { a: true } })
    await kill(api, 'flag:a')
    const edge = await holding(name)
    await lose(stub)
    const later = Date.now() + 60_000
    vi.useFakeTimers({ toFake: ['Date'], now: later })
    await value(await call(api, { method: 'PUT', body: {}, headers: NEW }))
    vi.useRealTimers()
    expect(targetsOf((await edgeOf(name).read(edge)).kills)).toEqual(['flag:a'])
    error.mockRestore()
  })

  it('comes back where the edge knows a later epoch, which is raised above it', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { name, api } = await environment({ flags: { a: true, b: true } })
    await kill(api, 'flag:a')
    await lift(api, 'flag:a')
    const { epoch, snapshot } = await holding(name)
    const held = list(epoch, 9, 'flag:a', 'flag:b')
    const update = await edgeOf(name).read({ epoch, snapshot, kills: 9, held })
    expect(update.epoch).toBe(epoch + 1)
    expect(targetsOf(update.kills)).toEqual(['flag:a', 'flag:b'])
    expect(update.kills!.version).toBeGreaterThan(9)
    const text = error.mock.calls.flat().join()
    expect(text).toContain('epoch-raised')
    error.mockRestore()
  })
})

describe('a kill list of before', () => {
  it('brings back no kill that was lifted in time that is known', async () => {
    const { name, api } = await environment({ flags: { a: true } })
    const text = await backupOf(name)
    await kill(api, 'flag:a')
    const edge = await holding(name)
    await lift(api, 'flag:a')
    // Over a live environment nothing is lost, though the epoch changes.
    await value(await restore(text, name))
    expect(targetsOf((await edgeOf(name).read(edge)).kills)).toEqual([])
  })

  it('of an environment that was deleted brings nothing into the next of its name', async () => {
    const { name, api } = await environment({ flags: { a: true } })
    await kill(api, 'flag:a')
    const edge = await holding(name)
    expect((await call(api, { method: 'DELETE', headers: ANY })).status).toBe(204)
    await value(await call(api, { method: 'PUT', body: {}, headers: NEW }))
    expect(targetsOf((await edgeOf(name).read(edge)).kills)).toEqual([])
  })

  it('is no list at all if it names what cannot be killed', async () => {
    const { test, edge } = await afterLoss()
    const held = { ...edge.held, kills: [{ target: 'nonsense' as KillTarget }] }
    expect(targetsOf((await edgeOf(test.name).read({ ...edge, held })).kills)).toEqual(['flag:a'])
  })
})
