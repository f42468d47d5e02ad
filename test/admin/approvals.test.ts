import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Caller, caller } from './callers.ts'
import { ANY, call, environment, problem, type TestEnvironment, value } from './client.ts'

let ana: Caller
let bob: Caller
let eve: Caller

beforeAll(async () => {
  ana = await caller('editor')
  bob = await caller('editor')
  eve = await caller('admin')
})

const FLAGS = {
  beta: { enabled: true, percentage: 5 },
  gamma: { enabled: true, percentage: 50, allowlist: ['user1'] },
}

/** Protected: `needed` others must approve what raises exposure. */
async function guarded(needed = 1, flags: unknown = FLAGS): Promise<TestEnvironment> {
  const made = await environment({ flags })
  await value(await call(made.api, { method: 'PUT', body: { approvals: needed }, headers: ANY }))
  return made
}

const patch = (who: Caller, api: string, key: string, body: unknown, headers = {}) =>
  who.call(`${api}/flags/${key}`, { method: 'PATCH', body, headers: { ...ANY, ...headers } })

const flag = async (api: string, key: string) => value(await call(`${api}/flags/${key}`))
const decide = (who: Caller, id: string, decision: string, body: unknown = {}) =>
  who.call(`/api/v1/approvals/${id}/${decision}`, { body })

