import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { applyPatch } from 'rfc6902'
import { describe, expect, it } from 'vitest'
import { Ledger } from '../../admin/objects/ledger.ts'
import { record } from '../../admin/objects/recording.ts'
import { system } from '../../admin/settings.ts'
import { contentHash } from '../../admin/storage/content-hash.ts'
import { readState, writeState } from '../../admin/storage/state.ts'
import { ANY, call, environment, NEW, problem, value } from './client.ts'

const entriesOf = async (name: string, query = '') =>
  (await value(await call(`/api/v1/audit?environment=${name}&limit=1000${query}`))).items

const drill = async (api: string) => value(await call(`${api}/drill`, { method: 'POST' }))

interface Listed {
  environment: string | null
  at: string
}

describe('an environment’s audit log', () => {
  it('has an entry for every change: who, when, why, before and after', async () => {
    const { name, api } = await environment({ flags: { beta: { enabled: true, percentage: 5 } } })
    const { token, ...minted } = await value(
      await call('/api/v1/tokens', { body: { name: `auditor-${name}`, role: 'admin' } }),
    )
    const answer = await call(`${api}/flags/beta`, {
      method: 'PATCH',
      body: { percentage: 10 },
      headers: {
        ...ANY,
        authorization: `Bearer ${token}`,
        'x-turnout-reason': 'stage two',
        'cf-connecting-ip': '203.0.113.7',
      },
    })
    const [entry] = await entriesOf(name)
    expect(entry).toMatchObject({
      seq: 3,
      environment: name,
      action: 'flag.updated',
      subject: 'flag:beta',
      actor: `token:${minted.name}`,
      reason: 'stage two',
      requestId: answer.headers.get('x-request-id'),
      address: '203.0.113.7',
      version: 3,
      kills: null,
      changeCount: 1,
    })
    expect(entry.changes).toStrictEqual([
      {
        subject: 'flag:beta',
        patch: [
          { op: 'test', path: '/percentage', value: 5 },
          { op: 'replace', path: '/percentage', value: 10 },
        ],
      },
    ])
    const flag = { enabled: true, percentage: 5 }
    expect(applyPatch(flag, entry.changes[0].patch)).toStrictEqual([null, null])
    expect(flag.percentage).toBe(10)
  })

  it('names every kind of change', async () => {
    const { name, api } = await environment()
    const send = (method: string, path: string, body?: unknown, headers: Record<string, string> = ANY) =>
      call(`${api}${path}`, { method, body, headers })
    await send('PUT', '/document', { flags: { beta: true } })
    await send('PUT', '/flags/gamma', false, NEW)
    await send('PATCH', '/flags/gamma', { enabled: true })
    await send('PATCH', '/flags', { gamma: null })
    await send('POST', '/flags/beta/toggle', { enabled: false })
    await send('POST', '/flags/beta/toggle', { enabled: true })
    await send('PUT', '/segments/s', { include: ['a'] }, NEW)
    await send('DELETE', '/segments/s')
    await send('DELETE', '/flags/beta')
    await send('PUT', '/kills/all-flags', { reason: 'x' })
    await send('DELETE', '/kills/all-flags')
    await send('PUT', '', { edgeHosts: ['www.example.com'] })
    const key = await value(
      await call('/api/v1/keys', { body: { environment: name, kind: 'server', name: 'x' } }),
    )
    await call(`/api/v1/keys/${key.id}`, { method: 'DELETE' })
    await send('DELETE', '')
    const entries = await entriesOf(name)
    expect(entries.map((entry: { action: string }) => entry.action).reverse()).toStrictEqual([
      'environment.created',
      'document.replaced',
      'flag.created',
      'flag.updated',
      'flags.updated',
      'flag.disabled',
      'flag.enabled',
      'segment.created',
      'segment.deleted',
      'flag.deleted',
      'kill.placed',
      'kill.lifted',
      'environment.updated',
      'key.created',
      'key.revoked',
      'environment.deleted',
    ])
    expect(JSON.stringify(entries)).not.toContain(key.key)
  })

  it('has no entry for what changed nothing', async () => {
    const { name, api } = await environment({ flags: { beta: true } })
    await call(`${api}/flags/beta/toggle`, { body: { enabled: true } })
    await call(`${api}/flags/beta`, { method: 'PATCH', body: { percentage: 101 }, headers: ANY })
    expect(await entriesOf(name)).toHaveLength(2)
  })

  it('is paged and filtered', async () => {
    const { name, api } = await environment({ flags: { beta: true, gamma: true } })
    for (const key of ['beta', 'gamma', 'beta'])
      await call(`${api}/flags/${key}/toggle`, {
        body: { enabled: key === 'gamma' ? false : Math.random() < 0 },
      })
    await call(`${api}/kills/flag:beta`, { method: 'PUT', body: { reason: 'x' } })
    const seqs: number[] = []
    let cursor: string | null = null
    do {
      const query: string = cursor === null ? '' : `&cursor=${cursor}`
      const page: { items: { seq: number }[]; nextCursor: string | null } = await value(
        await call(`/api/v1/audit?environment=${name}&limit=2${query}`),
      )
      seqs.push(...page.items.map((entry) => entry.seq))
      cursor = page.nextCursor
    } while (cursor !== null)
    expect(seqs).toStrictEqual([5, 4, 3, 2, 1])
    expect(await entriesOf(name, '&subject=flag:beta')).toHaveLength(1)
    expect(await entriesOf(name, '&action=kill.*')).toHaveLength(1)
    expect(await entriesOf(name, '&actor=nobody')).toHaveLength(0)
    expect(await entriesOf(name, '&to=2020-01-01T00:00:00Z')).toHaveLength(0)
    expect(await entriesOf(name, '&from=2020-01-01T00:00:00Z')).toHaveLength(5)
    await problem(await call(`/api/v1/audit?environment=${name}&cursor=nonsense`), 422)
    await problem(await call('/api/v1/audit?environment=never-was'), 404)
  })

  it('is not exported for an environment that never was: 404, and no file that breaks off', async () => {
    for (const name of ['never-was', '%25zz'])
      await problem(await call(`/api/v1/audit/export?environment=${name}`), 404)
  })

  it('is proven by its hashes, which anybody can compute', async () => {
    const { name, api } = await environment({ flags: { beta: true } })
    await call(`${api}/flags/beta/toggle`, { body: { enabled: false } })
    const found = await value(await call(`/api/v1/audit/verify?environment=${name}`))
    expect(found).toMatchObject({ valid: true, entries: 3, chains: [{ environment: name, valid: true }] })

    const lines = (await (await call(`/api/v1/audit/export?environment=${name}`)).text()).trim().split('\n')
    expect(lines).toHaveLength(3)
    let previous = '0'.repeat(64)
    for (const line of lines) {
      const { previousHash, hash } = JSON.parse(line)
      expect(previousHash).toBe(previous)
      const text = `${line.slice(0, line.lastIndexOf(',"previousHash":'))}}`
      expect(contentHash(`${previousHash}\n${text}`)).toBe(hash)
      previous = hash
    }
    expect(found.chains[0].head).toBe(previous)
  })

  it.each([
    ['a changed text', `UPDATE audit SET text = replace(text, 'bootstrap', 'somebody') WHERE seq = 2`, 2],
    ['an entry that is gone', 'DELETE FROM audit WHERE seq = 2', 3],
    ['a hash written over', `UPDATE audit SET hash = '${'1'.repeat(64)}' WHERE seq = 2`, 2],
    [
      'two entries exchanged',
      'UPDATE audit SET seq = 100 WHERE seq = 2; UPDATE audit SET seq = 2 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 100',
      2,
    ],
  ])('shows %s', async (_, statement, seq) => {
    const { name, api, stub } = await environment({ flags: { beta: true } })
    await call(`${api}/flags/beta/toggle`, { body: { enabled: false } })
    await runInDurableObject(stub, (_instance, state) => {
      state.storage.sql.exec(statement.replace('"beta"', '"description":"beta"'))
      if (statement.startsWith('UPDATE audit SET text'))
        state.storage.sql.exec(`UPDATE audit SET text = replace(text, 'bootstrap', 'somebody') WHERE seq = 2`)
    })
    const found = await value(await call(`/api/v1/audit/verify?environment=${name}`))
    expect(found.valid).toBe(false)
    expect(found.chains[0].broken.seq).toBe(seq)
  })

  it('holds for entries that were written when texts had a table of their own', async () => {
    const { name, api, stub } = await environment({ flags: { beta: true } })
    await call(`${api}/flags/beta/toggle`, { body: { enabled: false } })
    const path = `/api/v1/audit?environment=${name}`
    const before = (await value(await call(path))).items
    await runInDurableObject(stub, (_instance, { storage: { sql } }) => {
      sql.exec('INSERT INTO audit_texts (seq, part, text) SELECT seq, 0, substr(text, 1, 9) FROM audit')
      sql.exec('INSERT INTO audit_texts (seq, part, text) SELECT seq, 1, substr(text, 10) FROM audit')
      sql.exec('UPDATE audit SET text = NULL')
    })
    expect((await value(await call(path))).items).toEqual(before)
    expect(await value(await call(`/api/v1/audit/verify?environment=${name}`))).toMatchObject({ valid: true })
    await call(`${api}/flags/beta/toggle`, { body: { enabled: true } })
    expect(await value(await call(`/api/v1/audit/verify?environment=${name}`))).toMatchObject({ valid: true })
    expect((await value(await call(path))).items.slice(1)).toEqual(before)
  })

  it('holds for an entry that is longer than one row', async () => {
    const flags = Object.fromEntries(
      Array.from({ length: 1_000 }, (_, n) => [`f${n}`, { enabled: true, description: 'x'.repeat(400) }]),
    )
    const { name, stub } = await environment({ flags })
    const rows = await runInDurableObject(stub, (_instance, { storage: { sql } }) =>
      sql.exec('SELECT seq, part FROM audit_texts').toArray(),
    )
    expect(rows).toHaveLength(1)
    expect(await value(await call(`/api/v1/audit/verify?environment=${name}`))).toMatchObject({ valid: true })
    const [entry] = (await value(await call(`/api/v1/audit?environment=${name}`))).items
    expect(entry.changes).toHaveLength(1_000)
  })

  it('cannot be bypassed: a change of state without an entry is rolled back', async () => {
    const { name, stub } = await environment()
    await runInDurableObject(stub, (_instance, state) => {
      const { sql } = state.storage
      const outbox = { nextDueMs: () => null } as never
      const ledger = new Ledger(state, { outbox, due: [], forget: () => {} })
      const before = readState(sql)!
      expect(() => ledger.write(() => writeState(sql, { ...before, kills: before.kills + 1 }))).toThrow(
        'audit log',
      )
      expect(readState(sql)).toStrictEqual(before)
    })
    expect((await value(await call(`/api/v1/audit/verify?environment=${name}`))).entries).toBe(1)
  })

  it('loses no entry between two pages though the clock went back between them', async () => {
    const [one, two] = [await environment(), await environment()]
    const caller = await value(
      await call('/api/v1/tokens', {
        body: { name: `reader-${one.name}`, role: 'viewer', environments: [one.name, two.name] },
      }),
    )
    for (const api of [one.api, two.api, one.api, two.api, one.api]) await drill(api)
    await runInDurableObject(one.stub, (_instance, { storage }) => {
      storage.sql.exec('UPDATE audit SET at = at - 60000 WHERE seq = 3')
    })
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const rest: string = cursor === null ? '' : `&cursor=${cursor}`
      const answer = await call(`/api/v1/audit?limit=1${rest}`, {
        headers: { authorization: `Bearer ${caller.token}` },
      })
      const page: { items: { environment: string; seq: number }[]; nextCursor: string | null } =
        await value(answer)
      seen.push(...page.items.map(({ environment, seq }) => `${environment} ${seq}`))
      cursor = page.nextCursor
    } while (cursor !== null)
    const all = [1, 2, 3, 4].map((seq) => `${one.name} ${seq}`)
    expect(seen.sort()).toStrictEqual([...all, ...[1, 2, 3].map((seq) => `${two.name} ${seq}`)].sort())
  })

  it('is listed, exported and verified whole however large its entries are', async () => {
    const { name, stub } = await environment()
    const details = { text: 'x'.repeat(1_500_000) }
    await runInDurableObject(stub, (_instance, { storage }) => {
      for (let n = 0; n < 12; n++)
        record(storage.sql, name, { action: 'drill', subject: 'x', author: system(null) }, n, { details })
    })
    const seqs: number[] = []
    let cursor: string | null = null
    do {
      const rest: string = cursor === null ? '' : `&cursor=${cursor}`
      const answer = await call(`/api/v1/audit?environment=${name}&limit=1000${rest}`)
      const page: { items: { seq: number }[]; nextCursor: string | null } = await value(answer)
      expect(page.items.length).toBeLessThan(5)
      seqs.push(...page.items.map(({ seq }) => seq))
      cursor = page.nextCursor
    } while (cursor !== null)
    expect(seqs).toStrictEqual(Array.from({ length: 13 }, (_, n) => 13 - n))
    const lines = await (await call(`/api/v1/audit/export?environment=${name}`)).text()
    expect(lines.trimEnd().split('\n')).toHaveLength(13)
    expect(await value(await call(`/api/v1/audit/verify?environment=${name}`))).toMatchObject({
      valid: true,
      entries: 13,
    })
  })

  it('keeps a change that is too large to show by its hashes', async () => {
    const allowlist = Array.from({ length: 10_000 }, (_, n) => `user-${n}`)
    const { name, api } = await environment({ flags: { beta: { enabled: true, percentage: 5, allowlist } } })
    await call(`${api}/flags/beta`, {
      method: 'PATCH',
      body: { allowlist: allowlist.map((user) => `new-${user}`) },
      headers: ANY,
    })
    const [{ changes }] = await entriesOf(name)
    const text = JSON.stringify({ enabled: true, percentage: 5, allowlist })
    expect(changes).toMatchObject([
      { subject: 'flag:beta', patch: null, hashes: { before: contentHash(text) } },
    ])
    expect((await value(await call(`/api/v1/audit/verify?environment=${name}`))).valid).toBe(true)
  })
})

