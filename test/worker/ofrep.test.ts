/** Evaluation over OFREP: every rule of what published clients send and require. */
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Flag, FlagDocument, ShortFlag } from '../../engine/index.ts'
import {
  Control,
  type Edge,
  type EdgeOptions,
  refuse,
  relengthed,
  site,
  startEdge,
  stubOrigins,
} from './edge.ts'
import { access, CLIENT_KEY, SERVER_KEY } from './keys.ts'
import { faultOfBulk, faultOfBulkFailure, faultOfFailure, faultOfSuccess } from './ofrep-shapes.ts'

const PATH = '/.turnout/ofrep/v1/evaluate/flags'

const inGermany = { attribute: 'geo.country', op: 'equals', value: 'DE' } as const

const flags: Record<string, Flag | ShortFlag> = {
  'plain-on': true,
  CONDUIT_USE_REPOSITORY_PATTERN: { enabled: false, fallthrough: 'on', client: true },
  text: {
    enabled: true,
    variants: { a: 'one', b: 'two' },
    off: 'a',
    fallthrough: 'b',
    metadata: { owner: 'shop', tier: 2, core: true },
  },
  count: { enabled: true, variants: { few: 3, many: 30 }, off: 'few', fallthrough: 'many' },
  ratio: {
    enabled: true,
    variants: { half: 0.5, one: 1, big: 1e21 },
    off: 'half',
    fallthrough: 'one',
    client: true,
  },
  theme: {
    enabled: true,
    variants: { dark: { color: '#000', sizes: [1, 2.5] }, light: {} },
    off: 'light',
    fallthrough: 'dark',
  },
  list: { enabled: true, variants: { some: ['a'], none: [] }, off: 'none', fallthrough: 'some' },
  half: { enabled: true, percentage: 50, allowlist: ['ada'], client: true },
  german: {
    enabled: true,
    rules: [{ id: 'de', when: inGermany, serve: 'on' }],
    fallthrough: 'off',
    client: true,
  },
  pro: {
    enabled: true,
    rules: [{ id: 'pro', when: { attribute: 'plan', op: 'equals', value: 'pro' }, serve: 'on' }],
    fallthrough: 'off',
    client: true,
  },
}
const document: FlagDocument = { flags }

const keyed = async () => startEdge(document, { access: await access() })
const open = (options: EdgeOptions = {}) =>
  startEdge(document, {
    access: { open: true, keys: [] },
    ...options,
    env: { LOCAL: 'true', ...options.env },
  })

interface Asked {
  key?: string
  body?: unknown
  headers?: Record<string, string>
  method?: string
  cf?: CfProperties
  query?: string
}

/** POSTs `body` (JSON unless it is a text) to one flag, or to all. */
async function ask(edge: Edge, flag: string | null, asked: Asked = {}) {
  const { key, body, headers = {}, method = 'POST', cf, query = '' } = asked
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  const response = await edge.fetch(`${PATH}${flag === null ? '' : `/${flag}`}${query}`, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
      ...headers,
    },
    ...(text !== undefined && { body: text as string }),
    ...(cf && { cf }),
  })
  const answer = await response.text()
  // biome-ignore lint/suspicious/noExplicitAny: a test looks wherever it likes
  const json = (): any => JSON.parse(answer)
  return { response, status: response.status, text: answer, json }
}

const context = (attributes: Record<string, unknown>) => ({ body: { context: attributes } })
const ada = context({ targetingKey: 'ada' })