describe('in a protected environment, what raises exposure', () => {
  it('waits for another person, who carries it out by approving', async () => {
    const { name, api } = await guarded()
    const answer = await patch(ana, api, 'beta', { percentage: 10 }, { 'x-turnout-reason': 'stage two' })
    expect(answer.status).toBe(202)
    const approval = await value(answer)
    expect(answer.headers.get('location')).toBe(`/api/v1/approvals/${approval.id}`)
    expect(approval).toMatchObject({
      id: `${name}:1`,
      status: 'pending',
      action: 'flag.updated',
      subject: 'flag:beta',
      actor: ana.id,
      reason: 'stage two',
      needed: 1,
      votes: [],
    })
    expect(approval.raising.join()).toContain('flag beta')
    expect((await flag(api, 'beta')).percentage).toBe(5)

    const applied = await value(await decide(bob, approval.id, 'approve', { reason: 'canary is clean' }))
    expect(applied).toMatchObject({ status: 'applied', decidedBy: bob.id })
    expect((await flag(api, 'beta')).percentage).toBe(10)
    const { items } = await value(await call(`/api/v1/audit?environment=${name}&subject=flag:beta`))
    expect(items[0]).toMatchObject({
      actor: ana.id,
      reason: 'stage two',
      version: applied.version,
      details: { approval: 1, approvedBy: [bob.id] },
    })
  })

  it('is not approved by whoever asked, nor twice by one person', async () => {
    const { api } = await guarded(2)
    const { id } = await value(await patch(ana, api, 'beta', { percentage: 10 }))
    await problem(await decide(ana, id, 'approve'), 403)
    expect(await value(await decide(bob, id, 'approve'))).toMatchObject({ status: 'pending' })
    await problem(await decide(bob, id, 'approve'), 409)
    expect((await flag(api, 'beta')).percentage).toBe(5)
    expect(await value(await decide(eve, id, 'approve'))).toMatchObject({ status: 'applied' })
    expect((await flag(api, 'beta')).percentage).toBe(10)
    await problem(await decide(eve, id, 'approve'), 409)
  })

  it('is not approved by a token that its author made, nor by whoever made the author’s', async () => {
    const { api } = await guarded(2)
    const hers = await caller('editor', eve)
    const { id } = await value(await patch(eve, api, 'beta', { percentage: 10 }))
    await problem(await decide(hers, id, 'approve'), 403)
    const other = await value(await patch(hers, api, 'beta', { percentage: 10 }))
    await problem(await decide(eve, other.id, 'approve'), 403)
    const third = await value(await patch(ana, api, 'beta', { percentage: 10 }))
    expect(await value(await decide(eve, third.id, 'approve'))).toMatchObject({ status: 'pending' })
    await problem(await decide(hers, third.id, 'approve'), 409)
    expect(await value(await decide(bob, third.id, 'approve'))).toMatchObject({ status: 'applied' })
  })

  it('is not approved by two tokens of one maker, however many tokens lie between', async () => {
    const { api } = await guarded(2)
    const admin = await caller('admin')
    const [one, two] = [await caller('editor', admin), await caller('admin', admin)]
    const grandchild = await caller('editor', two)
    const { id } = await value(await patch(one, api, 'beta', { percentage: 10 }))
    for (const hers of [admin, two, grandchild]) await problem(await decide(hers, id, 'approve'), 403)
    const other = await value(await patch(ana, api, 'beta', { percentage: 10 }))
    expect(await value(await decide(one, other.id, 'approve'))).toMatchObject({ status: 'pending' })
    for (const hers of [admin, two, grandchild]) await problem(await decide(hers, other.id, 'approve'), 409)
    expect(await value(await decide(bob, other.id, 'approve'))).toMatchObject({ status: 'applied' })
  })

  it('waits for as many as the environment asks for when it is decided', async () => {
    const { api } = await guarded(1)
    const { id } = await value(await patch(ana, api, 'beta', { percentage: 10 }))
    const glass = { ...ANY, 'x-turnout-break-glass': 'true', 'x-turnout-reason': 'audit finding' }
    await value(await call(api, { method: 'PUT', body: { approvals: 2 }, headers: glass }))
    expect(await value(await decide(bob, id, 'approve'))).toMatchObject({ status: 'pending', needed: 2 })
    expect(await value(await decide(eve, id, 'approve'))).toMatchObject({ status: 'applied' })
  })

  it('is bounded: how many wait, and how many reasons they give', async () => {
    const flags = Object.fromEntries(Array.from({ length: 150 }, (_, n) => [`new-${n}`, true]))
    const { api, stub } = await guarded()
    const ask = () => ana.call(`${api}/flags`, { method: 'PATCH', body: flags, headers: ANY })
    const { raising } = await value(await ask())
    expect(raising).toHaveLength(101)
    expect(raising[100]).toBe('and 50 more')
    await runInDurableObject(stub, (_instance, { storage }) => {
      const { entry, expires_at } = storage.sql
        .exec<{ entry: string; expires_at: number }>('SELECT entry, expires_at FROM approvals')
        .one()
      for (let n = 2; n <= 100; n++)
        storage.sql.exec("INSERT INTO approvals VALUES (?, 0, ?, 'pending', ?)", n, expires_at, entry)
    })
    const refused = await problem(await ask(), 422)
    expect(refused.errors[0]?.message).toContain('100')
    await runInDurableObject(stub, (_instance, { storage }) => {
      storage.sql.exec("UPDATE approvals SET status = 'rejected' WHERE n > 1")
    })
    expect((await ask()).status).toBe(202)
    const kept = await value(await call(`/api/v1/approvals?environment=${api.split('/').at(-1)}`))
    expect(kept.items.map(({ id }: { id: string }) => id.split(':')[1])).toStrictEqual(['101', '1'])
  })

  it('may be rejected by another, or taken back by its author', async () => {
    const { api } = await guarded()
    const first = await value(await patch(ana, api, 'beta', { percentage: 10 }))
    await problem(await decide(bob, first.id, 'cancel'), 403)
    expect(await value(await decide(bob, first.id, 'reject', { reason: 'not today' }))).toMatchObject({
      status: 'rejected',
      note: 'not today',
    })
    await problem(await decide(bob, first.id, 'approve'), 409)
    const second = await value(await patch(ana, api, 'beta', { percentage: 10 }))
    expect(await value(await decide(ana, second.id, 'cancel'))).toMatchObject({ status: 'cancelled' })
    expect((await flag(api, 'beta')).percentage).toBe(5)
  })

  it('is not carried out if what it touches has changed since', async () => {
    const { api } = await guarded()
    const { id } = await value(await patch(ana, api, 'beta', { percentage: 10 }))
    expect((await patch(bob, api, 'beta', { percentage: 2 })).status).toBe(200)
    expect(await value(await decide(bob, id, 'approve'))).toMatchObject({ status: 'stale' })
    expect((await flag(api, 'beta')).percentage).toBe(2)
  })

  it('is carried out although something else has changed', async () => {
    const { api } = await guarded()
    const { id } = await value(await patch(ana, api, 'beta', { percentage: 10 }))
    expect((await patch(bob, api, 'gamma', { percentage: 40 })).status).toBe(200)
    expect(await value(await decide(bob, id, 'approve'))).toMatchObject({ status: 'applied' })
    expect((await flag(api, 'beta')).percentage).toBe(10)
    expect((await flag(api, 'gamma')).percentage).toBe(40)
  })

  it('is not carried out if a segment it relies on has changed since, though nothing used that yet', async () => {
    const { api } = await guarded()
    const segment = (include: string[], headers: Record<string, string>) =>
      ana.call(`${api}/segments/testers`, { method: 'PUT', body: { include }, headers })
    expect((await segment(['user1'], ANY_NEW)).status).toBe(201)
    const rules = [{ id: 'testers', when: { segment: 'testers' }, serve: 'on' }]
    const body = { enabled: true, rules, fallthrough: 'off' }
    const asked = await ana.call(`${api}/flags/delta`, { method: 'PUT', body, headers: ANY_NEW })
    const { id } = await value(asked)
    expect((await segment(['user1', 'user2'], ANY)).status).toBe(200)
    expect(await value(await decide(bob, id, 'approve'))).toMatchObject({ status: 'stale' })
    expect((await call(`${api}/flags/delta`)).status).toBe(404)
  })

  it('is not carried out if the flag that it requires has changed since', async () => {
    const { api } = await guarded()
    const body = { enabled: true, percentage: 50, prerequisites: [{ flag: 'beta', variants: ['off'] }] }
    const { id } = await value(
      await ana.call(`${api}/flags/delta`, { method: 'PUT', body, headers: ANY_NEW }),
    )
    expect((await patch(bob, api, 'beta', { percentage: 1 })).status).toBe(200)
    expect(await value(await decide(bob, id, 'approve'))).toMatchObject({ status: 'stale' })
  })

  it('expires after seven days', async () => {
    const { api, stub } = await guarded()
    const { id } = await value(await patch(ana, api, 'beta', { percentage: 10 }))
    await runInDurableObject(stub, (_instance, state) => {
      state.storage.sql.exec('UPDATE approvals SET expires_at = ?', Date.now() - 1)
    })
    expect(await value(await call(`/api/v1/approvals/${id}`))).toMatchObject({ status: 'expired' })
    await problem(await decide(bob, id, 'approve'), 409)
  })

  it('is refused at once if it is not valid, with its path', async () => {
    const { api } = await guarded()
    const refused = await problem(await patch(ana, api, 'beta', { percentage: 101 }), 422)
    expect(refused.errors[0]?.path).toBe('$.flags.beta.percentage')
  })

  it.each<[string, (api: string) => Promise<Response>]>([
    ['switching on', (api) => ana.call(`${api}/flags/off/toggle`, { body: { enabled: true } })],
    [
      'a new flag that is on',
      (api) => ana.call(`${api}/flags/new`, { method: 'PUT', body: true, headers: ANY_NEW }),
    ],
    ['removing a flag', (api) => ana.call(`${api}/flags/beta`, { method: 'DELETE', headers: ANY })],
    ['a longer allowlist', (api) => patch(ana, api, 'gamma', { allowlist: ['user1', 'user2'] })],
    [
      'many flags at once',
      (api) => ana.call(`${api}/flags`, { method: 'PATCH', body: { beta: { percentage: 9 } }, headers: ANY }),
    ],
    [
      'a whole document',
      (api) => ana.call(`${api}/document`, { method: 'PUT', body: { flags: {} }, headers: ANY }),
    ],
    ['settings', (api) => eve.call(api, { method: 'PUT', body: { approvals: 0 }, headers: ANY })],
    ['deleting the environment', (api) => eve.call(api, { method: 'DELETE', headers: ANY })],
    ['restoring an old version', (api) => ana.call(`${api}/versions/2/restore`, { body: {} })],
    [
      'a kill that serves what is not off',
      (api) => ana.call(`${api}/kills/flag:beta`, { method: 'PUT', body: { reason: 'x', variant: 'on' } }),
    ],
  ])('%s waits', async (_, change) => {
    const { api } = await guarded(1, { ...FLAGS, off: { enabled: false } })
    await value(await patch(ana, api, 'beta', { percentage: 1 }))
    const before = await value(await call(api))
    expect((await change(api)).status).toBe(202)
    expect(await value(await call(api))).toStrictEqual(before)
  })
})

