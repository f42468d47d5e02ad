/**
 * The contract of an OpenFeature provider, for both of ours, through the SDKs themselves. Numbers are those of the
 * specification's requirements. Source: https://openfeature.dev/specification/sections/providers
 */
import * as server from '@openfeature/server-sdk'
import * as web from '@openfeature/web-sdk'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Details } from '../../sdk/client.ts'
import { TurnoutServerProvider } from '../../sdk/openfeature-server.ts'
import { TurnoutWebProvider } from '../../sdk/openfeature-web.ts'
import type { Outcome, Outcomes } from '../../sdk/outcomes.ts'
import { createRemoteClient, type RemoteClient, type RemoteOptions } from '../../sdk/remote.ts'
import { edge, memory } from './page.ts'

const FLAGS = [
  { key: 'new-checkout', value: true, variant: 'on', reason: 'SPLIT', metadata: { owner: 'shop', tier: 2 } },
  { key: 'title', value: 'Shop', variant: 'a', reason: 'STATIC', metadata: {} },
  { key: 'limit', value: 12, variant: 'low', reason: 'DEFAULT', metadata: {} },
  { key: 'theme', value: { dark: true }, variant: 'dark', reason: 'DEFAULT', metadata: {} },
  { key: 'list', value: [1, 2], variant: 'some', reason: 'DEFAULT', metadata: {} },
  { key: 'half', errorCode: 'TARGETING_KEY_MISSING', errorDetails: 'no key' },
]
const respond = (flags: readonly unknown[], etag: string) => () =>
  Response.json({ flags, metadata: { state: '7-1-0' } }, { headers: { etag } })
const answer = respond(FLAGS, '"1"')
const changed = respond([{ ...FLAGS[0], value: false, variant: 'off' }, ...FLAGS.slice(1)], '"2"')
const unchanged = () => new Response(null, { status: 304 })
const gone = () => Promise.reject(new Error('refused'))
const ada = { targetingKey: 'ada' }
const BASE: RemoteOptions = { url: 'https://edge.example.com', key: 'tk_client_x', storage: null }

interface Reported {
  readonly flag: string | Details
  readonly outcome: Outcome
}

/** Outcomes that are written down instead of sent. */
function notebook() {
  const reported: Reported[] = []
  const calls: string[] = []
  const outcomes: Outcomes = {
    report: (flag, outcome) => void reported.push({ flag, outcome }),
    watch: (_, work) => work(),
    flush: async () => void calls.push('flush'),
    close: () => void calls.push('close'),
  }
  return { reported, calls, outcomes }
}

interface Options extends Partial<RemoteOptions> {
  readonly tracked?: Readonly<Record<string, readonly string[]>>
  readonly outcomes?: Outcomes
}

/** One of our providers in its SDK. */
interface Kit {
  // biome-ignore lint/suspicious/noExplicitAny: two SDKs with one shape and two sets of types
  readonly sdk: any
  // biome-ignore lint/suspicious/noExplicitAny: as above
  provider(options: Options): any
  clientOf(provider: unknown): RemoteClient
  /** How the SDK's client is asked. */
  context(context: object): [] | [object]
}

const KITS: Record<string, Kit> = {
  'on a server': {
    sdk: server,
    provider: ({ tracked, outcomes, ...options }) =>
      new TurnoutServerProvider(createRemoteClient({ ...BASE, context: ada, ...options }), {
        ...(tracked && { tracked }),
        ...(outcomes && { outcomes }),
      }),
    clientOf: (provider) => (provider as TurnoutServerProvider).client as RemoteClient,
    context: (context) => [context],
  },
  'in a browser': {
    sdk: web,
    provider: ({ tracked, outcomes, ...options }) =>
      new TurnoutWebProvider({
        ...BASE,
        ...options,
        ...(tracked && { tracked }),
        ...(outcomes && { outcomes: () => outcomes }),
      }),
    clientOf: (provider) => (provider as TurnoutWebProvider).client!,
    context: () => [],
  },
}

/** Lets microtasks and timers without delay run. */
const settled = () => new Promise((done) => setTimeout(done, 1))

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {})
})
afterEach(async () => {
  await server.OpenFeature.clearProviders()
  await web.OpenFeature.clearProviders()
  await web.OpenFeature.clearContexts()
  vi.restoreAllMocks()
})

