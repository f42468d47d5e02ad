/** Approvals whose change cannot be made at the moment at which the last one says yes, and changes that nobody is asked about. */
import { runInDurableObject } from 'cloudflare:test'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Caller, caller } from './callers.ts'
import { ANY, call, environment, problem, type TestEnvironment, value } from './client.ts'

let ana: Caller
let bob: Caller

beforeAll(async () => {
  ana = await caller('editor')
  bob = await caller('editor')
})

const STAGES = ['off', 'dualwrite', 'shadow', 'live', 'rampdown', 'complete']

const migration = (fallthrough: string) => ({
  ...{ kind: 'migration', enabled: true, off: 'off', fallthrough },
  variants: Object.fromEntries(STAGES.map((stage) => [stage, stage])),
})

/** Protected: one other must approve what raises exposure. */
async function guarded(flags: unknown = { beta: { enabled: true, percentage: 5 } }) {
  const made = await environment({ flags })
  await value(await call(made.api, { method: 'PUT', body: { approvals: 1 }, headers: ANY }))
  return made
}

const approve = (id: string) => bob.call(`/api/v1/approvals/${id}/approve`, { body: {} })
const show = async (id: string) => value(await call(`/api/v1/approvals/${id}`))
const patch = (api: string, key: string, body: unknown) =>
  ana.call(`${api}/flags/${key}`, { method: 'PATCH', body, headers: ANY })
const asked = async (answer: Response): Promise<string> => {
  expect(answer.status).toBe(202)
  return (await value(answer)).id
}

/** What the audit log has of one approval. */
async function entries({ name }: TestEnvironment, id: string) {
  const subject = `approval:${id.split(':')[1]}`
  const { items } = await value(await call(`/api/v1/audit?environment=${name}&subject=${subject}`))
  return items as { action: string; details: Record<string, unknown> }[]
}

const actions = async (made: TestEnvironment, id: string) =>
  (await entries(made, id)).map(({ action }) => action)

/** The change was approved in vain: it says why, and the log says nothing of an approval. */
async function expectFailed(made: TestEnvironment, id: string, why: string) {
  const version = (await value(await call(made.api))).version
  const answer = await value(await approve(id))
  expect(answer).toMatchObject({ status: 'failed', decidedBy: bob.id, version: null })
  expect(answer.note).toContain(why)
  expect((await value(await call(made.api))).version).toBe(version)
  const [last, ...before] = await entries(made, id)
  expect(last).toMatchObject({ action: 'approval.failed', details: { problem: answer.note } })
  expect(before.map(({ action }) => action)).toStrictEqual(['approval.requested'])
  await problem(await approve(id), 409)
}

describe('the last approval of a change that cannot be made', () => {
  it('ends it as failed where its time is over', async () => {
    const made = await guarded()
    const at = new Date(Date.now() + 3_600_000).toISOString()
    const flags = { beta: { percentage: 10 } }
    const body = { environment: made.name, at, flags }
    const id = await asked(await ana.call('/api/v1/schedules', { body }))
    await runInDurableObject(made.stub, (_instance, { storage }) => {
      storage.sql.exec("UPDATE approval_changes SET text = json_set(text, '$.schedule.atMs', 1)")
    })
    await expectFailed(made, id, '$.at must be in the future')
  })

  it('ends it as failed where what it is about is not there, and never was', async () => {
    const made = await guarded()
    await value(await ana.call(`${made.api}/kills/flag:beta`, { method: 'PUT', body: { reason: 'x' } }))
    const id = await asked(await ana.call(`${made.api}/kills/flag:beta`, { method: 'DELETE' }))
    await runInDurableObject(made.stub, (_instance, { storage }) => {
      storage.sql.exec('DELETE FROM kills')
      storage.sql.exec("UPDATE approvals SET entry = json_set(entry, '$.touched[0].since', NULL)")
    })
    await expectFailed(made, id, 'there is no kill "flag:beta"')
  })

  it('ends it as failed where a migration would leap', async () => {
    const made = await guarded({ orders: migration('shadow') })
    const body = { reason: 'x', variant: 'shadow' }
    const id = await asked(await ana.call(`${made.api}/kills/flag:orders`, { method: 'PUT', body }))
    const glass = { ...ANY, 'x-turnout-break-glass': 'true', 'x-turnout-reason': 'x' }
    const moved = { method: 'PATCH', body: { fallthrough: 'off' }, headers: glass }
    await value(await call(`${made.api}/flags/orders`, moved))
    await expectFailed(made, id, '$.variant flag orders would move forward from off to shadow')
  })

  it('ends it as stale where what it is about has changed, though it is not valid now either', async () => {
    const made = await guarded()
    const id = await asked(await patch(made.api, 'beta', { percentage: 10 }))
    const glass = { ...ANY, 'x-turnout-break-glass': 'true', 'x-turnout-reason': 'x' }
    expect((await call(`${made.api}/flags/beta`, { method: 'DELETE', headers: glass })).status).toBe(204)
    expect(await value(await approve(id))).toMatchObject({ status: 'stale' })
    expect(await actions(made, id)).toStrictEqual(['approval.stale', 'approval.requested'])
  })

  it('ends it as stale where the kill that it lifts has ended', async () => {
    const made = await guarded()
    await value(await ana.call(`${made.api}/kills/flag:beta`, { method: 'PUT', body: { reason: 'x' } }))
    const id = await asked(await ana.call(`${made.api}/kills/flag:beta`, { method: 'DELETE' }))
    await runInDurableObject(made.stub, (_instance, { storage }) => {
      storage.sql.exec('DELETE FROM kills')
    })
    expect(await value(await approve(id))).toMatchObject({ status: 'stale' })
  })

  it('is no vote, and leaves no trace, while changes are frozen; later it carries it out', async () => {
    const made = await guarded()
    const id = await asked(await patch(made.api, 'beta', { percentage: 10 }))
    const body = { environment: made.name, reason: 'end of year' }
    const freeze = await value(await call('/api/v1/freezes', { body }))
    expect((await problem(await approve(id), 409)).type).toBe('urn:turnout:problem:frozen')
    expect(await show(id)).toMatchObject({ status: 'pending', votes: [] })
    expect(await actions(made, id)).toStrictEqual(['approval.requested'])
    await call(`/api/v1/freezes/${freeze.id}`, { method: 'DELETE' })
    expect(await value(await approve(id))).toMatchObject({ status: 'applied' })
    expect(await actions(made, id)).toStrictEqual(['approval.approved', 'approval.requested'])
  })
})