const ANY_NEW = { 'if-none-match': '*' }

describe('what lowers exposure never waits', () => {
  it.each<[string, (api: string) => Promise<Response>]>([
    ['settings as they are', (api) => eve.call(api, { method: 'PUT', body: { approvals: 1 }, headers: ANY })],
    ['a toggle off', (api) => ana.call(`${api}/flags/beta/toggle`, { body: { enabled: false } })],
    ['a lower percentage', (api) => patch(ana, api, 'beta', { percentage: 1 })],
    ['a shorter allowlist', (api) => patch(ana, api, 'gamma', { allowlist: [] })],
    ['a denylist', (api) => patch(ana, api, 'gamma', { denylist: ['user9'] })],
    ['a description', (api) => patch(ana, api, 'beta', { description: 'text' })],
    [
      'a new flag that is off',
      (api) => ana.call(`${api}/flags/new`, { method: 'PUT', body: false, headers: ANY_NEW }),
    ],
    ['a kill', (api) => ana.call(`${api}/kills/flag:beta`, { method: 'PUT', body: { reason: 'x' } })],
    [
      'a kill that names off',
      (api) => ana.call(`${api}/kills/flag:beta`, { method: 'PUT', body: { reason: 'x', variant: 'off' } }),
    ],
  ])('%s', async (_, change) => {
    const { api } = await guarded()
    expect([200, 201]).toContain((await change(api)).status)
  })

  it('a toggle off, even where another flag depends on this one being off', async () => {
    const { api } = await guarded(1, {
      beta: true,
      gamma: { enabled: true, prerequisites: [{ flag: 'beta', variants: ['off'] }] },
    })
    expect((await ana.call(`${api}/flags/beta/toggle`, { body: { enabled: false } })).status).toBe(200)
    expect((await patch(ana, api, 'beta', { enabled: true })).status).toBe(202)
  })
})

