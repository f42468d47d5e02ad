import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { exports } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import type { ControlRpc } from '../../admin/rpc.ts'
import { contentHash } from '../../admin/storage/content-hash.ts'
import { decodeSnapshot } from '../../engine/index.ts'
import { type AnyRecord, backupOf, closed, lose, read, recordsIn, restore } from './backup.ts'
import { ANY, call, environment, NEW, problem, type TestEnvironment, value } from './client.ts'

const put = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
  const response = await call(path, { method: 'PUT', body, headers })
  expect(response.ok, await response.clone().text()).toBe(true)
  return response
}
const post = (path: string, body: object) => call(path, { body }).then((response) => value(response))
const get = (path: string) => call(path).then((response) => value(response))
const kill = (api: string, target: string, more: object = {}) =>
  put(`${api}/kills/${target}`, { reason: 'errors', ...more })

/** Restores one environment and answers what is said of it. */
async function restored(
  text: string,
  { name }: TestEnvironment,
  query = '',
  headers: Record<string, string> = {},
): Promise<AnyRecord> {
  const { objects } = await value(await restore(text, name, query, headers))
  expect(objects).toHaveLength(1)
  return objects[0]
}

const killsOf = async (api: string): Promise<string[]> =>
  (await get(`${api}/kills`)).items.map(({ target }: AnyRecord) => target).sort()

const auditOf = async ({ name }: TestEnvironment, action = '*'): Promise<AnyRecord[]> =>
  (await get(`/api/v1/audit?environment=${name}&action=${action}&limit=1000`)).items

async function expectWholeLog({ name }: TestEnvironment): Promise<{ entries: number; head: string }> {
  const { valid, chains } = await get(`/api/v1/audit/verify?environment=${name}`)
  expect(valid).toBe(true)
  return chains[0]
}

/** Texts like that are no JSON any more. */
async function damage({ stub }: TestEnvironment, like: string): Promise<void> {
  await runInDurableObject(stub, (_, { storage }) => {
    storage.sql.exec("UPDATE bodies SET text = '{' WHERE text LIKE ?", like)
  })
  await evictDurableObject(stub)
}

/** As an edge of that environment sees it. */
const edgeOf = (name: string) =>
  (exports as unknown as { ControlRpc: (o: object) => ControlRpc }).ControlRpc({
    props: { environment: name },
  })

