/**
 * OpenFeature's own scenarios for whoever evaluates flags, through each provider that leads to the edge. Flags, values and what must
 * come out are those of the specification. Source: https://github.com/open-feature/spec/tree/main/specification/assets/gherkin
 */
import { OFREPProvider } from '@openfeature/ofrep-provider'
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider'
import { OpenFeature as Server } from '@openfeature/server-sdk'
import { type Provider, OpenFeature as Web } from '@openfeature/web-sdk'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Flag, FlagDocument, JsonValue, Metadata } from '../../engine/index.ts'
import { createClient } from '../../sdk/index.ts'
import { TurnoutServerProvider } from '../../sdk/openfeature-server.ts'
import { TurnoutWebProvider } from '../../sdk/openfeature-web.ts'
import { startEdge } from './edge.ts'
import { access, CLIENT_KEY, SERVER_KEY } from './keys.ts'
import { throughClient } from './ofrep-clients.ts'

const flag = (variants: Record<string, JsonValue>, fallthrough: string, more: Partial<Flag> = {}): Flag => ({
  ...{ enabled: true, client: true, variants, off: Object.keys(variants).at(-1)!, fallthrough },
  ...more,
})
/** Serves `zero` to one address by a rule, and to all others as well. */
const targeted = (variants: Record<string, JsonValue>): Flag =>
  flag(variants, 'zero', {
    rules: [
      {
        id: 'email',
        when: { attribute: 'email', op: 'equals', value: 'ballmer@macrosoft.com' },
        serve: 'zero',
      },
    ],
  })
const TEMPLATE = { showImages: true, title: 'Check out these pics!', imagesPerPage: 100 }
const METADATA: Metadata = { string: '1.0.2', integer: 2, float: 0.1, boolean: true }
const ZEROS: Record<string, Record<string, JsonValue>> = {
  boolean: { zero: false, 'non-zero': true },
  string: { zero: '', 'non-zero': 'str' },
  integer: { zero: 0, 'non-zero': 1 },
  float: { zero: 0, 'non-zero': 1.5 },
  object: { zero: {}, 'non-zero': TEMPLATE },
}
const document: FlagDocument = {
  flags: {
    'boolean-flag': flag({ on: true, off: false }, 'on'),
    'string-flag': flag({ greeting: 'hi', parting: 'bye' }, 'greeting'),
    'integer-flag': flag({ one: 1, ten: 10 }, 'ten'),
    'float-flag': flag({ tenth: 0.1, half: 0.5 }, 'half'),
    'object-flag': flag({ empty: {}, template: TEMPLATE }, 'template'),
    'wrong-flag': flag({ one: 'uno', two: 'dos' }, 'one'),
    'metadata-flag': flag({ on: true, off: false }, 'on', { metadata: METADATA }),
    'boolean-disabled-flag': flag({ on: true, off: false }, 'on', { enabled: false }),
    'string-disabled-flag': flag({ greeting: 'hi', parting: 'bye' }, 'greeting', { enabled: false }),
    'context-aware': flag({ internal: 'INTERNAL', external: 'EXTERNAL' }, 'external', {
      rules: [{ id: 'ours', when: { attribute: 'customer', op: 'equals', value: false }, serve: 'internal' }],
    }),
    ...Object.fromEntries(
      Object.entries(ZEROS).flatMap(([type, variants]) => [
        [`${type}-zero-flag`, flag(variants, 'zero')],
        [`${type}-targeted-zero-flag`, targeted(variants)],
      ]),
    ),
  },
}

type Kind = 'Boolean' | 'String' | 'Number' | 'Object'
interface Details {
  readonly value: unknown
  readonly variant?: string
  readonly reason?: string
  readonly errorCode?: string
  readonly flagKey: string
  readonly flagMetadata: object
}
type Ask = (kind: Kind, key: string, defaultValue: JsonValue, context?: object) => Promise<Details>

const BASE = {
  baseUrl: 'http://edge.test/.turnout',
  headers: [['x-api-key', CLIENT_KEY] as [string, string]],
}
type Fetch = typeof globalThis.fetch

/** What both SDKs' clients can be asked. */
type Asked = Record<`get${Kind}Details`, (...of: unknown[]) => Details | Promise<Details>>

const onServer =
  (domain: string): Ask =>
  async (kind, key, defaultValue, context = {}) =>
    (Server.getClient(domain) as unknown as Asked)[`get${kind}Details`](key, defaultValue, context)

const inBrowser =
  (domain: string): Ask =>
  async (kind, key, defaultValue, context = {}) => {
    await Web.setContext(domain, context as never)
    return (Web.getClient(domain) as unknown as Asked)[`get${kind}Details`](key, defaultValue)
  }

