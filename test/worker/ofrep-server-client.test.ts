/** OpenFeature's own OFREP provider for servers against the edge: what an application in Node gets from it. */
import { OFREPProvider } from '@openfeature/ofrep-provider'
import { type Client, ErrorCode, OpenFeature, StandardResolutionReasons } from '@openfeature/server-sdk'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { Control, relengthed, startEdge } from './edge.ts'
import { access, CLIENT_KEY, SERVER_KEY } from './keys.ts'
import { document, throughClient } from './ofrep-clients.ts'

afterEach(() => OpenFeature.close())

/** A client whose provider asks this edge. Counts what the provider sent. */
async function clientOf(key: string | null = SERVER_KEY, options: Parameters<typeof startEdge>[1] = {}) {
  const edge = await startEdge(document, { access: await access(), ...options })
  const { sent, fetchImplementation } = throughClient(edge)
  const headers: [string, string][] = key === null ? [] : [['authorization', `Bearer ${key}`]]
  const provider = new OFREPProvider({ baseUrl: 'http://edge.test/.turnout', headers, fetchImplementation })
  await OpenFeature.setProviderAndWait(provider)
  return { client: OpenFeature.getClient(), sent, edge }
}

const ada = { targetingKey: 'ada' }
const codeOf = async (client: Client, flag: string, context = {}) => {
  const { errorCode, errorMessage, value, reason } = await client.getBooleanDetails(flag, true, context)
  return { errorCode, errorMessage, value, reason }
}

describe('the published OFREP provider for servers', () => {
  it('gets values of every type, with variant, reason and metadata', async () => {
    const { client, sent } = await clientOf()
    expect(await client.getBooleanDetails('plain-on', false, ada)).toMatchObject({
      value: true,
      variant: 'on',
      reason: StandardResolutionReasons.STATIC,
      flagMetadata: {},
    })
    expect(await client.getStringDetails('text', '', ada)).toMatchObject({
      value: 'two',
      variant: 'b',
      flagMetadata: { owner: 'shop', tier: 2, core: true },
    })
    expect(await client.getNumberValue('count', 0, ada)).toBe(30)
    expect(await client.getNumberValue('ratio', 0, ada)).toBe(1)
    expect(await client.getObjectValue('theme', {}, ada)).toStrictEqual({ color: '#000', sizes: [1, 2.5] })
    expect(await client.getBooleanDetails('half', false, ada)).toMatchObject({ reason: 'TARGETING_MATCH' })
    expect(sent.every(({ contentType }) => contentType?.startsWith('application/json'))).toBe(true)
  })

  it('gets another answer for another context', async () => {
    const { client } = await clientOf()
    expect(await client.getBooleanValue('pro', false, { ...ada, plan: 'pro' })).toBe(true)
    expect(await client.getBooleanValue('pro', true, { ...ada, plan: 'free' })).toBe(false)
    expect(await client.getBooleanValue('pro', true)).toBe(false)
  })

  it('tells a flag that does not exist from one that failed', async () => {
    const { client } = await clientOf()
    for (const key of ['missing', 'constructor', '__proto__', 'with space/and slash', 'ü%20'])
      expect(await codeOf(client, key, ada), key).toMatchObject({
        errorCode: ErrorCode.FLAG_NOT_FOUND,
        errorMessage: expect.stringContaining('there is no flag'),
        value: true,
        reason: 'ERROR',
      })
  })

  it('is told that a targeting key is missing', async () => {
    const { client } = await clientOf()
    expect(await codeOf(client, 'half')).toMatchObject({
      errorCode: ErrorCode.TARGETING_KEY_MISSING,
      errorMessage: 'the flag is decided by a bucket key that the context does not have',
    })
  })

  it('is told of a key that is no percent-encoding', async () => {
    const { client } = await clientOf()
    expect(await codeOf(client, '%E0%A4%A', ada)).toMatchObject({ errorCode: ErrorCode.PARSE_ERROR })
  })

  it('finds a flag of another type out by itself', async () => {
    const { client } = await clientOf()
    expect(await codeOf(client, 'text', ada)).toMatchObject({
      errorCode: ErrorCode.TYPE_MISMATCH,
      value: true,
    })
  })

  it('hears of a kill, and why', async () => {
    const { client } = await clientOf(SERVER_KEY, { kills: [{ target: 'flag:plain-on' }] })
    expect(await client.getBooleanDetails('plain-on', true, ada)).toMatchObject({
      value: false,
      variant: 'off',
      reason: StandardResolutionReasons.DISABLED,
      flagMetadata: { killed: true },
    })
  })

  it('answers the default without a key that the edge knows', async () => {
    for (const key of [null, 'guessed']) {
      const { client } = await clientOf(key)
      expect(await codeOf(client, 'plain-on', ada)).toMatchObject({
        errorCode: ErrorCode.GENERAL,
        value: true,
        reason: 'ERROR',
      })
      await OpenFeature.clearProviders()
    }
  })

  it('sees with a client key what is for browsers, and nothing of the rest', async () => {
    const { client } = await clientOf(CLIENT_KEY)
    expect(await client.getBooleanValue('half', false, ada)).toBe(true)
    expect(await codeOf(client, 'text', ada)).toMatchObject({ errorCode: ErrorCode.FLAG_NOT_FOUND })
  })

  it('answers the default for a damaged flag, and the others go on', async () => {
    const errors = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => errors.mockRestore())
    const control = new Control().publish(document, { access: await access() })
    control.body = relengthed(control.body.replace(/\ntext\t.*/, '\ntext\t{"brok'))
    const { fetchImplementation } = throughClient(await startEdge(null, { control }))
    const headers: [string, string][] = [['x-api-key', SERVER_KEY]]
    await OpenFeature.setProviderAndWait(
      new OFREPProvider({ baseUrl: 'http://edge.test/.turnout', headers, fetchImplementation }),
    )
    const client = OpenFeature.getClient()
    expect(await codeOf(client, 'text', ada)).toMatchObject({
      errorCode: ErrorCode.GENERAL,
      errorMessage: 'the edge could not evaluate this; its log says why',
    })
    expect(await client.getNumberValue('count', 0, ada)).toBe(30)
    expect(errors).toHaveBeenCalled()
  })

  it('answers the default while the edge has nothing, which says when to come back in whole seconds', async () => {
    const { client, sent } = await clientOf(SERVER_KEY)
    expect(await codeOf(client, 'plain-on', ada)).toMatchObject({ errorCode: undefined })
    const empty = await startEdge(null, { env: { COLD_LOAD_TIMEOUT_MS: '20' } })
    const response = await empty.fetch('/.turnout/ofrep/v1/evaluate/flags/plain-on', { method: 'POST' })
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(await response.json()).toMatchObject({ key: 'plain-on', errorCode: 'GENERAL' })
    const { fetchImplementation } = throughClient(empty)
    await OpenFeature.setProviderAndWait(
      new OFREPProvider({ baseUrl: 'http://edge.test/.turnout', fetchImplementation }),
    )
    expect(await codeOf(OpenFeature.getClient(), 'plain-on', ada)).toMatchObject({
      errorCode: 'GENERAL',
      value: true,
    })
    expect(sent).toHaveLength(1)
  })
})
