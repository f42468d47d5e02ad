/** A migration flag moves stage by stage, whichever way it is changed. */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { ANY, call, environment, NEW, problem, value } from './client.ts'

const STAGES = ['off', 'dualwrite', 'shadow', 'live', 'rampdown', 'complete']
const VARIANTS = Object.fromEntries(STAGES.map((stage) => [stage, stage]))
const flag = (stage: string, more: object = {}) => ({
  kind: 'migration',
  enabled: true,
  variants: VARIANTS,
  fallthrough: stage,
  ...more,
})
const past = (stage: string) => flag(stage, { off: 'rampdown', migration: { pointOfNoReturn: 'rampdown' } })
const PATH = "$.flags['orders-db']"
const BREAK = { 'x-turnout-break-glass': 'true', 'x-turnout-reason': 'restored the old database' }

const plane = (orders: object) => environment({ flags: { 'orders-db': orders, beta: true } })

/** That it was refused for its stages, and what it says of which flag. */
async function refused(response: Response): Promise<string> {
  const { type, errors } = await problem(response, 409)
  expect(type).toBe('urn:turnout:problem:stage-order')
  expect(errors).toHaveLength(1)
  return `${errors[0]!.path} ${errors[0]!.message}`
}

describe('a migration flag moves by one stage at a time, by', () => {
  it.each<[string, (api: string, stage: string) => Promise<Response>]>([
    [
      'PATCH of the flag',
      (api, stage) =>
        call(`${api}/flags/orders-db`, { method: 'PATCH', body: { fallthrough: stage }, headers: ANY }),
    ],
    [
      'PUT of the flag',
      (api, stage) => call(`${api}/flags/orders-db`, { method: 'PUT', body: flag(stage), headers: ANY }),
    ],
    [
      'PATCH of many flags',
      (api, stage) =>
        call(`${api}/flags`, {
          method: 'PATCH',
          body: { 'orders-db': { fallthrough: stage }, beta: false },
          headers: ANY,
        }),
    ],
    [
      'PUT of the document',
      (api, stage) =>
        call(`${api}/document`, {
          method: 'PUT',
          body: { flags: { 'orders-db': flag(stage) } },
          headers: ANY,
        }),
    ],
    ['switch', (api, stage) => call(`${api}/switch`, { body: { flag: 'orders-db', to: stage } })],
  ])('%s', async (_, change) => {
    const { api } = await plane(flag('dualwrite', { off: 'dualwrite' }))
    const before = (await value(await call(`${api}/flags/orders-db`))).fallthrough
    expect(await refused(await change(api, 'live'))).toContain(
      `${PATH} would move from dualwrite to live; a migration moves by one stage at a time`,
    )
    expect((await value(await call(`${api}/flags/orders-db`))).fallthrough).toBe(before)
    expect((await change(api, 'shadow')).status).toBe(200)
  })

  it('shift: those without a key get `off`, which must be a neighbour too', async () => {
    const { api } = await plane(flag('dualwrite', { off: 'dualwrite' }))
    const shift = (weights: object) => call(`${api}/shift`, { body: { flag: 'orders-db', weights } })
    const { errors } = await problem(await shift({ live: 100 }), 422)
    expect(errors).toMatchObject([
      { path: `${PATH}.fallthrough`, message: expect.stringContaining('serves live, while `off`, which') },
    ])
    expect((await shift({ dualwrite: 90, shadow: 10 })).status).toBe(200)
  })

  it('toggle: off from anywhere, on only where that is the next stage', async () => {
    const { api } = await plane(flag('dualwrite'))
    const toggle = (enabled: boolean) => call(`${api}/flags/orders-db/toggle`, { body: { enabled } })
    const patch = (body: object) => call(`${api}/flags/orders-db`, { method: 'PATCH', body, headers: ANY })
    for (const stage of ['shadow', 'live']) expect((await patch({ fallthrough: stage })).status).toBe(200)
    expect((await toggle(false)).status).toBe(200)
    expect(await refused(await toggle(true))).toContain('would move from off to live')
    expect((await patch({ fallthrough: 'dualwrite' })).status).toBe(200)
    expect((await toggle(true)).status).toBe(200)
  })

  it('restore of a version', async () => {
    const { api } = await plane(flag('dualwrite'))
    for (const stage of ['shadow', 'live'])
      await value(await call(`${api}/switch`, { body: { flag: 'orders-db', to: stage } }))
    expect(await refused(await call(`${api}/versions/2/restore`, { body: {} }))).toContain(
      'would move from live to dualwrite',
    )
    expect((await call(`${api}/versions/3/restore`, { body: {} })).status).toBe(200)
  })

  it('promotion, which says so beforehand', async () => {
    const source = await plane(flag('live'))
    const target = await plane(flag('dualwrite'))
    const promote = (more: object) =>
      call(`${source.api}/promote`, { body: { to: target.name, flags: ['orders-db'], ...more } })
    const { warnings } = await value(await promote({ dryRun: true }))
    expect(warnings).toMatchObject([
      { path: PATH, message: expect.stringContaining('from dualwrite to live') },
    ])
    await refused(await promote({}))
    const empty = await plane(flag('off'))
    expect((await call(`${empty.api}/flags/orders-db`, { method: 'DELETE', headers: ANY })).status).toBe(204)
    expect(
      await refused(await call(`${source.api}/promote`, { body: { to: empty.name, flags: ['orders-db'] } })),
    ).toContain('begins at live, but a migration begins at its first stage, off, or the next')
  })

  it('a schedule, when its time has come', async () => {
    const { name, api, stub } = await plane(flag('dualwrite'))
    const { id } = await value(
      await call('/api/v1/schedules', {
        body: {
          environment: name,
          at: new Date(Date.now() + 3_600_000).toISOString(),
          flags: { 'orders-db': { fallthrough: 'live' } },
        },
      }),
    )
    await runInDurableObject(stub, (_instance, state) => {
      state.storage.sql.exec('UPDATE schedules SET due_at = ? WHERE due_at IS NOT NULL', Date.now() - 1)
    })
    await runDurableObjectAlarm(stub)
    expect(await value(await call(`/api/v1/schedules/${id}`))).toMatchObject({
      status: 'failed',
      problem: expect.stringContaining('would move from dualwrite to live'),
    })
    expect((await value(await call(`${api}/flags/orders-db`))).fallthrough).toBe('dualwrite')
  })

  it('approval: nobody is asked for what would be refused', async () => {
    const { api } = await plane(flag('dualwrite'))
    await value(await call(api, { method: 'PUT', body: { approvals: 1 }, headers: ANY }))
    await refused(await call(`${api}/switch`, { body: { flag: 'orders-db', to: 'live' } }))
    expect((await call(`${api}/switch`, { body: { flag: 'orders-db', to: 'shadow' } })).status).toBe(202)
  })
})