describe('one flag', () => {
  it('is answered with key, value, variant, reason and metadata, of every type', async () => {
    const edge = await open()
    for (const [key, value, variant] of [
      ['plain-on', true, 'on'],
      ['CONDUIT_USE_REPOSITORY_PATTERN', false, 'off'],
      ['text', 'two', 'b'],
      ['count', 30, 'many'],
      ['theme', { color: '#000', sizes: [1, 2.5] }, 'dark'],
      ['list', ['a'], 'some'],
    ] as const) {
      const { status, json, response } = await ask(edge, key, ada)
      expect(status).toBe(200)
      expect(response.headers.get('content-type')).toMatch(/^application\/json/)
      expect(faultOfSuccess(json()), key).toBeNull()
      expect(json()).toMatchObject({ key, value, variant })
    }
  })

  it('carries its metadata and says why', async () => {
    const edge = await open()
    expect((await ask(edge, 'text', ada)).json()).toMatchObject({
      reason: 'STATIC',
      metadata: { owner: 'shop', tier: 2, core: true },
    })
    expect((await ask(edge, 'half', ada)).json()).toMatchObject({ value: true, reason: 'TARGETING_MATCH' })
    expect((await ask(edge, 'CONDUIT_USE_REPOSITORY_PATTERN', ada)).json().reason).toBe('DISABLED')
  })

  it('says when it was killed', async () => {
    const edge = await open({ kills: [{ target: 'flag:plain-on' }] })
    expect((await ask(edge, 'plain-on', ada)).json()).toMatchObject({
      value: false,
      variant: 'off',
      reason: 'DISABLED',
      metadata: { killed: true },
    })
  })

  it('that is a float is written as one', async () => {
    const edge = await open()
    expect((await ask(edge, 'ratio', ada)).text).toMatch(/"value":\s*1\.0\s*[,}]/)
    expect((await ask(edge, 'count', ada)).text).toMatch(/"value":\s*30\s*[,}]/)
    expect((await ask(edge, null, ada)).text).toMatch(/"value":\s*1\.0\s*[,}]/)
    const killed = await open({ kills: [{ target: 'flag:ratio', variant: 'big' }] })
    expect((await ask(killed, 'ratio', ada)).json().value).toBe(1e21)
  })

  it('has an unknown key: 404 with key, errorCode and errorDetails', async () => {
    const edge = await open()
    for (const key of ['missing', '__proto__', 'constructor', 'toString']) {
      const { status, json } = await ask(edge, key, ada)
      expect(status).toBe(404)
      expect(faultOfFailure(json())).toBeNull()
      expect(json()).toMatchObject({ key, errorCode: 'FLAG_NOT_FOUND' })
    }
  })

  it('has a key raw or percent-encoded', async () => {
    const edge = await open()
    expect((await ask(edge, 'plain%2Don', ada)).json()).toMatchObject({ key: 'plain-on', value: true })
    expect((await ask(edge, '%70lain-on', ada)).json()).toMatchObject({ key: 'plain-on', value: true })
    const odd = await ask(edge, 'a%2Fb%20%C3%BC', ada)
    expect(odd.status).toBe(404)
    expect(odd.json()).toMatchObject({ key: 'a/b ü', errorCode: 'FLAG_NOT_FOUND' })
    for (const key of ['ü', 'a/b', 'a/b/c'])
      expect((await ask(edge, key, ada)).json()).toMatchObject({ key, errorCode: 'FLAG_NOT_FOUND' })
  })

  it('has a malformed percent-encoding: 400, never 500', async () => {
    const edge = await open()
    for (const key of ['%E0%A4%A', '%', '%zz', '%FF']) {
      const { status, json } = await ask(edge, key, ada)
      expect(status, key).toBe(400)
      expect(faultOfFailure(json())).toBeNull()
    }
  })

  it('needs a targeting key and gets none: 400 TARGETING_KEY_MISSING', async () => {
    const edge = await open()
    for (const attributes of [{}, { targetingKey: '' }, { targetingKey: null }, { plan: 'pro' }]) {
      const { status, json } = await ask(edge, 'half', context(attributes))
      expect(status).toBe(400)
      expect(faultOfFailure(json())).toBeNull()
      expect(json()).toMatchObject({ key: 'half', errorCode: 'TARGETING_KEY_MISSING' })
    }
  })

  it('that does not need a targeting key is answered without one', async () => {
    const edge = await open()
    for (const body of ['', '{}', '{"context":null}', '{"context":{}}', undefined]) {
      const { status, json } = await ask(edge, 'text', { body })
      expect(status, body ?? 'no body').toBe(200)
      expect(json()).toMatchObject({ value: 'two' })
    }
  })
})