describe.each(Object.entries(KITS))('a provider %s', (where, { sdk, provider: make, clientOf, context }) => {
  const { OpenFeature, ProviderEvents, ProviderStatus, ErrorCode } = sdk

  /** Sets a provider for ada and writes down the events that its client hears, in order. */
  async function start(options: Options) {
    const events: { name: string; flagsChanged?: string[]; message?: string }[] = []
    const client = OpenFeature.getClient()
    const stopListening = new AbortController()
    for (const name of Object.values(ProviderEvents) as string[])
      client.addHandler(
        name,
        ({ flagsChanged, message }: { flagsChanged?: string[]; message?: string }) =>
          events.push({
            name: name.replace('PROVIDER_', ''),
            ...(flagsChanged && { flagsChanged }),
            ...(message && { message }),
          }),
        { signal: stopListening.signal },
      )
    if (where === 'in a browser') await OpenFeature.setContext(ada)
    await settled()
    events.length = 0
    const provider = make(options)
    const failure = await OpenFeature.setProviderAndWait(provider).then(
      () => undefined,
      (cause: Error) => cause,
    )
    onTestFinished(() => {
      clientOf(provider)?.close()
      stopListening.abort()
    })
    await settled()
    return { client, provider, events, failure, names: () => events.map(({ name }) => name) }
  }

  it('has a name, and says where it runs (2.1.1)', () => {
    const provider = make({ fetch: edge(answer).fetch })
    onTestFinished(() => clientOf(provider)?.close())
    expect(provider.metadata).toStrictEqual({ name: 'Turnout' })
    expect(provider.runsOn).toBe(where === 'in a browser' ? 'client' : 'server')
  })

  it.each([
    ['Boolean', 'new-checkout', false, 0],
    ['String', 'title', '', 1],
    ['Number', 'limit', 0, 2],
    ['Object', 'theme', {}, 3],
    ['Object', 'list', [], 4],
    ['Object', 'theme', null, 3],
  ])(
    'resolves a %s with variant, reason and metadata, and no error (2.2.2–2.2.6, 2.2.9, 2.3.2)',
    async (type, key, value, at) => {
      const { client } = await start({ fetch: edge(answer).fetch })
      const { metadata, ...flag } = FLAGS[at]!
      expect(await client[`get${type}Details`](key, value, ...context(ada))).toStrictEqual({
        flagKey: key,
        value: flag.value,
        variant: flag.variant,
        reason: flag.reason,
        flagMetadata: metadata,
      })
      expect(await client[`get${type}Value`](key, value, ...context(ada))).toStrictEqual(flag.value)
    },
  )

  it.each([
    ['absent', 'FLAG_NOT_FOUND', 'there is no such flag, or the key may not see it'],
    ['constructor', 'FLAG_NOT_FOUND', 'there is no such flag, or the key may not see it'],
    ['title', 'TYPE_MISMATCH', "the flag's value is of another type than the default"],
    ['half', 'TARGETING_KEY_MISSING', 'the flag is decided by a bucket key that the context does not have'],
  ])('answers the default for %s, with the code %s and why (2.2.7)', async (key, errorCode, errorMessage) => {
    const { client } = await start({ fetch: edge(answer).fetch })
    expect(await client.getBooleanDetails(key, true, ...context(ada))).toMatchObject({
      value: true,
      reason: 'ERROR',
      errorCode,
      errorMessage,
    })
  })

  it('is ready when the first answers are in (2.4.1, 5.3.1)', async () => {
    const { client, names, failure } = await start({ fetch: edge(answer).fetch })
    expect(failure).toBeUndefined()
    expect(client.providerStatus).toBe(ProviderStatus.READY)
    expect(names()).toStrictEqual(['READY'])
  })

  it('says so where there are none, and when they come after all (2.4.2.1, 5.3.2, 5.1.4)', async () => {
    const { client, provider, events, failure } = await start({ fetch: edge(gone, answer).fetch })
    expect(failure?.message).toBe('refused')
    expect(client.providerStatus).toBe(ProviderStatus.ERROR)
    expect(events).toStrictEqual([{ name: 'ERROR', message: 'refused' }])
    expect(await client.getBooleanDetails('new-checkout', true, ...context(ada))).toMatchObject({
      value: true,
      errorCode: ErrorCode.PROVIDER_NOT_READY,
    })
    await clientOf(provider).refresh()
    await settled()
    expect(client.providerStatus).toBe(ProviderStatus.READY)
    expect(events.slice(1).map(({ name }) => name)).toStrictEqual(['CONFIGURATION_CHANGED', 'READY'])
    expect(await client.getBooleanValue('new-checkout', false, ...context(ada))).toBe(true)
  })

  it('is stale with the answers of the last visit while the edge is away, until it answers', async () => {
    const storage = memory()
    const before = createRemoteClient({ ...BASE, context: ada, storage, fetch: edge(answer).fetch })
    await before.ready
    before.close()
    const { client, provider, names, failure } = await start({ storage, fetch: edge(gone, unchanged).fetch })
    expect(failure).toBeUndefined()
    expect(names()).toStrictEqual(['READY', 'STALE'])
    expect(client.providerStatus).toBe(ProviderStatus.STALE)
    expect(await client.getBooleanDetails('new-checkout', false, ...context(ada))).toMatchObject({
      value: true,
      reason: 'STALE',
    })
    await clientOf(provider).refresh()
    await settled()
    expect(client.providerStatus).toBe(ProviderStatus.READY)
  })

  it('is stale while the edge is away, and tells of nothing twice (5.1.1)', async () => {
    const { client, provider, events } = await start({ fetch: edge(answer, gone, unchanged).fetch })
    await clientOf(provider).refresh()
    await settled()
    expect(client.providerStatus).toBe(ProviderStatus.STALE)
    await clientOf(provider).refresh()
    await settled()
    expect(client.providerStatus).toBe(ProviderStatus.READY)
    expect(events).toStrictEqual([
      { name: 'READY' },
      { name: 'STALE', message: 'refused' },
      { name: 'READY' },
    ])
  })

  it('tells which flags changed (5.1.1)', async () => {
    const { client, provider, events } = await start({ fetch: edge(answer, changed).fetch })
    await clientOf(provider).refresh()
    await settled()
    expect(events).toStrictEqual([
      { name: 'READY' },
      { name: 'CONFIGURATION_CHANGED', flagsChanged: ['new-checkout'] },
    ])
    expect(await client.getBooleanValue('new-checkout', true, ...context(ada))).toBe(false)
  })

  it('is seen by hooks, well and failing (2.3.1)', async () => {
    const { client } = await start({ fetch: edge(answer).fetch })
    const seen: unknown[] = []
    client.addHooks({
      before: ({ providerMetadata, flagKey }: { providerMetadata: object; flagKey: string }) =>
        void seen.push(['before', providerMetadata, flagKey]),
      after: (_: object, { variant, value }: Details) => void seen.push(['after', variant, value]),
      error: (_: object, { code }: { code: string }) => void seen.push(['error', code]),
      finally: (_: object, { reason }: Details) => void seen.push(['finally', reason]),
    })
    await client.getBooleanValue('new-checkout', false, ...context(ada))
    await client.getBooleanValue('absent', false, ...context(ada))
    expect(seen).toStrictEqual([
      ['before', { name: 'Turnout' }, 'new-checkout'],
      ['after', 'on', true],
      ['finally', 'SPLIT'],
      ['before', { name: 'Turnout' }, 'absent'],
      ['error', 'FLAG_NOT_FOUND'],
      ['finally', 'ERROR'],
    ])
  })

  describe('that tracks (2.7.1)', () => {
    const track = (client: { track: (...args: unknown[]) => void }, event: string, details: object = {}) =>
      where === 'in a browser' ? client.track(event, details) : client.track(event, ada, details)

    it('reports under the variant that was given: a value, that it went well, that it failed', async () => {
      const { outcomes, reported } = notebook()
      const { client } = await start({ fetch: edge(answer).fetch, outcomes })
      await client.getBooleanValue('new-checkout', false, ...context(ada))
      track(client, 'new-checkout')
      track(client, 'new-checkout', { outcome: 'error' })
      track(client, 'new-checkout', { value: 99.5 })
      expect(reported.map(({ outcome }) => outcome)).toStrictEqual(['ok', 'error', 99.5])
      expect(reported[0]?.flag).toMatchObject({ key: 'new-checkout', variant: 'on' })
    })

    it('reports on the flags that an event is about, and on none that was not given', async () => {
      const { outcomes, reported } = notebook()
      const tracked = { 'order-placed': ['new-checkout', 'title', 'limit'] }
      const { client } = await start({ fetch: edge(answer).fetch, outcomes, tracked })
      await client.getBooleanValue('new-checkout', false, ...context(ada))
      await client.getStringValue('title', '', ...context(ada))
      track(client, 'order-placed', { value: 3 })
      track(client, 'constructor', { value: 3 })
      track(client, 'something else')
      expect(reported.map(({ flag }) => (flag as Details).key)).toStrictEqual(['new-checkout', 'title'])
    })

    it('does nothing without anybody to report to', async () => {
      const { client } = await start({ fetch: edge(answer).fetch })
      await client.getBooleanValue('new-checkout', false, ...context(ada))
      expect(() => track(client, 'new-checkout')).not.toThrow()
    })
  })

  it('sends what is left, ends its client and is silent once it is closed (2.5.1, 2.7.1)', async () => {
    const { outcomes, calls } = notebook()
    const { asked, fetch } = edge(answer, changed)
    const { provider, names } = await start({ fetch, outcomes })
    const remote = clientOf(provider)
    await OpenFeature.close()
    expect(calls).toStrictEqual(['flush', 'close'])
    await remote.refresh()
    await settled()
    expect([names(), asked.length]).toStrictEqual([['READY'], 1])
  })
})