describe('a new migration', () => {
  it('begins at its first stage, but where nobody has asked for a flag yet', async () => {
    const { api } = await environment({ flags: { beta: true } })
    const put = (body: object) => call(`${api}/flags/orders-db`, { method: 'PUT', body, headers: NEW })
    expect(await refused(await put(flag('complete', { off: 'complete' })))).toContain('begins at complete')
    expect((await put(flag('off'))).status).toBe(201)
    await environment({ flags: { 'orders-db': flag('live') } })
  })
})

describe('past its point of no return', () => {
  it('a migration goes on, and not back, nor is the point forgotten', async () => {
    const { api } = await plane(past('rampdown'))
    const patch = (body: object) => call(`${api}/flags/orders-db`, { method: 'PATCH', body, headers: ANY })
    expect(await refused(await patch({ fallthrough: 'live', off: 'live' }))).toContain(
      'would go back to live, but has passed its point of no return, rampdown',
    )
    expect(await refused(await patch({ migration: null }))).toContain(
      `${PATH}.migration.pointOfNoReturn must stay rampdown`,
    )
    expect((await patch({ fallthrough: 'complete' })).status).toBe(200)
  })

  it('`off` must be there too, so that a kill and switching off do not go back', async () => {
    const { api } = await plane(flag('live', { migration: { pointOfNoReturn: 'rampdown' } }))
    const patch = (body: object) => call(`${api}/flags/orders-db`, { method: 'PATCH', body, headers: ANY })
    const { errors } = await problem(await patch({ fallthrough: 'rampdown' }), 422)
    expect(errors).toMatchObject([
      { path: `${PATH}.off`, message: expect.stringContaining('a kill would go back past it') },
    ])
    expect((await patch({ fallthrough: 'rampdown', off: 'rampdown' })).status).toBe(200)
    const kill = await call(`${api}/kills/flag:orders-db`, { method: 'PUT', body: { reason: 'errors' } })
    expect(kill.status).toBe(201)
    const { decision } = await value(
      await call(`${api}/evaluate`, { body: { flag: 'orders-db', context: {} } }),
    )
    expect(decision.value).toBe('rampdown')
  })

  it.each(['flag:orders-db', 'tag:storage', 'all-flags'])(
    'a kill of %s that serves an earlier stage is refused, by its field',
    async (target) => {
      const { api } = await plane({ ...past('complete'), tags: ['storage'] })
      const put = (variant: string, headers = {}) =>
        call(`${api}/kills/${target}`, { method: 'PUT', body: { reason: 'errors', variant }, headers })
      expect(await refused(await put('live'))).toBe(
        '$.variant flag orders-db would go back to live, but has passed its point of no return, rampdown',
      )
      expect((await put('rampdown')).status).toBe(201)
      expect((await put('live', { 'x-turnout-break-glass': 'true' })).status).toBe(200)
    },
  )

  it('an admin can break the glass, with a reason, and leaves a review', async () => {
    const { name, api } = await plane(past('complete'))
    const back = (headers: Record<string, string>) =>
      call(`${api}/flags/orders-db`, { method: 'PUT', body: flag('off'), headers: { ...ANY, ...headers } })
    await refused(await back({}))
    await problem(await back({ 'x-turnout-break-glass': 'true' }), 422)
    expect((await back(BREAK)).status).toBe(200)
    const { items } = await value(await call(`/api/v1/audit?environment=${name}`))
    expect(items[0]).toMatchObject({ reason: BREAK['x-turnout-reason'], details: { breakGlass: true } })
    expect((await value(await call(`${api}/reviews`))).items).toHaveLength(1)
  })
})