describe('all flags', () => {
  it('are answered together, and each as alone', async () => {
    const edge = await open()
    const { status, json, response } = await ask(edge, null, ada)
    expect(status).toBe(200)
    expect(response.headers.get('content-type')).toMatch(/^application\/json/)
    expect(faultOfBulk(json())).toBeNull()
    const keys = json().flags.map((flag: { key: string }) => flag.key)
    expect(keys.toSorted()).toEqual(Object.keys(flags).toSorted())
    for (const flag of json().flags) expect((await ask(edge, flag.key, ada)).json()).toEqual(flag)
  })

  it('without a targeting key: the flag that needs one carries the error, all others their value', async () => {
    const edge = await open()
    for (const body of ['', '{}', '{"context":null}', '{"context":{}}', undefined]) {
      const { status, json } = await ask(edge, null, { body })
      expect(status, body ?? 'no body').toBe(200)
      expect(faultOfBulk(json())).toBeNull()
      const failed = json().flags.filter((flag: object) => 'errorCode' in flag)
      expect(failed).toEqual([
        { key: 'half', errorCode: 'TARGETING_KEY_MISSING', errorDetails: expect.any(String) },
      ])
    }
  })

  it('of an empty document are an empty list', async () => {
    const edge = await startEdge({ flags: {} }, { access: { open: true, keys: [] }, env: { LOCAL: 'true' } })
    const { status, json } = await ask(edge, null, ada)
    expect(status).toBe(200)
    expect(json().flags).toEqual([])
  })

  it('are answered although one of them is damaged', async () => {
    const errors = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => errors.mockRestore())
    const control = new Control().publish(document, { access: { open: true, keys: [] } })
    control.body = relengthed(control.body.replace(/\ntext\t.*/, '\ntext\t{"brok'))
    const edge = await startEdge(null, { control, env: { LOCAL: 'true' } })
    const { status, json } = await ask(edge, null, ada)
    expect(status).toBe(200)
    expect(faultOfBulk(json())).toBeNull()
    expect(json().flags.find((flag: { key: string }) => flag.key === 'count').value).toBe(30)
    const single = await ask(edge, 'text', ada)
    expect(single.status).toBeGreaterThanOrEqual(400)
    expect(faultOfFailure(single.json())).toBeNull()
    expect(single.json().errorCode).toBe('GENERAL')
    expect(errors).toHaveBeenCalled()
  })

  it('take the query that a client adds after an event', async () => {
    const edge = await open()
    const query = '?flagConfigEtag=abc&flagConfigLastModified=1771622898'
    expect((await ask(edge, null, { ...ada, query })).status).toBe(200)
  })

  it('are as new as the event that a client heard from another isolate', async () => {
    const control = new Control().publish(document, { access: { open: true, keys: [] } })
    const edge = await startEdge(null, { control, env: { LOCAL: 'true' } })
    const versionOf = async (query = '') => (await ask(edge, null, { ...ada, query })).json().metadata.version
    expect(await versionOf()).toBe(1)
    control.publish(document, { access: { open: true, keys: [] } })
    expect(await versionOf()).toBe(1)
    expect(await versionOf(`?flagConfigEtag=${encodeURIComponent('"1-2-0"')}`)).toBe(2)
  })
})

