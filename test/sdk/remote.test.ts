/** The remote client against an edge that is played by a function, and a page that is played by a few objects. */
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  type Bootstrap,
  createRemoteClient,
  type RemoteClient,
  type RemoteOptions,
} from '../../sdk/remote.ts'
import { edge, memory, openPage, Stream } from './page.ts'
import { caughtWarnings } from './warnings.ts'

const FLAGS = [
  { key: 'CONDUIT_USE_REPOSITORY_PATTERN', value: true, variant: 'on', reason: 'STATIC', metadata: {} },
  { key: 'title', value: 'Shop', variant: 'a', reason: 'SPLIT', metadata: {} },
  { key: 'limit', value: 12, variant: 'low', reason: 'DEFAULT', metadata: { owner: 'shop' } },
  { key: 'theme', value: { dark: true }, variant: 'dark', reason: 'DEFAULT', metadata: {} },
  { key: 'new-feature', errorCode: 'TARGETING_KEY_MISSING', errorDetails: 'no key' },
]
const OFF = { ...FLAGS[0], value: false, variant: 'off' }
const respond = (flags: readonly unknown[], etag: string, state: string) => () =>
  Response.json({ flags, metadata: { version: 1, state } }, { headers: { etag } })
const answer = respond(FLAGS, '"1"', '7-1-0')
const changed = respond([OFF, ...FLAGS.slice(1)], '"2"', '7-2-0')
const unchanged = () => new Response(null, { status: 304 })
const gone = () => Promise.reject(new Error('refused'))
const context = { targetingKey: 'user-1' }

/** A client that ends with its test. */
function start(options: Partial<RemoteOptions>): RemoteClient {
  const client = createRemoteClient({ url: 'https://edge.example.com', context, ...options })
  onTestFinished(() => client.close())
  return client
}

const warned = caughtWarnings()

