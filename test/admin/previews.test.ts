/** Signed previews at the control plane: who may make them, of what, under which key, and how they end. */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { decodeSnapshot, type PreviewAccess } from '../../engine/index.ts'
import { caller } from './callers.ts'
import { ANY, call, environment, problem, type TestEnvironment, value } from './client.ts'

const DOCUMENT = {
  flags: {
    live: { enabled: true, variants: { blue: 1, green: 2 }, off: 'blue', fallthrough: 'blue' },
    plain: true,
  },
  routes: [
    {
      id: 'shop',
      match: {},
      flag: 'live',
      origins: { blue: { url: 'https://blue.example.com' }, green: { url: 'https://green.example.com' } },
      fallback: 'blue',
    },
  ],
}
const HOST = 'www.example.com'

const mint = (api: string, body: object = {}) =>
  call(`${api}/previews`, { body: { route: 'shop', variant: 'green', host: HOST, ...body } })

/** What edges are told. */
async function atTheEdge({ stub }: TestEnvironment): Promise<PreviewAccess | undefined> {
  const update = await stub.read({ epoch: 0, snapshot: 0, kills: 0 })
  if (!update.ok) throw new Error(update.error.reason)
  const text = await stub.snapshot(update.value.epoch, update.value.snapshot)
  if (!text.ok) throw new Error(text.error.reason)
  const snapshot = decodeSnapshot(text.value)
  if (!snapshot.ok) throw new Error(snapshot.error.message)
  return snapshot.value.access.previews
}

const bytes = (text: string) =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (each) => each.charCodeAt(0))
const jsonOf = (text: string) => JSON.parse(new TextDecoder().decode(bytes(text)))

async function isSignedBy(access: PreviewAccess | undefined, token: string): Promise<boolean> {
  const [header = '', payload = '', signature = ''] = token.split('.')
  const key = access?.keys.find(({ id }) => id === jsonOf(header).kid)
  if (!key) return false
  const imported = await crypto.subtle.importKey('raw', bytes(key.key), 'Ed25519', false, ['verify'])
  const text = new TextEncoder().encode(`${header}.${payload}`)
  return crypto.subtle.verify('Ed25519', imported, bytes(signature), text)
}