describe('a body that cannot be used', () => {
  it('is a 400 with an errorCode, and the key where there is one', async () => {
    const edge = await open()
    for (const [body, code] of [
      ['{', 'PARSE_ERROR'],
      ['context=1', 'PARSE_ERROR'],
      ['{"context":{}} trailing', 'PARSE_ERROR'],
      ['{"context":5}', 'INVALID_CONTEXT'],
      ['{"context":"ada"}', 'INVALID_CONTEXT'],
      ['{"context":[]}', 'INVALID_CONTEXT'],
      ['"text"', /PARSE_ERROR|INVALID_CONTEXT/],
      ['[]', /PARSE_ERROR|INVALID_CONTEXT/],
      ['7', /PARSE_ERROR|INVALID_CONTEXT/],
    ] as const) {
      const single = await ask(edge, 'text', { body })
      expect(single.status, body).toBe(400)
      expect(faultOfFailure(single.json())).toBeNull()
      expect(single.json().key).toBe('text')
      expect(single.json().errorCode).toMatch(code)
      const bulk = await ask(edge, null, { body })
      expect(bulk.status, body).toBe(400)
      expect(faultOfBulkFailure(bulk.json())).toBeNull()
    }
  })

  it('is not confused by names of the prototype chain', async () => {
    const edge = await open()
    const body = '{"context":{"targetingKey":"ada","__proto__":{"plan":"pro"},"constructor":{"plan":"pro"}}}'
    expect((await ask(edge, 'pro', { body })).json()).toMatchObject({ value: false })
  })
})