describe('a kill in a protected environment', () => {
  it('is lifted with approval only, and not by one that ends sooner', async () => {
    const { api } = await guarded()
    const kill = (body: object) =>
      ana.call(`${api}/kills/flag:beta`, { method: 'PUT', body: { reason: 'x', ...body } })
    expect((await kill({})).status).toBe(201)
    expect((await kill({ expiresAt: new Date(Date.now() + 60_000).toISOString() })).status).toBe(202)
    expect((await kill({ reason: 'still broken' })).status).toBe(200)
    const answer = await ana.call(`${api}/kills/flag:beta`, { method: 'DELETE' })
    expect(answer.status).toBe(202)
    expect((await call(`${api}/kills/flag:beta`)).status).toBe(200)
    await value(await decide(bob, (await value(answer)).id, 'approve'))
    expect((await call(`${api}/kills/flag:beta`)).status).toBe(404)
  })

  it('that was placed anew, for another reason, is not lifted by an approval for the one before', async () => {
    const { api } = await guarded()
    const kill = (reason: string) => ana.call(`${api}/kills/flag:beta`, { method: 'PUT', body: { reason } })
    await value(await kill('slow'))
    const { id } = await value(await ana.call(`${api}/kills/flag:beta`, { method: 'DELETE' }))
    await value(await kill('it loses orders'))
    expect(await value(await decide(bob, id, 'approve'))).toMatchObject({ status: 'stale' })
    expect(await value(await call(`${api}/kills/flag:beta`))).toMatchObject({ reason: 'it loses orders' })
  })

  it('of an origin waits where its requests would go to what is not off', async () => {
    const { api } = await environment({
      flags: { web: { enabled: true, percentage: 5 } },
      routes: [
        {
          ...{ id: 'shop', match: {}, flag: 'web', fallback: 'off' },
          origins: {
            on: { pool: [{ url: 'https://a.example.com' }, { url: 'https://b.example.com' }] },
            off: { url: 'https://stable.example.com', fallback: 'on' },
          },
        },
      ],
    })
    await value(await call(api, { method: 'PUT', body: { approvals: 1 }, headers: ANY }))
    const kill = (name: string) =>
      ana.call(`${api}/kills/origin:${encodeURIComponent(name)}`, { method: 'PUT', body: { reason: 'x' } })
    const waiting = await kill('shop/off')
    expect(waiting.status).toBe(202)
    expect((await value(waiting)).raising).toStrictEqual([
      'kill origin:shop/off sends the requests of off to on, which is not `off`',
    ])
    expect((await kill('shop/on/a.example.com')).status).toBe(201)
    expect((await kill('shop/on/b.example.com')).status).toBe(201)
    // Now there is nowhere else to go.
    expect((await kill('shop/off')).status).toBe(201)
  })

  it('with its own end may be replaced by one that ends later', async () => {
    const { api } = await guarded()
    const kill = (inMs: number, more = {}) =>
      ana.call(`${api}/kills/flag:beta`, {
        method: 'PUT',
        body: { reason: 'x', expiresAt: new Date(Date.now() + inMs).toISOString(), ...more },
      })
    expect((await kill(60_000)).status).toBe(201)
    expect((await kill(120_000)).status).toBe(200)
    expect((await kill(60_000)).status).toBe(202)
    expect((await kill(60_000, { onExpiry: 'extend' })).status).toBe(200)
  })
})