describe('restoring an environment whose storage was lost', () => {
  it('brings back all of it, under an epoch above the lost one and a version above all others', async () => {
    const test = await environment({ flags: { a: true, b: { enabled: true, percentage: 5 } } })
    const { name, api, stub } = test
    await put(`${api}/flags/a`, false, ANY)
    await kill(api, 'flag:b', { variant: 'off' })
    await put(`${api}/labels/first`, { version: 2 })
    const key = await post('/api/v1/keys', { environment: name, kind: 'server', name: 'shop' })
    await post('/api/v1/schedules', { environment: name, at: '2099-01-01T00:00:00Z', flags: { a: true } })
    await post('/api/v1/freezes', { environment: name, reason: 'x', from: '2099-01-01T00:00:00Z' })
    const before = await get(api)
    const text = await backupOf(name)
    await lose(stub)
    await problem(await call(api), 404)

    const outcome = await restored(text, test, '?reason=the%20disk%20was%20lost')
    expect(outcome).toMatchObject({ outcome: 'restored', history: 'of-backup', recovered: ['flag:b'] })
    const after = await get(api)
    expect(after.epoch).toBeGreaterThan(before.epoch)
    expect(after.version).toBe(before.version + 1)
    expect(after.killsVersion).toBeGreaterThan(before.killsVersion)
    expect(await get(`${api}/document`)).toEqual({
      flags: { a: false, b: { enabled: true, percentage: 5 } },
    })
    expect(await killsOf(api)).toEqual(['flag:b'])
    expect((await get(`${api}/versions/first`)).document.flags.a).toBe(true)
    expect((await get(`/api/v1/keys?environment=${name}`)).items).toMatchObject([{ id: key.id }])
    expect((await get(`/api/v1/schedules?environment=${name}`)).items).toMatchObject([{ status: 'waiting' }])
    expect((await get(`/api/v1/freezes?environment=${name}`)).items).toMatchObject([{ reason: 'x' }])
    const update = await edgeOf(name).read({ epoch: before.epoch, snapshot: before.version, kills: 1 })
    expect(update).toMatchObject({ epoch: after.epoch, snapshot: after.version })
    expect(update.kills?.kills).toEqual([{ target: 'flag:b', variant: 'off' }])
    const snapshot = decodeSnapshot(await edgeOf(name).snapshot(after.epoch, after.version))
    expect(snapshot.ok && snapshot.value.access.keys).toHaveLength(1)
    // And goes on from there.
    expect((await put(`${api}/flags/a`, true, ANY)).headers.get('etag')).toBe(`"v${after.version + 1}"`)
  })

  it('continues the audit log of the backup with an entry that says so', async () => {
    const test = await environment({ flags: { a: true } })
    const text = await backupOf(test.name)
    const { head } = read(text).reader.objects[0]!
    await lose(test.stub)
    await restored(text, test, '?reason=the%20disk%20was%20lost')
    const { entries } = await expectWholeLog(test)
    expect(entries).toBe(head.seq + 1)
    const [newest, last] = await auditOf(test)
    expect(last.hash).toBe(head.hash)
    expect(newest).toMatchObject({
      ...{ action: 'environment.restored-from-backup', subject: `environment:${test.name}` },
      ...{ actor: 'bootstrap', reason: 'the disk was lost', previousHash: head.hash },
      details: {
        file: read(text).reader.closing!.sha256,
        fromVersion: 2,
        entriesImported: 2,
        entriesCarriedOver: 0,
      },
    })
  })

  it('loses nothing that was done since in an environment that was made anew', async () => {
    const test = await environment({ flags: { a: true, b: true } })
    const { name, api, stub } = test
    await kill(api, 'flag:a')
    const text = await backupOf(name)
    await lose(stub)
    await put(api, {}, NEW)
    await put(`${api}/document`, { flags: { b: true } }, ANY)
    await kill(api, 'flag:b')
    await post('/api/v1/freezes', { environment: name, reason: 'disaster', from: '2020-01-01T00:00:00Z' })
    const key = await post('/api/v1/keys', { environment: name, kind: 'client', name: 'new' })
    const anew = await auditOf(test)

    const outcome = await restored(text, test, '?reason=disaster', { 'x-turnout-break-glass': 'true' })
    expect(outcome).toMatchObject({ history: 'of-backup', log: { imported: 3, carriedOver: anew.length } })
    expect(await killsOf(api)).toEqual(['flag:a', 'flag:b'])
    expect((await get(`${api}/document`)).flags).toEqual({ a: true, b: true })
    expect((await get(`/api/v1/freezes?environment=${name}`)).items).toMatchObject([{ reason: 'disaster' }])
    expect((await get(`/api/v1/keys?environment=${name}`)).items).toMatchObject([{ id: key.id }])
    await expectWholeLog(test)
    const log = (await auditOf(test)).reverse()
    const carried = log.filter(({ details }) => details.carriedOver !== undefined)
    expect(carried.map(({ action, details }) => [action, details.carriedOver, details.carriedHash])).toEqual(
      anew.reverse().map(({ action, seq, hash }) => [action, seq, hash]),
    )
    // Reviews of kills name the entries of those kills, wherever these are now.
    const reviews = (await get(`${api}/reviews`)).items
    for (const review of reviews) expect(log[review.seq - 1]).toMatchObject({ action: review.action })
    expect(reviews.map(({ subject }: AnyRecord) => subject)).toEqual(
      expect.arrayContaining(['kill:flag:a', 'kill:flag:b', `environment:${name}`]),
    )
  })

  it('does not carry out schedules whose time has passed, and says which', async () => {
    const test = await environment({ flags: { a: true, b: true } })
    const { name, api, stub } = test
    const at = new Date(Date.now() + 60_000).toISOString()
    await post('/api/v1/schedules', { environment: name, at, flags: { a: false } })
    await post('/api/v1/schedules', { environment: name, at: '2099-01-01T00:00:00Z', flags: { b: false } })
    const text = await backupOf(name)
    await lose(stub)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 120_000 })
    try {
      expect(await restored(text, test)).toMatchObject({ notRun: [`${name}:1`] })
      await runInDurableObject(stub, (_, { storage }) => storage.setAlarm(Date.now() + 60_000))
      await runDurableObjectAlarm(stub)
      expect((await get(`${api}/document`)).flags).toEqual({ a: true, b: true })
      expect((await get(`/api/v1/schedules?environment=${name}`)).items).toMatchObject([
        { status: 'waiting' },
        { status: 'failed', problem: expect.stringContaining('restored from a backup') },
      ])
    } finally {
      vi.useRealTimers()
    }
  })

  it('brings back approvals that somebody may still decide on', async () => {
    const test = await environment({ flags: { a: { enabled: true, percentage: 5 } } })
    const { name, api, stub } = test
    await put(api, { approvals: 1 }, ANY)
    const { token } = await post('/api/v1/tokens', { name: `asker-${name}`, role: 'editor' })
    const theirs = { ...ANY, authorization: `Bearer ${token}` }
    const asked = await call(`${api}/flags/a`, { method: 'PATCH', body: { percentage: 9 }, headers: theirs })
    expect(asked.status).toBe(202)
    const text = await backupOf(name)
    await lose(stub)
    await restored(text, test)
    expect(await value(await call(`/api/v1/approvals/${name}:1/approve`, { body: {} }))).toMatchObject({
      status: 'applied',
    })
    expect((await get(`${api}/flags/a`)).percentage).toBe(9)
  })

  it('over a protected environment breaks the glass, or is refused', async () => {
    const test = await environment({ flags: { a: { enabled: true, percentage: 50 } } })
    const { api, name } = test
    const text = await backupOf(name)
    await value(await call(`${api}/flags/a`, { method: 'PATCH', body: { percentage: 5 }, headers: ANY }))
    await put(api, { approvals: 1 }, ANY)
    const before = await get(api)
    expect((await restore(text, name, '?dryRun=true')).status).toBe(200)
    const refused = await problem(await restore(text, name), 403)
    expect(refused.detail).toContain('x-turnout-break-glass')
    const glass = { 'x-turnout-break-glass': 'true' }
    await problem(await restore(text, name, '', glass), 422)
    expect(await get(api)).toStrictEqual(before)
    await restored(text, test, '?reason=disk%20lost', glass)
    expect((await get(`${api}/flags/a`)).percentage).toBe(50)
    const [entry] = await auditOf(test, 'environment.restored-from-backup')
    expect(entry).toMatchObject({ reason: 'disk lost', details: { breakGlass: true } })
    const reviews = (await get(`${api}/reviews`)).items
    expect(reviews[0]).toMatchObject({ action: 'environment.restored-from-backup', reason: 'disk lost' })
  })

  it('of a deleted environment brings back its audit log alone', async () => {
    const test = await environment({ flags: { a: true } })
    expect((await call(test.api, { method: 'DELETE', headers: ANY })).status).toBe(204)
    const text = await backupOf(test.name)
    await lose(test.stub)
    expect(await restored(text, test)).toStrictEqual({
      ...{ object: `environment:${test.name}`, outcome: 'restored', log: { imported: 3, carriedOver: 0 } },
    })
    expect((await expectWholeLog(test)).entries).toBe(4)
    await problem(await call(test.api), 404)
    expect((await put(test.api, {}, NEW)).status).toBe(201)
  })
})