describe('ETag', () => {
  it('is the same for the same result, and then 304 without a body', async () => {
    const edge = await open()
    const first = await ask(edge, null, ada)
    const etag = first.response.headers.get('etag')!
    expect(etag).toMatch(/^(W\/)?"[^"]+"$/)
    const again = await ask(edge, null, { ...ada, headers: { 'if-none-match': etag } })
    expect(again.status).toBe(304)
    expect(again.text).toBe('')
    expect(again.response.headers.get('etag')).toBe(etag)
  })

  it('is compared weakly, in lists too, and whatever cache-control says', async () => {
    const edge = await open()
    const strong = (await ask(edge, null, ada)).response.headers.get('etag')!.replace(/^W\//, '')
    for (const tag of [`W/${strong}`, strong, `"other", W/${strong}`, `"a,b",${strong}`]) {
      const { status } = await ask(edge, null, {
        ...ada,
        headers: { 'if-none-match': tag, 'cache-control': 'no-cache', pragma: 'no-cache' },
      })
      expect(status, tag).toBe(304)
    }
    const other = await ask(edge, null, { ...ada, headers: { 'if-none-match': '"other"' } })
    expect(other.status).toBe(200)
  })

  it('changes when the result does, with the same targeting key and the same version', async () => {
    const edge = await open()
    const free = context({ targetingKey: 'ada', plan: 'free' })
    const etag = (await ask(edge, null, free)).response.headers.get('etag')!
    const headers = { 'if-none-match': etag }
    const pro = await ask(edge, null, { ...context({ targetingKey: 'ada', plan: 'pro' }), headers })
    expect(pro.status).toBe(200)
    expect(pro.response.headers.get('etag')).not.toBe(etag)
    const same = await ask(edge, null, { ...context({ targetingKey: 'ada', plan: 'free', age: 7 }), headers })
    expect(same.status).toBe(304)
  })

  it('differs between what a client key and what a server key sees', async () => {
    const edge = await keyed()
    const client = await ask(edge, null, { ...ada, key: CLIENT_KEY })
    const headers = { 'if-none-match': client.response.headers.get('etag')! }
    expect((await ask(edge, null, { ...ada, key: SERVER_KEY, headers })).status).toBe(200)
  })

  it('stays when a new version decides the same, and changes with a kill', async () => {
    const control = new Control()
    const edge = await open({ control })
    const etag = (await ask(edge, null, ada)).response.headers.get('etag')!
    const headers = { 'if-none-match': etag }
    control.publish({ ...document, routes: site().routes!, flags: { ...flags, ...site().flags } })
    control.publish(document, { access: { open: true, keys: [] } })
    const newer = await startEdge(null, { control, env: { LOCAL: 'true' } })
    expect((await ask(newer, null, { ...ada, headers })).status).toBe(304)
    control.kill({ target: 'flag:plain-on' })
    const killed = await startEdge(null, { control, env: { LOCAL: 'true' } })
    expect((await ask(killed, null, { ...ada, headers })).status).toBe(200)
  })
})

describe('keys', () => {
  it('are taken from Authorization: Bearer and from X-API-Key', async () => {
    const edge = await keyed()
    const accepted: Record<string, string>[] = [
      { authorization: `Bearer ${SERVER_KEY}` },
      { authorization: `bearer ${SERVER_KEY}` },
      { 'x-api-key': SERVER_KEY },
      { 'X-API-Key': CLIENT_KEY },
    ]
    for (const headers of accepted) expect((await ask(edge, null, { ...ada, headers })).status).toBe(200)
  })

  it('that are missing, wrong or in the URL get a 401 with a JSON body', async () => {
    const edge = await keyed()
    const refused: Record<string, string>[] = [
      {},
      { authorization: 'Bearer ' },
      { authorization: 'Bearer wrong' },
      { authorization: SERVER_KEY },
      { authorization: `Basic ${btoa(`x:${SERVER_KEY}`)}` },
      { 'x-api-key': '' },
      { 'x-api-key': `${SERVER_KEY}x` },
    ]
    for (const headers of refused) {
      const single = await ask(edge, 'text', { ...ada, headers })
      expect(single.status).toBe(401)
      expect(single.response.headers.get('content-type')).toMatch(/^application\/json/)
      expect(faultOfFailure(single.json())).toBeNull()
      const bulk = await ask(edge, null, { ...ada, headers })
      expect(bulk.status).toBe(401)
      expect(faultOfBulkFailure(bulk.json())).toBeNull()
    }
    expect((await ask(edge, null, { ...ada, query: `?key=${SERVER_KEY}` })).status).toBe(401)
    expect((await ask(edge, null, { ...ada, query: `?key=${CLIENT_KEY}` })).status).toBe(401)
  })

  it('are not needed where the environment is open, in a local run only', async () => {
    expect((await ask(await open(), null, ada)).status).toBe(200)
    const deployed = await open({ env: { LOCAL: undefined } })
    expect((await ask(deployed, null, ada)).status).toBe(401)
  })

  it('count for what they are in an open environment too, and one that is unknown is as good as none', async () => {
    const edge = await open({ access: { ...(await access()), open: true } })
    const keysSeen = async (key?: string) => {
      const { json } = await ask(edge, null, { ...ada, ...(key !== undefined && { key }) })
      return json().flags.map((flag: { key: string }) => flag.key)
    }
    expect(await keysSeen('guessed')).toEqual(await keysSeen())
    expect(await keysSeen()).toContain('text')
    expect(await keysSeen(CLIENT_KEY)).not.toContain('text')
  })

  it('of a client see only flags for clients', async () => {
    const edge = await keyed()
    const { json, text } = await ask(edge, null, { ...ada, key: CLIENT_KEY })
    expect(faultOfBulk(json())).toBeNull()
    expect(
      json()
        .flags.map((flag: { key: string }) => flag.key)
        .toSorted(),
    ).toEqual(['CONDUIT_USE_REPOSITORY_PATTERN', 'german', 'half', 'pro', 'ratio'])
    expect(text).not.toMatch(/rules|geo\.country/)
    const hidden = await ask(edge, 'text', { ...ada, key: CLIENT_KEY })
    expect(hidden.status).toBe(404)
    expect(hidden.json()).toMatchObject({ key: 'text', errorCode: 'FLAG_NOT_FOUND' })
    const unknown = await ask(edge, 'missing', { ...ada, key: CLIENT_KEY })
    expect(hidden.text.replaceAll('text', 'missing')).toBe(unknown.text)
  })

  it('of a server see every flag', async () => {
    const edge = await keyed()
    const { json } = await ask(edge, null, { ...ada, key: SERVER_KEY })
    expect(json().flags).toHaveLength(Object.keys(flags).length)
  })
})

describe('the place of the request', () => {
  const de = { country: 'DE', continent: 'EU' } as unknown as CfProperties
  const german = async (edge: Edge, key: string | undefined, attributes: object, cf?: CfProperties) =>
    (
      await ask(edge, 'german', {
        ...context({ targetingKey: 'ada', ...attributes }),
        ...(key !== undefined && { key }),
        ...(cf && { cf }),
      })
    ).json().value

  it('is the edge’s word for a client key, whatever the caller says', async () => {
    const edge = await keyed()
    expect(await german(edge, CLIENT_KEY, {}, de)).toBe(true)
    expect(await german(edge, CLIENT_KEY, { 'geo.country': 'FR', geo: { country: 'FR' } }, de)).toBe(true)
    expect(await german(edge, CLIENT_KEY, { 'geo.country': 'DE' })).toBe(false)
    expect(await german(edge, CLIENT_KEY, { geo: { country: 'DE' } })).toBe(false)
    expect(await german(edge, CLIENT_KEY, { geo: 'DE' })).toBe(false)
  })

  it('is the caller’s word for a server key and in an open environment, and never filled', async () => {
    for (const [edge, key] of [
      [await keyed(), SERVER_KEY],
      [await open(), undefined],
    ] as const) {
      expect(await german(edge, key, {}, de)).toBe(false)
      expect(await german(edge, key, { geo: { country: 'DE' } })).toBe(true)
      expect(await german(edge, key, { 'geo.country': 'DE' })).toBe(true)
    }
  })

  it('comes with the network, and request.* is nobody’s to say with a client key', async () => {
    const rule = (attribute: string): Flag => ({
      enabled: true,
      client: true,
      rules: [{ id: 'r', when: { attribute, op: 'exists', value: true }, serve: 'on' }],
      fallthrough: 'off',
    })
    const edge = await startEdge(
      {
        flags: {
          ip: rule('network.ip'),
          asn: rule('network.asn'),
          path: rule('request.path'),
          header: rule('request.header.x'),
          whole: rule('request'),
        },
      },
      { access: await access() },
    )
    const { json } = await ask(edge, null, {
      ...context({
        targetingKey: 'ada',
        network: { asn: 1 },
        'request.path': '/x',
        request: { path: '/x', header: { x: 'y' } },
        'request.header.x': 'y',
      }),
      key: CLIENT_KEY,
      headers: { 'cf-connecting-ip': '203.0.113.7', x: 'y' },
    })
    const values = Object.fromEntries(
      json().flags.map(({ key, value }: { key: string; value: unknown }) => [key, value]),
    )
    expect(values).toEqual({ ip: true, asn: false, path: false, header: false, whole: false })
  })
})

describe('browsers', () => {
  const origin = 'https://shop.example.com'
  const allows = (headers: Headers) =>
    [origin, '*'].includes(headers.get('access-control-allow-origin') ?? '')

  it('may ask from any page: preflight without a key', async () => {
    const edge = await keyed()
    for (const flag of [null, 'text']) {
      const { response, status } = await ask(edge, flag, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'content-type,authorization,if-none-match',
        },
      })
      expect([200, 204]).toContain(status)
      expect(allows(response.headers)).toBe(true)
      expect(response.headers.get('access-control-allow-methods')).toMatch(/\bPOST\b/)
      const allowed = response.headers
        .get('access-control-allow-headers')!
        .toLowerCase()
        .split(/\s*,\s*/)
      expect(allowed).toEqual(
        expect.arrayContaining([
          'content-type',
          'authorization',
          'x-api-key',
          'if-none-match',
          'traceparent',
        ]),
      )
    }
  })

  it('may read ETag and Retry-After of every answer', async () => {
    const edge = await keyed()
    const first = await ask(edge, null, { ...ada, key: CLIENT_KEY, headers: { origin } })
    const headers = { origin, 'if-none-match': first.response.headers.get('etag')! }
    const answers = [
      first,
      await ask(edge, null, { ...ada, key: CLIENT_KEY, headers }),
      await ask(edge, null, { ...ada, headers: { origin } }),
      await ask(edge, 'missing', { ...ada, key: CLIENT_KEY, headers: { origin } }),
      await ask(edge, 'half', { key: CLIENT_KEY, headers: { origin } }),
      await ask(edge, 'half', { key: CLIENT_KEY, headers: { origin }, body: '{' }),
      await ask(edge, null, { key: CLIENT_KEY, headers: { origin }, method: 'GET' }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 304, 401, 404, 400, 400, 405])
    for (const { response, status } of answers) {
      expect(allows(response.headers), String(status)).toBe(true)
      expect(response.headers.get('access-control-expose-headers')?.toLowerCase()).toContain('etag')
      expect(response.headers.get('access-control-expose-headers')?.toLowerCase()).toContain('retry-after')
    }
  })
})

