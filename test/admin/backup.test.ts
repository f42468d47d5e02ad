import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import type { EnvironmentObject } from '../../admin/objects/environment.ts'
import { system } from '../../admin/settings.ts'
import { backupOf, read, recordsIn } from './backup.ts'
import { ANY, call, environment, problem, value } from './client.ts'

const GLASS = { ...ANY, 'x-turnout-break-glass': 'true', 'x-turnout-reason': 'a test' }

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
const AUTHOR = system('a test')

function streamOf(instance: EnvironmentObject): ReadableStream<Uint8Array> {
  const answer = instance.backup()
  if (!answer.ok) throw new Error(answer.error.reason)
  return answer.value
}

describe('a backup of an environment', () => {
  it('holds all that there is: document, history, kills, keys, and what waits', async () => {
    const { name, api } = await environment({ flags: { a: true, b: { enabled: true, percentage: 5 } } })
    const post = (path: string, body: object) => call(path, { body }).then((response) => value(response))
    await value(await call(`${api}/flags/a`, { method: 'PUT', body: false, headers: ANY }))
    await value(await call(`${api}/kills/flag:b`, { method: 'PUT', body: { reason: 'errors' } }))
    const key = await post('/api/v1/keys', { environment: name, kind: 'server', name: 'shop' })
    expect((await call(`${api}/labels/first`, { method: 'PUT', body: { version: 2 } })).status).toBe(204)
    await post('/api/v1/schedules', { environment: name, at: '2099-01-01T00:00:00Z', flags: { a: true } })
    await post('/api/v1/windows', {
      ...{ environment: name, days: DAYS, from: '00:00', to: '00:00', timeZone: 'UTC', reason: 'x' },
    })
    await post('/api/v1/freezes', { environment: name, reason: 'x', from: '2099-01-01T00:00:00Z' })
    await value(await call(api, { method: 'PUT', body: { approvals: 1 }, headers: GLASS }))
    const editor = await post('/api/v1/tokens', { name: `asker-${name}`, role: 'editor' })
    const theirs = { ...ANY, authorization: `Bearer ${editor.token}` }
    const asked = await call(`${api}/flags/b`, { method: 'PATCH', body: { percentage: 9 }, headers: theirs })
    expect(asked.status).toBe(202)

    const text = await backupOf(name)
    const records = (record: string) => recordsIn(text, `environment:${name}`, record)
    const state = await value(await call(api))
    const { reader } = read(text)
    expect(reader.objects[0]!.begin).toMatchObject({
      ...{ live: true, epoch: state.epoch, version: state.version, kills: 1 },
    })
    expect(records('kill')).toMatchObject([{ target: 'flag:b', reason: 'errors', actor: 'bootstrap' }])
    expect(records('label')).toMatchObject([{ label: 'first', version: 2 }])
    expect(records('schedule')).toMatchObject([{ n: 1, status: 'waiting' }])
    expect(records('window')[0]).toMatchObject({ n: 1, days: DAYS })
    expect(records('freeze')).toMatchObject([{ n: 1, reason: 'x' }])
    expect(records('review').length).toBeGreaterThanOrEqual(1)
    expect(records('approval')).toMatchObject([{ n: 1, status: 'pending' }])
    expect(records('proposal')).toMatchObject([{ n: 1, change: { do: 'edit', edit: { do: 'patch' } } }])
    expect(records('version').map(({ version }) => version)).toStrictEqual(
      Array.from({ length: state.version }, (_, at) => state.version - at),
    )
    const rows = records('entity').filter(({ kind, key }) => kind === 'flag' && key === 'a')
    expect(rows).toMatchObject([
      { since: 2, until: 3 },
      { since: 3, until: null },
    ])
    const texts = Object.fromEntries(records('body').map(({ hash, text }) => [hash, text]))
    expect(rows.map(({ hash }) => texts[hash])).toStrictEqual(['true', 'false'])
    expect(records('entity').find(({ kind }) => kind === 'sdk-key')).toMatchObject({ key: key.id })
    const { entries, head } = (await value(await call(`/api/v1/audit/verify?environment=${name}`))).chains[0]
    expect(reader.objects[0]!.head).toStrictEqual({ seq: entries, hash: head })
    expect(text).not.toContain(key.key)
    expect(text).not.toContain(editor.token)
  })

  it('holds what flags go back to when a schedule that was made is over', async () => {
    const { name, api, stub } = await environment({ flags: { b: { enabled: true, percentage: 5 } } })
    const [at, until] = ['2099-01-01T00:00:00Z', '2099-01-02T00:00:00Z']
    const body = { environment: name, at, until, flags: { b: { percentage: 50 } } }
    await value(await call('/api/v1/schedules', { body }))
    await runInDurableObject(stub, (_instance, { storage }) => {
      storage.sql.exec('UPDATE schedules SET due_at = 1')
    })
    await runDurableObjectAlarm(stub)
    expect(await value(await call(`${api}/flags/b`))).toMatchObject({ percentage: 50 })
    expect(recordsIn(await backupOf(name), `environment:${name}`, 'schedule')).toMatchObject([
      { status: 'applied', before: { b: '{"enabled":true,"percentage":5}' } },
    ])
  })

  it('is as the environment was at one moment, whatever changes while it is read', async () => {
    const { name, stub } = await environment({ flags: { a: true, b: true } })
    const text = await runInDurableObject(stub, async (instance) => {
      const stream = streamOf(instance)
      const kill = { variant: null, reason: 'errors', expiresAtMs: null, onExpiry: 'restore' } as const
      const manner = { precondition: null, breakGlass: false }
      expect(instance.putKill('flag:b', kill, manner, AUTHOR).ok).toBe(true)
      const edit = { do: 'toggle', key: 'a', enabled: false } as const
      expect((await instance.edit(edit, manner, AUTHOR)).ok).toBe(true)
      return new Response(stream).text()
    })
    const object = `environment:${name}`
    expect(recordsIn(text, object, 'kill')).toStrictEqual([])
    expect(recordsIn(text, object, 'audit')).toHaveLength(2)
    expect(recordsIn(text, object, 'version').map(({ version }) => version)).toStrictEqual([2, 1])
    const flag = recordsIn(text, object, 'entity').filter(({ key }) => key === 'a')
    expect(flag).toMatchObject([{ since: 2, until: null }])
  })

  it('breaks off, without a closing line, if its version is forgotten while it is read', async () => {
    const { api, stub } = await environment({ flags: { a: true } })
    const read = runInDurableObject(stub, (instance, { storage }) => {
      const stream = streamOf(instance)
      storage.sql.exec('DELETE FROM versions')
      return new Response(stream).text()
    })
    await expect(read).rejects.toThrow('changed too much')
    expect((await call(api, { method: 'DELETE', headers: ANY })).status).toBe(204)
  })

  it('of a deleted one is its audit log', async () => {
    const { name, api } = await environment({ flags: { a: true } })
    expect((await call(api, { method: 'DELETE', headers: ANY })).status).toBe(204)
    const text = await backupOf(name)
    const [object] = read(text).reader.objects
    expect(object).toMatchObject({ begin: { live: false, version: 3 }, counts: { audit: 3 } })
  })

  it('of one that never was is 404', async () => {
    await problem(await call('/api/v1/environments/never-was/backup'), 404)
  })
})

