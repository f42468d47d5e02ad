import { runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { ANY, call, environment, held, NEW, problem, value } from './client.ts'

const send = (method: string, path: string, body: unknown, headers: Record<string, string> = ANY) =>
  call(path, { method, body, headers })

describe('one flag', () => {
  it('is created, replaced, read and deleted, with the version of its last change as ETag', async () => {
    const { api } = await environment({ flags: { other: true } })
    const beta = `${api}/flags/beta`
    const created = await send('PUT', beta, true, NEW)
    expect(created.headers.get('location')).toBe(beta)
    expect(created.status).toBe(201)
    expect(created.headers.get('etag')).toBe('"v3"')
    expect(await value(created)).toBe(true)
    const replaced = await send('PUT', beta, { enabled: true, percentage: 5 }, held(3))
    expect(replaced.status).toBe(200)
    expect(replaced.headers.get('etag')).toBe('"v4"')
    await value(await send('PUT', `${api}/flags/other`, false))
    const read = await call(beta)
    expect(read.headers.get('etag')).toBe('"v4"')
    expect(await value(read)).toEqual({ enabled: true, percentage: 5 })
    expect((await call(beta, { headers: { 'if-none-match': '"v4"' } })).status).toBe(304)
    const removed = await call(beta, { method: 'DELETE', headers: held(4) })
    expect(removed.status).toBe(204)
    expect(removed.headers.get('x-turnout-version')).toBe('6')
    await problem(await call(beta), 404)
  })

  it('is not overwritten by who read an older one', async () => {
    const { api } = await environment({ flags: { beta: true } })
    const beta = `${api}/flags/beta`
    await value(await send('PUT', beta, false, held(2)))
    const stale = await send('PUT', beta, true, held(2))
    expect(stale.headers.get('etag')).toBe('"v3"')
    await problem(stale, 412)
    await problem(await send('PATCH', beta, { enabled: true }, held(2)), 412)
    await problem(await call(beta, { method: 'DELETE', headers: held(2) }), 412)
    await problem(await send('PUT', beta, true, NEW), 412)
    for (const method of ['PUT', 'PATCH']) await problem(await send(method, beta, true, {}), 428)
    await problem(await call(beta, { method: 'DELETE' }), 428)
    expect(await value(await call(beta))).toBe(false)
  })

  it('is held to both preconditions if both are sent', async () => {
    const { api } = await environment({ flags: { beta: false } })
    const beta = `${api}/flags/beta`
    const both = (match: string, noneMatch: string) => ({ 'if-match': match, 'if-none-match': noneMatch })
    for (const headers of [both('*', '*'), both('"v2"', '*'), both('*', '"v1", W/"v2"')]) {
      const exists = await problem(await send('PUT', beta, true, headers), 412)
      expect(exists.errors).toEqual([
        { path: 'if-none-match', message: 'does not hold: there is a flag "beta", at "v2"' },
      ])
    }
    for (const headers of [both('"v1"', '*'), both('"v1"', '"v7"')])
      expect((await problem(await send('PUT', beta, true, headers), 412)).errors[0]?.path).toBe('if-match')
    await problem(await send('PUT', `${api}/flags/new`, true, both('*', '*')), 412)
    expect(await value(await call(beta))).toBe(false)
    await value(await send('PUT', beta, true, both('"v2"', '"v1", "other"')))
    await problem(await send('PUT', beta, true, { 'if-none-match': '"v1"' }), 428)
  })

  it('that does not exist is 404 with the nearest known key, and is created only by If-None-Match', async () => {
    const { api } = await environment({ flags: { CONDUIT_USE_REPOSITORY_PATTERN: true } })
    const typo = `${api}/flags/CONDUIT_USE_REPOSITRY_PATTERN`
    expect((await problem(await call(typo), 404)).detail).toContain('"CONDUIT_USE_REPOSITORY_PATTERN"')
    await problem(await send('PATCH', typo, { enabled: true }, held(2)), 404)
    await problem(await call(typo, { method: 'DELETE', headers: ANY }), 404)
    expect((await problem(await send('PUT', typo, true), 412)).detail).toContain('If-None-Match')
  })

  it('has a canonical form', async () => {
    const { api } = await environment({ flags: { beta: 'true' } })
    expect(await value(await call(`${api}/flags/beta?form=full`))).toMatchObject({
      enabled: true,
      fallthrough: 'on',
    })
    expect((await problem(await call(`${api}/flags/beta?form=long`), 422)).errors[0]?.path).toBe('query.form')
  })

  it('cannot be deleted while a route needs it', async () => {
    const route = {
      id: 'web',
      match: { path: '/*' },
      flag: 'beta',
      origins: { off: { url: 'https://a.example.com' }, on: { url: 'https://b.example.com' } },
      fallback: 'off',
    }
    const { api } = await environment({ flags: { beta: true }, routes: [route] })
    const refused = await problem(await call(`${api}/flags/beta`, { method: 'DELETE', headers: ANY }), 422)
    expect(refused.errors[0]?.path).toBe('$.routes[0].flag')
  })

  it('must be valid, with the path in the document', async () => {
    const { api } = await environment({ flags: { beta: true } })
    const { errors } = await problem(
      await send('PUT', `${api}/flags/beta`, { enabled: true, percentage: 101 }),
      422,
    )
    expect(errors.map(({ path }) => path)).toEqual(['$.flags.beta.percentage'])
    await problem(await send('PUT', `${api}/flags/bad%20key`, true, NEW), 422)
  })
})

describe('a merge patch', () => {
  it('changes fields, and null removes one', async () => {
    const { api } = await environment({
      flags: {
        beta: { enabled: true, percentage: 10, allowlist: ['user1'], metadata: { team: 'web', area: 1 } },
      },
    })
    const patch = { percentage: 20, allowlist: null, metadata: { area: null, tier: 2 } }
    const patched = await call(`${api}/flags/beta`, {
      method: 'PATCH',
      body: patch,
      headers: { ...held(2), 'content-type': 'application/merge-patch+json' },
    })
    expect(await value(patched)).toEqual({
      enabled: true,
      percentage: 20,
      metadata: { team: 'web', tier: 2 },
    })
  })

  it.each([
    [true, { percentage: 5 }, { enabled: true, percentage: 5 }],
    ['false', { percentage: 5 }, { enabled: false, percentage: 5 }],
    [false, true, true],
  ])('turns %j with %j into %j', async (flag, patch, expected) => {
    const { api } = await environment({ flags: { beta: flag } })
    expect(await value(await send('PATCH', `${api}/flags/beta`, patch))).toEqual(expected)
  })

  it('of many flags makes one version, adding, changing and removing', async () => {
    const { api } = await environment({ flags: { a: true, b: { enabled: false }, c: true, d: true } })
    const patch = { a: false, b: { enabled: true }, c: null, e: { enabled: true } }
    const patched = await send('PATCH', `${api}/flags`, patch, held(2))
    expect(patched.headers.get('etag')).toBe('"v3"')
    expect(await value(patched)).toEqual({
      version: 3,
      warnings: [],
      items: [
        { key: 'a', version: 3, flag: false },
        { key: 'b', version: 3, flag: { enabled: true } },
        { key: 'e', version: 3, flag: { enabled: true } },
      ],
    })
    expect(await value(await call(`${api}/document`))).toEqual({
      flags: { a: false, b: { enabled: true }, d: true, e: { enabled: true } },
    })
  })

  it('of many flags changes none if one is invalid', async () => {
    const { api } = await environment({ flags: { a: true, b: true } })
    const { errors } = await problem(
      await send('PATCH', `${api}/flags`, { a: false, b: { percentage: -1 } }),
      422,
    )
    expect(errors.map(({ path }) => path)).toEqual(['$.flags.b.percentage'])
    expect(await value(await call(`${api}/document`))).toEqual({ flags: { a: true, b: true } })
    await problem(await send('PATCH', `${api}/flags`, { a: false }, held(1)), 412)
    await problem(await send('PATCH', `${api}/flags`, { a: false }, {}), 428)
    expect((await problem(await send('PATCH', `${api}/flags`, [1]), 422)).errors[0]?.path).toBe('$')
  })
})

describe('a list', () => {
  it('goes page by page in the order of keys', async () => {
    const keys = ['a', 'b', 'c', 'd', 'e']
    const { api } = await environment({ flags: Object.fromEntries(keys.map((key) => [key, true])) })
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const page: { items: { key: string }[]; nextCursor: string | null } = await value(
        await call(`${api}/flags?limit=2${cursor ? `&cursor=${cursor}` : ''}`),
      )
      expect(page.items.length).toBeLessThanOrEqual(2)
      seen.push(...page.items.map(({ key }) => key))
      cursor = page.nextCursor
    } while (cursor)
    expect(seen).toEqual(keys)
    expect((await value(await call(`${api}/flags?limit=1`))).items).toEqual([
      { key: 'a', version: 2, flag: true },
    ])
    expect((await call(`${api}/flags`)).headers.get('etag')).toBe('"v2"')
  })

  it('of flags is held to what the query says, over all pages', async () => {
    const flags = Object.fromEntries(
      Array.from({ length: 1_200 }, (_, n) => [
        `flag-${String(n).padStart(4, '0')}`,
        { enabled: n % 2 === 0, owner: n % 400 === 0 ? 'web' : 'api' },
      ]),
    )
    const { api } = await environment({
      flags: { ...flags, zed: { enabled: true, owner: 'web', tags: ['t'] } },
    })
    const list = async (query: string) => value(await call(`${api}/flags?${query}`))
    const keysIn = (page: { items: { key: string }[] }) => page.items.map(({ key }) => key)
    const first = await list('owner=web&limit=2')
    expect(keysIn(first)).toEqual(['flag-0000', 'flag-0400'])
    const second = await list(`owner=web&limit=2&cursor=${first.nextCursor}`)
    expect(keysIn(second)).toEqual(['flag-0800', 'zed'])
    expect(second.nextCursor).toBeNull()
    expect(keysIn(await list('tag=t&enabled=true&q=ZE&stale=false'))).toEqual(['zed'])
    expect(await list('tag=t&enabled=false')).toEqual({ items: [], nextCursor: null })
  })

  it('of flags tells which are stale and why, also where the version of their change is long gone', async () => {
    const { api, stub } = await environment({
      flags: { old: true, fresh: true, rolling: { enabled: true, percentage: 5 } },
    })
    const days = (n: number) => Date.now() - n * 86_400_000
    await runInDurableObject(stub, (_, { storage }) => {
      storage.sql.exec("UPDATE entities SET changed_at = ? WHERE key IN ('old', 'rolling')", days(31))
      storage.sql.exec('DELETE FROM versions WHERE n = 2')
    })
    const { items } = await value(await call(`${api}/flags?stale=true`))
    expect(items).toEqual([
      {
        key: 'old',
        version: 2,
        flag: true,
        stale: {
          reason: 'one-variant',
          since: expect.stringMatching(/^20.*Z$/),
          detail: expect.stringContaining('gives everybody on, unchanged since'),
        },
      },
    ])
    expect((await value(await call(`${api}/flags?stale=false`))).items).toHaveLength(2)
    expect((await value(await call(`${api}/flags`))).items[1]).toEqual({ key: 'old', version: 2, flag: true })
  })

  it.each([
    'limit=0',
    'limit=1001',
    'limit=x',
    'cursor=%25',
    'cursor=bm9wZQ',
    'colour=red',
    'enabled=yes',
    'stale=1',
    'kind=none',
    'tag=',
  ])('refuses ?%s by name', async (query) => {
    const { api } = await environment()
    const { errors } = await problem(await call(`${api}/flags?${query}`), 422)
    expect(errors[0]?.path).toBe(`query.${query.split('=')[0]}`)
  })
})

