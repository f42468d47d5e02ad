import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { caller } from './callers.ts'
import { ANY, call, environment, problem, type TestEnvironment, value } from './client.ts'

const FLAGS = { beta: { enabled: true, percentage: 5 }, gamma: false }

const inMs = (ms: number) => new Date(Date.now() + ms).toISOString()
const HOUR = 3_600_000

const schedule = (name: string, body: object) =>
  call('/api/v1/schedules', { body: { environment: name, ...body } })
const flag = async (api: string, key: string) => value(await call(`${api}/flags/${key}`))
const read = async (id: string) => value(await call(`/api/v1/schedules/${id}`))

/** Makes everything due that waits, as if its time had come. */
async function comes({ stub }: TestEnvironment): Promise<void> {
  await runInDurableObject(stub, (_instance, state) => {
    state.storage.sql.exec('UPDATE schedules SET due_at = ? WHERE due_at IS NOT NULL', Date.now() - 1)
  })
  await runDurableObjectAlarm(stub)
}

describe('a scheduled change', () => {
  it('is made at its time, once, in its author’s name', async () => {
    const made = await environment({ flags: FLAGS })
    const answer = await schedule(made.name, {
      at: inMs(HOUR),
      flags: { beta: { percentage: 50 } },
      reason: 'launch',
    })
    expect(answer.status).toBe(201)
    const { id } = await value(answer)
    expect(await read(id)).toMatchObject({ status: 'waiting', version: null })
    expect((await flag(made.api, 'beta')).percentage).toBe(5)
    await comes(made)
    expect((await flag(made.api, 'beta')).percentage).toBe(50)
    expect(await read(id)).toMatchObject({ status: 'done', version: 3 })
    await comes(made)
    expect((await value(await call(made.api))).version).toBe(3)
    const { items } = await value(await call(`/api/v1/audit?environment=${made.name}&action=flags.updated`))
    expect(items).toMatchObject([
      { actor: 'bootstrap', reason: 'launch', details: { schedule: 1, phase: 'made' } },
    ])
  })

  it('fires by itself', async () => {
    const { name, api } = await environment({ flags: FLAGS })
    const { id } = await value(await schedule(name, { at: inMs(400), flags: { gamma: true } }))
    await expect.poll(async () => (await read(id)).status).toBe('done')
    expect(await flag(api, 'gamma')).toBe(true)
  })

  it('with an end gives the flags back what they were', async () => {
    const made = await environment({ flags: FLAGS })
    const { id } = await value(
      await schedule(made.name, {
        at: inMs(HOUR),
        until: inMs(2 * HOUR),
        flags: { beta: { percentage: 50, owner: 'team' }, gamma: null, fresh: true },
      }),
    )
    await comes(made)
    expect(await read(id)).toMatchObject({ status: 'applied' })
    expect((await call(`${made.api}/flags/gamma`)).status).toBe(404)
    expect(await flag(made.api, 'fresh')).toBe(true)
    await comes(made)
    expect(await read(id)).toMatchObject({ status: 'reverted', problem: null })
    expect(await value(await call(`${made.api}/document`))).toStrictEqual({ flags: FLAGS })
  })

  it('is taken back although somebody has described the flag better since', async () => {
    const made = await environment({ flags: FLAGS })
    const flags = { beta: { percentage: 50 }, gamma: { enabled: true, owner: 'team' } }
    const { id } = await value(await schedule(made.name, { at: inMs(HOUR), until: inMs(2 * HOUR), flags }))
    await comes(made)
    for (const key of ['beta', 'gamma'])
      await call(`${made.api}/flags/${key}`, { method: 'PATCH', body: { description: 'x' }, headers: ANY })
    await comes(made)
    expect(await read(id)).toMatchObject({ status: 'reverted', problem: null })
    expect(await flag(made.api, 'beta')).toStrictEqual({ ...FLAGS.beta, description: 'x' })
    expect(await flag(made.api, 'gamma')).toStrictEqual({ enabled: false, description: 'x' })
  })

  it('gives back flags of any length', async () => {
    const allowlist = Array.from({ length: 150_000 }, (_, n) => `user-${n}-of-many`)
    const made = await environment({ flags: { beta: { enabled: true, percentage: 5, allowlist } } })
    const flags = { beta: { percentage: 50 } }
    const { id } = await value(await schedule(made.name, { at: inMs(HOUR), until: inMs(2 * HOUR), flags }))
    await comes(made)
    expect(await read(id)).toMatchObject({ status: 'applied' })
    await comes(made)
    expect(await read(id)).toMatchObject({ status: 'reverted' })
    expect(await flag(made.api, 'beta')).toStrictEqual({ enabled: true, percentage: 5, allowlist })
  })

  it('that cannot be carried out for a fault keeps nothing else from its time', async () => {
    const made = await environment({
      flags: { ...FLAGS, delta: { enabled: false, description: 'soon broken' } },
    })
    const { id } = await value(
      await schedule(made.name, { at: inMs(HOUR), flags: { beta: { percentage: 9 } } }),
    )
    await value(await call(`${made.api}/kills/flag:beta`, { method: 'PUT', body: { reason: 'x' } }))
    await runInDurableObject(made.stub, (_instance, { storage }) => {
      storage.sql.exec("UPDATE bodies SET text = 'x' WHERE text LIKE '%soon broken%'")
      storage.sql.exec("UPDATE outbox SET wanted = done + 1, due_at = 1 WHERE effect = 'last-known-good'")
    })
    await env.LAST_KNOWN_GOOD.delete(`${made.name}.snapshot`)
    await evictDurableObject(made.stub)
    await comes(made)
    expect(await env.LAST_KNOWN_GOOD.get(`${made.name}.snapshot`)).toContain('flag:beta')
    expect(await read(id)).toMatchObject({ status: 'failed', problem: expect.stringContaining('fault') })
  })

  it('leaves alone at its end what somebody has changed since, and says so', async () => {
    const made = await environment({ flags: FLAGS })
    const { id } = await value(
      await schedule(made.name, {
        at: inMs(HOUR),
        until: inMs(2 * HOUR),
        flags: { beta: { percentage: 50 }, gamma: true },
      }),
    )
    await comes(made)
    await call(`${made.api}/flags/beta`, { method: 'PATCH', body: { percentage: 60 }, headers: ANY })
    await comes(made)
    expect(await read(id)).toMatchObject({ status: 'reverted', problem: expect.stringContaining('beta') })
    expect((await flag(made.api, 'beta')).percentage).toBe(60)
    expect(await flag(made.api, 'gamma')).toBe(false)
  })

  it('that is no longer valid at its time fails, and changes nothing', async () => {
    const made = await environment({ flags: FLAGS })
    const { id } = await value(
      await schedule(made.name, {
        at: inMs(HOUR),
        flags: { gamma: { prerequisites: [{ flag: 'beta', variants: ['on'] }] } },
      }),
    )
    await call(`${made.api}/flags/beta`, { method: 'DELETE', headers: ANY })
    await comes(made)
    expect(await read(id)).toMatchObject({ status: 'failed', problem: expect.stringContaining('beta') })
    expect(await flag(made.api, 'gamma')).toBe(false)
    const { items } = await value(await call(`/api/v1/audit?environment=${made.name}&action=schedule.*`))
    expect(items.map(({ action }: { action: string }) => action)).toStrictEqual([
      'schedule.failed',
      'schedule.created',
    ])
  })

  it('is checked when it is planned', async () => {
    const { name } = await environment({ flags: FLAGS })
    const paths = async (body: object) =>
      (await problem(await schedule(name, body), 422)).errors.map(({ path }) => path)
    const flags = { gamma: true }
    expect(await paths({ at: inMs(-HOUR), flags })).toStrictEqual(['$.at'])
    expect(await paths({ at: inMs(HOUR), until: inMs(1_000), flags })).toStrictEqual(['$.until'])
    expect(await paths({ at: inMs(HOUR), flags: {} })).toStrictEqual(['$.flags'])
    expect(await paths({ at: inMs(HOUR), flags: { beta: { percentage: 101 } } })).toStrictEqual([
      '$.flags.beta.percentage',
    ])
    expect(await paths({ at: 'soon', flags })).toStrictEqual(['$.at'])
    const long = { gamma: { enabled: true, description: 'x'.repeat(300_000) } }
    expect(await paths({ at: inMs(HOUR), flags: long })).toStrictEqual(['$.flags'])
  })

  it('can be cancelled before its time, and kept after it', async () => {
    const made = await environment({ flags: FLAGS })
    const one = await value(await schedule(made.name, { at: inMs(HOUR), flags: { gamma: true } }))
    const cancel = (id: string) => call(`/api/v1/schedules/${id}`, { method: 'DELETE' })
    expect(await value(await cancel(one.id))).toMatchObject({ status: 'cancelled' })
    await problem(await cancel(one.id), 409)
    await comes(made)
    expect(await flag(made.api, 'gamma')).toBe(false)
    const two = await value(
      await schedule(made.name, { at: inMs(HOUR), until: inMs(2 * HOUR), flags: { gamma: true } }),
    )
    await comes(made)
    expect(await value(await cancel(two.id))).toMatchObject({ status: 'done' })
    await comes(made)
    expect(await flag(made.api, 'gamma')).toBe(true)
  })

  it('needs approval when planned, for its end too, and none at its time', async () => {
    const made = await environment({ flags: FLAGS })
    const { token } = await value(
      await call('/api/v1/tokens', { body: { name: `planner-${made.name}`, role: 'editor' } }),
    )
    await value(await call(made.api, { method: 'PUT', body: { approvals: 1 }, headers: ANY }))
    const plan = (body: object) =>
      call('/api/v1/schedules', {
        body: { environment: made.name, ...body },
        headers: { authorization: `Bearer ${token}` },
      })
    const lowering = { at: inMs(HOUR), flags: { beta: { percentage: 1 } } }
    expect((await plan(lowering)).status).toBe(201)
    const waiting = await plan({ ...lowering, until: inMs(2 * HOUR) })
    expect(waiting.status).toBe(202)
    const approval = await value(waiting)
    expect(approval.raising.join()).toContain('when it is taken back')
    await value(await call(`/api/v1/approvals/${approval.id}/approve`, { body: {} }))
    const { items } = await value(await call(`/api/v1/schedules?environment=${made.name}`))
    expect(items).toMatchObject([
      { status: 'waiting', approval: approval.id, actor: `token:planner-${made.name}` },
      { status: 'waiting', approval: null },
    ])
    await comes(made)
    expect((await flag(made.api, 'beta')).percentage).toBe(1)
  })
})

