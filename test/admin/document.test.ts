import { describe, expect, it } from 'vitest'
import { ANY, call, environment, held, NEW, problem, value } from './client.ts'

const put = (api: string, body: unknown, headers: Record<string, string>) =>
  call(`${api}/document`, { method: 'PUT', body, headers })

const ROUTE = {
  id: 'web',
  match: { path: '/*' },
  flag: 'web-canary',
  origins: { off: { url: 'https://stable.example.com' }, on: { url: 'https://canary.example.com' } },
  fallback: 'off',
}

describe('the document', () => {
  it('begins empty, as version 1', async () => {
    const { api } = await environment()
    const response = await call(`${api}/document`)
    expect(response.headers.get('etag')).toBe('"v1"')
    expect(await value(response)).toEqual({ flags: {} })
  })

  it('comes back as it was written, short forms and order of routes included', async () => {
    const { api } = await environment()
    const document = {
      flags: {
        a: 'true',
        b: false,
        c: { enabled: true, percentage: 10, allowlist: ['user1'] },
        'web-canary': true,
      },
      segments: { testers: { include: ['user1'] } },
      routes: [
        { ...ROUTE, id: 'z-first', match: { path: '/z/*' } },
        { ...ROUTE, id: 'a-second' },
      ],
    }
    const published = await put(api, document, held(1))
    expect(published.headers.get('etag')).toBe('"v2"')
    expect(await value(published)).toEqual({ version: 2, warnings: [] })
    const read = await call(`${api}/document`)
    expect(read.headers.get('etag')).toBe('"v2"')
    expect(await value(read)).toEqual(document)
  })

  it('is read from a bare map of flags, and given in canonical form on request', async () => {
    const { api } = await environment({ 'new-feature': { enabled: true, percentage: 50 } })
    expect(await value(await call(`${api}/document`))).toEqual({
      flags: { 'new-feature': { enabled: true, percentage: 50 } },
    })
    const full = await value(await call(`${api}/document?form=full`))
    expect(full.flags['new-feature']).toMatchObject({
      variants: { on: true, off: false },
      rules: [{ id: 'percentage', percentage: 50, serve: 'on' }],
      fallthrough: 'off',
    })
  })

  it('is no new version when it says what it said before', async () => {
    const { api } = await environment({ flags: { a: true, b: { enabled: true } } })
    expect(await value(await put(api, { flags: { b: { enabled: true }, a: true } }, held(2)))).toEqual({
      version: 2,
      warnings: [],
    })
  })

  it('keeps a route order that alone was changed', async () => {
    const first = { ...ROUTE, id: 'first', match: { path: '/1/*' } }
    const second = { ...ROUTE, id: 'second', match: { path: '/2/*' } }
    const flags = { 'web-canary': true }
    const { api } = await environment({ flags, routes: [first, second] })
    await value(await put(api, { flags, routes: [second, first] }, ANY))
    expect((await value(await call(`${api}/document`))).routes.map(({ id }: { id: string }) => id)).toEqual([
      'second',
      'first',
    ])
  })

  it('is refused with every error at once when it is invalid, and nothing changes', async () => {
    const { api } = await environment({ flags: { a: true } })
    const broken = {
      flags: {
        a: { enabled: true, percentag: 5 },
        'b c': true,
        d: { enabled: true, rules: [{ id: 'r', serve: 'nowhere' }], fallthrough: 'on' },
      },
    }
    const { errors, detail } = await problem(await put(api, broken, held(2)), 422)
    expect(errors.map(({ path }) => path)).toEqual([
      '$.flags.a.percentag',
      "$.flags['b c']",
      '$.flags.d.rules[0].serve',
    ])
    expect(errors.every(({ message }) => message.length > 0)).toBe(true)
    expect(detail).toContain('3 errors')
    const read = await call(`${api}/document`)
    expect(read.headers.get('etag')).toBe('"v2"')
    expect(await value(read)).toEqual({ flags: { a: true } })
  })

  it('takes no key that could reach a prototype', async () => {
    const { api } = await environment({ flags: { a: { enabled: true } } })
    const keys = ['__proto__', 'constructor']
    expect(
      (await problem(await put(api, '{"flags":{"__proto__":{"enabled":true}}}', ANY), 422)).errors,
    ).toEqual([{ path: '$.flags.__proto__', message: expect.stringContaining('must be a name') }])
    const patch = (path: string, body: string) =>
      call(`${api}/${path}`, { method: 'PATCH', body, headers: ANY })
    expect(
      (await problem(await patch('flags', '{"__proto__":{"polluted":true}}'), 422)).errors[0]?.path,
    ).toBe('$.flags.__proto__')
    expect(
      (await problem(await patch('flags/a', '{"__proto__":{"polluted":true}}'), 422)).errors[0]?.path,
    ).toBe('$.flags.a.__proto__')
    for (const key of keys) await problem(await patch(`flags/${key}`, '{"enabled":true}'), 404)
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    expect(await value(await call(`${api}/document`))).toEqual({ flags: { a: { enabled: true } } })
  })

  it('needs If-Match, of the version that is current', async () => {
    const { api } = await environment({ flags: { a: true } })
    const body = { flags: { a: false } }
    expect((await problem(await put(api, body, {}), 428)).detail).toContain('If-Match')
    const stale = await put(api, body, held(1))
    expect(stale.headers.get('etag')).toBe('"v2"')
    expect((await problem(stale, 412)).detail).toContain('"v2"')
    await problem(await put(api, body, { 'if-match': 'W/"v2"' }), 412)
    await problem(await put(api, body, NEW), 412)
    expect((await put(api, body, { 'if-match': '"v1", "v2"' })).status).toBe(200)
    expect((await put(api, { flags: {} }, ANY)).status).toBe(200)
  })

  it('is answered 304 to who holds it', async () => {
    const { api } = await environment()
    const response = await call(`${api}/document`, { headers: { 'if-none-match': '"v1"' } })
    expect(response.status).toBe(304)
    expect(response.headers.get('etag')).toBe('"v1"')
  })

  it('may not send traffic to the environment’s own edge', async () => {
    const { api } = await environment()
    const settings = { edgeHosts: ['stable.example.com'] }
    await value(await call(api, { method: 'PUT', body: settings, headers: ANY }))
    const { errors } = await problem(
      await put(api, { flags: { 'web-canary': true }, routes: [ROUTE] }, ANY),
      422,
    )
    expect(errors[0]?.path).toBe('$.routes[0].origins.off.url')
  })
})