describe('a kill of a migration', () => {
  const kill = (api: string, target: string, body: object = {}) =>
    call(`${api}/kills/${target}`, { method: 'PUT', body: { reason: 'errors', ...body } })
  const lift = (api: string, target: string, headers = {}) =>
    call(`${api}/kills/${target}`, { method: 'DELETE', headers })
  const stage = async (api: string): Promise<unknown> =>
    (await value(await call(`${api}/evaluate`, { body: { flag: 'orders-db', context: {} } }))).decision.value

  it('goes back at once, and is not lifted in a leap', async () => {
    const { api } = await environment({ flags: { 'orders-db': flag('live'), beta: true } })
    expect((await kill(api, 'flag:orders-db')).status).toBe(201)
    expect(await stage(api)).toBe('off')
    expect(await refused(await lift(api, 'flag:orders-db'))).toContain('would move from off to live')
    for (const variant of ['dualwrite', 'shadow'])
      expect((await kill(api, 'flag:orders-db', { variant })).status).toBe(200)
    expect((await lift(api, 'flag:orders-db')).status).toBe(204)
    expect(await stage(api)).toBe('live')
  })

  it('that is lifted for all flags can leave a migration where it is, or break the glass', async () => {
    const { api } = await environment({ flags: { 'orders-db': flag('live'), beta: true } })
    await value(await kill(api, 'all-flags'))
    expect(await refused(await lift(api, 'all-flags'))).toContain('or kill flag:orders-db with a variant')
    await value(await kill(api, 'flag:orders-db'))
    expect((await lift(api, 'all-flags')).status).toBe(204)
    expect(await stage(api)).toBe('off')
    expect((await lift(api, 'flag:orders-db', BREAK)).status).toBe(204)
    expect(await stage(api)).toBe('live')
  })

  it('is not led forward in a leap by another `off` either', async () => {
    const { api } = await environment({ flags: { 'orders-db': flag('live'), beta: true } })
    await value(await kill(api, 'flag:orders-db'))
    const off = (name: string) =>
      call(`${api}/flags/orders-db`, { method: 'PATCH', body: { off: name }, headers: ANY })
    expect(await refused(await off('shadow'))).toContain('is killed, and would move from off to shadow')
    expect((await off('dualwrite')).status).toBe(200)
    expect(await stage(api)).toBe('dualwrite')
  })

  it('holds on when its time is over, if its end were a leap', async () => {
    const { api, name, stub } = await environment({
      flags: { 'orders-db': flag('live'), 'users-db': flag('shadow', { off: 'dualwrite' }), beta: true },
    })
    const expiresAt = new Date(Date.now() + 60_000).toISOString()
    for (const key of ['orders-db', 'users-db', 'beta'])
      await value(await kill(api, `flag:${key}`, { expiresAt }))
    await runInDurableObject(stub, (_instance, state) => {
      state.storage.sql.exec('UPDATE kills SET expires_at = ?', Date.now() - 1)
    })
    await runDurableObjectAlarm(stub)
    const { items } = await value(await call(`${api}/kills`))
    expect(items).toMatchObject([{ target: 'flag:orders-db', onExpiry: 'extend' }])
    const audit = await value(await call(`/api/v1/audit?environment=${name}&action=kill.extended`))
    expect(audit.items).toMatchObject([
      { subject: 'kill:flag:orders-db', reason: 'its end would have a migration leap' },
    ])
  })
})