describe('restoring an older backup over a live environment', () => {
  it('brings back document and settings as the next version, and keeps the versions between', async () => {
    const test = await environment({ flags: { a: true } })
    const { name, api } = test
    const text = await backupOf(name)
    await put(`${api}/document`, { flags: { b: true } }, ANY)
    await put(api, { tier: 2 }, ANY)
    const between = await get(api)
    const entries = (await auditOf(test)).length

    const outcome = await restored(text, test)
    expect(outcome).toMatchObject({
      ...{ history: 'kept', version: between.version + 1, log: { imported: 0, carriedOver: 0 } },
    })
    const after = await get(api)
    expect(after).toMatchObject({ tier: null, version: between.version + 1 })
    expect(after.epoch).toBeGreaterThan(between.epoch)
    expect((await get(`${api}/document`)).flags).toEqual({ a: true })
    expect((await get(`${api}/versions/${between.version}`)).document.flags).toEqual({ b: true })
    expect((await expectWholeLog(test)).entries).toBe(entries + 1)
    const [newest] = await auditOf(test)
    expect(newest.changes.map(({ subject }: AnyRecord) => subject).sort()).toEqual([
      ...['flag:a', 'flag:b', 'settings'],
    ])
    expect((await get(`${api}/reviews`)).items).toMatchObject([{ seq: newest.seq }])
  })

  it('loses no kill, neither of those that hold now nor of those in the backup', async () => {
    const test = await environment({ flags: { a: true, b: true, c: true } })
    const { name, api } = test
    const soon = new Date(Date.now() + 3_600_000).toISOString()
    await kill(api, 'flag:a')
    await kill(api, 'flag:c')
    const text = await backupOf(name)
    expect((await call(`${api}/kills/flag:a`, { method: 'DELETE' })).status).toBe(204)
    expect((await call(`${api}/kills/flag:c`, { method: 'DELETE' })).status).toBe(204)
    await kill(api, 'flag:b')
    await kill(api, 'flag:c', { expiresAt: soon, reason: 'again' })
    const { killsVersion } = await get(api)

    const outcome = await restored(text, test)
    expect(outcome.recovered.sort()).toEqual(['flag:a', 'flag:c'])
    expect(await killsOf(api)).toEqual(['flag:a', 'flag:b', 'flag:c'])
    // The longer of the two holds.
    const both = await get(`${api}/kills/flag:c`)
    expect(both).toMatchObject({ reason: 'again' })
    expect(both).not.toHaveProperty('expiresAt')
    expect(outcome.killsVersion).toBeGreaterThan(killsVersion)
    expect((await get(`${api}/propagation?kill=${outcome.killsVersion}`)).kill).toBe(outcome.killsVersion)
    expect((await auditOf(test, 'kill.recovered')).map(({ subject }) => subject).sort()).toEqual([
      ...['kill:flag:a', 'kill:flag:c'],
    ])
  })

  it('leaves out kills whose time is over', async () => {
    const test = await environment({ flags: { a: true } })
    await kill(test.api, 'flag:a', { expiresAt: new Date(Date.now() + 60_000).toISOString() })
    const text = await backupOf(test.name)
    await lose(test.stub)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 120_000 })
    try {
      expect(await restored(text, test)).toMatchObject({ recovered: [], over: ['flag:a'] })
    } finally {
      vi.useRealTimers()
    }
    expect(await killsOf(test.api)).toEqual([])
  })

  it('leaves decisions made since as they are: keys, approvals, schedules, windows and freezes', async () => {
    const test = await environment({ flags: { a: true } })
    const { name } = test
    const revoked = await post('/api/v1/keys', { environment: name, kind: 'server', name: 'leaked' })
    const planned = await post('/api/v1/schedules', {
      ...{ environment: name, at: '2099-01-01T00:00:00Z', flags: { a: false } },
    })
    const text = await backupOf(name)
    expect((await call(`/api/v1/keys/${revoked.id}`, { method: 'DELETE' })).status).toBe(204)
    await call(`/api/v1/schedules/${planned.id}`, { method: 'DELETE' })
    const added = await post('/api/v1/keys', { environment: name, kind: 'server', name: 'new' })
    await post('/api/v1/freezes', { environment: name, reason: 'since', from: '2099-01-01T00:00:00Z' })

    expect(await restored(text, test)).toMatchObject({ revoked: [revoked.id] })
    expect((await get(`/api/v1/keys?environment=${name}`)).items).toMatchObject([{ id: added.id }])
    expect((await get(`/api/v1/schedules?environment=${name}`)).items).toMatchObject([
      { status: 'cancelled' },
    ])
    expect((await get(`/api/v1/freezes?environment=${name}`)).items).toMatchObject([{ reason: 'since' }])
  })

  it('mends what is damaged here, of its history too, and says what it replaces by hash', async () => {
    const test = await environment({ flags: { a: { enabled: true, description: 'first' } } })
    const text = await backupOf(test.name)
    const second = { enabled: true, description: 'second' }
    await put(`${test.api}/flags/a`, second, ANY)
    await damage(test, '%description%')
    expect(await restored(text, test)).toMatchObject({ outcome: 'restored', history: 'kept' })
    expect((await get(`${test.api}/document`)).flags.a.description).toBe('first')
    expect((await get(`${test.api}/versions/2`)).document.flags.a.description).toBe('first')
    const [{ changes }] = await auditOf(test)
    expect(changes).toStrictEqual([
      {
        subject: 'flag:a',
        patch: null,
        hashes: { before: contentHash('{'), after: contentHash('{"enabled":true,"description":"first"}') },
      },
    ])
    await put(`${test.api}/flags/a`, second, ANY)
  })

  it('does nothing if it was just done, and does it again after a change', async () => {
    const test = await environment({ flags: { a: true } })
    const text = await backupOf(test.name)
    await put(`${test.api}/flags/a`, false, ANY)
    expect(await restored(text, test)).toMatchObject({ outcome: 'restored' })
    const once = await get(test.api)
    expect(await restored(text, test)).toStrictEqual({
      ...{ object: `environment:${test.name}`, outcome: 'restored-already' },
    })
    expect(await get(test.api)).toEqual(once)
    await put(`${test.api}/flags/a`, false, ANY)
    expect(await restored(text, test)).toMatchObject({ outcome: 'restored' })
    expect(await get(`${test.api}/flags/a`)).toBe(true)
  })
})