describe('a body that is no JSON', () => {
  it.each([
    ['{"context":', 'line 1, column 12: expected a value, got the end of the text'],
    ['{\n  "context": {\n    "plan": pro\n  }\n}', 'line 3, column 13: expected a value, got "p"'],
    ['x', 'line 1, column 1: expected a value, got "x"'],
  ])('%j is a 400 that says where', async (body, where) => {
    const edge = await open()
    for (const flag of [null, 'text']) {
      const { status, json } = await ask(edge, flag, { body })
      expect(status).toBe(400)
      expect(json()).toMatchObject({
        errorCode: 'PARSE_ERROR',
        errorDetails: `the body must be JSON: ${where}`,
      })
    }
  })
})

describe('other requests', () => {
  it('by another method are a 405 that says which one is allowed, as JSON', async () => {
    const edge = await open()
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH'])
      for (const flag of [null, 'text']) {
        const { response, status, json } = await ask(edge, flag, { method })
        expect(status).toBe(405)
        expect(response.headers.get('allow')).toMatch(/\bPOST\b/)
        const faultOf = flag === null ? faultOfBulkFailure : faultOfFailure
        expect(faultOf(json()), `${method} ${flag}`).toBeNull()
      }
  })

  it('by another method name the flag as it was asked for, decoded where that can be', async () => {
    const edge = await open()
    for (const [path, key] of [
      ['text', 'text'],
      ['a%20b', 'a b'],
      ['%E0%A4%A', '%E0%A4%A'],
    ] as const)
      expect((await ask(edge, path, { method: 'GET' })).json()).toMatchObject({ key, errorCode: 'GENERAL' })
    expect((await ask(edge, null, { method: 'GET' })).json()).not.toHaveProperty('key')
  })

  it('before there is a snapshot are a 503 with Retry-After in whole seconds', async () => {
    const control = new Control()
    control.beforeRead = refuse
    const edge = await startEdge(null, { control, env: { LOCAL: 'true' } })
    for (const flag of [null, 'text']) {
      const { status, json, response } = await ask(edge, flag, ada)
      expect(status).toBe(503)
      expect(faultOfBulkFailure(json())).toBeNull()
      expect(response.headers.get('retry-after')).toMatch(/^\d+$/)
    }
  })

  it('never reach an origin', async () => {
    const sent = stubOrigins()
    const edge = await startEdge({ ...site(), flags: { ...site().flags, ...flags } })
    await ask(edge, 'text', ada)
    await ask(edge, null, ada)
    await ask(edge, 'a/b', ada)
    expect(sent).toEqual([])
  })
})