describe('a backup of everything', () => {
  it('holds who may call, webhooks and every environment, deleted ones too, and no secret', async () => {
    const first = await environment({ flags: { a: true } })
    const second = await environment()
    expect((await call(second.api, { method: 'DELETE', headers: ANY })).status).toBe(204)
    const { token, name } = await value(
      await call('/api/v1/tokens', { body: { name: `reader-${first.name}`, role: 'viewer' } }),
    )
    const person = 'ana@example.com'
    await value(await call(`/api/v1/people/${person}`, { method: 'PUT', body: { role: 'viewer' } }))
    const url = 'https://hooks.example.com/services/T0123/very-secret-path'
    const hook = {
      name: first.name,
      url,
      format: 'pagerduty',
      routingKey: '0123456789abcdef0123456789abcdef',
    }
    const { webhook, secret } = await value(await call('/api/v1/webhooks', { body: hook }))

    const text = await backupOf(null)
    expect(read(text).reader.header!.holds).toEqual(
      expect.arrayContaining([
        'access',
        'webhooks',
        `environment:${first.name}`,
        `environment:${second.name}`,
      ]),
    )
    expect(recordsIn(text, 'access', 'token')).toContainEqual(
      expect.objectContaining({ name, role: 'viewer', hash: expect.stringMatching(/^[0-9a-f]{64}$/) }),
    )
    expect(recordsIn(text, 'access', 'person')).toContainEqual(expect.objectContaining({ id: person }))
    expect(recordsIn(text, 'webhooks', 'webhook')).toContainEqual(
      expect.objectContaining({ name: first.name, host: 'hooks.example.com', format: 'pagerduty' }),
    )
    for (const part of [
      token,
      secret ?? webhook.secret,
      'very-secret-path',
      '0123456789abcdef0123456789abcdef',
    ])
      expect(text).not.toContain(part)
    const [newest] = (await value(await call('/api/v1/audit?environment=@control-plane&limit=1'))).items
    expect(newest).toMatchObject({ action: 'backup.taken', subject: 'control-plane', actor: 'bootstrap' })
  })

  it('is for admins of everything only, and one of an environment for its admins', async () => {
    const { name, api } = await environment()
    const bearer = async (body: object) => {
      const { token } = await value(await call('/api/v1/tokens', { body }))
      return { authorization: `Bearer ${token}` }
    }
    const scoped = await bearer({ name: `admin-${name}`, role: 'admin', environments: [name] })
    const editor = await bearer({ name: `editor-${name}`, role: 'editor' })
    expect((await call(`${api}/backup`, { headers: scoped })).status).toBe(200)
    await problem(await call('/api/v1/backup', { headers: scoped }), 403)
    await problem(await call(`${api}/backup`, { headers: editor }), 403)
    const other = await environment()
    await problem(await call(`${other.api}/backup`, { headers: scoped }), 403)
  })
})