describe('a preview', () => {
  it('is a token that edges can verify, its link and its cookie, told once', async () => {
    const env = await environment(DOCUMENT)
    const response = await mint(env.api, { path: '/cart?x=1', reason: 'smoke test', ttlSeconds: 600 })
    expect(response.status).toBe(201)
    const made = await value(response)
    expect(made).toMatchObject({
      route: 'shop',
      flag: null,
      variant: 'green',
      host: HOST,
      reason: 'smoke test',
    })
    expect(Date.parse(made.expiresAt) - Date.parse(made.createdAt)).toBe(600_000)
    // The tests are a local run: http.
    expect(made.url).toBe(`http://${HOST}/cart?x=1&turnout-preview=${made.token}`)
    expect(made.cookie).toBe(`turnout-preview=${made.token}`)
    expect(await isSignedBy(await atTheEdge(env), made.token)).toBe(true)
    expect(jsonOf(made.token.split('.')[0])).toMatchObject({ alg: 'EdDSA', typ: 'turnout-preview' })
    expect(jsonOf(made.token.split('.')[1])).toEqual({
      ...{ route: 'shop', variant: 'green', iss: env.name, aud: HOST, jti: made.id },
      ...{ iat: Date.parse(made.createdAt) / 1_000, exp: Date.parse(made.expiresAt) / 1_000 },
    })
    const { items } = await value(await call(`${env.api}/previews`))
    const { token, url: _, cookie: __, ...listed } = made
    expect(items).toEqual([listed])
    const audit = await (await call(`/api/v1/audit?environment=${env.name}`)).text()
    expect(audit).toContain('"preview.minted"')
    expect(audit).not.toContain(token)
  })

  it('publishes the first key, and nothing after it', async () => {
    const env = await environment(DOCUMENT)
    const first = await mint(env.api)
    const second = await mint(env.api, { route: undefined, flag: 'plain', variant: 'off' })
    expect(second.headers.has('x-turnout-version')).toBe(false)
    const { version } = await value(await call(env.api))
    expect(String(version)).toBe(first.headers.get('x-turnout-version'))
    expect((await atTheEdge(env))?.keys).toHaveLength(1)
  })

  it('is made once by many at a time', async () => {
    const env = await environment(DOCUMENT)
    const made = await Promise.all(Array.from({ length: 5 }, async () => value(await mint(env.api))))
    const access = await atTheEdge(env)
    expect(access?.keys).toHaveLength(1)
    for (const { token } of made) expect(await isSignedBy(access, token)).toBe(true)
  })

  it.each([
    [{ route: 'shopp' }, 404, /no route "shopp".*shop/],
    [{ route: undefined, flag: 'livee' }, 404, /no flag "livee".*live/],
    [{ variant: 'red' }, 422, /flag live has no variant "red"; it has blue, green/],
    [{ flag: 'live' }, 422, /give either "route" or "flag"/],
    [{ route: undefined }, 422, /give either "route" or "flag"/],
    [{ host: undefined }, 422, /must say which host it is for: the environment has no edgeHosts/],
    [{ host: 'https://www.example.com' }, 422, /must be a host name/],
    [{ host: 'a.example/x' }, 422, /must be a host name/],
    [{ host: 'user@a.example' }, 422, /must be a host name/],
    [{ host: 'a.example?' }, 422, /must be a host name/],
    [{ host: 'a.example:99999' }, 422, /must be a host name/],
    [{ host: 'a.example\r\nx: y' }, 422, /must be a host name/],
    [{ path: '//evil.example' }, 422, /must be a path/],
    [{ path: '/a#b' }, 422, /must be a path/],
    [{ path: '/a\r\nlocation: x' }, 422, /must be a path/],
    [{ ttlSeconds: 86_401 }, 422, /86400/],
    [{ ttlSeconds: 0 }, 422, /60/],
    [{ exp: 1 }, 422, /exp/],
  ])('of %j is refused: %i', async (body, status, sentence) => {
    const env = await environment(DOCUMENT)
    const refused = await problem(await mint(env.api, body), status)
    const said = [refused.detail, ...refused.errors.map(({ path, message }) => `${path} ${message}`)]
    expect(said.join('; ')).toMatch(sentence)
    expect(await atTheEdge(env)).toBeUndefined()
  })

  it('is for the environment’s only host where none is named, as the edge writes it', async () => {
    const env = await environment(DOCUMENT)
    await value(await call(env.api, { method: 'PUT', body: { edgeHosts: [HOST] }, headers: ANY }))
    expect((await value(await mint(env.api, { host: undefined }))).host).toBe(HOST)
    expect((await value(await mint(env.api, { host: 'WWW.Example.com:80' }))).host).toBe(HOST)
    expect((await value(await mint(env.api, { host: '127.0.0.1:8787' }))).host).toBe('127.0.0.1:8787')
  })

  it('needs an operator to make and to end it, a viewer to see, an admin to rotate the key', async () => {
    const env = await environment(DOCUMENT)
    const viewer = (await caller('viewer')).call
    const operator = (await caller('operator')).call
    const body = { route: 'shop', variant: 'green', host: HOST }
    await problem(await viewer(`${env.api}/previews`, { body }), 403)
    const { id } = await value(await operator(`${env.api}/previews`, { body }))
    expect((await value(await viewer(`${env.api}/previews`))).items).toHaveLength(1)
    await problem(await viewer(`${env.api}/previews/${id}`, { method: 'DELETE' }), 403)
    await problem(await operator(`${env.api}/preview-key/rotate`, { body: {} }), 403)
    expect((await operator(`${env.api}/previews/${id}`, { method: 'DELETE' })).status).toBe(204)
  })

  it('of a protected environment waits for nobody: it changes nothing for others', async () => {
    const env = await environment(DOCUMENT)
    const glass = { ...ANY, 'x-turnout-break-glass': 'true', 'x-turnout-reason': 'test' }
    await value(await call(env.api, { method: 'PUT', body: { approvals: 1 }, headers: glass }))
    expect((await mint(env.api)).status).toBe(201)
  })
})

