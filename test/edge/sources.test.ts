/** The location's cache: it saves reads, and whatever stands in it can never be worse than nothing. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type ControlRpc, compile, encodeSnapshot, type Update } from '../../engine/index.ts'
import { type Env, parseConfig } from '../../worker/env.ts'
import { Reporter } from '../../worker/metrics.ts'
import type { Sources } from '../../worker/refresher.ts'
import { openSources } from '../../worker/sources.ts'
import type { Upstreams } from '../../worker/upstream.ts'

const PREFIX = 'https://edge.test/.turnout/cache/1/test'
const KNOWN = { epoch: 1, snapshot: 1, kills: 0 }
const KILLS = { epoch: 1, version: 5, kills: [{ target: 'flag:a' as const }] }
const UPDATE: Update = { environment: 'test', epoch: 1, snapshot: 2, kills: KILLS }
const compiled = compile({ flags: { a: true } }, { environment: 'test', epoch: 1, version: 2 })
const BODY = compiled.ok ? encodeSnapshot(compiled.value.snapshot) : ''

let entries: Map<string, string>
let control: Record<'read' | 'snapshot' | 'record', ReturnType<typeof vi.fn>>
let upstreams: { checked: ReturnType<typeof vi.fn<Upstreams['checked']>> }
let sources: Sources
let reporter: Reporter

beforeEach(() => {
  // The clock stands still: what is 100 ms old stays so on a busy machine.
  vi.useFakeTimers({ toFake: ['Date'] })
  entries = new Map()
  const cache = {
    match: async (url: string) => (entries.has(url) ? new Response(entries.get(url)) : undefined),
    put: async (url: string, response: Response) => void entries.set(url, await response.text()),
  }
  vi.stubGlobal('caches', { default: cache })
  control = { read: vi.fn(async () => UPDATE), snapshot: vi.fn(async () => BODY), record: vi.fn() }
  const env: Env = { ENVIRONMENT: 'test', LOCATION_CACHE: 'true', CONTROL: control as unknown as ControlRpc }
  upstreams = { checked: vi.fn() }
  reporter = new Reporter(
    'isolate',
    'local',
    () => 0,
    { take: () => [], heard: () => {} },
    {
      isEmpty: true,
      take: () => [],
    },
  )
  sources = openSources(env, parseConfig(env), 'edge.test', reporter, upstreams)
})

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const remembered = (readAtMs: number) => JSON.stringify({ readAtMs, update: UPDATE, kills: KILLS })

describe('a read', () => {
  it('is shared for a quarter of a second, with the time at which the control plane answered', async () => {
    const readAtMs = Date.now() - 100
    entries.set(`${PREFIX}/read`, remembered(readAtMs))
    expect(await sources.control.read(KNOWN)).toMatchObject({ snapshot: 2, kills: KILLS, readAtMs })
    expect(control.read).not.toHaveBeenCalled()
  })

  it.each([
    ['older', () => remembered(Date.now() - 300)],
    ['from the future', () => remembered(Date.now() + 60_000)],
    ['cut short', () => '{"readAtMs":17'],
    ['null', () => 'null'],
    ['of another shape', () => JSON.stringify({ readAtMs: Date.now(), version: 3 })],
  ])('that is %s goes to the control plane', async (_, text) => {
    entries.set(`${PREFIX}/read`, text())
    expect(await sources.control.read(KNOWN)).not.toHaveProperty('readAtMs')
    expect(control.read).toHaveBeenCalledOnce()
  })

  it('tells the control plane itself of kills of another epoch than the cache has', async () => {
    entries.set(`${PREFIX}/read`, remembered(Date.now()))
    const known = { ...KNOWN, epoch: 9, held: { ...KILLS, epoch: 9 } }
    expect(await sources.control.read(known)).not.toHaveProperty('readAtMs')
    expect(control.read).toHaveBeenCalledExactlyOnceWith(known)
    expect(await sources.control.read({ ...KNOWN, held: KILLS })).toHaveProperty('readAtMs')
  })
})

describe('what health checks found', () => {
  const unhealthy = { 'shop/canary': 20_000 }

  it('is heard with each read, also with one that the location shares', async () => {
    control.read.mockResolvedValue({ ...UPDATE, unhealthy })
    await sources.control.read(KNOWN)
    entries.set(
      `${PREFIX}/read`,
      JSON.stringify({ readAtMs: Date.now(), update: { ...UPDATE, unhealthy: {} }, kills: KILLS }),
    )
    await sources.control.read(KNOWN)
    expect(upstreams.checked.mock.calls.map(([found]) => found)).toEqual([unhealthy, {}])
  })

  it('is left as it is where the control plane does not know', async () => {
    await sources.control.read(KNOWN)
    expect(upstreams.checked).not.toHaveBeenCalled()
  })
})

describe('a report', () => {
  it('is answered over RPC, whose result is disposed', async () => {
    const dispose = vi.fn()
    control.record.mockResolvedValue({ flushMs: 2_000, [Symbol.dispose]: dispose })
    reporter.requests = 3
    await sources.report?.(KNOWN)
    expect(control.record).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ sequence: 1, requests: 3 }),
    )
    expect(dispose).toHaveBeenCalledOnce()
  })

  it('is not made without a control plane', () => {
    const env: Env = { ENVIRONMENT: 'test' }
    expect(openSources(env, parseConfig(env), 'edge.test', reporter, upstreams)).not.toHaveProperty('report')
  })
})

describe('a body', () => {
  it('is taken from the cache', async () => {
    entries.set(`${PREFIX}/snapshot/1/2`, BODY)
    expect(await sources.control.snapshot(1, 2)).toBe(BODY)
    expect(control.snapshot).not.toHaveBeenCalled()
  })

  it.each([
    ['empty', ''],
    ['cut short', BODY.slice(0, -5)],
    ['something else', '<html>'],
  ])('that is %s is fetched again', async (_, text) => {
    entries.set(`${PREFIX}/snapshot/1/2`, text)
    expect(await sources.control.snapshot(1, 2)).toBe(BODY)
    expect(control.snapshot).toHaveBeenCalledOnce()
  })

  it('is remembered with the read that it belongs to', async () => {
    await sources.remember?.({ readAtMs: 1, update: UPDATE, kills: KILLS, body: BODY })
    expect(entries.get(`${PREFIX}/snapshot/1/2`)).toBe(BODY)
    expect(JSON.parse(entries.get(`${PREFIX}/read`)!)).toStrictEqual({
      readAtMs: 1,
      update: UPDATE,
      kills: KILLS,
    })
  })
})
