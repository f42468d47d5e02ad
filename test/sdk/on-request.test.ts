/** The local client on Workers: what a request waits for, and who asks the edge. The clock is faked, chance is always a half. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { FlagDocument } from '../../engine/index.ts'
import { storage } from '../../sdk/storage.ts'
import { createClient, type RequestLife, type WorkerOptions } from '../../sdk/worker.ts'
import { clientOf, FakeEdge } from './snapshot-edge.ts'
import { caughtWarnings } from './warnings.ts'

const ON: FlagDocument = { flags: { feature: true } }
const OFF: FlagDocument = { flags: { feature: false } }

const start = (edge: FakeEdge, options: Partial<WorkerOptions> = {}) =>
  createClient({ ...clientOf(edge), random: () => 0.5, ...options })

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

/** A request's `ctx`, and what it keeps alive. */
function life(): RequestLife & { work: Promise<unknown>[] } {
  const work: Promise<unknown>[] = []
  return { work, waitUntil: (more) => void work.push(more) }
}

/** Whether a promise is settled now. */
async function isDone(promise: Promise<unknown>): Promise<boolean> {
  let done = false
  promise.finally(() => {
    done = true
  })
  await pass(0)
  return done
}

const warned = caughtWarnings()
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** An edge that answers when it is told to. */
function slow(edge: FakeEdge) {
  const waiting: (() => void)[] = []
  const { fetch } = edge
  return {
    waiting,
    fetch: (async (...request: Parameters<typeof fetch>) => {
      await new Promise<void>((go, fail) => {
        waiting.push(go)
        request[1]?.signal?.addEventListener('abort', () => fail(request[1]?.signal?.reason))
      })
      return fetch(...request)
    }) as typeof fetch,
  }
}