describe('segments and routes', () => {
  it('take the same verbs as flags', async () => {
    const { api } = await environment({ flags: { beta: true } })
    const testers = `${api}/segments/testers`
    expect((await send('PUT', testers, { include: ['user1'] }, NEW)).status).toBe(201)
    expect(await value(await send('PATCH', testers, { exclude: ['user2'] }))).toEqual({
      include: ['user1'],
      exclude: ['user2'],
    })
    expect((await value(await call(`${api}/segments`))).items).toEqual([
      { key: 'testers', version: 4, segment: { include: ['user1'], exclude: ['user2'] } },
    ])
    expect((await call(testers, { method: 'DELETE', headers: held(4) })).status).toBe(204)
  })

  it('append a new route, whose id is its key', async () => {
    const { api } = await environment({ flags: { beta: true } })
    const route = {
      match: { path: '/*' },
      flag: 'beta',
      origins: { off: { url: 'https://a.example.com' }, on: { url: 'https://b.example.com' } },
      fallback: 'off',
    }
    for (const id of ['z', 'a']) {
      const created = await send('PUT', `${api}/routes/${id}`, { ...route, match: { path: `/${id}/*` } }, NEW)
      expect(created.status).toBe(201)
      expect((await value(created)).id).toBe(id)
    }
    const { errors } = await problem(await send('PUT', `${api}/routes/z`, { ...route, id: 'y' }), 422)
    expect(errors).toEqual([{ path: '$.id', message: expect.stringContaining('"z"') }])
    await value(await send('PATCH', `${api}/routes/z`, { timeoutMs: 500 }))
    const { routes } = await value(await call(`${api}/document`))
    expect(routes.map(({ id, timeoutMs }: { id: string; timeoutMs?: number }) => [id, timeoutMs])).toEqual([
      ['z', 500],
      ['a', undefined],
    ])
    expect((await call(`${api}/routes/z`, { method: 'DELETE', headers: ANY })).status).toBe(204)
    expect((await value(await call(`${api}/routes`))).items.map(({ key }: { key: string }) => key)).toEqual([
      'a',
    ])
  })
})

