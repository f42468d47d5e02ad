/** How the local client keeps up to date: streams, polls, failures. The clock is faked and chance is always a half. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { FlagDocument } from '../../engine/index.ts'
import type { ProcessOptions } from '../../sdk/index.ts'
import { FakeEdge, startClient } from './snapshot-edge.ts'
import { caughtWarnings } from './warnings.ts'

const ON: FlagDocument = { flags: { feature: true } }
const OFF: FlagDocument = { flags: { feature: false } }

const start = (edge: FakeEdge, options: Partial<ProcessOptions> = {}) =>
  startClient(edge, { random: () => 0.5, ...options })

/** Lets time pass, and all that then happens. */
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

const warned = caughtWarnings()
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('a client that listens', () => {
  async function listening() {
    const edge = new FakeEdge(ON)
    const client = start(edge)
    await client.ready
    await pass(0)
    expect(edge.streams).toHaveLength(1)
    return { edge, client, stream: () => edge.streams.at(-1)! }
  }

  it('says who it is and what it knows', async () => {
    const { stream } = await listening()
    expect(stream().headers).toMatchObject({ authorization: 'Bearer tk_server_x', 'last-event-id': '7-1-0' })
  })

  it('asks as soon as it hears of a change, at most 100 ms later', async () => {
    const { edge, client, stream } = await listening()
    edge.publish(OFF)
    stream().tell(edge.state)
    await pass(49)
    expect(edge.snapshots).toHaveLength(1)
    await pass(1)
    expect(client.boolean('feature', true)).toBe(false)
    edge.kill({ target: 'all-flags' })
    stream().tell(edge.state)
    await pass(50)
    expect(client.booleanDetails('feature', true)).toMatchObject({ value: false, reason: 'DISABLED' })
    expect(edge.streams).toHaveLength(1)
  })

  it('hears an event that comes in pieces', async () => {
    const { edge, client, stream } = await listening()
    edge.publish(OFF)
    for (const piece of ['i', 'd: ', '7-2', '-0\r', '\ndata: {}\r\n\r\n']) {
      stream().say(piece)
      await pass(50)
    }
    expect(client.boolean('feature', true)).toBe(false)
  })

  it('does not ask for what it has, nor for what is older', async () => {
    const { edge, stream } = await listening()
    for (const state of ['7-1-0', '7-0-0', '6-9-9']) stream().tell(state)
    await pass(10_000)
    expect(edge.snapshots).toHaveLength(1)
  })

  it.each([
    'id: nonsense\ndata: {}\n\n',
    'id: --\n\n',
    'id:\n\n',
    'id: NaN-1-1\n\n',
    'retry: soon\n\n',
    'event: x\nfoo\n\n\n\u0000\uFFFD\n',
    '<html>\n'.repeat(20_000),
    'x'.repeat(200_000),
  ])('asks for nothing because of garbage, and hears what comes after it (%#)', async (garbage) => {
    const { edge, client, stream } = await listening()
    stream().say(garbage)
    await pass(5_000)
    expect(edge.snapshots).toHaveLength(1)
    edge.publish(OFF)
    stream().say('\n')
    stream().tell(edge.state)
    await pass(50)
    expect(client.boolean('feature', true)).toBe(false)
    expect(warned).toHaveLength(0)
  })

  it('asks again, in ever longer pauses, while the isolate that answers is behind the one that told', async () => {
    const { edge, client, stream } = await listening()
    stream().tell('7-2-0')
    stream().tell('7-2-0')
    await pass(50)
    expect(edge.snapshots).toHaveLength(2)
    for (const [ms, count] of [
      [749, 2],
      [1, 3],
      [1_499, 3],
      [1, 4],
    ] as const) {
      await pass(ms)
      expect(edge.snapshots).toHaveLength(count)
    }
    edge.publish(OFF)
    await pass(3_000)
    expect(client.boolean('feature', true)).toBe(false)
    await pass(600_000 - 60_000)
    expect(edge.snapshots.length).toBeLessThan(30)
    expect([client.error, warned]).toStrictEqual([undefined, []])
  })

  it('makes no storm of a stream that promises ever more', async () => {
    const { edge, stream } = await listening()
    for (let version = 2; version < 1_000; version += 1) stream().tell(`7-${version}-0`)
    await pass(60_000)
    expect(edge.snapshots.length).toBeLessThan(12)
  })

  it('comes back when the stream ends, after the pause that it asked for, and asks what it missed', async () => {
    const { edge, client, stream } = await listening()
    for (const ms of [30_000, 31_000]) {
      await pass(ms)
      stream().say(':\n\n')
    }
    edge.publish(OFF)
    stream().end()
    await pass(2_000 + 749)
    expect(edge.snapshots).toHaveLength(1)
    await pass(1)
    expect(client.boolean('feature', true)).toBe(false)
    expect(edge.streams).toHaveLength(2)
    expect(stream().headers['last-event-id']).toBe('7-2-0')
    expect(warned).toHaveLength(0)
  })

  it('comes back when the stream breaks off, without a word', async () => {
    const { edge, client, stream } = await listening()
    stream().breakOff()
    await pass(2_750)
    expect(edge.streams).toHaveLength(2)
    expect([client.error, warned]).toStrictEqual([undefined, []])
  })

  it('takes a stream that is silent for 45 s for dead, not one that says anything', async () => {
    const { edge, stream } = await listening()
    for (let round = 0; round < 10; round += 1) {
      await pass(40_000)
      stream().say(':\n\n')
    }
    expect(edge.streams).toHaveLength(1)
    await pass(44_999)
    expect(stream().isOpen()).toBe(true)
    await pass(1)
    expect(edge.streams[0]!.isOpen()).toBe(false)
    await pass(10_000)
    expect(edge.streams).toHaveLength(2)
  })

  it.each([
    ['is refused', () => new Response('no', { status: 404 }), /stream answered 404: no/],
    [
      'is a page',
      () => new Response('<html>\n\n', { headers: { 'content-type': 'text/html' } }),
      /no event stream/,
    ],
    ['is empty', () => new Response(''), /no event stream/],
    ['cannot be connected', () => Promise.reject(new TypeError('fetch failed')), /fetch failed/],
  ])('asks at least once a minute where the stream %s, and warns once', async (_, response, message) => {
    const edge = new FakeEdge(ON)
    edge.answer = (path) => (path === 'stream' ? response() : undefined)
    const client = start(edge)
    const errors: Error[] = []
    client.on('error', (error) => errors.push(error))
    await client.ready
    await pass(300_000)
    const before = edge.snapshots.length
    edge.publish(OFF)
    await pass(60_000)
    expect(client.booleanDetails('feature', true)).toMatchObject({ value: false, reason: 'DISABLED' })
    expect(edge.snapshots.length - before).toBeLessThanOrEqual(2)
    expect(errors[0]?.message).toMatch(message)
    expect(client.error).toBeUndefined()
    expect(warned).toHaveLength(1)
  })
})