describe('the control plane’s own log', () => {
  it('holds tokens and people, and no secret', async () => {
    const { token, id, name } = await value(
      await call('/api/v1/tokens?reason=for%20the%20build', {
        body: { name: `log-${Date.now()}`, role: 'viewer' },
      }),
    )
    await call(`/api/v1/tokens/${id}`, { method: 'DELETE' })
    await call('/api/v1/people/log@example.com', { method: 'PUT', body: { role: 'viewer' } })
    await call('/api/v1/people/log@example.com', { method: 'PUT', body: { role: 'editor' } })
    await call('/api/v1/people/log@example.com', { method: 'DELETE' })
    const entries = await entriesOf('@control-plane')
    const actions = entries.map(({ action, subject }: Record<string, string>) => `${action} ${subject}`)
    expect(actions.slice(0, 5)).toStrictEqual([
      'person.removed person:log@example.com',
      'person.updated person:log@example.com',
      'person.added person:log@example.com',
      `token.revoked token:${name}`,
      `token.created token:${name}`,
    ])
    expect(entries[4]).toMatchObject({ environment: null, reason: 'for the build', actor: 'bootstrap' })
    const hash = contentHash(token)
    const stored = await runInDurableObject(env.PROJECT.getByName('project'), (_instance, state) =>
      JSON.stringify([
        [...state.storage.sql.exec('SELECT * FROM audit')],
        [...state.storage.sql.exec('SELECT * FROM tokens')],
      ]),
    )
    expect(stored).not.toContain(token)
    expect(stored.split(hash)).toHaveLength(2)
    expect(JSON.stringify(entries)).not.toContain(hash)
  })

  it('is merged with those of the environments, by time, page by page', async () => {
    const { name } = await environment({ flags: { beta: true } })
    const all: Listed[] = []
    let cursor: string | null = null
    do {
      const query: string = cursor === null ? '' : `&cursor=${cursor}`
      const page: { items: Listed[]; nextCursor: string | null } = await value(
        await call(`/api/v1/audit?limit=7${query}`),
      )
      all.push(...page.items)
      cursor = page.nextCursor
    } while (cursor !== null)
    // The other chains were tampered with above.
    const times = all.filter(({ environment: chain }) => chain === name || chain === null).map(({ at }) => at)
    expect(times).toStrictEqual([...times].sort().reverse())
    expect(all.filter(({ environment: chain }) => chain === name)).toHaveLength(2)
    expect(new Set(all.map((entry) => JSON.stringify(entry))).size).toBe(all.length)
    expect(new Set(all.map(({ environment: chain }) => chain)).size).toBeGreaterThan(2)
  })
})
