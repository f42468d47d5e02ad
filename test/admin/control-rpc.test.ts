import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import {
  type ControlRpc,
  decodeLastKnownGood,
  decodeSnapshot,
  evaluate,
  prepare,
} from '../../engine/index.ts'
import { ANY, call, environment, value } from './client.ts'

/** The binding as an edge of that environment holds it. */
const control = (environment?: string): ControlRpc =>
  exports.ControlRpc({ props: environment === undefined ? {} : { environment } }) as unknown as ControlRpc

/** The message of the failure of a call. */
async function failureOf(call: Promise<unknown>): Promise<string> {
  try {
    await call
  } catch (thrown) {
    return (thrown as Error).message
  }
  throw new Error('the call did not fail')
}

const NOTHING = { epoch: 0, snapshot: 0, kills: 0 }

describe('read', () => {
  it('answers versions, and the kill list only to who does not hold it', async () => {
    const { name, api } = await environment({ flags: { a: true } })
    const first = await control(name).read(NOTHING)
    const { epoch } = first
    expect(first).toEqual({
      environment: name,
      epoch,
      snapshot: 2,
      kills: { epoch, version: 0, cacheEpoch: 0, kills: [] },
    })
    expect(epoch).toBeGreaterThan(1_700_000_000)
    expect(await control(name).read({ epoch, snapshot: 2, kills: 0 })).toEqual({ ...first, kills: null })
    await value(await call(`${api}/kills/all-flags`, { method: 'PUT', body: { reason: 'x' } }))
    const killed = { epoch, version: 1, cacheEpoch: 1, kills: [{ target: 'all-flags' }] }
    expect(await control(name).read({ epoch, snapshot: 2, kills: 0 })).toEqual({ ...first, kills: killed })
    expect(await control(name).read({ epoch: epoch - 1, snapshot: 9, kills: 1 })).toEqual({
      ...first,
      kills: killed,
    })
  })

  it('runs no query while nothing changes', async () => {
    const { stub } = await environment({ flags: { a: true } })
    await stub.read(NOTHING)
    await runInDurableObject(stub, (object, { storage }) => {
      const exec = vi.spyOn(storage.sql, 'exec')
      for (let n = 0; n < 100; n++) object.read(NOTHING)
      expect(exec).not.toHaveBeenCalled()
    })
  })

  it('names an environment that does not exist, and a binding that names none', async () => {
    expect(await failureOf(control('none').read(NOTHING))).toContain('environment "none": does not exist')
    expect(await failureOf(control().read(NOTHING))).toContain('props = { environment = "…" }')
  })
})

describe('snapshot', () => {
  it('is what the edge decides with', async () => {
    const { name } = await environment({
      flags: { a: true, b: { enabled: true, allowlist: ['user1'], percentage: 0 } },
    })
    const { epoch, snapshot, kills } = await control(name).read(NOTHING)
    const decoded = decodeSnapshot(await control(name).snapshot(epoch, snapshot))
    if (!decoded.ok || !kills) throw new Error('nothing to decide with')
    expect(decoded.value).toMatchObject({ environment: name, epoch, version: 2 })
    const prepared = prepare(decoded.value, kills)
    expect(evaluate(prepared, 'a', {}).value).toBe(true)
    expect(evaluate(prepared, 'b', { targetingKey: 'user1' }).value).toBe(true)
  })

  it('of the version before is still there for who is just fetching it', async () => {
    const { name, api } = await environment({ flags: { a: true } })
    const { epoch } = await control(name).read(NOTHING)
    const before = await control(name).snapshot(epoch, 2)
    await value(await call(`${api}/flags/a/toggle`, { body: { enabled: false } }))
    expect(await control(name).snapshot(epoch, 2)).toBe(before)
    expect(await failureOf(control(name).snapshot(epoch, 9))).toContain('snapshot 9 of epoch')
    expect(await failureOf(control(name).snapshot(epoch + 1, 2))).toContain('is not kept')
  })

  it('is the newest where changes came faster than it could be fetched: an edge is never left with nothing', async () => {
    const { name, api } = await environment({ flags: { a: true } })
    const { epoch, snapshot } = await control(name).read(NOTHING)
    for (let n = 0; n < 10; n += 1)
      await value(await call(`${api}/flags/a/toggle`, { body: { enabled: n % 2 === 1 } }))
    const decoded = decodeSnapshot(await control(name).snapshot(epoch, snapshot))
    expect(decoded.ok && decoded.value).toMatchObject({ epoch, version: snapshot + 10 })
    const older = decodeSnapshot(await control(name).snapshot(epoch - 1, 900))
    expect(older.ok && older.value).toMatchObject({ epoch, version: snapshot + 10 })
  })
})