describe('the client for Workers', () => {
  it('does nothing until a request comes, and then what is due', async () => {
    const edge = new FakeEdge(ON)
    const client = start(edge)
    await pass(60_000)
    expect(vi.getTimerCount() + edge.asked.length).toBe(0)
    expect(client.booleanDetails('feature', false).errorCode).toBe('PROVIDER_NOT_READY')
    await client.current(life())
    expect(client.boolean('feature', false)).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('asks nobody while what is held is younger than pollMs', async () => {
    const edge = new FakeEdge(ON)
    const client = start(edge)
    await client.current()
    await pass(4_999)
    await client.current()
    expect(edge.asked).toHaveLength(1)
  })

  it('refreshes what is older beside the request, which does not wait', async () => {
    const edge = new FakeEdge(ON)
    const answering = slow(edge)
    const client = start(edge, { fetch: answering.fetch })
    const first = client.current(life())
    await pass(0)
    answering.waiting.shift()!()
    await first
    await pass(5_000)
    edge.publish(OFF)
    const ctx = life()
    expect(await isDone(client.current(ctx))).toBe(true)
    expect(client.booleanDetails('feature', false)).toMatchObject({ value: true, reason: 'STATIC' })
    expect(ctx.work).toHaveLength(1)
    const other = life()
    expect(await isDone(client.current(other))).toBe(true)
    expect(other.work).toHaveLength(0)
    answering.waiting.shift()!()
    await Promise.all(ctx.work)
    expect(client.boolean('feature', true)).toBe(false)
    expect(edge.asked).toHaveLength(2)
  })

  it('waits for it where there is no ctx, as the request is all that keeps it alive', async () => {
    const edge = new FakeEdge(ON)
    const client = start(edge)
    await client.ready
    await pass(5_000)
    edge.publish(OFF)
    await client.ready
    expect(client.boolean('feature', true)).toBe(false)
  })

  it('waits for it where it is twice as old: an isolate may have slept for an hour', async () => {
    const edge = new FakeEdge(ON)
    const client = start(edge)
    await client.current(life())
    await pass(3_600_000)
    edge.kill({ target: 'flag:feature' })
    await client.current(life())
    expect(client.boolean('feature', true)).toBe(false)
  })

  it('has one request ask for all that come at the same time, and all wait for it', async () => {
    const edge = new FakeEdge(ON)
    const answering = slow(edge)
    const client = start(edge, { fetch: answering.fetch })
    const requests = Array.from({ length: 50 }, () => client.current(life()))
    await pass(100)
    expect(answering.waiting).toHaveLength(1)
    expect(await isDone(Promise.race(requests))).toBe(false)
    answering.waiting[0]!()
    await pass(5)
    await Promise.all(requests)
    expect(client.boolean('feature', false)).toBe(true)
    expect(edge.asked).toHaveLength(1)
  })

  it('lets another request ask where the one that asked was ended by its platform', async () => {
    const edge = new FakeEdge(ON)
    // Neither answers, nor can be aborted: its request is gone, and all its continuations.
    let lost = true
    const client = start(edge, {
      timeoutMs: 1_000,
      fetch: ((...request) => (lost ? new Promise(() => {}) : edge.fetch(...request))) as typeof fetch,
    })
    client.current(life())
    await pass(0)
    lost = false
    const other = client.current(life())
    await pass(999)
    expect(edge.asked).toHaveLength(0)
    await pass(10)
    await other
    expect(client.boolean('feature', false)).toBe(true)
  })

  it('answers by what it has, as stale, while the edge is away, and nobody waits for that twice', async () => {
    const edge = new FakeEdge(ON)
    const client = start(edge)
    await client.current(life())
    edge.answer = () => Promise.reject(new TypeError('fetch failed'))
    await pass(60_000)
    await client.current(life())
    expect(client.booleanDetails('feature', false)).toMatchObject({ value: true, reason: 'STALE' })
    edge.answer = () => new Promise(() => {})
    for (let round = 0; round < 20; round += 1) {
      await pass(10_000)
      expect(await isDone(client.current(life()))).toBe(true)
    }
    expect(warned).toHaveLength(1)
    edge.answer = undefined
    await pass(120_000)
    await client.current()
    expect(client.booleanDetails('feature', false).reason).toBe('STATIC')
    expect(client.error).toBeUndefined()
  })

  it('asks an edge that is away once a pause, however many requests come, and as late as it wants', async () => {
    const edge = new FakeEdge(ON)
    edge.answer = () => new Response('', { status: 503, headers: { 'retry-after': '20' } })
    const client = start(edge)
    const both = Promise.all([client.current(life()), client.ready])
    await pass(5)
    await both
    for (let request = 0; request < 20; request += 1) {
      await pass(1_000)
      expect(await isDone(client.current(life()))).toBe(true)
    }
    expect(edge.asked).toHaveLength(1)
    await pass(1_000)
    await client.current(life())
    expect(edge.asked).toHaveLength(2)
    expect(client.booleanDetails('feature', true).errorCode).toBe('PROVIDER_NOT_READY')
  })

  it.each([-3_600_000, 3_600_000])('goes on where the clock jumps by %i ms', async (jumpMs) => {
    const edge = new FakeEdge(ON)
    let now = Date.now()
    const client = start(edge, { now: () => now })
    await client.current(life())
    now += jumpMs
    edge.publish(OFF)
    await client.current(life())
    now += 10_001
    await client.current(life())
    expect(client.boolean('feature', true)).toBe(false)
  })

  it('keeps what it loaded beside the request, and starts from it', async () => {
    const edge = new FakeEdge(ON)
    const kept = new Map<string, string>()
    let written: (() => void) | undefined
    const kv = storage({
      read: () => kept.get('flags'),
      write: async (text) => {
        await new Promise<void>((go) => {
          written = go
        })
        kept.set('flags', text)
      },
    })
    const ctx = life()
    const client = start(edge, { storage: kv })
    await client.current(ctx)
    expect(client.boolean('feature', false)).toBe(true)
    await pass(0)
    expect(ctx.work.length).toBeGreaterThan(1)
    written!()
    await Promise.all(ctx.work)
    const later = start(
      Object.assign(new FakeEdge(ON), { answer: () => Promise.reject(new Error('away')) }),
      {
        storage: kv,
      },
    )
    await later.current(life())
    expect(later.booleanDetails('feature', false)).toMatchObject({ value: true, reason: 'STALE' })
  })

  it('asks at once when it is told to, and never again once it is closed', async () => {
    const edge = new FakeEdge(ON)
    const client = start(edge)
    await client.current()
    edge.publish(OFF)
    await client.refresh()
    expect(client.boolean('feature', true)).toBe(false)
    client.close()
    await pass(60_000)
    await Promise.all([client.current(life()), client.refresh(), client.ready])
    expect(edge.asked).toHaveLength(2)
    expect(client.boolean('feature', true)).toBe(false)
  })
})