describe('restoring a backup from before a point of no return', () => {
  const GLASS = { 'x-turnout-break-glass': 'true' }
  const orders = (at: 'off' | 'complete') => ({
    kind: 'migration',
    enabled: true,
    variants: { off: 'off', complete: 'complete' },
    ...{ off: at, fallthrough: at },
    migration: { pointOfNoReturn: 'complete' },
  })
  /** It has passed the point; the backup has not. */
  async function passed() {
    const test = await environment({ flags: { 'orders-db': orders('off') } })
    const text = await backupOf(test.name)
    await put(`${test.api}/flags/orders-db`, orders('complete'), ANY)
    return { test, text }
  }
  const stageOf = async (api: string) => (await get(`${api}/flags/orders-db`)).fallthrough

  it('is refused over a live environment, names the flag, and changes nothing', async () => {
    const { test, text } = await passed()
    const before = await get(test.api)
    for (const only of [test.name, null]) {
      const { type, errors } = await problem(await restore(text, only), 409)
      expect(type).toBe('urn:turnout:problem:stage-order')
      expect(errors).toStrictEqual([
        {
          path: `environment:${test.name}, $.flags['orders-db']`,
          message: 'would go back to off, but has passed its point of no return, complete',
        },
      ])
    }
    expect(await get(test.api)).toStrictEqual(before)
    expect(await stageOf(test.api)).toBe('complete')
  })

  it('is said by a dry run, and done with broken glass, which leaves a review', async () => {
    const { test, text } = await passed()
    const warnings = [
      { path: "$.flags['orders-db']", message: expect.stringContaining('would go back to off') },
    ]
    expect(await restored(text, test, '?dryRun=true')).toMatchObject({ warnings })
    expect(await stageOf(test.api)).toBe('complete')
    expect(await restored(text, test, '?reason=old%20database%20is%20back', GLASS)).toMatchObject({
      warnings,
    })
    expect(await stageOf(test.api)).toBe('off')
    const [entry] = await auditOf(test, 'environment.restored-from-backup')
    expect(entry).toMatchObject({ reason: 'old database is back', details: { breakGlass: true } })
    expect((await get(`${test.api}/reviews`)).items).toMatchObject([{ seq: entry.seq }])
  })

  it('asks nothing where nothing is: lost, deleted, or made anew without flags', async () => {
    const { test, text } = await passed()
    await lose(test.stub)
    expect(await restored(text, test)).toMatchObject({ outcome: 'restored', warnings: [] })
    await put(`${test.api}/flags/orders-db`, orders('complete'), ANY)
    expect((await call(test.api, { method: 'DELETE', headers: ANY })).status).toBe(204)
    expect(await restored(text, test)).toMatchObject({ outcome: 'restored', warnings: [] })
    await lose(test.stub)
    await put(test.api, {}, NEW)
    expect(await restored(text, test)).toMatchObject({ outcome: 'restored', warnings: [] })
  })

  it('asks nothing of migrations that may still go back, by whatever leap, nor of a backup from behind the point', async () => {
    const { test } = await passed()
    const text = await backupOf(test.name)
    await put(`${test.api}/document`, { flags: { 'orders-db': orders('complete'), a: true } }, ANY)
    expect(await restored(text, test)).toMatchObject({ outcome: 'restored', warnings: [] })

    const other = await environment({ flags: { db: { ...orders('off'), migration: {} } } })
    const begun = await backupOf(other.name)
    await put(`${other.api}/flags/db`, { ...orders('complete'), migration: {} }, ANY)
    expect(await restored(begun, other)).toMatchObject({ outcome: 'restored', warnings: [] })
  })

  it('is refused for a kill of the backup that would go back', async () => {
    const test = await environment({ flags: { 'orders-db': orders('complete') } })
    const kills = `${test.api}/kills/flag:orders-db`
    await put(kills, { reason: 'old side', variant: 'off' }, { ...GLASS })
    const text = await backupOf(test.name)
    expect(
      (await call(kills, { method: 'DELETE', headers: { ...GLASS, 'x-turnout-reason': 'over' } })).status,
    ).toBe(204)
    const { errors } = await problem(await restore(text, test.name), 409)
    expect(errors).toStrictEqual([
      {
        path: `environment:${test.name}, $.kills['flag:orders-db'].variant`,
        message: 'flag orders-db would go back to off, but has passed its point of no return, complete',
      },
    ])
    // One that holds now as it held then takes nothing back.
    await put(kills, { reason: 'old side', variant: 'off' }, { ...GLASS })
    expect(await restored(text, test)).toMatchObject({ outcome: 'restored', warnings: [] })
  })

  it('goes over a document that cannot be read, as nobody can tell where it stands', async () => {
    const { test, text } = await passed()
    await damage(test, '%pointOfNoReturn%')
    expect(await restored(text, test)).toMatchObject({ outcome: 'restored', warnings: [] })
    expect(await stageOf(test.api)).toBe('off')
  })
})