describe('a client that looks', () => {
  it('asks every five seconds, a fifth earlier or later, with the tag', async () => {
    const edge = new FakeEdge(ON)
    let chance = 0
    const client = start(edge, { stream: false, random: () => chance })
    await client.ready
    await pass(3_999)
    expect(edge.snapshots).toHaveLength(1)
    chance = 0.999_999
    await pass(1)
    expect(edge.snapshots).toHaveLength(2)
    expect(edge.snapshots[1]!.headers['if-none-match']).toBe('"7-1-0"')
    edge.publish(OFF)
    await pass(5_998)
    expect(client.boolean('feature', false)).toBe(true)
    await pass(1)
    expect(client.boolean('feature', true)).toBe(false)
    expect(edge.streams).toHaveLength(0)
  })

  it('asks as often as it is told to', async () => {
    const edge = new FakeEdge(ON)
    const client = start(edge, { stream: false, pollMs: 1_000 })
    await client.ready
    await pass(10_000)
    expect(edge.snapshots).toHaveLength(11)
  })
})

describe('an edge that cannot be asked', () => {
  it.each([
    [
      'refuses the key',
      () => new Response('a server key is required', { status: 401 }),
      /snapshot answered 401: a server key/,
    ],
    ['refuses a client key', () => new Response('no', { status: 403 }), /403/],
    ['is none', () => new Response('<html>', { status: 404 }), /404/],
    ['has too much to do', () => new Response('', { status: 429 }), /429/],
    ['fails', () => new Response('oops', { status: 500 }), /500: oops/],
    ['has no snapshot', () => new Response('', { status: 503 }), /503/],
    ['is a page', () => new Response('<html>'), /delivery is damaged/],
    ['is empty', () => new Response(''), /delivery is damaged/],
    ['says null', () => new Response('null\nnull'), /delivery is damaged/],
    [
      'speaks another format',
      () => new Response('{"kills":{"epoch":1,"version":1,"kills":[]}}\n{"format":99}'),
      /format 99/,
    ],
    [
      'cuts its answer short',
      () => new Response('{"kills":{"epoch":1,"version":1,"kills":[]}}\n{"format":1,"en'),
      /damaged/,
    ],
    ['is not there', () => Promise.reject(new TypeError('fetch failed')), /fetch failed/],
    [
      'throws',
      () => {
        throw new Error('Disallowed operation')
      },
      /Disallowed/,
    ],
    ['does not answer in time', () => new Promise<Response>(() => {}), /snapshot answered nothing/],
  ] as [string, () => Response | Promise<Response>, RegExp][])(
    'where it %s: ready, defaults with a code, one warning, and ever longer pauses',
    async (_, response, message) => {
      const edge = new FakeEdge(ON)
      edge.answer = response
      const client = start(edge, { timeoutMs: 100 })
      const errors: Error[] = []
      client.on('error', (error) => errors.push(error))
      await pass(100)
      await client.ready
      expect(client.booleanDetails('feature', true)).toStrictEqual({
        key: 'feature',
        value: true,
        reason: 'ERROR',
        errorCode: 'PROVIDER_NOT_READY',
      })
      expect(client.error?.message).toMatch(message)
      await pass(10_000)
      expect(edge.asked.length).toBeLessThanOrEqual(5)
      expect(errors.length).toBeGreaterThan(1)
      expect(warned).toHaveLength(1)
      // And once it can be asked:
      edge.answer = undefined
      const readied = vi.fn()
      client.on('ready', readied)
      await pass(60_000)
      expect(client.booleanDetails('feature', false)).toMatchObject({ value: true, reason: 'STATIC' })
      expect(client.error).toBeUndefined()
      expect(readied).toHaveBeenCalledOnce()
    },
  )

  it('is asked after 1, 2, 4 … 60 s, each up to a half earlier', async () => {
    const edge = new FakeEdge(ON)
    edge.answer = () => new Response('', { status: 500 })
    await start(edge).ready
    const at: number[] = []
    for (let ms = 0; ms < 400_000; ms += 250) {
      await pass(250)
      while (at.length < edge.asked.length - 1) at.push(ms + 250)
    }
    const pauses = at.map((ms, index) => ms - (at[index - 1] ?? 0))
    expect(pauses.slice(0, 8)).toStrictEqual([750, 1_500, 3_000, 6_000, 12_000, 24_000, 45_000, 45_000])
  })

  it('leaves the answers at hand, as stale, and warns of each outage once', async () => {
    const edge = new FakeEdge(ON)
    const client = start(edge, { stream: false, pollMs: 1_000 })
    await client.ready
    for (let outage = 1; outage <= 2; outage += 1) {
      edge.answer = () => new Response('', { status: 503 })
      await pass(10_000)
      expect(client.booleanDetails('feature', false)).toMatchObject({ value: true, reason: 'STALE' })
      expect(client.boolean('feature', false)).toBe(true)
      expect(warned).toHaveLength(outage)
      edge.answer = undefined
      await pass(60_000)
      expect(client.booleanDetails('feature', false).reason).toBe('STATIC')
    }
  })

  it.each([
    ['seconds', '30', 30_000],
    ['a date', new Date(Date.UTC(2026, 10, 26, 12, 0, 20)).toUTCString(), 20_000],
    ['a day', '86400', 300_000],
    ['a date that is over', new Date(0).toUTCString(), 0],
    ['less than nothing', '-5', 0],
    ['something else', 'later', 0],
  ])('is left alone as long as it asks: %s', async (_, retryAfter, restMs) => {
    vi.setSystemTime(Date.UTC(2026, 10, 26, 12, 0, 0))
    const edge = new FakeEdge(ON)
    edge.answer = () => new Response('', { status: 429, headers: { 'retry-after': retryAfter } })
    await start(edge).ready
    await pass(restMs + 749)
    expect(edge.asked).toHaveLength(1)
    await pass(1)
    expect(edge.asked).toHaveLength(2)
  })

  it('is no matter of a clock that is an hour off, or jumps', async () => {
    for (const jumpMs of [-3_600_000, 3_600_000]) {
      const edge = new FakeEdge(ON)
      let now = Date.now() + jumpMs
      const client = start(edge, { now: () => now })
      await client.ready
      await pass(0)
      edge.publish(OFF)
      now -= 2 * jumpMs
      edge.streams[0]!.tell(edge.state)
      await pass(100)
      expect(client.boolean('feature', true)).toBe(false)
      edge.streams[0]!.end()
      await pass(5_000)
      expect(edge.streams).toHaveLength(2)
    }
  })
})

