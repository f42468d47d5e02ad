import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { call, environment, problem, type TestEnvironment, value } from './client.ts'

const FLAGS = {
  beta: { enabled: true, tags: ['checkout'], variants: { on: 1, off: 0, half: 2 }, fallthrough: 'on' },
  plain: true,
}
const NOTHING = { epoch: 0, snapshot: 0, kills: 0 }

const kill = (api: string, target: string, body: unknown = { reason: 'broken' }) =>
  call(`${api}/kills/${target}`, { method: 'PUT', body })

async function killsAtTheEdge({ stub }: TestEnvironment) {
  const answer = await stub.read(NOTHING)
  if (!answer.ok) throw new Error(answer.error.reason)
  return answer.value.kills
}

describe('a kill', () => {
  it('is placed, replaced, listed and ended, and the list’s version grows each time', async () => {
    const env = await environment({ flags: FLAGS })
    const { api } = env
    expect(await killsAtTheEdge(env)).toMatchObject({ version: 0, kills: [] })
    const placed = await kill(api, 'flag:beta')
    expect(placed.status).toBe(201)
    expect(placed.headers.get('x-turnout-kills')).toBe('1')
    expect(await value(placed)).toEqual({
      target: 'flag:beta',
      reason: 'broken',
      actor: 'bootstrap',
      createdAt: expect.stringMatching(/Z$/),
    })
    const replaced = await kill(api, 'flag:beta', { reason: 'half is fine', variant: 'half' })
    expect(replaced.status).toBe(200)
    expect(await killsAtTheEdge(env)).toMatchObject({
      version: 2,
      kills: [{ target: 'flag:beta', variant: 'half' }],
    })
    await value(await kill(api, 'all-routes'))
    const list = await call(`${api}/kills`)
    expect(list.headers.get('x-turnout-kills')).toBe('3')
    expect((await value(list)).items.map(({ target }: { target: string }) => target).sort()).toEqual([
      'all-routes',
      'flag:beta',
    ])
    expect((await value(await call(`${api}/kills/flag%3Abeta`))).variant).toBe('half')
    const ended = await call(`${api}/kills/flag:beta`, { method: 'DELETE' })
    expect(ended.status).toBe(204)
    expect(ended.headers.get('x-turnout-kills')).toBe('4')
    expect(await killsAtTheEdge(env)).toMatchObject({ version: 4, kills: [{ target: 'all-routes' }] })
    await problem(await call(`${api}/kills/flag:beta`, { method: 'DELETE' }), 404)
    await problem(await call(`${api}/kills/flag:beta`), 404)
  })

  it('leaves the document and its version alone', async () => {
    const { api } = await environment({ flags: FLAGS })
    await value(await kill(api, 'flag:beta'))
    expect((await call(`${api}/document`)).headers.get('etag')).toBe('"v2"')
  })

  it('survives an eviction with its version', async () => {
    const env = await environment({ flags: FLAGS })
    await value(await kill(env.api, 'tag:checkout'))
    await value(await kill(env.api, 'flag:plain'))
    await evictDurableObject(env.stub)
    expect(await killsAtTheEdge(env)).toMatchObject({
      version: 2,
      kills: [{ target: 'flag:plain' }, { target: 'tag:checkout' }],
    })
  })

  it('of something the document does not have is 404 with the nearest name', async () => {
    const { api } = await environment({ flags: FLAGS })
    expect((await problem(await kill(api, 'flag:betta'), 404)).detail).toContain('"beta"')
    expect((await problem(await kill(api, 'tag:chekout'), 404)).detail).toContain('"checkout"')
    await problem(await kill(api, 'route:web'), 404)
    for (const target of ['all-routes', 'all-flags']) expect((await kill(api, target)).status).toBe(201)
  })

  it.each([
    ['flag:beta', {}, '$.reason'],
    ['flag:beta', { reason: '  ' }, '$.reason'],
    ['flag:beta', { reason: 'x', variant: 'third' }, '$.variant'],
    ['flag:beta', { reason: 'x', expiresAt: 'tomorrow' }, '$.expiresAt'],
    ['flag:beta', { reason: 'x', expiresAt: '2026-11-21T10:00:00' }, '$.expiresAt'],
    ['flag:beta', { reason: 'x', expiresAt: '2020-01-01T00:00:00Z' }, '$.expiresAt'],
    ['flag:beta', { reason: 'x', onExpiry: 'extend' }, '$.onExpiry'],
    ['flag:beta', { reason: 'x', until: 1 }, '$.until'],
    ['everything', { reason: 'x' }, 'path.target'],
    ['flag:', { reason: 'x' }, 'path.target'],
  ])('of %s with %j is refused at %s', async (target, body, path) => {
    const { api } = await environment({ flags: FLAGS })
    expect((await problem(await kill(api, target, body), 422)).errors.map((error) => error.path)).toEqual([
      path,
    ])
    expect((await value(await call(`${api}/kills`))).items).toEqual([])
  })

  it('of an origin names a route’s variant, or a member of its pool, and no variant to serve', async () => {
    const pool = [{ url: 'https://one.example.com/base' }, { url: 'https://two.example.com' }]
    const origins = { on: { url: 'https://on.example.com' }, off: { pool } }
    const env = await environment({
      flags: { web: true },
      routes: [{ id: 'shop', match: {}, flag: 'web', origins, fallback: 'off' }],
    })
    const at = (name: string) => `origin:${encodeURIComponent(name)}`
    for (const name of ['shop/on', 'shop/off', 'shop/off/one.example.com/base'])
      expect((await kill(env.api, at(name))).status, name).toBe(201)
    expect((await killsAtTheEdge(env))?.kills.map(({ target }) => target)).toEqual([
      'origin:shop/off',
      'origin:shop/off/one.example.com/base',
      'origin:shop/on',
    ])
    const unknown = await problem(await kill(env.api, at('shop/onn')), 404)
    expect(unknown.detail).toContain('shop/on')
    await problem(await kill(env.api, at('shopp/on')), 404)
    await problem(await kill(env.api, at('shop/off/three.example.com')), 404)
    const refused = await problem(await kill(env.api, at('shop/on'), { reason: 'x', variant: 'off' }), 422)
    expect(refused.errors[0]!.path).toBe('$.variant')
    await problem(await kill(env.api, 'origin:shop'), 422)
    expect((await call(`${env.api}/kills/${at('shop/on')}`, { method: 'DELETE' })).status).toBe(204)
  })

  it('is small, as it travels to every edge: a variant has the length of a name', async () => {
    const { api } = await environment({ flags: FLAGS })
    const refused = await problem(
      await kill(api, 'tag:checkout', { reason: 'x', variant: 'v'.repeat(129) }),
      422,
    )
    expect(refused.errors[0]?.path).toBe('$.variant')
  })

  it('works while the stored document cannot be read', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const env = await environment({ flags: FLAGS })
    await runInDurableObject(env.stub, (_, { storage }) => {
      storage.sql.exec("UPDATE bodies SET text = '{' || text")
    })
    await evictDurableObject(env.stub)
    for (const target of ['flag:beta', 'tag:checkout', 'tag:anything', 'all-flags'])
      expect((await kill(env.api, target)).status).toBe(201)
    expect((await killsAtTheEdge(env))?.kills).toHaveLength(4)
    expect(warn.mock.calls.flat().join()).toContain('kill-target-unchecked')
    warn.mockRestore()
  })

  it('works while the stored document is one that no longer compiles', async () => {
    const env = await environment({ flags: FLAGS })
    await runInDurableObject(env.stub, (_, { storage }) => {
      storage.sql.exec(
        `UPDATE bodies SET text = '{"enabled":true,"nonsense":1}' WHERE text LIKE '%checkout%'`,
      )
    })
    await evictDurableObject(env.stub)
    await problem(await call(`${env.api}/flags/plain/toggle`, { body: { enabled: false } }), 422)
    expect((await kill(env.api, 'flag:beta')).status).toBe(201)
    expect((await call(`${env.api}/kills/flag:beta`, { method: 'DELETE' })).status).toBe(204)
  })
})

