/** OpenFeature's own OFREP provider for browsers against the edge: one bulk answer, tags, the stream, and no event without news. */
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider'
import { ErrorCode, OpenFeature, type Provider, ProviderEvents, ProviderStatus } from '@openfeature/web-sdk'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { FlagDocument } from '../../engine/index.ts'
import { startEdge } from './edge.ts'
import { access, CLIENT_KEY, SERVER_KEY } from './keys.ts'
import { document, eventSourceOver, throughClient } from './ofrep-clients.ts'

afterEach(() => OpenFeature.close())

const ada = { targetingKey: 'ada' }

/** A page of ada's, with a provider that is ready. */
async function open({
  key = CLIENT_KEY,
  context = ada as Record<string, string>,
  options = {} as Parameters<typeof startEdge>[1],
} = {}) {
  const edge = await startEdge(document, {
    access: await access(),
    epoch: 3,
    version: 7,
    env: { SNAPSHOT_MAX_AGE_MS: '50' },
    ...options,
  })
  const { sent, fetchImplementation } = throughClient(edge)
  const { opened, EventSource } = eventSourceOver(edge)
  vi.stubGlobal('EventSource', EventSource)
  onTestFinished(() => void vi.unstubAllGlobals())
  const provider = new OFREPWebProvider({
    baseUrl: 'http://edge.test/.turnout',
    headers: [['x-api-key', key]],
    cacheMode: 'disabled',
    fetchImplementation,
    // Its types allow `hooks: undefined`, which exact optional properties refuse.
  }) as Provider
  const changes: (string[] | undefined)[] = []
  await OpenFeature.setProviderAndWait(provider, context)
  const client = OpenFeature.getClient()
  client.addHandler(
    ProviderEvents.ConfigurationChanged,
    (details) => void changes.push(details?.flagsChanged),
  )
  const publish = async (flags: FlagDocument['flags'], version: number) =>
    edge.control.publish(
      { flags: { ...document.flags, ...flags } },
      { access: await access(), epoch: 3, version },
    )
  return { client, sent, opened, changes, edge, publish }
}

describe('the published OFREP provider for browsers', () => {
  it('asks once for all flags, and sees those for browsers', async () => {
    const { client, sent } = await open()
    expect(client.getBooleanDetails('half', false)).toMatchObject({
      value: true,
      variant: 'on',
      reason: 'TARGETING_MATCH',
      flagMetadata: {},
    })
    expect(client.getNumberValue('ratio', 0)).toBe(1)
    expect(client.getObjectValue('theme', {})).toStrictEqual({ color: '#000', sizes: [1, 2.5] })
    expect(client.getStringDetails('text', 'mine')).toMatchObject({
      value: 'mine',
      errorCode: ErrorCode.FLAG_NOT_FOUND,
      flagMetadata: { version: 7, state: '3-7-0' },
    })
    expect(client.getBooleanDetails('ratio', true)).toMatchObject({ errorCode: ErrorCode.TYPE_MISMATCH })
    expect(sent.map(({ status }) => status)).toStrictEqual([200])
  })

  it('is told of the one flag that needs a targeting key, and gets the others', async () => {
    const { client } = await open({ context: {} })
    expect(client.getBooleanDetails('half', true)).toMatchObject({
      value: true,
      errorCode: ErrorCode.TARGETING_KEY_MISSING,
    })
    expect(client.getBooleanDetails('pro', true)).toMatchObject({ value: false, reason: 'DEFAULT' })
  })

  it('gets new answers for a new context, although it sends the old tag with it', async () => {
    const { client, sent } = await open({ context: { ...ada, plan: 'free' } })
    expect(client.getBooleanValue('pro', true)).toBe(false)
    await OpenFeature.setContext({ ...ada, plan: 'pro' })
    expect(client.getBooleanValue('pro', false)).toBe(true)
    expect(sent[1]).toMatchObject({ ifNoneMatch: expect.stringMatching(/^"/), status: 200 })
    await OpenFeature.setContext({ ...ada, plan: 'pro', age: 7 })
    expect(sent[2]!.status).toBe(304)
    expect(client.getBooleanValue('pro', false)).toBe(true)
  })

  it('hears of a change, asks again with its tag, and tells which flags changed', async () => {
    const { client, sent, opened, changes, publish } = await open()
    expect(opened).toStrictEqual([`http://edge.test/.turnout/stream?key=${CLIENT_KEY}`])
    await publish({ half: { enabled: false, fallthrough: 'on', client: true } }, 8)
    const told = () =>
      sent.find(({ search }) => new URLSearchParams(search).get('flagConfigEtag') === '"3-8-0"')
    await vi.waitFor(() => expect(told()?.ifNoneMatch).toMatch(/^"/))
    await vi.waitFor(() => expect(changes).toStrictEqual([['half']]))
    expect(client.getBooleanDetails('half', true)).toMatchObject({ value: false, reason: 'DISABLED' })
  })

  it('hears of a kill', async () => {
    const { client, changes, edge } = await open()
    edge.control.kill({ target: 'flag:half' })
    await vi.waitFor(() => expect(changes).toStrictEqual([['half']]))
    expect(client.getBooleanDetails('half', true)).toMatchObject({
      value: false,
      flagMetadata: { killed: true },
    })
  })

  it('makes no event of a version that decides the same for it', async () => {
    const { sent, changes, publish } = await open()
    await publish({ text: { enabled: true, variants: { a: 'x' }, off: 'a', fallthrough: 'a' } }, 8)
    const isAsked = () => expect(sent.some(({ search }) => search.includes('3-8-0'))).toBe(true)
    await vi.waitFor(isAsked)
    expect(sent.at(-1)!.status).toBe(304)
    await Promise.resolve()
    expect(changes).toStrictEqual([])
  })

  it('stays on its stream when it asks again: the address is the same', async () => {
    const { opened, publish, changes } = await open()
    await publish({ half: { enabled: false, fallthrough: 'on', client: true } }, 8)
    await vi.waitFor(() => expect(changes).toHaveLength(1))
    await OpenFeature.setContext({ ...ada, plan: 'pro' })
    expect(opened).toHaveLength(1)
  })

  it('is given a token in place of a server key, and hears with it', async () => {
    const { opened, changes, publish } = await open({ key: SERVER_KEY })
    expect(opened[0]).toMatch(/\?token=\d+\.[\w-]{22}$/)
    await publish({ text: { enabled: true, variants: { a: 'x' }, off: 'a', fallthrough: 'a' } }, 8)
    await vi.waitFor(() => expect(changes).toStrictEqual([['text']]))
  })

  it('gives up for good where its key is not known', async () => {
    await expect(open({ key: 'guessed' })).rejects.toThrow('Initialization failed')
    expect(OpenFeature.getClient().providerStatus).toBe(ProviderStatus.FATAL)
  })
})