describe('a client that is closed', () => {
  it.each([
    ['while it listens', {}, undefined],
    ['while it looks', { stream: false }, undefined],
    ['while it loads', {}, () => new Promise<Response>(() => {})],
    ['while it pauses', {}, () => new Response('', { status: 500 })],
  ] as const)('%s leaves no timer, stream or request, and still answers', async (_, options, response) => {
    const edge = new FakeEdge(ON)
    const client = start(edge, options)
    await client.ready
    await pass(0)
    edge.answer = response
    const events: unknown[] = []
    for (const event of ['change', 'error', 'ready'] as const) client.on(event, (what) => events.push(what))
    const refreshed = response && client.refresh()
    await pass(10)
    const before = events.length
    client.close()
    await refreshed
    await pass(0)
    expect(vi.getTimerCount()).toBe(0)
    expect(edge.streams.every((stream) => !stream.isOpen())).toBe(true)
    const { length } = edge.asked
    await pass(600_000)
    expect(edge.asked).toHaveLength(length)
    expect(events).toHaveLength(before)
    expect(client.boolean('feature', false)).toBe(true)
  })

  it('before it was ready settles all the same', async () => {
    const edge = new FakeEdge(ON)
    edge.answer = () => new Promise<Response>(() => {})
    const client = start(edge)
    client.close()
    await client.ready
    await pass(60_000)
    expect(client.booleanDetails('feature', true).errorCode).toBe('PROVIDER_NOT_READY')
    expect([edge.asked.length, warned]).toStrictEqual([0, []])
  })

  it('asks no more when it is told to', async () => {
    const edge = new FakeEdge(ON)
    const client = start(edge)
    await client.ready
    client.close()
    const { length } = edge.asked
    await client.refresh()
    await pass(0)
    expect(edge.asked).toHaveLength(length)
  })
})
