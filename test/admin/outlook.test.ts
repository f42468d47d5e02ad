/** What those who are to approve a change are shown of it: what it would do now, and who asked. */
import { runInDurableObject } from 'cloudflare:test'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Caller, caller } from './callers.ts'
import { ANY, call, environment, problem, value } from './client.ts'

let ana: Caller
let bob: Caller

beforeAll(async () => {
  ana = await caller('editor')
  bob = await caller('editor')
})

const FLAGS = { beta: { enabled: true, percentage: 5 }, gamma: true }

async function guarded() {
  const made = await environment({ flags: FLAGS })
  await value(await call(made.api, { method: 'PUT', body: { approvals: 1 }, headers: ANY }))
  return made
}

const asked = async (answer: Response): Promise<string> => {
  expect(answer.status).toBe(202)
  return (await value(answer)).id
}

const show = async (id: string) => value(await call(`/api/v1/approvals/${id}`))
const raise = (api: string, percentage: number) =>
  ana.call(`${api}/flags/beta`, { method: 'PATCH', body: { percentage }, headers: ANY })

const FROM_5_TO_10 = {
  ...{ kind: 'flag', key: 'beta', change: 'changed' },
  patch: [
    { op: 'test', path: '/percentage', value: 5 },
    { op: 'replace', path: '/percentage', value: 10 },
  ],
}

describe('a change that waits is shown with', () => {
  it('what it would change now, and changes nothing by that', async () => {
    const { name, api } = await guarded()
    const id = await asked(await raise(api, 10))
    const before = await value(await call(api))
    const { now } = await show(id)
    expect(now).toStrictEqual({ differences: [FROM_5_TO_10], same: 1, reordered: false, problem: null })
    expect(await value(await call(api))).toStrictEqual(before)
    const { items } = await value(await call(`/api/v1/audit?environment=${name}&subject=approval:1`))
    expect(items).toHaveLength(1)
    expect(await value(await bob.call(`/api/v1/approvals/${id}/approve`, { body: {} }))).toMatchObject({
      status: 'applied',
    })
    expect(await show(id)).toMatchObject({ status: 'applied', now: null })
  })

  it('what it would change now where that is not what it was, and that it would become stale', async () => {
    const { api } = await guarded()
    const id = await asked(await raise(api, 10))
    await value(
      await ana.call(`${api}/flags/beta`, { method: 'PATCH', body: { percentage: 2 }, headers: ANY }),
    )
    const { now } = await show(id)
    expect(now.differences[0].patch[0]).toStrictEqual({ op: 'test', path: '/percentage', value: 2 })
    expect(now.problem).toContain('has changed since')
  })

  it('why it cannot be carried out now', async () => {
    const { name, api } = await guarded()
    const id = await asked(await raise(api, 10))
    await value(await call('/api/v1/freezes', { body: { environment: name, reason: 'end of year' } }))
    const { now } = await show(id)
    expect(now).toMatchObject({
      differences: [FROM_5_TO_10],
      problem: expect.stringContaining('end of year'),
    })
  })

  it('what a schedule would make of its flags, and that its time is over', async () => {
    const { name, stub } = await guarded()
    const at = new Date(Date.now() + 3_600_000).toISOString()
    const body = { environment: name, at, flags: { beta: { percentage: 10 } } }
    const id = await asked(await ana.call('/api/v1/schedules', { body }))
    expect((await show(id)).now).toMatchObject({ differences: [FROM_5_TO_10], problem: null })
    await runInDurableObject(stub, (_instance, { storage }) => {
      storage.sql.exec("UPDATE approval_changes SET text = json_set(text, '$.schedule.atMs', 1)")
    })
    expect((await show(id)).now).toMatchObject({ differences: [], problem: '$.at must be in the future' })
    expect((await value(await call(`/api/v1/schedules?environment=${name}`))).items).toStrictEqual([])
  })

  it('the kill that it lifts, and the settings that it changes', async () => {
    const { api } = await guarded()
    await value(await ana.call(`${api}/kills/flag:beta`, { method: 'PUT', body: { reason: 'slow' } }))
    const lift = await asked(await ana.call(`${api}/kills/flag:beta`, { method: 'DELETE' }))
    expect((await show(lift)).now).toMatchObject({
      differences: [{ kind: 'kill', key: 'flag:beta', change: 'removed' }],
      problem: null,
    })
    expect((await call(`${api}/kills/flag:beta`)).status).toBe(200)
    const other = await asked(await call(api, { method: 'PUT', body: { approvals: 2 }, headers: ANY }))
    const [difference] = (await show(other)).now.differences
    expect(difference).toMatchObject({ kind: 'settings', key: 'environment', change: 'changed' })
    expect(difference.patch).toContainEqual({ op: 'replace', path: '/approvals', value: 2 })
    const gone = await asked(await call(api, { method: 'DELETE', headers: ANY }))
    expect((await show(gone)).now).toMatchObject({ differences: [], problem: null })
    expect((await call(api)).status).toBe(200)
  })

  it('what there is to say although the stored document is damaged', async () => {
    const { api, stub } = await guarded()
    const id = await asked(await raise(api, 10))
    await runInDurableObject(stub, (instance, { storage }) => {
      storage.sql.exec("UPDATE bodies SET text = '{' || text")
      ;(instance as unknown as { room: { publisher: { forget(): void } } }).room.publisher.forget()
    })
    const shown = await show(id)
    expect(shown).toMatchObject({ status: 'pending', now: { differences: [] } })
    expect(shown.now.problem).toContain('beta')
  })

  it('when the token was revoked that asked; it may be approved all the same', async () => {
    const { api } = await guarded()
    const body = { name: `leaver-${crypto.randomUUID()}`, role: 'editor' }
    const token = await value(await call('/api/v1/tokens', { body }))
    const headers = { ...ANY, authorization: `Bearer ${token.token}` }
    const patch = { method: 'PATCH', body: { percentage: 10 }, headers }
    const id = await asked(await call(`${api}/flags/beta`, patch))
    expect((await show(id)).actorRevokedAt).toBeNull()
    expect((await call(`/api/v1/tokens/${token.id}`, { method: 'DELETE' })).status).toBe(204)
    expect(Date.parse((await show(id)).actorRevokedAt)).toBeGreaterThan(Date.now() - 60_000)
    await problem(await call(`${api}/flags/beta`, patch), 401)
    expect(await value(await bob.call(`/api/v1/approvals/${id}/approve`, { body: {} }))).toMatchObject({
      status: 'applied',
    })
  })
})
