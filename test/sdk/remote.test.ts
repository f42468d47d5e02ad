/** The remote client against an edge that is played by a function. */
import { describe, expect, it } from 'vitest'
import { createRemoteClient } from '../../sdk/remote.ts'

interface Asked {
  url: string
  headers: Record<string, string>
  body: unknown
}

/** An edge that gives its answers in turn and remembers what it was asked. */
function edge(...answers: (() => Response | Promise<Response>)[]) {
  const asked: Asked[] = []
  const fetch = async (url: unknown, init?: RequestInit): Promise<Response> => {
    const headers = { ...(init?.headers as Record<string, string>) }
    asked.push({ url: String(url), headers, body: JSON.parse(String(init?.body)) })
    const answer = answers[Math.min(asked.length, answers.length) - 1]
    if (!answer) throw new Error('no answer left')
    return answer()
  }
  return { asked, fetch: fetch as typeof globalThis.fetch }
}

const FLAGS = [
  { key: 'CONDUIT_USE_REPOSITORY_PATTERN', value: true, variant: 'on', reason: 'STATIC', metadata: {} },
  { key: 'title', value: 'Shop', variant: 'a', reason: 'SPLIT', metadata: {} },
  { key: 'limit', value: 12, variant: 'low', reason: 'DEFAULT', metadata: {} },
  { key: 'theme', value: { dark: true }, variant: 'dark', reason: 'DEFAULT', metadata: {} },
  { key: 'new-feature', errorCode: 'TARGETING_KEY_MISSING', errorDetails: 'no key' },
]
const answer = () => Response.json({ flags: FLAGS, metadata: {} }, { headers: { etag: '"1"' } })
const context = { targetingKey: 'user-1' }

describe('the remote client', () => {
  it('asks once for every flag and answers from memory', async () => {
    const { asked, fetch } = edge(answer)
    const client = createRemoteClient({
      url: 'https://edge.example.com/',
      key: 'tk_client_x',
      context,
      fetch,
    })
    await client.ready
    expect(client.boolean('CONDUIT_USE_REPOSITORY_PATTERN', false)).toBe(true)
    expect(client.string('title', 'none')).toBe('Shop')
    expect(client.number('limit', 1)).toBe(12)
    expect(client.object('theme', {})).toStrictEqual({ dark: true })
    expect(asked).toHaveLength(1)
    expect(asked[0]).toStrictEqual({
      url: 'https://edge.example.com/.turnout/ofrep/v1/evaluate/flags',
      headers: { 'content-type': 'application/json', 'x-api-key': 'tk_client_x' },
      body: { context },
    })
  })

  it('answers the default, with the reason, for what it does not know', async () => {
    const { fetch } = edge(answer)
    const client = createRemoteClient({ url: 'https://edge.example.com', context, fetch })
    expect(client.details('title', 'none')).toStrictEqual({
      value: 'none',
      reason: 'ERROR',
      errorCode: 'PROVIDER_NOT_READY',
    })
    await client.ready
    expect(client.details('absent', 3)).toMatchObject({ value: 3, errorCode: 'FLAG_NOT_FOUND' })
    expect(client.details('title', true)).toMatchObject({ value: true, errorCode: 'TYPE_MISMATCH' })
    expect(client.details('new-feature', false)).toMatchObject({
      value: false,
      errorCode: 'TARGETING_KEY_MISSING',
    })
    expect(client.details('title', 'none')).toStrictEqual({ value: 'Shop', variant: 'a', reason: 'SPLIT' })
  })

  it('sends its ETag when it asks again, and says whether anything changed', async () => {
    const changed = () => Response.json({ flags: [], metadata: {} }, { headers: { etag: '"2"' } })
    const { asked, fetch } = edge(answer, () => new Response(null, { status: 304 }), changed)
    const client = createRemoteClient({ url: 'https://edge.example.com', context, fetch })
    await client.ready
    expect(await client.refresh()).toBe(false)
    expect(client.boolean('CONDUIT_USE_REPOSITORY_PATTERN', false)).toBe(true)
    expect(await client.refresh()).toBe(true)
    expect(client.boolean('CONDUIT_USE_REPOSITORY_PATTERN', false)).toBe(false)
    expect(asked.map(({ headers }) => headers['if-none-match'])).toStrictEqual([undefined, '"1"', '"1"'])
  })

  it('keeps its answers while the edge is out of reach, and recovers', async () => {
    const gone = () => Promise.reject(new Error('refused'))
    const { fetch } = edge(answer, gone, answer)
    const client = createRemoteClient({ url: 'https://edge.example.com', context, fetch })
    await client.ready
    expect(await client.refresh()).toBe(false)
    expect(client.error?.message).toBe('refused')
    expect(client.string('title', 'none')).toBe('Shop')
    await client.refresh()
    expect(client.error).toBeUndefined()
  })

  it('is ready, with an error, where the edge does not answer in time', async () => {
    const never = (_: unknown, init?: RequestInit) =>
      new Promise<Response>((_, reject) => {
        init?.signal?.addEventListener('abort', () => reject(init.signal?.reason))
      })
    const options = { url: 'https://edge.example.com', context, timeoutMs: 1, fetch: never as typeof fetch }
    const client = createRemoteClient(options)
    await client.ready
    expect(client.error?.name).toBe('TimeoutError')
  })

  it('says the status of an answer that is not JSON', async () => {
    const { fetch } = edge(() => new Response('down for maintenance', { status: 503 }))
    const client = createRemoteClient({ url: 'https://edge.example.com', context, fetch })
    await client.ready
    expect(client.error?.message).toMatch(/503: down for maintenance$/)
  })

  it('keeps the younger of two answers that overtake each other', async () => {
    const first = Promise.withResolvers<Response>()
    const { fetch } = edge(() => first.promise, answer)
    const client = createRemoteClient({ url: 'https://edge.example.com', context, fetch })
    await client.refresh()
    first.resolve(Response.json({ flags: [] }))
    await client.ready
    expect(client.string('title', 'none')).toBe('Shop')
  })

  it('takes a list for no object', async () => {
    const { fetch } = edge(() =>
      Response.json({ flags: [{ key: 'list', value: [1], variant: 'a', reason: 'STATIC' }] }),
    )
    const client = createRemoteClient({ url: 'https://edge.example.com', context, fetch })
    await client.ready
    expect(client.details('list', { k: 1 })).toMatchObject({ value: { k: 1 }, errorCode: 'TYPE_MISMATCH' })
  })

  it('is ready, with an error, where the first load is refused', async () => {
    const denied = () =>
      Response.json({ errorCode: 'GENERAL', errorDetails: 'an SDK key is required' }, { status: 401 })
    const { fetch } = edge(denied)
    const client = createRemoteClient({ url: 'https://edge.example.com', context, fetch })
    await client.ready
    expect(client.error?.message).toMatch(/401: .*an SDK key is required/)
    expect(client.boolean('CONDUIT_USE_REPOSITORY_PATTERN', false)).toBe(false)
  })
})
