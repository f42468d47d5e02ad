import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { moveSnapshots, SNAPSHOT_TABLES } from '../../admin/storage/snapshots.ts'
import { decodeSnapshot } from '../../engine/index.ts'
import { ANY, call, environment, NEW, type TestEnvironment, value } from './client.ts'

const DOCUMENT = {
  flags: {
    beta: { enabled: true, percentage: 5 },
    'new-shop': { enabled: true, variants: { old: 1, new: 2 }, off: 'old', fallthrough: 'new' },
    wide: true,
  },
  segments: { staff: { include: ['ada'] } },
}

/** The current snapshot, and what `evaluate` answers for a flag. */
async function stateOf({ stub, api }: TestEnvironment) {
  const described = await stub.describe()
  if (!described.ok) throw new Error('no environment')
  const { epoch, version } = described.value
  const text = await textOf(stub, epoch, version)
  const asked = { flag: 'beta', context: { targetingKey: 'ada' } }
  const { decision } = await value(await call(`${api}/evaluate`, { body: asked }))
  const document = await value(await call(`${api}/document`))
  return { epoch, version, text, decision, document }
}

async function textOf(stub: TestEnvironment['stub'], epoch: number, version: number): Promise<string | null> {
  const snapshot = await stub.snapshot(epoch, version)
  return snapshot.ok ? snapshot.value : null
}

const linesOf = ({ stub }: TestEnvironment, version: number): Promise<string[]> =>
  runInDurableObject(stub, (_, { storage }) =>
    [...storage.sql.exec<{ key: string }>('SELECT key FROM snapshot_lines WHERE since = ?', version)].map(
      ({ key }) => key,
    ),
  )

describe('a snapshot', () => {
  it('is the same from memory and from storage, whatever was changed, for three versions, and then the newest', async () => {
    const made = await environment(DOCUMENT)
    const { api, name, stub } = made
    const send = async (path: string, method: string, body: unknown) => {
      const headers = path.endsWith('/added') ? NEW : ANY
      const answer = await call(path, { method, body, headers })
      expect(answer.ok, `${method} ${path}: ${await answer.clone().text()}`).toBe(true)
    }
    const changes: [path: string, method: string, body: unknown][] = [
      [`${api}/flags/beta/toggle`, 'POST', { enabled: false }],
      [`${api}/flags/beta`, 'PATCH', { percentage: 20, enabled: true }],
      [`${api}/flags/beta`, 'PUT', { enabled: true, rules: [], fallthrough: 'on' }],
      [`${api}/flags/beta`, 'PATCH', { description: 'only for people' }],
      [`${api}/flags/wide`, 'PUT', false],
      [`${api}/flags/new-shop`, 'PATCH', { variants: { newer: 3 } }],
      [`${api}/flags/added`, 'PUT', { enabled: true, percentage: 1 }],
      [`${api}/flags/beta/toggle`, 'POST', { enabled: false }],
      [`${api}/flags/wide`, 'DELETE', undefined],
      [`${api}/segments/staff`, 'PUT', { include: ['ada', 'bob'] }],
      [`${api}/flags/beta/toggle`, 'POST', { enabled: true }],
      ['/api/v1/keys', 'POST', { environment: name, kind: 'server', name: 'x' }],
      [api, 'PUT', { open: true }],
      [`${api}/flags/beta/toggle`, 'POST', { enabled: false }],
    ]
    const earlier: { version: number; text: string | null }[] = []
    for (const [at, [path, method, body]] of changes.entries()) {
      await send(path, method, body)
      const remembered = await stateOf(made)
      expect(decodeSnapshot(remembered.text ?? ''), path).toMatchObject({ ok: true })
      for (const { version, text } of earlier.slice(-2))
        expect(await textOf(stub, remembered.epoch, version), path).toBe(text)
      for (const { version } of earlier.slice(0, -2))
        expect(await textOf(stub, remembered.epoch, version), path).toBe(remembered.text)
      // Every other time it goes on from memory.
      if (at % 2 === 0) {
        await evictDurableObject(stub)
        expect(await stateOf(made), path).toEqual(remembered)
      }
      earlier.push(remembered)
    }
  })

  it('is what the whole document compiles to after changes of single flags', async () => {
    const made = await environment(DOCUMENT)
    for (const enabled of [false, true, false])
      await value(await call(`${made.api}/flags/beta/toggle`, { body: { enabled } }))
    const { document, text } = await stateOf(made)
    const other = await environment(document)
    const { text: whole } = await stateOf(other)
    const flagsIn = (snapshot: string | null) => snapshot?.split('\n').slice(1)
    expect(flagsIn(text)).toEqual(flagsIn(whole))
  })

  it('costs a change of one flag one line, and one that no machine sees none', async () => {
    const made = await environment(DOCUMENT)
    await value(await call(`${made.api}/flags/beta/toggle`, { body: { enabled: false } }))
    expect(await linesOf(made, 3)).toEqual(['beta'])
    const described = { description: 'for people' }
    await value(await call(`${made.api}/flags/beta`, { method: 'PATCH', body: described, headers: ANY }))
    expect(await linesOf(made, 4)).toEqual([])
  })

  it('is taken over from where it was one text, by an environment of an earlier release', async () => {
    const made = await environment(DOCUMENT)
    const before = await stateOf(made)
    await runInDurableObject(made.stub, (_, { storage }) => {
      const { sql } = storage
      sql.exec(`DROP TABLE snapshot_lines;
        CREATE TABLE snapshots (
          version INTEGER NOT NULL, part INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (version, part)
        );`)
      const half = Math.floor(before.text!.length / 2)
      for (const [part, text] of [before.text!.slice(0, half), before.text!.slice(half)].entries())
        sql.exec('INSERT INTO snapshots VALUES (?, ?, ?)', before.version, part, text)
      sql.exec(SNAPSHOT_TABLES)
      moveSnapshots(sql)
    })
    await evictDurableObject(made.stub)
    expect(await stateOf(made)).toEqual(before)
    await value(await call(`${made.api}/flags/beta/toggle`, { body: { enabled: false } }))
    expect((await stateOf(made)).decision).toMatchObject({ value: false })
  })
})