describe('a schedule of a protected environment', () => {
  /** What somebody plans, and others have approved where that is needed. */
  async function planned(flags: Record<string, unknown>, body: object) {
    const made = await environment({ flags })
    await value(await call(made.api, { method: 'PUT', body: { approvals: 1 }, headers: ANY }))
    const planner = await caller('editor')
    const answer = await planner.call('/api/v1/schedules', { body: { environment: made.name, ...body } })
    const { id } = await value(answer)
    if (answer.status === 202) await value(await call(`/api/v1/approvals/${id}/approve`, { body: {} }))
    const edit = (key: string, patch: unknown) =>
      planner.call(`${made.api}/flags/${key}`, { method: 'PATCH', body: patch, headers: ANY })
    return { made, id: `${made.name}:1`, planner, edit }
  }

  it('that raises nothing when it is planned may raise nothing at its time', async () => {
    const { made, id, edit } = await planned(FLAGS, { at: inMs(HOUR), flags: { beta: { percentage: 5 } } })
    expect((await edit('beta', { percentage: 1 })).status).toBe(200)
    await comes(made)
    expect(await read(id)).toMatchObject({ status: 'failed', problem: expect.stringContaining('approved') })
    expect((await flag(made.api, 'beta')).percentage).toBe(1)
  })

  it('is not made if the flag would become what nobody approved', async () => {
    const off = { enabled: false, percentage: 5 }
    const { made, id, edit } = await planned(
      { beta: off },
      { at: inMs(HOUR), flags: { beta: { enabled: true } } },
    )
    // Of a flag that is off, everything else may be changed without approval.
    expect((await edit('beta', { percentage: 100 })).status).toBe(200)
    await comes(made)
    expect(await read(id)).toMatchObject({ status: 'failed', problem: expect.stringContaining('approved') })
    expect(await flag(made.api, 'beta')).toStrictEqual({ ...off, percentage: 100 })
  })

  it('is made where another one went before it, with the outcome that was approved', async () => {
    const { made, id, edit } = await planned(FLAGS, { at: inMs(HOUR), flags: { beta: { percentage: 50 } } })
    expect((await edit('beta', { percentage: 3 })).status).toBe(200)
    await comes(made)
    expect(await read(id)).toMatchObject({ status: 'done' })
    expect((await flag(made.api, 'beta')).percentage).toBe(50)
  })

  it('with an end cannot be made one without', async () => {
    const { made, id, planner } = await planned(FLAGS, {
      at: inMs(HOUR),
      until: inMs(2 * HOUR),
      flags: { beta: { percentage: 50 } },
    })
    await comes(made)
    const refused = await problem(await planner.call(`/api/v1/schedules/${id}`, { method: 'DELETE' }), 403)
    expect(refused.detail).toContain('lowers exposure')
    await comes(made)
    expect((await flag(made.api, 'beta')).percentage).toBe(5)
  })
})