describe('the remote client', () => {
  it('asks once for every flag and answers from memory', async () => {
    const { asked, fetch } = edge(answer)
    const client = start({ url: 'https://edge.example.com/', key: 'tk_client_x', fetch })
    await client.ready
    expect(client.boolean('CONDUIT_USE_REPOSITORY_PATTERN', false)).toBe(true)
    expect(client.string('title', 'none')).toBe('Shop')
    expect(client.number('limit', 1)).toBe(12)
    expect(client.object('theme', {})).toStrictEqual({ dark: true })
    expect(client.numberDetails('limit', 1)).toStrictEqual(FLAGS[2])
    expect(asked).toStrictEqual([
      {
        url: 'https://edge.example.com/.turnout/ofrep/v1/evaluate/flags',
        headers: { 'content-type': 'application/json', 'x-api-key': 'tk_client_x' },
        body: { context },
      },
    ])
  })

  it('answers the default, with the reason, for what it does not know', async () => {
    const { fetch } = edge(answer)
    const client = start({ fetch })
    expect(client.stringDetails('title', 'none')).toStrictEqual({
      key: 'title',
      value: 'none',
      reason: 'ERROR',
      errorCode: 'PROVIDER_NOT_READY',
    })
    await client.ready
    expect(client.numberDetails('absent', 3)).toMatchObject({ value: 3, errorCode: 'FLAG_NOT_FOUND' })
    expect(client.booleanDetails('constructor', true)).toMatchObject({ errorCode: 'FLAG_NOT_FOUND' })
    expect(client.booleanDetails('__proto__', true)).toMatchObject({ errorCode: 'FLAG_NOT_FOUND' })
    expect(client.booleanDetails('title', true)).toMatchObject({ value: true, errorCode: 'TYPE_MISMATCH' })
    expect(client.objectDetails('theme', ['a'])).toMatchObject({ value: ['a'], errorCode: 'TYPE_MISMATCH' })
    expect(client.booleanDetails('new-feature', false)).toMatchObject({
      value: false,
      errorCode: 'TARGETING_KEY_MISSING',
    })
  })

  it('answers for no other context than its own', async () => {
    const { fetch } = edge(answer)
    const client = start({ fetch, context: { targetingKey: 'user-1', plan: 'pro' } })
    await client.ready
    expect(client.string('title', 'none', { plan: 'pro' })).toBe('Shop')
    expect(client.stringDetails('title', 'none', { targetingKey: 'user-2' })).toMatchObject({
      value: 'none',
      errorCode: 'INVALID_CONTEXT',
    })
  })

  it('tells which flags changed, and sends its tag when it asks again', async () => {
    const { asked, fetch } = edge(answer, unchanged, changed, respond([OFF], '"3"', '7-3-0'))
    const client = start({ fetch })
    const changes: (readonly string[])[] = []
    await client.ready
    const off = client.on('change', (keys) => changes.push(keys))
    await client.refresh()
    expect(client.boolean('CONDUIT_USE_REPOSITORY_PATTERN', false)).toBe(true)
    await client.refresh()
    expect(client.boolean('CONDUIT_USE_REPOSITORY_PATTERN', true)).toBe(false)
    expect(changes).toStrictEqual([['CONDUIT_USE_REPOSITORY_PATTERN']])
    off()
    await client.refresh()
    expect(changes).toHaveLength(1)
    expect(client.string('title', 'none')).toBe('none')
    const tags = asked.map(({ headers }) => headers['if-none-match'])
    expect(tags).toStrictEqual([undefined, '"1"', '"1"', '"2"'])
  })

  it('tells of its first answers too, and that it is ready', async () => {
    const { fetch } = edge(answer)
    const client = start({ fetch })
    const events: string[] = []
    client.on('change', (keys) => events.push(`change of ${keys.length}`))
    client.on('ready', () => events.push('ready'))
    await client.ready
    await Promise.resolve()
    expect(events).toStrictEqual(['change of 5', 'ready'])
  })

  it('tells of each check, to those who listen', async () => {
    const { fetch } = edge(answer)
    const client = start({ fetch })
    await client.ready
    const checks: unknown[] = []
    client.on('check', (details) =>
      checks.push([details.key, details.value, details.variant, details.reason]),
    )
    client.boolean('CONDUIT_USE_REPOSITORY_PATTERN', false)
    client.number('absent', 3)
    await Promise.resolve()
    expect(checks).toStrictEqual([
      ['CONDUIT_USE_REPOSITORY_PATTERN', true, 'on', 'STATIC'],
      ['absent', 3, undefined, 'ERROR'],
    ])
  })

  it('keeps its answers as stale while the edge is out of reach, warns once, and recovers by itself', async () => {
    openPage()
    const { asked, fetch } = edge(answer, gone, gone, gone, unchanged)
    const client = start({ fetch })
    const errors: string[] = []
    client.on('error', ({ message }) => errors.push(message))
    await client.ready
    await client.refresh()
    expect(client.error?.message).toBe('refused')
    expect(client.stringDetails('title', 'none')).toMatchObject({ value: 'Shop', reason: 'STALE' })
    // 1 s, 2 s and 4 s, each less a quarter: chance is a half.
    for (const [ms, count] of [
      [749, 2],
      [1, 3],
      [1_499, 3],
      [1, 4],
      [2_999, 4],
      [1, 5],
    ] as const) {
      await vi.advanceTimersByTimeAsync(ms)
      expect(asked).toHaveLength(count)
    }
    expect(errors).toStrictEqual(['refused', 'refused', 'refused'])
    expect(warned).toHaveLength(1)
    expect(client.error).toBeUndefined()
    expect(client.stringDetails('title', 'none').reason).toBe('SPLIT')
  })

  it('asks an edge that stays away at most once a minute', async () => {
    openPage()
    const { asked, fetch } = edge(gone)
    start({ fetch })
    await vi.advanceTimersByTimeAsync(600_000)
    const after = asked.length
    await vi.advanceTimersByTimeAsync(450_000)
    expect(asked.length - after).toBe(10)
  })

  it.each([
    ['does not answer in time', () => new Promise<Response>(() => {}), /timeout|timed out/i],
    ['is down', () => new Response('down for maintenance', { status: 503 }), /503: down for maintenance$/],
    [
      'refuses the key',
      () => Response.json({ errorDetails: 'a key is required' }, { status: 401 }),
      /401: .*a key/,
    ],
    ['answers something else', () => new Response('<html>'), /JSON/],
    ['answers JSON of another kind', () => Response.json({ flags: 3 }), /map|groupBy|iterable|function/],
    ['answers null', () => Response.json(null), /./],
  ])('is ready, with an error, where the edge %s', async (_, response, message) => {
    const { fetch } = edge(response)
    const client = start({ fetch, timeoutMs: 5 })
    await client.ready
    expect(client.error?.message).toMatch(message)
    expect(client.booleanDetails('CONDUIT_USE_REPOSITORY_PATTERN', true)).toMatchObject({
      value: true,
      errorCode: 'PROVIDER_NOT_READY',
    })
    expect(warned).toHaveLength(1)
  })

  it('says so when the edge answers again after an error', async () => {
    const { fetch } = edge(answer, gone, gone, unchanged, unchanged)
    const client = start({ fetch })
    const events: string[] = []
    client.on('ready', () => events.push('ready'))
    client.on('error', () => events.push('error'))
    await client.ready
    for (let load = 0; load < 4; load += 1) await client.refresh()
    expect(events).toStrictEqual(['ready', 'error', 'error', 'ready'])
    expect(client.error).toBeUndefined()
  })

  it('keeps the younger of two answers that overtake each other, and is not ready before', async () => {
    const first = Promise.withResolvers<Response>()
    const second = Promise.withResolvers<Response>()
    const { fetch } = edge(
      () => first.promise,
      () => second.promise,
    )
    const client = start({ fetch })
    const refreshed = client.refresh()
    first.resolve(Response.json({ flags: [] }))
    second.resolve(answer())
    await client.ready
    await refreshed
    expect(client.string('title', 'none')).toBe('Shop')
    expect(client.error).toBeUndefined()
  })

  it('takes no answer that came too late, even of a fetch that cannot be aborted', async () => {
    const first = Promise.withResolvers<Response>()
    const answers = [first.promise, Promise.resolve(answer())]
    const client = start({ fetch: (() => answers.shift()) as never })
    await client.refresh()
    first.resolve(Response.json({ flags: [] }))
    await client.ready
    expect(client.string('title', 'none')).toBe('Shop')
  })

  it('begins with short pauses at every outage, where nothing can be listened to', async () => {
    openPage()
    vi.stubGlobal('EventSource', undefined)
    const { asked, fetch } = edge(gone, gone, answer, gone, answer)
    const client = start({ fetch })
    await vi.advanceTimersByTimeAsync(750 + 1_500)
    expect(asked).toHaveLength(3)
    await client.refresh()
    await vi.advanceTimersByTimeAsync(750)
    expect(asked).toHaveLength(5)
  })

  it('changes its context, and says so of answers for the old one', async () => {
    const { asked, fetch } = edge(answer, changed)
    const client = start({ fetch })
    await client.ready
    const set = client.setContext({ targetingKey: 'user-2' })
    expect(client.booleanDetails('CONDUIT_USE_REPOSITORY_PATTERN', false)).toMatchObject({
      value: true,
      reason: 'STALE',
    })
    await set
    expect(asked[1]).toMatchObject({ body: { context: { targetingKey: 'user-2' } } })
    expect(client.booleanDetails('CONDUIT_USE_REPOSITORY_PATTERN', true)).toMatchObject({
      value: false,
      reason: 'STATIC',
    })
  })

  it('does nothing more once it is closed, and still answers', async () => {
    const page = openPage()
    const pending = Promise.withResolvers<Response>()
    const { asked, fetch } = edge(answer, () => pending.promise)
    const client = start({ fetch })
    const errors: Error[] = []
    client.on('error', (error) => errors.push(error))
    await client.ready
    const refreshing = client.refresh()
    client.close()
    await refreshing
    expect(page.streams.map(({ isClosed }) => isClosed)).toStrictEqual([true])
    page.show(true)
    page.online()
    await client.refresh()
    await client.setContext({})
    await vi.advanceTimersByTimeAsync(600_000)
    expect([asked.length, page.streams.length, errors]).toStrictEqual([2, 1, []])
    expect(client.string('title', 'none')).toBe('Shop')
  })
})