describe('a dry run', () => {
  it('says what would be, and does nothing', async () => {
    const test = await environment({ flags: { a: true } })
    await kill(test.api, 'flag:a')
    const text = await backupOf(test.name)
    await put(`${test.api}/document`, { flags: { b: true } }, ANY)
    expect((await call(`${test.api}/kills/flag:a`, { method: 'DELETE' })).status).toBe(204)
    const [state, log] = [await get(test.api), await auditOf(test)]
    const rehearsed = await restored(text, test, '?dryRun=true')
    expect(rehearsed).toMatchObject({ outcome: 'restored', history: 'kept', recovered: ['flag:a'] })
    expect(await get(test.api)).toEqual(state)
    expect(await auditOf(test)).toEqual(log)
    expect(await killsOf(test.api)).toEqual([])
    const done = await restored(text, test)
    expect({ ...done, epoch: 0 }).toEqual({ ...rehearsed, epoch: 0 })
  })
})

describe('a file that is not what it should be', () => {
  const staged = ({ stub }: TestEnvironment) =>
    runInDurableObject(stub, (_, { storage }) =>
      Number(storage.sql.exec<{ n: number }>('SELECT COUNT(*) AS n FROM staged').one().n),
    )

  it.each<[string, (text: string) => string, string]>([
    ['it was cut', (text) => text.slice(0, -30), 'closing line'],
    ['it was changed', (text) => text.replace('"bootstrap"', '"somebody"'), 'file was changed'],
    ['it is empty', () => '', 'is empty'],
    ['it is something else', () => '{"flags":{}}\n', 'not the header'],
  ])('is refused, with everything that is wrong, and nothing is changed: %s', async (_, change, message) => {
    const test = await environment({ flags: { a: true } })
    const text = await backupOf(test.name)
    const before = await get(test.api)
    const { errors } = await problem(await restore(change(text), test.name), 422)
    expect(errors.map((error) => `${error.path}: ${error.message}`).join('\n')).toContain(message)
    expect(await get(test.api)).toEqual(before)
    expect(await staged(test)).toBe(0)
  })

  it('is refused if its document does not compile here, with every error, whatever else it holds', async () => {
    const test = await environment({ flags: { a: true } })
    const text = await backupOf(test.name)
    const lines = text.trimEnd().split('\n').slice(0, -1)
    const body = recordsIn(text, `environment:${test.name}`, 'body').find((record) => record.text === 'true')
    const bad = '{"percentage":400}'
    const changed = lines.map((line) =>
      line.replaceAll(body.hash, contentHash(bad)).replace('"text":"true"', `"text":${JSON.stringify(bad)}`),
    )
    const { errors } = await problem(await restore(closed(changed), test.name), 422)
    expect(errors[0]!.path).toBe(`environment:${test.name}, $.flags.a.percentage`)
    expect(await get(`${test.api}/flags/a`)).toBe(true)
    await expectWholeLog(test)
  })

  it('is refused if it does not hold the environment', async () => {
    const [one, other] = [await environment(), await environment()]
    const { errors } = await problem(await restore(await backupOf(one.name), other.name), 422)
    expect(errors[0]!.message).toContain(
      `does not hold environment:${other.name}, but environment:${one.name}`,
    )
  })

  it('is refused under another media type, and may be gzipped', async () => {
    const test = await environment({ flags: { a: true } })
    const text = await backupOf(test.name)
    const path = `${test.api}/backup`
    await problem(await call(path, { method: 'PUT', body: text }), 415)
    const zipped = new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'))
    const response = await exports.default.fetch(`https://admin.test${path}`, {
      method: 'PUT',
      headers: {
        ...{ authorization: 'Bearer token-of-the-tests', 'content-type': 'application/x-ndjson' },
        'content-encoding': 'gzip',
      },
      body: await new Response(zipped).arrayBuffer(),
    })
    expect((await value(response)).objects[0]).toMatchObject({ outcome: 'restored' })
  })
})
