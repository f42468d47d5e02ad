import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { type AnyRecord, backupOf, closed, lose, recordsIn, restore } from './backup.ts'
import { ANY, call, environment, problem, value } from './client.ts'

const PROJECT = env.PROJECT.getByName('project')
const WEBHOOKS = env.WEBHOOKS.getByName('webhooks')

const get = (path: string) => call(path).then((response) => value(response))
const post = (path: string, body: object) => call(path, { body }).then((response) => value(response))
const remove = async (path: string) =>
  expect((await call(path, { method: 'DELETE', headers: ANY })).status).toBe(204)

const whoIs = (token: string): Promise<Response> =>
  call('/api/v1/whoami', { headers: { authorization: `Bearer ${token}` } })

/** What came of each object, by name. */
async function restored(text: string): Promise<Record<string, AnyRecord>> {
  const { objects } = await value(await restore(text, null))
  return Object.fromEntries(objects.map((one: AnyRecord) => [one.object, one]))
}

const isValid = async (chain: string): Promise<boolean> =>
  (await get(`/api/v1/audit/verify?environment=${chain}`)).valid

// Whoever was there before is gone: each test begins with an empty control plane.
beforeEach(async () => {
  await lose(PROJECT)
  await lose(WEBHOOKS)
})

describe('restoring everything into an empty control plane', () => {
  it('lets those in who were let in, and brings back webhooks without their secrets, and every environment', async () => {
    const first = await environment({ flags: { a: true } })
    const second = await environment({ flags: { b: true } })
    const ci = await post('/api/v1/tokens', { name: 'ci', role: 'editor' })
    const old = await post('/api/v1/tokens', { name: 'old', role: 'editor' })
    await remove(`/api/v1/tokens/${old.id}`)
    await value(await call('/api/v1/people/ana@example.com', { method: 'PUT', body: { role: 'viewer' } }))
    const hook = { name: 'log', url: 'https://a.example.com/secret-path', events: ['kill.*'], enabled: false }
    const webhook = await post('/api/v1/webhooks', hook)
    const text = await backupOf(null)
    for (const stub of [PROJECT, WEBHOOKS, first.stub, second.stub]) await lose(stub)
    expect((await whoIs(ci.token)).status).toBe(401)

    const objects = await restored(text)
    expect(objects.access).toMatchObject({ tokens: ['ci', 'old'], people: ['ana@example.com'], leftOut: [] })
    expect(objects.webhooks).toMatchObject({ outcome: 'restored', webhooks: ['log'] })
    expect(objects[`environment:${first.name}`]).toMatchObject({ outcome: 'restored' })
    expect(await value(await whoIs(ci.token))).toMatchObject({ id: 'token:ci', role: 'editor' })
    expect((await whoIs(old.token)).status).toBe(401)
    expect((await get('/api/v1/people')).items).toMatchObject([{ id: 'ana@example.com', role: 'viewer' }])
    expect(await get(`/api/v1/webhooks/${webhook.id}`)).toMatchObject({
      ...{ name: 'log', host: 'a.example.com', events: ['kill.*'], enabled: false },
      disabledReason: expect.stringContaining('restored from a backup'),
    })
    const names = (await get('/api/v1/environments')).items.map(({ name }: AnyRecord) => name)
    expect(names).toEqual(expect.arrayContaining([first.name, second.name]))
    expect(await get(`${second.api}/flags/b`)).toBe(true)
    for (const chain of ['@control-plane', '@webhooks', first.name]) expect(await isValid(chain)).toBe(true)
    const [newest] = (await get('/api/v1/audit?environment=@control-plane&limit=1')).items
    expect(newest).toMatchObject({
      action: 'access.restored-from-backup',
      details: { tokens: ['ci', 'old'] },
    })

    // With an address again it goes on.
    const change = { url: 'https://b.example.com/', enabled: true }
    const mended = await call(`/api/v1/webhooks/${webhook.id}`, { method: 'PATCH', body: change })
    expect(await value(mended)).toMatchObject({ enabled: true, disabledReason: null })
  })

  it('does nothing the second time', async () => {
    const { name, stub } = await environment({ flags: { a: true } })
    await post('/api/v1/tokens', { name: 'ci', role: 'editor' })
    const text = await backupOf(null)
    for (const one of [PROJECT, stub]) await lose(one)
    expect((await restored(text)).access).toMatchObject({ outcome: 'restored' })
    const again = await restored(text)
    expect(again.access).toMatchObject({ outcome: 'restored-already' })
    expect(again[`environment:${name}`]).toMatchObject({ outcome: 'restored-already' })
  })
})

describe('restoring everything over what is there', () => {
  it('lets nobody in who was shut out since, and shuts nobody out', async () => {
    const leaked = await post('/api/v1/tokens', { name: 'leaked', role: 'admin' })
    for (const id of ['ana@example.com', 'bob@example.com'])
      await value(await call(`/api/v1/people/${id}`, { method: 'PUT', body: { role: 'viewer' } }))
    const text = await backupOf(null)
    await remove(`/api/v1/tokens/${leaked.id}`)
    await remove('/api/v1/people/ana@example.com')
    await value(await call('/api/v1/people/bob@example.com', { method: 'PUT', body: { role: 'editor' } }))
    const added = await post('/api/v1/tokens', { name: 'new', role: 'viewer' })

    expect((await restored(text)).access).toMatchObject({ outcome: 'all-here' })
    expect((await whoIs(leaked.token)).status).toBe(401)
    expect((await whoIs(added.token)).status).toBe(200)
    expect((await get('/api/v1/people')).items).toMatchObject([{ id: 'bob@example.com', role: 'editor' }])
  })

  it('keeps a token out whose name another has taken since, and says so', async () => {
    const ours = await post('/api/v1/tokens', { name: 'ci', role: 'admin' })
    const text = await backupOf(null)
    await lose(PROJECT)
    const theirs = await post('/api/v1/tokens', { name: 'ci', role: 'viewer' })
    const { access } = await restored(text)
    expect(access).toMatchObject({ tokens: [], leftOut: ['token ci: another one here has its name'] })
    expect((await whoIs(ours.token)).status).toBe(401)
    expect((await whoIs(theirs.token)).status).toBe(200)
  })
})

describe('a file with something wrong in one object', () => {
  it('changes nothing in any, and all is told at once', async () => {
    const first = await environment({ flags: { a: true } })
    const second = await environment({ flags: { b: true } })
    const text = await backupOf(null)
    await value(await call(`${first.api}/flags/a`, { method: 'PUT', body: false, headers: ANY }))
    const lines = text.trimEnd().split('\n').slice(0, -1)
    const bad = lines.map((line) =>
      line
        .replace('"onExpiry"', '"x"')
        .replace(`"begin":"environment:${second.name}","live":true`, (found) =>
          found.replace('true', '"yes"'),
        ),
    )
    const { errors } = await problem(await restore(closed(bad), null), 422)
    expect(errors.map(({ message }) => message)).toContain('must be true or false')
    expect(await get(`${first.api}/flags/a`)).toBe(false)
    expect(recordsIn(text, 'access', 'audit').length).toBeGreaterThan(0)
  })
})