describe('breaking the glass', () => {
  const GLASS = { 'x-turnout-break-glass': 'true' }

  it('goes through at once, for an admin with a reason, and leaves a review', async () => {
    const { name, api } = await guarded()
    await problem(await patch(ana, api, 'beta', { percentage: 10 }, GLASS), 403)
    const nameless = await problem(await patch(eve, api, 'beta', { percentage: 10 }, GLASS), 422)
    expect(nameless.errors[0]?.path).toBe('reason')
    const blank = eve.call(`${api}/flags/beta?reason=%20`, {
      ...{ method: 'PATCH', body: { percentage: 10 }, headers: { ...ANY, ...GLASS } },
    })
    await problem(await blank, 422)
    const answer = await patch(
      eve,
      api,
      'beta',
      { percentage: 10 },
      { ...GLASS, 'x-turnout-reason': 'incident 7' },
    )
    expect(answer.status).toBe(200)
    const { items } = await value(await call(`${api}/reviews`))
    expect(items).toMatchObject([
      { action: 'flag.updated', subject: 'flag:beta', actor: eve.id, reason: 'incident 7', closedAt: null },
    ])
    const entries = await value(await call(`/api/v1/audit?environment=${name}&subject=flag:beta`))
    expect(entries.items[0].details).toStrictEqual({ breakGlass: true })
    expect(entries.items[0].seq).toBe(items[0].seq)
  })

  it('is looked at by somebody else where others approve', async () => {
    const { api } = await guarded()
    const why = { ...GLASS, 'x-turnout-reason': 'incident 7' }
    await value(await patch(eve, api, 'beta', { percentage: 10 }, why))
    const [review] = (await value(await call(`${api}/reviews`))).items
    const close = (who: Caller) =>
      who.call(`${api}/reviews/${review.seq}/close`, { body: { note: 'it was right' } })
    await problem(await close(eve), 403)
    expect(await value(await close(bob))).toMatchObject({ closedBy: bob.id })
  })

  it('is closed once somebody has said what was found; so is a kill', async () => {
    const { api } = await environment({ flags: FLAGS })
    await value(await call(`${api}/kills/flag:beta`, { method: 'PUT', body: { reason: 'errors' } }))
    const [review] = (await value(await call(`${api}/reviews`))).items
    expect(review).toMatchObject({ action: 'kill.placed', subject: 'kill:flag:beta', reason: 'errors' })
    const close = () => call(`${api}/reviews/${review.seq}/close`, { body: { note: 'it was right' } })
    expect(await value(await close())).toMatchObject({ note: 'it was right', closedBy: 'bootstrap' })
    await problem(await close(), 409)
    expect((await value(await call(`${api}/reviews`))).items).toStrictEqual([])
    expect((await value(await call(`${api}/reviews?status=closed`))).items).toHaveLength(1)
    await problem(await call(`${api}/reviews/999/close`, { body: { note: 'x' } }), 404)
    await problem(await call(`${api}/reviews/${review.seq}/close`, { body: {} }), 422)
  })
})