describe('a freeze', () => {
  const freeze = (name: string, body: object) =>
    call('/api/v1/freezes', { body: { environment: name, ...body } })

  it('refuses what raises exposure, with its reason, and lets through what lowers it', async () => {
    const { name, api } = await environment({ flags: FLAGS })
    const added = await value(await freeze(name, { reason: 'Black Friday', to: inMs(HOUR) }))
    expect(added).toMatchObject({ reason: 'Black Friday', actor: 'bootstrap' })
    const raise = () => call(`${api}/flags/beta`, { method: 'PATCH', body: { percentage: 10 }, headers: ANY })
    const answer = await raise()
    const retryAfter = Number(answer.headers.get('retry-after'))
    expect(retryAfter).toBeGreaterThan(3_500)
    expect(retryAfter).toBeLessThanOrEqual(3_600)
    const refused = await problem(answer, 409)
    expect(refused.type).toBe('urn:turnout:problem:frozen')
    expect(refused.detail).toContain('Black Friday')
    const lower = await call(`${api}/flags/beta`, { method: 'PATCH', body: { percentage: 1 }, headers: ANY })
    expect(lower.status).toBe(200)
    expect((await call(`${api}/flags/beta/toggle`, { body: { enabled: false } })).status).toBe(200)
    expect((await call(`${api}/kills/all-flags`, { method: 'PUT', body: { reason: 'x' } })).status).toBe(201)
    expect((await call(`/api/v1/freezes/${added.id}`, { method: 'DELETE' })).status).toBe(204)
    expect((await raise()).status).toBe(200)
    const { items } = await value(await call(`/api/v1/audit?environment=${name}&action=freeze.*`))
    expect(items).toHaveLength(2)
  })

  it('lets a schedule be made for a time after it, and refuses one that falls into it', async () => {
    const { name } = await environment({ flags: FLAGS })
    await value(await freeze(name, { reason: 'Black Friday', to: inMs(HOUR) }))
    const plan = (at: number) => {
      const body = { environment: name, at: inMs(at), flags: { beta: { percentage: 10 } } }
      return call('/api/v1/schedules', { body })
    }
    const refused = await plan(HOUR / 2)
    expect(refused.headers.get('retry-after')).toBeNull()
    expect(await problem(refused, 409)).toMatchObject({
      type: 'urn:turnout:problem:frozen',
      detail: expect.stringContaining('Black Friday'),
    })
    expect((await plan(2 * HOUR)).status).toBe(201)
    await value(await freeze(name, { reason: 'stock-taking', from: inMs(2 * HOUR), to: inMs(3 * HOUR) }))
    expect((await problem(await plan(2.5 * HOUR), 409)).detail).toContain('stock-taking')
  })

  it('stands in its list before those that were made earlier, as windows do', async () => {
    const { name } = await environment({ flags: FLAGS })
    for (const reason of ['first', 'second']) {
      await value(await call('/api/v1/freezes', { body: { environment: name, reason, from: inMs(HOUR) } }))
      const window = { days: ['mon'], from: '09:00', to: '16:00', timeZone: 'UTC', reason }
      await value(await call('/api/v1/windows', { body: { environment: name, ...window } }))
    }
    for (const list of ['freezes', 'windows']) {
      const { items } = await value(await call(`/api/v1/${list}?environment=${name}`))
      expect(items.map((item: { reason: string }) => item.reason)).toEqual(['second', 'first'])
    }
  })

  it('is never lifted by whoever means another: numbers are given once', async () => {
    const { name } = await environment()
    const first = await value(await freeze(name, { reason: 'x' }))
    const lift = () => call(`/api/v1/freezes/${first.id}`, { method: 'DELETE' })
    expect((await lift()).status).toBe(204)
    const second = await value(await freeze(name, { reason: 'y' }))
    expect((await lift()).status).toBe(404)
    expect((await value(await call(`/api/v1/freezes?environment=${name}`))).items).toMatchObject([second])
  })

  it('can be added however many are over', async () => {
    const { name, stub } = await environment()
    await runInDurableObject(stub, (_instance, { storage }) => {
      const day = 24 * HOUR
      for (let n = 1; n <= 100; n++) {
        const entry = { fromMs: 0, toMs: Date.now() - n * day - HOUR, reason: 'x', actor: 'bootstrap' }
        storage.sql.exec('INSERT INTO freezes (entry) VALUES (?)', JSON.stringify(entry))
      }
    })
    expect((await freeze(name, { reason: 'incident' })).status).toBe(201)
    expect((await value(await call(`/api/v1/freezes?environment=${name}`))).items).toHaveLength(90)
  })

  it('stops a schedule whose time falls into it', async () => {
    const made = await environment({ flags: FLAGS })
    const { id } = await value(await schedule(made.name, { at: inMs(HOUR), flags: { gamma: true } }))
    await value(await freeze(made.name, { reason: 'incident' }))
    await comes(made)
    expect(await read(id)).toMatchObject({ status: 'failed', problem: expect.stringContaining('incident') })
    expect(await flag(made.api, 'gamma')).toBe(false)
  })

  it('stops the end of a schedule that would raise exposure again', async () => {
    const made = await environment({ flags: FLAGS })
    const flags = { beta: { percentage: 1 } }
    const { id } = await value(await schedule(made.name, { at: inMs(HOUR), until: inMs(2 * HOUR), flags }))
    await comes(made)
    await value(await freeze(made.name, { reason: 'incident' }))
    await comes(made)
    expect(await read(id)).toMatchObject({ status: 'failed', problem: expect.stringContaining('incident') })
    expect((await flag(made.api, 'beta')).percentage).toBe(1)
  })

  it('is checked', async () => {
    const { name } = await environment()
    for (const [body, path] of [
      [{}, '$.reason'],
      [{ reason: 'x', to: inMs(-HOUR) }, '$.to'],
      [{ reason: 'x', from: inMs(2 * HOUR), to: inMs(HOUR) }, '$.to'],
      [{ reason: 'x', until: inMs(HOUR) }, '$.until'],
    ] as const)
      expect((await problem(await freeze(name, body), 422)).errors[0]?.path).toBe(path)
    await problem(await freeze('never-was', { reason: 'x' }), 404)
    await problem(await call(`/api/v1/freezes/${name}:7`, { method: 'DELETE' }), 404)
  })
})