describe('a read by an edge that holds more than this storage', () => {
  it.each([
    ['a later epoch', (epoch: number) => ({ epoch: epoch + 5, snapshot: 1, kills: 0 })],
    ['a later snapshot', (epoch: number) => ({ epoch, snapshot: 40, kills: 0 })],
    ['later kills', (epoch: number) => ({ epoch, snapshot: 2, kills: 40 })],
  ])('starts a new epoch above it: %s', async (_, knownFrom) => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { name, api } = await environment({ flags: { a: true } })
    await value(await call(`${api}/kills/flag:a`, { method: 'PUT', body: { reason: 'x' } }))
    const { epoch } = await control(name).read(NOTHING)
    const known = knownFrom(epoch)
    const update = await control(name).read(known)
    expect(update.epoch).toBe(Math.max(epoch, known.epoch) + 1)
    expect(update.snapshot).toBeGreaterThan(Math.max(2, known.snapshot))
    expect(update.kills?.version).toBeGreaterThan(Math.max(1, known.kills))
    expect(update.kills?.kills).toEqual([{ target: 'flag:a' }])
    const decoded = decodeSnapshot(await control(name).snapshot(update.epoch, update.snapshot))
    expect(decoded.ok && decoded.value).toMatchObject({ epoch: update.epoch, version: update.snapshot })
    expect(error.mock.calls.flat().join()).toContain('epoch-raised')
    // Once: the same edge, now up to date, and the API go on from there.
    const { kills: _kills, ...rest } = update
    const held = { epoch: update.epoch, snapshot: update.snapshot, kills: update.kills?.version ?? 0 }
    expect(await control(name).read(held)).toEqual({ ...rest, kills: null })
    expect(await value(await call(`${api}/document`))).toEqual({ flags: { a: true } })
    const [newest] = (await value(await call(`${api}/versions`))).items
    expect(newest).toMatchObject({ actor: 'turnout', reason: expect.stringContaining('went back in time') })
    const edited = await call(`${api}/flags/a`, { method: 'PUT', body: false, headers: ANY })
    expect(edited.headers.get('etag')).toBe(`"v${update.snapshot + 1}"`)
    error.mockRestore()
  })

  it('is refused if what it says cannot be', async () => {
    const { name } = await environment()
    const rows: [number, number][] = [
      [Number.POSITIVE_INFINITY, 0],
      [2 ** 53, 0],
      [3e9, 1.5],
    ]
    for (const [epoch, snapshot] of rows)
      expect(await failureOf(control(name).read({ epoch, snapshot, kills: 0 }))).toContain('whole numbers')
  })
})