describe('the list of approvals', () => {
  it('is there although the directory still names an environment that is gone', async () => {
    const project = env.PROJECT.getByName('project')
    const directory = (query: string) =>
      runInDurableObject(project, (_instance, { storage }) => void storage.sql.exec(query))
    await directory("INSERT INTO environments VALUES ('gone', 1, 1, 1, '{}')")
    for (const list of ['approvals', 'schedules', 'windows', 'freezes']) {
      expect((await call(`/api/v1/${list}`)).status, list).toBe(200)
      expect((await call(`/api/v1/${list}?environment=gone`)).status, list).toBe(404)
    }
    await directory("DELETE FROM environments WHERE name = 'gone'")
  })

  it('goes over all environments, by status, page by page', async () => {
    const [one, two] = [await guarded(), await guarded()]
    for (const { api } of [one, two, one]) await patch(ana, api, 'beta', { percentage: 10 })
    const mine = async (query: string) => {
      const ids: string[] = []
      let cursor: string | null = null
      do {
        const rest: string = cursor === null ? '' : `&cursor=${cursor}`
        const page: { items: { id: string }[]; nextCursor: string | null } = await value(
          await call(`/api/v1/approvals?limit=2${query}${rest}`),
        )
        ids.push(...page.items.map(({ id }) => id))
        cursor = page.nextCursor
      } while (cursor !== null)
      return ids.filter((id) => id.startsWith(`${one.name}:`) || id.startsWith(`${two.name}:`))
    }
    expect((await mine('&status=pending')).sort()).toStrictEqual(
      [`${one.name}:1`, `${one.name}:2`, `${two.name}:1`].sort(),
    )
    expect(await mine(`&environment=${two.name}`)).toStrictEqual([`${two.name}:1`])
    expect(await mine('&status=applied')).toStrictEqual([])
    for (const id of ['nonsense', `${one.name}:99`, `${one.name}:0`])
      await problem(await call(`/api/v1/approvals/${id}`), 404)
    const full = await value(await call(`/api/v1/approvals/${one.name}:1`))
    expect(full.change).toMatchObject({ do: 'edit', edit: { do: 'patch', key: 'beta' } })
  })
})