describe('a document with very many errors', () => {
  const document = { flags: { f: { enabled: true, allowlist: Array.from({ length: 18_000 }, () => 0) } } }
  const more = { path: '$', message: '17000 more errors are not listed' }

  it('is refused with the first thousand, and how many more there are', async () => {
    const { api } = await environment()
    const { detail, errors } = await problem(await put(api, document, ANY), 422)
    expect(detail).toBe('The document has more than 1000 errors; nothing was changed.')
    expect(errors).toHaveLength(1_001)
    expect(errors.at(-1)).toStrictEqual(more)
  })

  it('is validated alike', async () => {
    const { api } = await environment()
    const { valid, errors } = await value<{ valid: boolean; errors: unknown[] }>(
      await call(`${api}/validate`, { body: document }),
    )
    expect(valid).toBe(false)
    expect(errors).toHaveLength(1_001)
    expect(errors.at(-1)).toStrictEqual(more)
  })
})

describe('validate', () => {
  it('says what is wrong without saving anything', async () => {
    const { api } = await environment()
    const check = async (body: unknown) => value(await call(`${api}/validate`, { body }))
    expect(await check({ flags: { a: true } })).toEqual({ valid: true, errors: [], warnings: [] })
    const bad = await check({ flags: { a: { enabled: 'yes' } } })
    expect(bad.valid).toBe(false)
    expect(bad.errors[0].path).toBe('$.flags.a.enabled')
    const rules = [
      { id: 'all', serve: 'on' },
      { id: 'never', serve: 'off' },
    ]
    const odd = await check({ flags: { a: { enabled: true, rules, fallthrough: 'off' } } })
    expect(odd).toMatchObject({ valid: true, warnings: [{ path: '$.flags.a.rules[1]' }] })
    expect((await call(`${api}/document`)).headers.get('etag')).toBe('"v1"')
  })
})

describe('evaluate', () => {
  it('decides as the edge does and shows the steps', async () => {
    const { api } = await environment({
      flags: { beta: { enabled: true, percentage: 0, allowlist: ['user1'] } },
    })
    const evaluate = async (flag: string, context: unknown) =>
      value(await call(`${api}/evaluate`, { body: { flag, context } }))
    const listed = await evaluate('beta', { targetingKey: 'user1' })
    expect(listed.decision).toMatchObject({
      variant: 'on',
      value: true,
      reason: 'TARGETING_MATCH',
      version: 2,
    })
    expect(listed.steps.at(-1)).toMatchObject({ step: 'rule', decided: true, rule: 'allowlist' })
    expect((await evaluate('beta', { targetingKey: 'user2' })).decision.value).toBe(false)
    expect((await evaluate('none', {})).decision.errorCode).toBe('FLAG_NOT_FOUND')
  })

  it('sees a kill', async () => {
    const { api } = await environment({ flags: { beta: true } })
    await value(await call(`${api}/kills/flag:beta`, { method: 'PUT', body: { reason: 'broken' } }))
    const { decision } = await value(await call(`${api}/evaluate`, { body: { flag: 'beta' } }))
    expect(decision).toMatchObject({
      value: false,
      reason: 'DISABLED',
      killVersion: 1,
      metadata: { killed: true },
    })
  })

  it('decides a route’s flag as a request on it is decided, its kills included', async () => {
    const origins = { on: { url: 'https://on.example.com' }, off: { url: 'https://off.example.com' } }
    const { api } = await environment({
      flags: { web: true },
      routes: [{ id: 'shop', match: {}, flag: 'web', origins, fallback: 'off' }],
    })
    const evaluate = (body: object) => call(`${api}/evaluate`, { body })
    expect((await value(await evaluate({ route: 'shop' }))).decision).toMatchObject({
      flag: 'web',
      variant: 'on',
    })
    await value(await call(`${api}/kills/route:shop`, { method: 'PUT', body: { reason: 'broken' } }))
    const { decision, steps } = await value(await evaluate({ route: 'shop' }))
    expect(decision).toMatchObject({ variant: 'off', reason: 'DISABLED', metadata: { killed: true } })
    expect(steps).toMatchObject([{ step: 'kill', decided: true }])
    expect((await value(await evaluate({ flag: 'web' }))).decision.variant).toBe('on')
    expect((await problem(await evaluate({ route: 'shopp' }), 404)).detail).toContain('"shop"')
    for (const [body, path] of [
      [{}, '$.flag'],
      [{ flag: 'web', route: 'shop' }, '$.route'],
    ] as const)
      expect((await problem(await evaluate(body), 422)).errors.map((error) => error.path)).toEqual([path])
  })
})