describe('a closed client', () => {
  it('leaves no timer behind', async () => {
    const page = openPage()
    const client = start({ fetch: edge(answer).fetch })
    await client.ready
    page.streams[0]?.onerror?.()
    expect(vi.getTimerCount()).toBe(1)
    client.close()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a page that brings its answers along', () => {
  const bootstrap: Bootstrap = { flags: FLAGS, metadata: { state: '7-1-0' }, etag: '"1"', context }

  it('is answered at once and without a request', async () => {
    const page = openPage({ bootstrap: JSON.stringify(bootstrap) })
    const { asked, fetch } = edge(changed)
    const client = start({ fetch, context: {} })
    expect(client.stringDetails('title', 'none')).toMatchObject({ value: 'Shop', reason: 'SPLIT' })
    await client.ready
    expect(asked).toHaveLength(0)
    expect(page.streams[0]?.url.searchParams.get('lastEventId')).toBe('7-1-0')
  })

  it('asks later for the visitor that the edge saw, and with what the page knows beside', async () => {
    openPage()
    const { asked, fetch } = edge(unchanged)
    const client = start({ fetch, bootstrap, context: {} })
    await client.refresh()
    expect(asked[0]).toMatchObject({ body: { context }, headers: { 'if-none-match': '"1"' } })
    await client.setContext({ targetingKey: 'user-1', plan: 'pro' })
    expect(asked[1]).toMatchObject({ body: { context: { targetingKey: 'user-1', plan: 'pro' } } })
  })

  it.each([
    ['somebody else', { targetingKey: 'user-2' }],
    ['something that the edge did not know', { plan: 'pro' }],
  ])('is asked about at once if it is about %s, and stale until then', async (_, other) => {
    openPage()
    const { asked, fetch } = edge(changed)
    const client = start({ fetch, bootstrap, context: other })
    expect(client.stringDetails('title', 'none')).toMatchObject({ value: 'Shop', reason: 'STALE' })
    await client.ready
    expect(asked[0]).toMatchObject({ body: { context: { ...context, ...other } } })
    expect(client.stringDetails('title', 'none').reason).toBe('SPLIT')
  })

  it.each(['', '{', 'null', '3', '{"flags":3}', '{"flags":[null]}', '[]'])(
    'does no harm with %j in it',
    async (text) => {
      openPage({ bootstrap: text })
      const { asked, fetch } = edge(answer)
      const client = start({ fetch })
      await client.ready
      expect(asked).toHaveLength(1)
      expect(client.string('title', 'none')).toBe('Shop')
      expect(warned.length).toBe(text === 'null' ? 0 : 1)
    },
  )

  it('is not looked at where the application says so', async () => {
    openPage({ bootstrap: JSON.stringify(bootstrap) })
    const { asked, fetch } = edge(answer)
    await start({ fetch, bootstrap: null }).ready
    expect(asked).toHaveLength(1)
  })
})

describe('the answers of the last visit', () => {
  it('are given, as stale, until there are better ones, and when there never are', async () => {
    const storage = memory()
    await start({ fetch: edge(answer).fetch, storage }).ready
    const client = start({ fetch: edge(gone).fetch, storage })
    expect(client.stringDetails('title', 'none')).toMatchObject({ value: 'Shop', reason: 'STALE' })
    await client.ready
    expect(client.stringDetails('title', 'none')).toMatchObject({ value: 'Shop', reason: 'STALE' })
  })

  it('are confirmed by a 304', async () => {
    const storage = memory()
    await start({ fetch: edge(answer).fetch, storage }).ready
    const { asked, fetch } = edge(unchanged)
    const client = start({ fetch, storage })
    await client.ready
    expect(asked[0]?.headers['if-none-match']).toBe('"1"')
    expect(client.stringDetails('title', 'none')).toMatchObject({ value: 'Shop', reason: 'SPLIT' })
  })

  it('are nobody else’s, and do not tell whose they are', async () => {
    const storage = memory()
    await start({ fetch: edge(answer).fetch, storage }).ready
    expect(Object.values(storage.kept).join()).not.toContain('user-1')
    const other = start({ fetch: edge(gone).fetch, storage, context: { targetingKey: 'user-2' } })
    expect(other.stringDetails('title', 'none').errorCode).toBe('PROVIDER_NOT_READY')
    await other.ready
    const anotherKey = start({ fetch: edge(gone).fetch, storage, key: 'tk_client_y' })
    expect(anotherKey.stringDetails('title', 'none').errorCode).toBe('PROVIDER_NOT_READY')
  })

  it.each(['', '{', 'null', '[]', '{"flags":{}}', '"x"'])('do no harm when they are %j', async (text) => {
    const damaged = memory(Object.fromEntries([['https://edge.example.com/.turnout/', text]]))
    const client = start({ fetch: edge(answer).fetch, storage: damaged })
    await client.ready
    expect(client.string('title', 'none')).toBe('Shop')
  })

  it('are done without where storage is full, forbidden or not wanted', async () => {
    const refuse = () => {
      throw new DOMException('full', 'QuotaExceededError')
    }
    for (const storage of [{ getItem: refuse, setItem: refuse }, null]) {
      const client = start({ fetch: edge(answer).fetch, storage })
      await client.ready
      expect([client.string('title', 'none'), client.error]).toStrictEqual(['Shop', undefined])
    }
  })
})

describe('live changes', () => {
  it('are heard of, asked for after a moment, and told', async () => {
    const page = openPage()
    const { asked, fetch } = edge(answer, changed)
    const client = start({ fetch, key: 'tk_client_x' })
    await client.ready
    const changes: (readonly string[])[] = []
    client.on('change', (keys) => changes.push(keys))
    const [stream] = page.streams
    expect(stream?.url.href).toBe(
      'https://edge.example.com/.turnout/stream?key=tk_client_x&lastEventId=7-1-0',
    )
    stream?.say('7-2-0')
    await vi.advanceTimersByTimeAsync(49)
    expect(asked).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(asked).toHaveLength(2)
    // Another isolate may answer than the one that told: it reads what is new before it does.
    expect(asked[1]?.url).toContain('?flagConfigEtag=7-2-0')
    expect(changes).toStrictEqual([['CONDUIT_USE_REPOSITORY_PATTERN']])
    expect(page.streams).toHaveLength(1)
  })

  it('that are repeated, or are none, ask nothing', async () => {
    const page = openPage()
    const { asked, fetch } = edge(answer)
    await start({ fetch }).ready
    for (const id of ['7-1-0', '']) page.streams[0]?.say(id, '\u0000{"type":')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(asked).toHaveLength(1)
  })

  it('that come all at once ask once', async () => {
    const page = openPage()
    const { asked, fetch } = edge(answer, changed)
    await start({ fetch }).ready
    for (let version = 2; version < 100; version += 1) page.streams[0]?.say(`7-${version}-0`)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(asked).toHaveLength(2)
  })

  it('go on after the stream broke, from the event that was last heard', async () => {
    const page = openPage()
    const { asked, fetch } = edge(answer, unchanged)
    await start({ fetch }).ready
    page.streams[0]?.say('7-2-0')
    await vi.advanceTimersByTimeAsync(50)
    page.streams[0]?.onerror?.()
    expect(page.streams[0]?.isClosed).toBe(true)
    await vi.advanceTimersByTimeAsync(750)
    expect(asked).toHaveLength(3)
    expect(page.streams[1]?.url.searchParams.get('lastEventId')).toBe('7-2-0')
  })

  it('are given up ever longer where streams do not hold, and soon tried again after one that did', async () => {
    const page = openPage()
    const { fetch } = edge(answer, unchanged)
    await start({ fetch }).ready
    const breakAfter = async (ms: number) => {
      await vi.advanceTimersByTimeAsync(ms)
      const before = page.streams.length
      page.streams.at(-1)?.onerror?.()
      let waitedMs = 0
      for (; page.streams.length === before; waitedMs += 50) await vi.advanceTimersByTimeAsync(50)
      return waitedMs
    }
    const pauses: number[] = []
    for (let count = 0; count < 8; count += 1) pauses.push(await breakAfter(10))
    expect(pauses).toStrictEqual([750, 1_500, 3_000, 6_000, 12_000, 24_000, 45_000, 45_000])
    expect(await breakAfter(240_000)).toBe(750)
  })

  it('are not listened to by a page that is not seen; one that comes back asks at once', async () => {
    const page = openPage({ hidden: true })
    const { asked, fetch } = edge(answer, unchanged)
    await start({ fetch }).ready
    expect(page.streams).toHaveLength(0)
    page.show(true)
    await vi.advanceTimersByTimeAsync(0)
    expect([asked.length, page.streams.length]).toStrictEqual([2, 1])
    page.show(false)
    expect(page.streams[0]?.isClosed).toBe(true)
    page.show(true)
    await vi.advanceTimersByTimeAsync(0)
    expect([asked.length, page.streams.length]).toStrictEqual([3, 2])
  })

  it('are asked for when the network is back', async () => {
    const page = openPage()
    const { asked, fetch } = edge(gone, answer)
    const client = start({ fetch })
    await client.ready
    page.online()
    await vi.advanceTimersByTimeAsync(0)
    await vi.advanceTimersByTimeAsync(10_000)
    expect([asked.length, client.string('title', 'none')]).toStrictEqual([2, 'Shop'])
  })

  it('are not listened to where nobody wants that, or nothing can', async () => {
    const page = openPage()
    await start({ fetch: edge(answer).fetch, stream: false }).ready
    vi.stubGlobal('EventSource', undefined)
    await start({ fetch: edge(answer).fetch }).ready
    expect([page.streams.length, Stream.opened.length]).toStrictEqual([0, 0])
  })
})
