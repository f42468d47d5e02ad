/** OpenFeature in Node against a running edge: our provider over the local client beside the published one for OFREP. */
import { OFREPProvider } from '@openfeature/ofrep-provider'
import {
  type EvaluationDetails,
  type JsonValue,
  OpenFeature,
  ProviderEvents,
  ProviderStatus,
} from '@openfeature/server-sdk'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createClient } from '../../sdk/index.ts'
import { TurnoutServerProvider } from '../../sdk/openfeature-server.ts'
import { reportOutcomes } from '../../sdk/outcomes.ts'
import { admin, changeDocument } from '../helpers/client.ts'
import { type LocalRun, startLocalRun, stopAll } from '../helpers/system.ts'

type Type = 'Boolean' | 'String' | 'Number' | 'Object'
const DEFAULTS: Record<Type, JsonValue> = { Boolean: true, String: 'mine', Number: 7, Object: { mine: true } }
const FLAGS: Record<string, Type> = {
  CONDUIT_USE_REPOSITORY_PATTERN: 'Boolean',
  'new-feature': 'Boolean',
  'patterns.ddd.enabled': 'Boolean',
  pro: 'Boolean',
  absent: 'Boolean',
  'checkout-release': 'String',
  limit: 'Number',
  ratio: 'Number',
  theme: 'Object',
}
const CONTEXTS: object[] = [
  { targetingKey: 'user1' },
  { targetingKey: 'ada', plan: 'pro', since: new Date(Date.UTC(2026, 0, 1)) },
  { targetingKey: 'bob', plan: 'free', geo: { country: 'DE' } },
  ...Array.from({ length: 20 }, (_, at) => ({ targetingKey: `user-${at}`, 'geo.country': 'US' })),
]

let run: LocalRun
const changes: (string[] | undefined)[] = []

beforeAll(async () => {
  run = await startLocalRun()
  const { status } = await changeDocument(run, ({ flags }) => {
    const when = { attribute: 'plan', op: 'equals', value: 'pro' }
    flags.pro = { enabled: true, rules: [{ id: 'pro', when, serve: 'on' }], fallthrough: 'off' }
    const of = (variants: object, fallthrough: string) => ({
      ...{ enabled: true, variants, off: fallthrough, fallthrough, metadata: { owner: 'shop', tier: 2 } },
    })
    flags.limit = of({ few: 3, many: 30 }, 'many')
    flags.ratio = of({ half: 0.5, one: 1 }, 'one')
    flags.theme = of({ dark: { color: '#000', sizes: [1, 2.5] } }, 'dark')
  })
  expect(status).toBe(200)
  const made = await admin(run, '/api/v1/keys', {
    body: { environment: 'dev', kind: 'server', name: 'a server' },
  })
  const at = { url: run.edgeUrl, key: made.body.key as string }
  // The key works with the edge's next refresh.
  const snapshot = () => fetch(`${at.url}/.turnout/snapshot`, { headers: { 'x-api-key': at.key } })
  await vi.waitFor(async () => expect((await snapshot()).status).toBe(200))
  const client = createClient(at)
  const outcomes = reportOutcomes(client, at)
  OpenFeature.getClient('turnout').addHandler(ProviderEvents.ConfigurationChanged, (details) => {
    changes.push(details?.flagsChanged)
  })
  await OpenFeature.setProviderAndWait('turnout', new TurnoutServerProvider(client, { outcomes }))
  const headers: [string, string][] = [['authorization', `Bearer ${at.key}`]]
  const ofrep = new OFREPProvider({ baseUrl: `${run.edgeUrl}/.turnout`, headers })
  await OpenFeature.setProviderAndWait('ofrep', ofrep)
})

afterAll(async () => {
  await OpenFeature.close()
  await stopAll()
})

/** Every flag for a context, as its own type or as each. */
async function answers(domain: string, context: object, types?: readonly Type[]): Promise<unknown[]> {
  const client = OpenFeature.getClient(domain) as unknown as Record<
    `get${Type}Details`,
    (key: string, value: JsonValue, context: object) => Promise<EvaluationDetails<JsonValue>>
  >
  const asked = Object.entries(FLAGS).flatMap(([key, own]) =>
    (types ?? [own]).map((type) => client[`get${type}Details`](key, DEFAULTS[type], context)),
  )
  return (await Promise.all(asked)).map(({ errorMessage: _, ...details }) => details)
}

describe('OpenFeature on a server', () => {
  it('is ready, and answers in the process what the edge answers over OFREP', async () => {
    expect(OpenFeature.getClient('turnout').providerStatus).toBe(ProviderStatus.READY)
    for (const context of [{}, ...CONTEXTS])
      expect(await answers('turnout', context), JSON.stringify(context)).toEqual(
        await answers('ofrep', context),
      )
    const types = Object.keys(DEFAULTS) as Type[]
    for (const context of CONTEXTS)
      expect(await answers('turnout', context, types)).toEqual(await answers('ofrep', context, types))
  })

  it('hears of a change and of a kill, and which flags they touch', async () => {
    const { status } = await admin(run, '/flags/pro/toggle', { body: { enabled: false, reason: 'a test' } })
    expect(status).toBe(200)
    await vi.waitFor(() => expect(changes).toStrictEqual([['pro']]))
    await admin(run, '/kills/flag:limit', { method: 'PUT', body: { reason: 'a test' } })
    await vi.waitFor(() => expect(changes[1]).toContain('limit'))
    const client = OpenFeature.getClient('turnout')
    expect(await client.getBooleanDetails('pro', true, { plan: 'pro' })).toMatchObject({
      value: false,
      reason: 'DISABLED',
    })
    expect(await client.getNumberDetails('limit', 0)).toMatchObject({
      value: 30,
      flagMetadata: { killed: true },
    })
  })

  it('tracks: what was measured is with the variant that the user was given', async () => {
    const client = OpenFeature.getClient('turnout')
    for (const targetingKey of ['ada', 'bob', 'cleo']) {
      await client.getNumberValue('ratio', 0, { targetingKey })
      client.track('ratio', { targetingKey }, { value: 2 })
    }
    client.track('ratio', { targetingKey: 'somebody who never asked' }, { value: 1_000 })
    await OpenFeature.clearProviders()
    const ofRatio = async () => {
      const { body } = await admin(run, '/outcomes?flag=ratio')
      return body.flags[0]?.variants
    }
    await vi.waitFor(async () => {
      expect(await ofRatio()).toMatchObject([{ variant: 'one', values: { count: 3, mean: 2 } }])
    }, 30_000)
  })
})