describe('in a protected environment nobody is asked about', () => {
  const soon = (ms: number) => new Date(Date.now() + ms).toISOString()

  it.each<[string, number, (made: TestEnvironment) => Promise<Response>]>([
    ['the end of a kill that is not there', 404, ({ api }) => kill(api, 'flag:nope', 'DELETE')],
    [
      'a kill of a flag that is not there',
      404,
      ({ api }) => kill(api, 'flag:nope', 'PUT', { reason: 'x', variant: 'on' }),
    ],
    [
      'a kill with a variant that is not there',
      422,
      ({ api }) => kill(api, 'flag:beta', 'PUT', { reason: 'x', variant: 'purple' }),
    ],
    [
      'a kill that is over before it begins',
      422,
      ({ api }) => kill(api, 'flag:beta', 'PUT', { reason: 'x', variant: 'on', expiresAt: soon(-1_000) }),
    ],
    ['a version that is not there', 404, ({ api }) => ana.call(`${api}/versions/99/restore`, { body: {} })],
    [
      'a schedule that makes a flag what it cannot be',
      422,
      ({ name }) =>
        ana.call('/api/v1/schedules', {
          body: { environment: name, at: soon(60_000), flags: { beta: { percentage: 101 } } },
        }),
    ],
    [
      'a flag to be removed that is not there',
      404,
      ({ api }) => ana.call(`${api}/flags/nope`, { method: 'DELETE', headers: ANY }),
    ],
    [
      'the breakers of an origin that is not there',
      404,
      ({ api }) =>
        ana.call(`${api}/breakers/${encodeURIComponent('shop/on')}`, {
          ...{ method: 'PUT', body: { state: 'auto', reason: 'x' } },
        }),
    ],
  ])('%s', async (_, status, change) => {
    const made = await guarded()
    await problem(await change(made), status)
    const { items } = await value(await call(`/api/v1/approvals?environment=${made.name}`))
    expect(items).toStrictEqual([])
  })

  it('one schedule more than there may be', async () => {
    const { name, stub } = await guarded()
    await runInDurableObject(stub, (_instance, { storage }) => {
      const due = Date.now() + 86_400_000
      for (let n = 1; n <= 1_000; n++)
        storage.sql.exec("INSERT INTO schedules VALUES (?, ?, 'waiting', '{}')", n, due)
    })
    const body = { environment: name, at: soon(60_000), flags: { beta: { percentage: 10 } } }
    const refused = await problem(await ana.call('/api/v1/schedules', { body }), 422)
    expect(refused.errors[0]?.message).toContain('there are 1000 schedules')
  })

  it('what is not there, though changes are frozen', async () => {
    const { name, api } = await environment({ flags: { beta: true } })
    await value(await call('/api/v1/freezes', { body: { environment: name, reason: 'end of year' } }))
    await problem(await kill(api, 'flag:beta', 'DELETE'), 404)
    expect((await kill(api, 'flag:beta', 'PUT', { reason: 'x' })).status).toBe(201)
    await problem(await kill(api, 'flag:beta', 'DELETE'), 409)
  })

  const kill = (api: string, target: string, method: string, body?: unknown) =>
    ana.call(`${api}/kills/${target}`, { method, ...(body === undefined ? {} : { body }) })
})