describe('the last-known-good copy', () => {
  const copyOf = async (name: string) => {
    const text = await env.LAST_KNOWN_GOOD.get(`${name}.snapshot`)
    const decoded = text === null ? null : decodeLastKnownGood(text)
    return decoded?.ok ? decoded.value : null
  }
  const versionIn = (copy: { snapshot: string } | null) => {
    const decoded = copy === null ? null : decodeSnapshot(copy.snapshot)
    return decoded?.ok ? decoded.value.version : null
  }

  it('follows every publish and every kill', async () => {
    const { name, api } = await environment({ flags: { a: true } })
    await vi.waitFor(async () => expect(versionIn(await copyOf(name))).toBe(2))
    await value(await call(`${api}/kills/flag:a`, { method: 'PUT', body: { reason: 'x' } }))
    await vi.waitFor(async () => expect((await copyOf(name))?.kills).toMatchObject({ version: 1 }))
    expect((await copyOf(name))?.kills.kills).toEqual([{ target: 'flag:a' }])
  })

  it('is written though the clock was set back by an hour since the last one', async () => {
    const { name, api, stub } = await environment({ flags: { a: true } })
    const toggle = async (enabled: boolean) =>
      value(await call(`${api}/flags/a/toggle`, { body: { enabled } }))
    const now = Date.now()
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      vi.setSystemTime(now + 3_600_000)
      await toggle(false)
      await vi.waitFor(async () => {
        await runDurableObjectAlarm(stub)
        expect(versionIn(await copyOf(name))).toBe(3)
      })
      vi.setSystemTime(now)
      await toggle(true)
      const alarmAt = await runInDurableObject(stub, (_, { storage }) => storage.getAlarm())
      // `null`: it has rung already.
      expect((alarmAt ?? 0) - now).toBeLessThanOrEqual(1_000)
      await vi.waitFor(async () => {
        await runDurableObjectAlarm(stub)
        expect(versionIn(await copyOf(name))).toBe(4)
      })
    } finally {
      vi.useRealTimers()
    }
  })

  it('is done with when an environment is gone that never had one, where a folder refuses to delete what is not there', async () => {
    const warn = vi.spyOn(console, 'warn')
    const put = vi.spyOn(env.LAST_KNOWN_GOOD, 'put').mockResolvedValue()
    // A local run and a server of one's own: the folder behind the namespace answers as files do.
    const remove = vi
      .spyOn(env.LAST_KNOWN_GOOD, 'delete')
      .mockRejectedValue(new Error('KV DELETE failed: 404 Not Found'))
    try {
      const { api, stub } = await environment()
      expect((await call(api, { method: 'DELETE', headers: { 'if-match': '*' } })).status).toBe(204)
      await vi.waitFor(async () => {
        const owed = await runInDurableObject(stub, (_, { storage }) => [
          ...storage.sql.exec(
            "SELECT attempts FROM outbox WHERE effect = 'last-known-good' AND wanted > done",
          ),
        ])
        expect(owed).toEqual([])
      })
      expect(warn).not.toHaveBeenCalled()
    } finally {
      for (const spy of [warn, put, remove]) spy.mockRestore()
    }
  })

  it('is written again until it succeeds, later each time, and once for many changes', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const { name, api, stub } = await environment({ flags: { a: true } })
    await vi.waitFor(async () => expect(versionIn(await copyOf(name))).toBe(2))
    const put = vi.spyOn(env.LAST_KNOWN_GOOD, 'put').mockRejectedValue(new Error('KV is down'))
    const used = await runInDurableObject(stub, (object) => {
      const { LAST_KNOWN_GOOD } = (object as unknown as { env: { LAST_KNOWN_GOOD: KVNamespace } }).env
      return LAST_KNOWN_GOOD === env.LAST_KNOWN_GOOD
    })
    expect(used).toBe(true)
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      const dueIn = async () => {
        const at = await runInDurableObject(stub, (_, { storage }) => storage.getAlarm())
        return (at ?? 0) - Date.now()
      }
      for (const enabled of [false, true, false])
        await value(await call(`${api}/flags/a/toggle`, { body: { enabled } }))
      const delays: number[] = []
      for (let attempt = 0; attempt < 4; attempt++) {
        vi.setSystemTime(Date.now() + 70_000)
        await runDurableObjectAlarm(stub)
        delays.push(await dueIn())
      }
      expect(put).toHaveBeenCalledTimes(4)
      expect(delays).toEqual([1_000, 2_000, 4_000, 8_000])
      expect(warn.mock.calls.flat().join()).toContain('KV is down')
      await evictDurableObject(stub)
      put.mockRestore()
      vi.setSystemTime(Date.now() + 70_000)
      await runDurableObjectAlarm(stub)
      expect(versionIn(await copyOf(name))).toBe(5)
      expect(await runInDurableObject(stub, (_, { storage }) => storage.getAlarm())).toBeNull()
    } finally {
      vi.useRealTimers()
      warn.mockRestore()
    }
  })
})