describe('what a migration binds', () => {
  const release = (variant: string, off = 'green') => ({
    enabled: true,
    variants: { blue: 'v1', green: 'v2' },
    off,
    fallthrough: variant,
  })
  const bound = (orders: object) => ({
    ...orders,
    migration: { pointOfNoReturn: 'complete', binds: { release: ['green'] } },
  })
  const origin = (name: string) => ({ url: `https://${name}.example.com` })
  const document = (orders: object, shop: object) => ({
    flags: { 'orders-db': bound(orders), release: shop, beta: true },
    routes: [
      {
        id: 'shop',
        match: { path: '/*' },
        flag: 'release',
        origins: { blue: origin('blue'), green: origin('green') },
        fallback: 'green',
      },
    ],
  })
  const LEFT = 'but migration orders-db has passed its point of no return, complete, and leaves it green only'

  it('must be where it may stay before the point of no return is passed', async () => {
    const { api } = await environment(document(flag('rampdown'), release('blue', 'blue')))
    const patch = (key: string, body: object) =>
      call(`${api}/flags/${key}`, { method: 'PATCH', body, headers: ANY })
    const complete = { fallthrough: 'complete', off: 'complete' }
    expect(await refused(await patch('orders-db', complete))).toBe(
      `$.flags.release.fallthrough serves blue, ${LEFT}`,
    )
    expect((await patch('release', { fallthrough: 'green' })).status).toBe(200)
    expect(await refused(await patch('orders-db', complete))).toBe(`$.flags.release.off serves blue, ${LEFT}`)
    expect((await patch('release', { off: 'green' })).status).toBe(200)
    expect((await patch('orders-db', complete)).status).toBe(200)
  })

  it('does not go back afterwards, by switch, shift, edit, restore or kill', async () => {
    const { api } = await environment(
      document(flag('rampdown', { off: 'rampdown' }), release('blue', 'blue')),
    )
    const put = (key: string, body: object, headers = {}) =>
      call(`${api}/flags/${key}`, { method: 'PUT', body, headers: { ...ANY, ...headers } })
    await value(await put('release', release('green')))
    await value(await put('orders-db', bound(flag('complete', { off: 'complete' }))))
    const kill = (target: string, more: object) =>
      call(`${api}/kills/${target}`, { method: 'PUT', body: { reason: 'errors', ...more } })
    for (const back of [
      await call(`${api}/switch`, { body: { route: 'shop', to: 'blue' } }),
      await call(`${api}/shift`, { body: { flag: 'release', weights: { green: 90, blue: 10 } } }),
      await put('release', release('blue')),
      await call(`${api}/flags/release`, { method: 'PATCH', body: { off: 'blue' }, headers: ANY }),
      await kill('flag:release', { variant: 'blue' }),
      await kill('route:shop', { variant: 'blue' }),
      await kill('all-routes', { variant: 'blue' }),
    ])
      expect(await refused(back)).toContain(LEFT)
    const restored = await problem(await call(`${api}/versions/2/restore`, { body: {} }), 409)
    expect(restored.type).toBe('urn:turnout:problem:stage-order')
    const shop = await value(await call(`${api}/routes/shop`))
    const fallBack = (variant: string) =>
      call(`${api}/routes/shop`, { method: 'PUT', body: { ...shop, fallback: variant }, headers: ANY })
    expect(await refused(await fallBack('blue'))).toBe(`$.routes[0].fallback sends requests to blue, ${LEFT}`)
    expect((await kill('flag:release', {})).status).toBe(201)
    expect((await call(`${api}/flags/release/toggle`, { body: { enabled: false } })).status).toBe(200)
    expect((await call(`${api}/flags/beta/toggle`, { body: { enabled: false } })).status).toBe(200)
    expect((await put('release', release('blue'), BREAK)).status).toBe(200)
  })
})

describe('impact', () => {
  it('warns of what would be refused', async () => {
    const { api } = await plane(flag('dualwrite'))
    const body = { flags: { 'orders-db': { fallthrough: 'live' } } }
    const { newWarnings } = await value(await call(`${api}/impact`, { body }))
    expect(newWarnings).toMatchObject([
      { path: PATH, message: expect.stringContaining('from dualwrite to live') },
    ])
  })
})

describe('validate', () => {
  it('warns of what would be refused', async () => {
    const { api } = await plane(flag('dualwrite'))
    const body = { flags: { 'orders-db': flag('complete'), beta: true } }
    expect(await value(await call(`${api}/validate`, { body }))).toMatchObject({
      valid: true,
      warnings: [{ path: PATH, message: expect.stringContaining('from dualwrite to complete') }],
    })
  })
})