describe('the provider on a server', () => {
  it('asks with each call’s own context, as it would arrive at the edge', async () => {
    const asked: unknown[] = []
    const client = createRemoteClient({ ...BASE, context: ada, fetch: edge(answer).fetch })
    onTestFinished(() => client.close())
    const booleanDetails: RemoteClient['booleanDetails'] = (key, value, context) => {
      asked.push(context)
      return { key, value, reason: 'DEFAULT', variant: 'off' }
    }
    await server.OpenFeature.setProviderAndWait(new TurnoutServerProvider({ ...client, booleanDetails }))
    server.OpenFeature.setContext({ region: 'eu' })
    const since = new Date(Date.UTC(2026, 10, 26))
    const ofServer = server.OpenFeature.getClient()
    await ofServer.getBooleanValue('a', false, { targetingKey: 'bob', since, address: { since } })
    await ofServer.getBooleanValue('a', false)
    server.OpenFeature.setContext({})
    const date = '2026-11-26T00:00:00.000Z'
    expect(asked).toStrictEqual([
      { region: 'eu', targetingKey: 'bob', since: date, address: { since: date } },
      { region: 'eu' },
    ])
  })

  it('tracks under the variant that this user was given, not under another’s', async () => {
    const { outcomes, reported } = notebook()
    const client = createRemoteClient({ ...BASE, context: ada, fetch: edge(answer).fetch })
    onTestFinished(() => client.close())
    const booleanDetails: RemoteClient['booleanDetails'] = (key, _, context) =>
      context?.targetingKey === 'ada'
        ? { key, value: true, reason: 'SPLIT', variant: 'on' }
        : { key, value: false, reason: 'SPLIT', variant: 'off' }
    await server.OpenFeature.setProviderAndWait(
      new TurnoutServerProvider({ ...client, booleanDetails }, { outcomes }),
    )
    const ofServer = server.OpenFeature.getClient()
    for (const targetingKey of ['ada', 'bob']) await ofServer.getBooleanValue('a', false, { targetingKey })
    for (const targetingKey of ['ada', 'bob', 'eve']) ofServer.track('a', { targetingKey }, { value: 1 })
    expect(reported.map(({ flag }) => (flag as Details).variant)).toStrictEqual(['on', 'off'])
  })
})