describe('the end of a kill', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString()

  function goOn(minutes: number): void {
    const at = Date.now() + minutes * 60_000
    vi.useFakeTimers({ toFake: ['Date'] })
    vi.setSystemTime(at)
  }

  it('comes with its time, once, and keeps the others', async () => {
    const env = await environment({ flags: FLAGS })
    await value(await kill(env.api, 'flag:beta', { reason: 'x', expiresAt: inMinutes(10) }))
    await value(await kill(env.api, 'flag:plain', { reason: 'x', expiresAt: inMinutes(60) }))
    goOn(11)
    await runDurableObjectAlarm(env.stub)
    expect(await killsAtTheEdge(env)).toMatchObject({ version: 3, kills: [{ target: 'flag:plain' }] })
    await runDurableObjectAlarm(env.stub)
    expect(await killsAtTheEdge(env)).toMatchObject({ version: 3 })
    goOn(50)
    await runDurableObjectAlarm(env.stub)
    expect(await killsAtTheEdge(env)).toMatchObject({ version: 4, kills: [] })
  })

  it('comes after an eviction too', async () => {
    const env = await environment({ flags: FLAGS })
    await value(await kill(env.api, 'flag:beta', { reason: 'x', expiresAt: inMinutes(10) }))
    await evictDurableObject(env.stub)
    goOn(11)
    await runDurableObjectAlarm(env.stub)
    expect((await killsAtTheEdge(env))?.kills).toEqual([])
  })

  it('moves on by the original time where it is to extend', async () => {
    const env = await environment({ flags: FLAGS })
    const body = { reason: 'x', expiresAt: inMinutes(10), onExpiry: 'extend' }
    const { expiresAt } = await value(await kill(env.api, 'flag:beta', body))
    goOn(25)
    await runDurableObjectAlarm(env.stub)
    const extended = await value(await call(`${env.api}/kills/flag:beta`))
    expect(Date.parse(extended.expiresAt) - Date.parse(expiresAt)).toBeGreaterThan(19 * 60_000)
    expect(Date.parse(extended.expiresAt)).toBeGreaterThan(Date.now())
    expect(await killsAtTheEdge(env)).toMatchObject({ version: 1, kills: [{ target: 'flag:beta' }] })
  })

  it('that is extended is extended by a minute at least, however short its time was', async () => {
    const env = await environment({ flags: FLAGS })
    const body = { reason: 'x', expiresAt: inMinutes(0.01), onExpiry: 'extend' }
    const { expiresAt } = await value(await kill(env.api, 'flag:beta', body))
    const extensions = async () => {
      const { items } = await value(await call(`/api/v1/audit?environment=${env.name}&action=kill.extended`))
      return items.length
    }
    for (let second = 1; second <= 10; second++) {
      goOn(1 / 60)
      await runDurableObjectAlarm(env.stub)
    }
    expect(await extensions()).toBe(1)
    const extended = await value(await call(`${env.api}/kills/flag:beta`))
    expect(Date.parse(extended.expiresAt) - Date.parse(expiresAt)).toBe(60_000)
    goOn(1)
    await runDurableObjectAlarm(env.stub)
    expect(await extensions()).toBe(2)
  })

  it('that a backup has brought with no time at all is extended by a minute too', async () => {
    const env = await environment({ flags: FLAGS })
    const body = { reason: 'x', expiresAt: inMinutes(10), onExpiry: 'extend' }
    await value(await kill(env.api, 'flag:beta', body))
    await runInDurableObject(env.stub, (_, { storage }) => {
      storage.sql.exec('UPDATE kills SET duration = 0, expires_at = ?', Date.now() - 1)
    })
    await runDurableObjectAlarm(env.stub)
    const extended = await value(await call(`${env.api}/kills/flag:beta`))
    expect(Date.parse(extended.expiresAt)).toBeGreaterThan(Date.now() + 50_000)
  })
})