describe('the order of routes', () => {
  const route = (path: string) => ({
    match: { path },
    flag: 'beta',
    origins: { off: { url: 'https://a.example.com' }, on: { url: 'https://b.example.com' } },
    fallback: 'off',
  })
  const withShop = async () => {
    const { api } = await environment({
      flags: { beta: true },
      routes: [
        { id: 'conduit', ...route('/conduit*') },
        { id: 'shop', ...route('/*') },
      ],
    })
    const order = async () =>
      (await value(await call(`${api}/document`))).routes.map(({ id }: { id: string }) => id)
    return { api, order }
  }

  it('takes a new route before one that would take its requests', async () => {
    const { api, order } = await withShop()
    const created = await send('PUT', `${api}/routes/mine?before=shop`, route('/mine*'), NEW)
    expect(created.status).toBe(201)
    expect(await order()).toEqual(['conduit', 'mine', 'shop'])
  })

  it('moves a route that is there, though nothing else of it changes, and leaves it there without a word', async () => {
    const { api, order } = await withShop()
    const shop = { id: 'shop', ...route('/*') }
    await value(await send('PUT', `${api}/routes/shop?before=conduit`, shop))
    expect(await order()).toEqual(['shop', 'conduit'])
    await value(await send('PUT', `${api}/routes/shop`, { ...shop, timeoutMs: 500 }))
    expect(await order()).toEqual(['shop', 'conduit'])
  })

  it.each([
    ['shopp', 'there is no other route "shopp"; did you mean "shop"?'],
    ['mine', 'there is no other route "mine"'],
  ])('is refused before %s', async (before, message) => {
    const { api, order } = await withShop()
    const answer = await send('PUT', `${api}/routes/mine?before=${before}`, route('/mine*'), NEW)
    expect((await problem(answer, 422)).errors).toEqual([{ path: 'query.before', message }])
    expect(await order()).toEqual(['conduit', 'shop'])
  })

  it('is of routes alone', async () => {
    const { api } = await withShop()
    const { errors } = await problem(await send('PUT', `${api}/flags/a?before=beta`, true, NEW), 422)
    expect(errors[0]?.path).toMatch(/^query/)
  })
})

