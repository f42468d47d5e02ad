/** `GET /.turnout/stream`, and how OFREP's clients are told of it. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Edge, problemOf, site, startEdge } from './edge.ts'
import { access, CLIENT_KEY, SERVER_KEY } from './keys.ts'

const BULK = '/.turnout/ofrep/v1/evaluate/flags'
const keyed = async () => startEdge(site(), { access: await access(), epoch: 3, version: 7 })

/** Opens a stream and reads it chunk by chunk. */
async function listen(edge: Edge, query: string, headers: Record<string, string> = {}) {
  const response = await edge.fetch(`/.turnout/stream${query}`, { headers })
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  onTestFinished(() => reader.cancel())
  return { response, next: async () => (await reader.read()).value ?? null }
}

const bulk = async (edge: Edge, headers: Record<string, string>, query = '') => {
  const response = await edge.fetch(`${BULK}${query}`, { method: 'POST', body: '{}', headers })
  // biome-ignore lint/suspicious/noExplicitAny: a test looks wherever it likes
  const body = response.status === 200 ? ((await response.json()) as any) : null
  return { status: response.status, etag: response.headers.get('etag')!, body }
}

describe('the stream', () => {
  it('tells a new listener at once, then each version and each kill', async () => {
    const edge = await keyed()
    const { response, next } = await listen(edge, `?key=${CLIENT_KEY}`)
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(await next()).toMatch(
      /^retry: [1-4]\d{3}\nid: 3-7-0\ndata: \{"type":"refetchEvaluation","etag":"\\"3-7-0\\""\}\n\n$/,
    )
    edge.control.publish(site(), { epoch: 3, version: 8, access: await access() })
    expect(await next()).toMatch(/^id: 3-8-0\n/)
    edge.control.kill({ target: 'all-flags' })
    expect(await next()).toMatch(/^id: 3-8-1\n/)
  })

  it('tells a listener that is behind at once, and one that is not when there is news', async () => {
    const edge = await keyed()
    const behind = await listen(edge, `?key=${CLIENT_KEY}`, { 'last-event-id': '3-6-2' })
    expect(await behind.next()).toContain('id: 3-7-0\n')
    const current = await listen(edge, `?key=${CLIENT_KEY}&lastEventId=3-7-0`)
    expect(await current.next()).toMatch(/^retry: \d+\n:\n\n$/)
    edge.control.kill({ target: 'all-flags' })
    expect(await current.next()).toMatch(/^id: 3-7-1\n/)
  })

  it('reads the control plane no more often for many listeners than for one', async () => {
    const edge = await keyed()
    const all = await Promise.all(Array.from({ length: 50 }, () => listen(edge, `?key=${CLIENT_KEY}`)))
    await Promise.all(all.map(({ next }) => next()))
    const before = edge.control.reads
    edge.control.kill({ target: 'all-flags' })
    const told = await Promise.all(all.map(({ next }) => next()))
    expect(told.every((text) => text?.startsWith('id: 3-7-1\n'))).toBe(true)
    expect(edge.control.reads - before).toBeLessThanOrEqual(3)
  })

  it('ends when the key is revoked', async () => {
    const edge = await keyed()
    const { next } = await listen(edge, `?key=${CLIENT_KEY}&lastEventId=3-7-0`)
    await next()
    edge.control.publish(site(), { epoch: 3, version: 8, access: { open: false, keys: [] } })
    expect(await next()).toBeNull()
  })

  it.each([
    ['no key', ''],
    ['an unknown key', '?key=guessed'],
    ['a server key in the URL', `?key=${SERVER_KEY}`],
    ['a token that nobody minted', '?token=1.aaaaaaaaaaaaaaaaaaaaaa'],
  ])('is refused to %s', async (_, query) => {
    const response = await (await keyed()).fetch(`/.turnout/stream${query}`)
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect((await problemOf(response)).status).toBe(401)
  })

  it.each(['client', 'server'])('takes a %s key in a header', async (kind) => {
    const key = kind === 'client' ? CLIENT_KEY : SERVER_KEY
    const { next } = await listen(await keyed(), '', { authorization: `Bearer ${key}` })
    expect(await next()).toContain('id: 3-7-0\n')
  })

  it('says so while nothing is loaded', async () => {
    const edge = await startEdge(null, { env: { COLD_LOAD_TIMEOUT_MS: '20' } })
    expect((await edge.fetch('/.turnout/stream')).status).toBe(503)
  })
})

describe('a bulk answer over OFREP', () => {
  it('names the stream that a client key opens, and the state it was made in', async () => {
    const edge = await keyed()
    const { body } = await bulk(edge, { 'x-api-key': CLIENT_KEY })
    expect(body.metadata).toStrictEqual({ version: 7, state: '3-7-0' })
    expect(body.eventStreams).toStrictEqual([
      { type: 'sse', url: `http://edge.test/.turnout/stream?key=${CLIENT_KEY}`, inactivityDelaySec: 120 },
    ])
  })

  it('names a stream with a token in place of a server key, the same one while it is good', async () => {
    const edge = await keyed()
    const [{ url }] = (await bulk(edge, { 'x-api-key': SERVER_KEY })).body.eventStreams
    expect(url).toMatch(/^http:\/\/edge\.test\/\.turnout\/stream\?token=\d+\.[\w-]{22}$/)
    expect(url).not.toContain(SERVER_KEY)
    const { next } = await listen(edge, new URL(url).search)
    expect(await next()).toContain('id: 3-7-0\n')
  })

  it('gives a server key another tag once the token grows old, so that a 304 never keeps one that has expired', async () => {
    const edge = await keyed()
    const { etag } = await bulk(edge, { 'x-api-key': SERVER_KEY })
    const [, window] = /^"[0-9a-f]{16}-(\d+)"$/.exec(etag)!
    expect(Number(window)).toBe(Math.floor(Date.now() / 300_000))
    expect((await bulk(edge, { 'x-api-key': SERVER_KEY, 'if-none-match': etag })).status).toBe(304)
    const old = etag.replace(window!, String(Number(window) - 1))
    expect((await bulk(edge, { 'x-api-key': SERVER_KEY, 'if-none-match': old })).status).toBe(200)
  })

  it('needs neither key nor token in an open environment', async () => {
    const edge = await startEdge(site(), { access: { open: true, keys: [] }, env: { LOCAL: 'true' } })
    const [{ url }] = (await bulk(edge, {})).body.eventStreams
    expect(url).toBe('http://edge.test/.turnout/stream')
    expect(await (await listen(edge, '')).next()).toContain('id: ')
  })

  it('holds only the flags that are named, and of these only what the caller may see', async () => {
    const flags = { a: { enabled: true, client: true }, b: { enabled: true, client: true }, secret: true }
    const edge = await startEdge({ flags } as never, { access: await access() })
    const keysFor = async (query: string) =>
      (await bulk(edge, { 'x-api-key': CLIENT_KEY }, query)).body.flags.map(({ key }: { key: string }) => key)
    expect(await keysFor('?flags=b,secret,absent')).toStrictEqual(['b'])
    expect(await keysFor('?flags=')).toStrictEqual([])
    expect(await keysFor('')).toStrictEqual(['a', 'b'])
  })
})
