import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import { app } from '../../admin/api/app.ts'
import { EnvironmentObject } from '../../admin/objects/environment.ts'
import { DEFAULT_SETTINGS } from '../../admin/settings.ts'
import { ANY, call, environment, held, NEW, problem, TOKEN, value } from './client.ts'

const fresh = () => `env-${crypto.randomUUID().slice(0, 8)}`
const put = (name: string, body: unknown, headers: Record<string, string>) =>
  call(`/api/v1/environments/${name}`, { method: 'PUT', body, headers })

const listed = async () => {
  const { items } = await value(await call('/api/v1/environments?limit=1000'))
  return items as { name: string; open: boolean; revision: number }[]
}

describe('an environment', () => {
  it('is created once, described and listed', async () => {
    const name = `media-register.${fresh()}`
    const created = await put(name, { edgeHosts: ['www.example.com'] }, NEW)
    expect(created.status).toBe(201)
    expect(created.headers.get('etag')).toBe('"v1"')
    const described = {
      name,
      open: false,
      edgeHosts: ['www.example.com'],
      tier: null,
      promotesTo: null,
      approvals: 0,
      drillEveryMinutes: null,
      revision: 1,
      version: 1,
      killsVersion: 0,
      epoch: expect.any(Number),
      createdAt: expect.stringMatching(/Z$/),
      store: {
        ...{ kind: 'embedded', place: null, status: 'ok', problem: null, errors: [], warnings: [] },
        ...{ since: null, checkedAt: null, okAt: null },
      },
    }
    expect(await value(created)).toEqual(described)
    expect(await value(await call(`/api/v1/environments/${name}`))).toEqual(described)
    expect((await listed()).find((item) => item.name === name)).toMatchObject({ open: false, revision: 1 })
    await problem(await put(name, {}, NEW), 412)
  })

  it('changes its settings under If-Match of the version in which they last changed', async () => {
    const { name, api } = await environment({ flags: { a: true } })
    await problem(await put(name, { open: true }, {}), 428)
    await problem(await put(name, { open: true }, held(2)), 412)
    const changed = await put(name, { open: true }, held(1))
    expect(changed.headers.get('etag')).toBe('"v3"')
    expect(await value(changed)).toMatchObject({ open: true, revision: 3, version: 3 })
    expect((await listed()).find((item) => item.name === name)).toMatchObject({ open: true, revision: 3 })
    expect((await call(`${api}/flags/a`)).headers.get('etag')).toBe('"v2"')
    await problem(await put(fresh(), {}, ANY), 412)
  })

  it('publishes who may evaluate with its settings', async () => {
    const { name, stub } = await environment()
    const access = async () => {
      const read = await stub.read({ epoch: 0, snapshot: 0, kills: 0 })
      const snapshot = await stub.snapshot(read.ok ? read.value.epoch : 0, read.ok ? read.value.snapshot : 0)
      return snapshot.ok ? JSON.parse(snapshot.value.split('\n')[0]!).access : null
    }
    expect(await access()).toEqual({ open: false, keys: [] })
    await value(await put(name, { open: true }, ANY))
    expect(await access()).toEqual({ open: true, keys: [] })
  })

  it('is open in local runs only', async () => {
    const remote = { ...env, LOCAL: 'false' }
    const request = new Request(`https://admin.test/api/v1/environments/${fresh()}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...NEW },
      body: '{"open":true}',
    })
    expect((await problem(await app.fetch(request, remote), 422)).errors[0]?.path).toBe('$.open')
    // What was stored open by a local run is not open to others elsewhere.
    const { name, stub } = await environment()
    await value(await put(name, { open: true }, ANY))
    const header = await runInDurableObject(stub, async (_, state) => {
      const elsewhere = new EnvironmentObject(state, remote)
      const edit = { do: 'put-document', text: '{"flags":{"a":true}}' } as const
      const edited = await elsewhere.edit(
        edit,
        { precondition: null, breakGlass: false },
        {
          actor: 'test',
          reason: null,
          requestId: null,
          address: null,
        },
      )
      const version = edited.ok ? edited.value.version : 0
      const described = elsewhere.describe()
      const snapshot = elsewhere.snapshot(described.ok ? described.value.epoch : 0, version)
      return snapshot.ok ? JSON.parse(snapshot.value.split('\n')[0]!) : null
    })
    expect(header.access.open).toBe(false)
  })

  it('takes private origins in local runs only', async () => {
    const { api, stub } = await environment({ flags: { a: true } })
    const route = {
      id: 'web',
      match: { path: '/*' },
      flag: 'a',
      origins: { off: { url: 'http://127.0.0.1:9101' }, on: { url: 'http://127.0.0.1:9102' } },
      fallback: 'off',
    }
    const text = JSON.stringify({ flags: { a: true }, routes: [route] })
    expect(await value(await call(`${api}/validate`, { body: text }))).toMatchObject({ valid: true })
    const errors = await runInDurableObject(stub, (_, state) => {
      const elsewhere = new EnvironmentObject(state, { ...env, LOCAL: 'false' })
      const checked = elsewhere.validate(text)
      return checked.ok ? checked.value.errors : []
    })
    expect(errors.map(({ path }) => path)).toEqual([
      '$.routes[0].origins.off.url',
      '$.routes[0].origins.on.url',
    ])
  })

  it.each(['UPPER', 'a.b.c', '-a', 'a..b', 'a b', 'x'.repeat(64)])('cannot be named %j', async (name) => {
    const { errors } = await problem(await put(encodeURIComponent(name), {}, NEW), 422)
    expect(errors[0]?.path).toBe('path.env')
  })

  it.each([
    [{ open: 'yes' }, '$.open'],
    [{ edgeHosts: ['https://www.example.com'] }, '$.edgeHosts[0]'],
    [{ edgeHost: [] }, '$.edgeHost'],
    [[], '$'],
  ])('cannot have the settings %j', async (settings, path) => {
    expect((await problem(await put(fresh(), settings, NEW), 422)).errors[0]?.path).toBe(path)
  })

  it('takes its copy and its keys with it when it is deleted, and comes back in a later epoch', async () => {
    const { name, api } = await environment({ flags: { a: true } })
    const { epoch } = await value(await call(api))
    const body = { environment: name, kind: 'server', name: 'backend' }
    const { id } = await value(await call('/api/v1/keys', { body }))
    await problem(await call(api, { method: 'DELETE' }), 428)
    await problem(await call(api, { method: 'DELETE', headers: held(2) }), 412)
    expect((await call(api, { method: 'DELETE', headers: held(1) })).status).toBe(204)
    await problem(await call(api), 404)
    await problem(await call(`${api}/document`), 404)
    await problem(await call(`/api/v1/keys/${id}`, { method: 'DELETE' }), 404)
    expect((await listed()).some((item) => item.name === name)).toBe(false)
    await vi.waitFor(async () => expect(await env.LAST_KNOWN_GOOD.get(`${name}.snapshot`)).toBeNull())
    expect((await put(name, {}, NEW)).status).toBe(201)
    expect((await value(await call(api))).epoch).toBeGreaterThan(epoch)
    expect(await value(await call(`${api}/document`))).toEqual({ flags: {} })
    expect((await listed()).some((item) => item.name === name)).toBe(true)
  })

  it('is listed page by page', async () => {
    for (let n = 0; n < 3; n++) await environment()
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const page: { items: { name: string }[]; nextCursor: string | null } = await value(
        await call(`/api/v1/environments?limit=2${cursor ? `&cursor=${cursor}` : ''}`),
      )
      seen.push(...page.items.map(({ name }) => name))
      cursor = page.nextCursor
    } while (cursor)
    expect(seen).toEqual((await listed()).map(({ name }) => name))
    expect(seen).toEqual([...seen].sort())
  })

  it('is listed even if the directory was out of reach when it was created', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const { name, api, stub } = await environment()
    await runInDurableObject(stub, async (_, state) => {
      const PROJECT = {
        getByName: () => ({ record: () => Promise.reject(new Error('directory is out of reach')) }),
      }
      const cutOff = new EnvironmentObject(state, { ...env, PROJECT } as unknown as typeof env)
      const answer = await cutOff.putSettings(
        name,
        { ...DEFAULT_SETTINGS, open: true },
        { precondition: { match: '*' }, breakGlass: false },
        {
          actor: 'test',
          reason: null,
          requestId: null,
          address: null,
        },
      )
      expect(answer.ok).toBe(true)
    })
    expect(warn.mock.calls.flat().join()).toContain('directory is out of reach')
    expect(await value(await call(api))).toMatchObject({ open: true, revision: 2 })
    await vi.waitFor(
      async () => expect((await listed()).find((item) => item.name === name)).toMatchObject({ open: true }),
      5_000,
    )
    warn.mockRestore()
  })
})

describe('an SDK key', () => {
  const create = (environment: string, kind: string, name = 'checkout') =>
    call('/api/v1/keys', { body: { environment, kind, name } })

  it('is shown once, and known to edges by its hash', async () => {
    const { name, stub } = await environment()
    const created = await create(name, 'client')
    expect(created.status).toBe(201)
    const { key, id } = await value(created)
    expect(key).toMatch(/^tk_client_[A-Za-z0-9_-]{43}$/)
    const { key: server } = await value(await create(name, 'server'))
    expect(server).toMatch(/^tk_server_/)
    const hash = Buffer.from(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key))).toString(
      'hex',
    )
    const described = await stub.describe()
    if (!described.ok) throw new Error('no environment')
    const snapshot = await stub.snapshot(described.value.epoch, described.value.version)
    const text = snapshot.ok ? snapshot.value : ''
    expect(JSON.parse(text.split('\n')[0]!).access.keys).toContainEqual({ hash, kind: 'client' })
    const list = await (await call(`/api/v1/keys?environment=${name}`)).text()
    const stored = await runInDurableObject(stub, (_, { storage }) =>
      JSON.stringify(
        ['bodies', 'snapshot_lines'].map((table) => [...storage.sql.exec(`SELECT * FROM ${table}`)]),
      ),
    )
    for (const place of [list, text, stored]) expect(place).not.toContain(key)
    expect(list).not.toContain(hash)
    expect(JSON.parse(list).items.map((item: { id: string }) => item.id)).toContain(id)
  })

  it('is revoked with the next version', async () => {
    const { name, api } = await environment()
    const { id } = await value(await create(name, 'server'))
    expect((await call(`/api/v1/keys/${id}`, { method: 'DELETE' })).status).toBe(204)
    await problem(await call(`/api/v1/keys/${id}`, { method: 'DELETE' }), 404)
    expect((await value(await call(`/api/v1/keys?environment=${name}`))).items).toEqual([])
    const { items } = await value(await call(`${api}/versions`))
    expect(items.slice(0, 2).map(({ changes }: { changes: unknown }) => changes)).toEqual([
      [{ kind: 'sdk-key', key: id, change: 'removed' }],
      [{ kind: 'sdk-key', key: id, change: 'added' }],
    ])
  })

  it('is made and revoked even if the stored document no longer compiles', async () => {
    const { name, stub } = await environment({ flags: { a: { enabled: true, description: 'soon broken' } } })
    await runInDurableObject(stub, (_, { storage }) => {
      storage.sql.exec(`UPDATE bodies SET text = '{"nonsense":1}' WHERE text LIKE '%soon broken%'`)
    })
    await evictDurableObject(stub)
    const { id } = await value(await create(name, 'server'))
    expect((await call(`/api/v1/keys/${id}`, { method: 'DELETE' })).status).toBe(204)
  })

  it('is made even if the stored snapshot is in a format that is no longer read', async () => {
    const { name, api, stub } = await environment({ flags: { a: true } })
    await runInDurableObject(stub, (_, { storage }) => {
      storage.sql.exec(`UPDATE snapshot_lines SET text = replace(text, '"format":1', '"format":0')`)
    })
    await evictDurableObject(stub)
    await value(await create(name, 'server'))
    const { decision } = await value(await call(`${api}/evaluate`, { body: { flag: 'a' } }))
    expect(decision).toMatchObject({ value: true, version: 3 })
  })

  it('needs an environment that exists, a kind and a name', async () => {
    const { name } = await environment()
    for (const none of ['none', 'No Name']) await problem(await create(none, 'client'), 404)
    expect((await problem(await create(name, 'admin'), 422)).errors[0]?.path).toBe('$.kind')
    expect((await problem(await create(name, 'client', ''), 422)).errors[0]?.path).toBe('$.name')
  })
})