describe('the provider in a browser', () => {
  const { OpenFeature, ProviderEvents, ProviderStatus } = web

  async function start(options: Partial<RemoteOptions>, context: web.EvaluationContext = ada) {
    const provider = new TurnoutWebProvider({ ...BASE, ...options })
    await OpenFeature.setProviderAndWait(provider, context)
    await settled()
    const events: string[] = []
    const client = OpenFeature.getClient()
    const kinds = [
      ProviderEvents.Reconciling,
      ProviderEvents.ContextChanged,
      ProviderEvents.ConfigurationChanged,
      ProviderEvents.Error,
      ProviderEvents.Stale,
    ] as const
    for (const kind of kinds) client.addHandler(kind, () => void events.push(kind.replace('PROVIDER_', '')))
    return { provider, client, events }
  }

  it('asks once, for the context that OpenFeature has', async () => {
    const { asked, fetch } = edge(answer)
    await start({ fetch }, { ...ada, since: new Date(0) })
    expect(asked.map(({ body }) => body)).toStrictEqual([
      { context: { targetingKey: 'ada', since: '1970-01-01T00:00:00.000Z' } },
    ])
  })

  it('asks for another context, and has the old answers as stale until then (2.6.1, 5.3.4.2)', async () => {
    const second = Promise.withResolvers<Response>()
    const { asked, fetch } = edge(answer, () => second.promise)
    const { client, events } = await start({ fetch })
    const changing = OpenFeature.setContext({ targetingKey: 'bob' })
    expect(client.providerStatus).toBe(ProviderStatus.RECONCILING)
    expect(client.getBooleanDetails('new-checkout', false)).toMatchObject({ value: true, reason: 'STALE' })
    second.resolve(changed())
    await changing
    await settled()
    expect(asked[1]!.body).toStrictEqual({ context: { targetingKey: 'bob' } })
    expect(client.getBooleanDetails('new-checkout', true)).toMatchObject({ value: false, reason: 'SPLIT' })
    expect(events).toStrictEqual(['RECONCILING', 'CONTEXT_CHANGED'])
    expect(client.providerStatus).toBe(ProviderStatus.READY)
  })

  it('says that a change of context failed, and when it came through after all (5.3.4.3)', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const { fetch } = edge(answer, gone, changed)
    const { provider, client, events } = await start({ fetch })
    await OpenFeature.setContext({ targetingKey: 'bob' })
    expect(client.providerStatus).toBe(ProviderStatus.ERROR)
    expect(client.getBooleanDetails('new-checkout', false)).toMatchObject({ value: true, reason: 'STALE' })
    await provider.client!.refresh()
    await settled()
    expect(client.getBooleanValue('new-checkout', true)).toBe(false)
    expect(client.providerStatus).toBe(ProviderStatus.READY)
    expect(events).toStrictEqual(['RECONCILING', 'ERROR', 'CONFIGURATION_CHANGED'])
  })

  it('ends with the last of several contexts', async () => {
    const { asked, fetch } = edge(answer, answer, changed)
    const { client, events } = await start({ fetch })
    await Promise.all(['bob', 'eve'].map((targetingKey) => OpenFeature.setContext({ targetingKey })))
    expect(asked.at(-1)!.body).toStrictEqual({ context: { targetingKey: 'eve' } })
    expect(client.getBooleanValue('new-checkout', true)).toBe(false)
    expect(client.providerStatus).toBe(ProviderStatus.READY)
    expect(events.filter((name) => name === 'CONTEXT_CHANGED')).toHaveLength(1)
  })

  it('begins with the answers of the page, without a request', async () => {
    const { asked, fetch } = edge(changed)
    const bootstrap = { flags: FLAGS, etag: '"1"', metadata: { state: '7-1-0' }, context: ada } as never
    const { client } = await start({ fetch, bootstrap })
    expect(client.getBooleanDetails('new-checkout', false)).toMatchObject({ value: true, reason: 'SPLIT' })
    expect(asked).toHaveLength(0)
  })

  it('is as before it was initialised once it is closed, and can be set again (2.5.2)', async () => {
    const { fetch } = edge(answer)
    const { provider } = await start({ fetch })
    await OpenFeature.clearProviders()
    expect(provider.client).toBeUndefined()
    expect(provider.resolveBooleanEvaluation('new-checkout', true, {})).toMatchObject({
      value: true,
      errorCode: 'PROVIDER_NOT_READY',
    })
    await OpenFeature.setProviderAndWait(provider)
    expect(OpenFeature.getClient().getBooleanValue('new-checkout', false)).toBe(true)
  })
})