describe('a change window', () => {
  it('refuses changes outside of it, and says when it opens', async () => {
    const { name, api } = await environment({ flags: FLAGS })
    const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
    // A day that is neither today, yesterday nor tomorrow anywhere.
    const day = days[(new Date().getUTCDay() + 3) % 7]
    const body = {
      environment: name,
      days: [day],
      from: '09:00',
      to: '10:00',
      timeZone: 'UTC',
      reason: 'on call',
    }
    const { id } = await value(await call('/api/v1/windows', { body }))
    const raise = () => call(`${api}/flags/gamma/toggle`, { body: { enabled: true } })
    const refused = await problem(await raise(), 409)
    expect(refused.type).toBe('urn:turnout:problem:outside-window')
    expect(refused.detail).toContain('09:00')
    expect((await call(`/api/v1/windows/${id}`, { method: 'DELETE' })).status).toBe(204)
    const always = { environment: name, days, from: '00:00', to: '00:00', timeZone: 'UTC', reason: 'on call' }
    await value(await call('/api/v1/windows', { body: always }))
    expect((await raise()).status).toBe(200)
    const bad = await call('/api/v1/windows', { body: { ...always, timeZone: 'Mars/Olympus', from: '9' } })
    expect((await problem(bad, 422)).errors.map(({ path }) => path)).toStrictEqual(['$.from', '$.timeZone'])
  })

  it('has a reason, as a freeze has', async () => {
    const { name } = await environment({ flags: FLAGS })
    const window = { days: ['mon'], from: '09:00', to: '10:00', timeZone: 'UTC' }
    for (const reason of [undefined, ' ', null]) {
      const body = { environment: name, ...window, reason }
      for (const list of ['windows', 'freezes']) {
        const sent = list === 'windows' ? body : { environment: name, reason }
        const refused = await problem(await call(`/api/v1/${list}`, { body: sent }), 422)
        expect(
          refused.errors.map(({ path }) => path),
          list,
        ).toStrictEqual(['$.reason'])
      }
    }
    expect((await value(await call(`/api/v1/windows?environment=${name}`))).items).toStrictEqual([])
  })
})

describe('a drill on schedule', () => {
  it('raises the kill list’s version when due, changes nothing, and is due again later', async () => {
    const made = await environment({ flags: FLAGS })
    await value(await call(made.api, { method: 'PUT', body: { drillEveryMinutes: 5 }, headers: ANY }))
    const before = await value(await call(made.api))
    await runInDurableObject(made.stub, (_instance, state) => {
      const old = Date.now() - 6 * 60_000
      state.storage.sql.exec('UPDATE kill_versions SET created_at = ?', old)
      state.storage.sql.exec('UPDATE environment SET created_at = ?', old)
    })
    await evictDurableObject(made.stub)
    await runDurableObjectAlarm(made.stub)
    const after = await value(await call(made.api))
    expect(after.killsVersion).toBe(before.killsVersion + 1)
    expect(after.version).toBe(before.version)
    const due = await runInDurableObject(made.stub, (_instance, state) => state.storage.getAlarm())
    expect(due! - Date.now()).toBeGreaterThan(4 * 60_000)
    const { items } = await value(await call(`/api/v1/audit?environment=${made.name}&action=drill`))
    expect(items).toMatchObject([{ actor: 'turnout', reason: 'scheduled' }])
  })
})