const PROVIDERS: Record<string, (fetch: Fetch) => Promise<Ask>> = {
  'OFREP on a server': async (fetchImplementation) => {
    await Server.setProviderAndWait('ofrep', new OFREPProvider({ ...BASE, fetchImplementation }))
    return onServer('ofrep')
  },
  'OFREP in a browser': async (fetchImplementation) => {
    const options = { ...BASE, fetchImplementation, cacheMode: 'disabled', changeDetection: 'none' } as const
    await Web.setProviderAndWait('ofrep', new OFREPWebProvider(options) as Provider)
    return inBrowser('ofrep')
  },
  'Turnout on a server': async (fetch) => {
    const through: Fetch = (input, init) => fetch(new Request(input, init))
    const client = createClient({ url: 'http://edge.test', key: SERVER_KEY, stream: false, fetch: through })
    await Server.setProviderAndWait('turnout', new TurnoutServerProvider(client))
    return onServer('turnout')
  },
  'Turnout in a browser': async (fetch) => {
    const through: Fetch = (input, init) => fetch(new Request(input, init))
    const options = { url: 'http://edge.test', key: CLIENT_KEY, stream: false, storage: null, fetch: through }
    await Web.setProviderAndWait('turnout', new TurnoutWebProvider(options))
    return inBrowser('turnout')
  },
}

const ours = { email: 'ballmer@macrosoft.com' }
const others = { email: 'ballmer@none.com' }

describe.each(Object.entries(PROVIDERS))('%s', (_, open) => {
  let ask: Ask
  beforeAll(async () => {
    const edge = await startEdge(document, { access: await access() })
    ask = await open(throughClient(edge).fetchImplementation)
  })

  it.each<[Kind, string, JsonValue, JsonValue, string]>([
    ['Boolean', 'boolean-flag', false, true, 'on'],
    ['String', 'string-flag', 'bye', 'hi', 'greeting'],
    ['Number', 'integer-flag', 1, 10, 'ten'],
    ['Number', 'float-flag', 0.1, 0.5, 'half'],
    ['Object', 'object-flag', {}, TEMPLATE, 'template'],
  ])('resolves a %s, %s, with all that is known of it', async (kind, key, otherwise, value, variant) => {
    expect(await ask(kind, key, otherwise)).toStrictEqual({
      ...{ flagKey: key, value, variant, reason: 'STATIC', flagMetadata: {} },
    })
  })

  it.each<[Kind, string, JsonValue]>([
    ['Boolean', 'boolean', true],
    ['String', 'string', 'hi'],
    ['Number', 'integer', 1],
    ['Number', 'float', 0.1],
    ['Object', 'object', { a: 1 }],
  ])('resolves what is zero, as %s: %s', async (kind, type, otherwise) => {
    const value = ZEROS[type]!.zero
    const of = (key: string, context?: object) => ask(kind, `${type}-${key}`, otherwise, context)
    expect(await of('zero-flag')).toMatchObject({ value, reason: 'STATIC' })
    expect(await of('targeted-zero-flag', ours)).toMatchObject({ value, reason: 'TARGETING_MATCH' })
    for (const context of [others, {}, { email: null }])
      expect(await of('targeted-zero-flag', context)).toMatchObject({ value, reason: 'DEFAULT' })
  })

  it('resolves by several attributes', async () => {
    for (const context of [
      { fn: 'Sulisław', ln: 'Świętopełk', age: 29, customer: false },
      { ...ours, role: 'admin', age: 65, customer: false },
    ])
      expect(await ask('String', 'context-aware', 'false', context)).toMatchObject({
        value: 'INTERNAL',
        reason: 'TARGETING_MATCH',
      })
    expect(await ask('String', 'context-aware', 'INTERNAL')).toMatchObject({ value: 'EXTERNAL' })
  })

  it.each<[Kind, JsonValue]>([
    ['Boolean', false],
    ['String', 'uh-oh'],
    ['Number', 0.1],
    ['Object', { a: 1 }],
  ])('does not find a %s flag that is missing', async (kind, value) => {
    const { errorCode, reason, variant, ...details } = await ask(kind, 'missing-flag', value)
    expect({ errorCode, reason, variant }).toStrictEqual({
      ...{ errorCode: 'FLAG_NOT_FOUND', reason: 'ERROR', variant: undefined },
    })
    expect(details.value).toStrictEqual(value)
  })

  it.each<[string, Kind, JsonValue]>([
    ['boolean-flag', 'String', 'bye'],
    ['boolean-flag', 'Number', 1],
    ['string-flag', 'Boolean', false],
    ['string-flag', 'Number', 1],
    ['string-flag', 'Object', {}],
    ['wrong-flag', 'Number', 13],
  ])('does not give %s as a %s', async (key, kind, value) => {
    const details = await ask(kind, key, value)
    expect(details).toMatchObject({ errorCode: 'TYPE_MISMATCH', reason: 'ERROR', flagKey: key })
    expect(details.value).toStrictEqual(value)
  })

  it('resolves what is disabled, and says so', async () => {
    expect(await ask('Boolean', 'boolean-disabled-flag', false)).toMatchObject({
      value: false,
      reason: 'DISABLED',
    })
    expect(await ask('String', 'string-disabled-flag', 'bye')).toMatchObject({
      value: 'bye',
      reason: 'DISABLED',
    })
  })

  it('carries a flag’s metadata, which nobody can change, and none where there is none', async () => {
    const { flagMetadata } = await ask('Boolean', 'metadata-flag', true)
    expect(flagMetadata).toStrictEqual(METADATA)
    expect(Object.isFrozen(flagMetadata)).toBe(true)
    expect((await ask('String', 'string-flag', 'value')).flagMetadata).toStrictEqual({})
  })
})