describe('revoking', () => {
  it('reaches edges with the next version, and is said in the list', async () => {
    const env = await environment(DOCUMENT)
    const { id } = await value(await mint(env.api))
    const ended = await call(`${env.api}/previews/${id}?reason=done`, { method: 'DELETE' })
    expect(ended.status).toBe(204)
    expect(ended.headers.get('x-turnout-version')).toBe(String((await value(await call(env.api))).version))
    expect((await atTheEdge(env))?.revoked).toEqual([id])
    expect((await value(await call(`${env.api}/previews`))).items[0].revokedAt).not.toBeNull()
    expect((await call(`${env.api}/previews/${id}`, { method: 'DELETE' })).status).toBe(204)
    await problem(await call(`${env.api}/previews/pv_none`, { method: 'DELETE' }), 404)
  })

  it('works whatever has become of the document', async () => {
    const env = await environment(DOCUMENT)
    const { id } = await value(await mint(env.api))
    await runInDurableObject(env.stub as never, (_, state: DurableObjectState) => {
      state.storage.sql.exec("UPDATE bodies SET text = 'damaged'")
    })
    expect((await call(`${env.api}/previews/${id}`, { method: 'DELETE' })).status).toBe(204)
  })

  it('is forgotten once the preview would have been over', async () => {
    const env = await environment(DOCUMENT)
    const { id } = await value(await mint(env.api))
    await call(`${env.api}/previews/${id}`, { method: 'DELETE' })
    await runInDurableObject(env.stub as never, (_, state: DurableObjectState) => {
      state.storage.sql.exec('UPDATE previews SET expires_at = 1')
    })
    await value(await mint(env.api))
    await call(`${env.api}/flags/plain/toggle`, { body: { enabled: false } })
    await value(await call(env.api, { method: 'PUT', body: { tier: 2 }, headers: ANY }))
    expect((await atTheEdge(env))?.revoked).toEqual([])
    expect((await value(await call(`${env.api}/previews`))).items).toHaveLength(1)
  })
})

describe('rotating the key', () => {
  it('signs with a new one; what the old one signed holds until its last token is over', async () => {
    const env = await environment(DOCUMENT)
    const before = await value(await mint(env.api, { ttlSeconds: 600 }))
    const rotated = await call(`${env.api}/preview-key/rotate`, { body: { reason: 'yearly' } })
    expect(rotated.status).toBe(204)
    const after = await value(await mint(env.api))
    const access = await atTheEdge(env)
    expect(await isSignedBy(access, before.token)).toBe(true)
    expect(await isSignedBy(access, after.token)).toBe(true)
    const until = access!.keys.map((key) => key.until)
    expect(until).toContain(Date.parse(before.expiresAt) / 1_000)
    expect(until).toContain(undefined)
  })

  it('destroys the old private key', async () => {
    const env = await environment(DOCUMENT)
    await value(await mint(env.api))
    await call(`${env.api}/preview-key/rotate`, { body: {} })
    const kept = await runInDurableObject(env.stub as never, (_, state: DurableObjectState) =>
      state.storage.sql.exec('SELECT private FROM preview_keys').toArray(),
    )
    expect(kept.filter((row) => row.private === null)).toHaveLength(1)
    expect(kept).toHaveLength(2)
  })

  it('ends all previews at once if told to', async () => {
    const env = await environment(DOCUMENT)
    const { token } = await value(await mint(env.api))
    await call(`${env.api}/preview-key/rotate`, { body: { endAll: true } })
    const access = await atTheEdge(env)
    expect(access?.keys).toHaveLength(1)
    expect(await isSignedBy(access, token)).toBe(false)
    expect((await value(await call(`${env.api}/previews`))).items[0].revokedAt).not.toBeNull()
  })

  it('forgets a key whose last token is over', async () => {
    const env = await environment(DOCUMENT)
    await value(await mint(env.api))
    await call(`${env.api}/preview-key/rotate`, { body: {} })
    await runInDurableObject(env.stub as never, (_, state: DurableObjectState) => {
      state.storage.sql.exec('UPDATE preview_keys SET until = 1 WHERE until IS NOT NULL')
    })
    await call(`${env.api}/preview-key/rotate`, { body: {} })
    expect((await atTheEdge(env))?.keys).toHaveLength(1)
  })
})

describe('what must not get out', () => {
  it('is the private key: not in backups, answers or the log', async () => {
    const env = await environment(DOCUMENT)
    await value(await mint(env.api))
    const [row] = await runInDurableObject(env.stub as never, (_, state: DurableObjectState) =>
      state.storage.sql.exec<{ private: string }>('SELECT private FROM preview_keys').toArray(),
    )
    const everything = [
      await (await call('/api/v1/backup')).text(),
      await (await call(`/api/v1/audit/export?environment=${env.name}`)).text(),
      JSON.stringify(await atTheEdge(env)),
    ]
    for (const text of everything) expect(text).not.toContain(row!.private)
  })

  it('is a preview of an environment that was deleted and made again', async () => {
    const env = await environment(DOCUMENT)
    const { token } = await value(await mint(env.api))
    expect((await call(env.api, { method: 'DELETE', headers: ANY })).status).toBe(204)
    await value(await call(env.api, { method: 'PUT', body: {}, headers: { 'if-none-match': '*' } }))
    expect(await isSignedBy(await atTheEdge(env), token)).toBe(false)
    await runDurableObjectAlarm(env.stub as never)
  })
})