describe('a toggle', () => {
  it.each([
    [true, false, false],
    ['true', false, 'false'],
    ['false', true, 'true'],
    [{ enabled: true, percentage: 5 }, false, { enabled: false, percentage: 5 }],
    [{ enabled: false, fallthrough: 'on' }, true, { enabled: true, fallthrough: 'on' }],
  ])('sets %j to %j as %j, without a precondition', async (flag, enabled, expected) => {
    const { api } = await environment({ flags: { beta: flag } })
    const toggled = await call(`${api}/flags/beta/toggle`, { body: { enabled, reason: 'incident 7' } })
    expect(toggled.headers.get('etag')).toBe('"v3"')
    expect(await value(toggled)).toEqual(expected)
    expect((await value(await call(`${api}/versions`))).items[0]).toMatchObject({
      reason: 'incident 7',
      actor: 'bootstrap',
    })
  })

  it('to the state the flag is in makes no version', async () => {
    const { api } = await environment({ flags: { beta: true } })
    const toggled = await call(`${api}/flags/beta/toggle`, { body: { enabled: true } })
    expect(toggled.status).toBe(200)
    expect(toggled.headers.get('etag')).toBe('"v2"')
  })

  it('names what is wrong with its body', async () => {
    const { api } = await environment({ flags: { beta: true } })
    const toggle = async (body: unknown) => problem(await call(`${api}/flags/beta/toggle`, { body }), 422)
    expect((await toggle({})).errors).toEqual([{ path: '$.enabled', message: 'is required' }])
    expect((await toggle({ enabled: 'no' })).errors[0]?.path).toBe('$.enabled')
    expect((await toggle({ enabled: true, why: 'x' })).errors).toEqual([
      { path: '$.why', message: 'unknown field "why"; known are enabled, reason' },
    ])
    await problem(await call(`${api}/flags/gamma/toggle`, { body: { enabled: true } }), 404)
  })
})
