import { describe, expect, it } from 'vitest'
import { ANY, call, environment, NEW, problem, value } from './client.ts'

const route = {
  id: 'web',
  match: {},
  flag: 'beta',
  origins: { on: { url: 'http://127.0.0.1:1' }, off: { url: 'http://127.0.0.1:2' } },
  fallback: 'off',
}

describe('restoring a version', () => {
  it('publishes its document as the next version, and leaves kills and settings alone', async () => {
    const { api } = await environment({ flags: { beta: true } })
    await value(
      await call(`${api}/document`, { method: 'PUT', body: { flags: { gamma: false } }, headers: ANY }),
    )
    await value(await call(`${api}/kills/all-flags`, { method: 'PUT', body: { reason: 'x' } }))
    const restored = await value(await call(`${api}/versions/2/restore`, { body: { reason: 'rollback' } }))
    expect(restored).toMatchObject({ version: 4 })
    expect(await value(await call(`${api}/document`))).toStrictEqual({ flags: { beta: true } })
    expect((await value(await call(`${api}/kills`))).items).toHaveLength(1)
    const [entry] = (await value(await call(`${api}/versions`))).items
    expect(entry).toMatchObject({ version: 4, reason: 'rollback' })
    await problem(await call(`${api}/versions/99/restore`, { body: {} }), 404)
    await problem(await call(`${api}/versions/1x/restore`, { body: {} }), 404)
  })

  it('of what is there already makes no version', async () => {
    const { api } = await environment({ flags: { beta: true } })
    expect(await value(await call(`${api}/versions/2/restore`, { body: {} }))).toMatchObject({ version: 2 })
  })
})

describe('a label', () => {
  it('names a version, wherever a version goes into an address, and can be moved', async () => {
    const { api } = await environment({ flags: { beta: true } })
    await call(`${api}/flags/beta/toggle`, { body: { enabled: false } })
    const label = (version: number) => call(`${api}/labels/release`, { method: 'PUT', body: { version } })
    expect((await label(2)).status).toBe(204)
    expect(await value(await call(`${api}/versions/release`))).toMatchObject({
      version: 2,
      labels: ['release'],
    })
    expect((await label(3)).status).toBe(204)
    expect((await value(await call(`${api}/versions`))).items[0].labels).toStrictEqual(['release'])
    expect((await value(await call(`${api}/versions/2/diff/release`))).differences).toHaveLength(1)
    const mistyped = await problem(await call(`${api}/versions/releese`), 404)
    expect(mistyped.detail).toContain('release')
    await problem(await label(99), 404)
    await problem(await call(`${api}/labels/12`, { method: 'PUT', body: { version: 2 } }), 422)
    expect((await call(`${api}/labels/release`, { method: 'DELETE' })).status).toBe(204)
    await problem(await call(`${api}/labels/release`, { method: 'DELETE' }), 404)
  })
})

describe('a diff', () => {
  it('shows each flag, segment and route that differs, as JSON Patch', async () => {
    const { api } = await environment({
      flags: { beta: { enabled: true, percentage: 5 }, gone: true, same: true },
    })
    const document = {
      flags: { beta: { enabled: true, percentage: 10 }, same: true, fresh: false },
      segments: { s: { include: ['a'] } },
      routes: [route],
    }
    await value(await call(`${api}/document`, { method: 'PUT', body: document, headers: ANY }))
    const diff = await value(await call(`${api}/versions/2/diff/3`))
    expect(diff).toStrictEqual({
      differences: [
        {
          kind: 'flag',
          key: 'beta',
          change: 'changed',
          patch: [
            { op: 'test', path: '/percentage', value: 5 },
            { op: 'replace', path: '/percentage', value: 10 },
          ],
        },
        { kind: 'flag', key: 'fresh', change: 'added', patch: [{ op: 'add', path: '', value: false }] },
        {
          kind: 'flag',
          key: 'gone',
          change: 'removed',
          patch: [
            { op: 'test', path: '', value: true },
            { op: 'remove', path: '' },
          ],
        },
        {
          kind: 'segment',
          key: 's',
          change: 'added',
          patch: [{ op: 'add', path: '', value: { include: ['a'] } }],
        },
        { kind: 'route', key: 'web', change: 'added', patch: [{ op: 'add', path: '', value: route }] },
      ],
      same: 1,
      reordered: false,
    })
    const back = await value(await call(`${api}/versions/3/diff/2`))
    expect(back.differences.map(({ change }: { change: string }) => change)).toStrictEqual([
      'changed',
      'removed',
      'added',
      'removed',
      'removed',
    ])
    await problem(await call(`${api}/versions/2/diff/9`), 404)
  })
})

describe('a promotion', () => {
  const SOURCE = {
    flags: {
      beta: {
        enabled: true,
        rules: [{ id: 'inner', when: { segment: 'outer' }, serve: 'on' }],
        fallthrough: 'off',
      },
      short: { enabled: true, percentage: 50, allowlist: ['tester'] },
      other: true,
    },
    segments: {
      outer: { when: { segment: 'inner' } },
      inner: { include: ['a'] },
      unused: { include: ['b'] },
    },
  }

  it('copies flags and the segments they need, as one version, and nothing else', async () => {
    const [from, to] = [await environment(SOURCE), await environment({ flags: { mine: true } })]
    const promote = (body: object) =>
      call(`${from.api}/promote`, { body: { to: to.name, flags: ['beta'], ...body } })
    const shown = await value(await promote({ dryRun: true }))
    expect(shown).toMatchObject({
      from: from.name,
      to: to.name,
      dryRun: true,
      version: 2,
      segments: ['inner', 'outer'],
    })
    expect(shown.differences.map(({ key }: { key: string }) => key)).toStrictEqual(['beta', 'inner', 'outer'])
    expect(shown.raising.join()).toContain('flag beta')
    expect((await value(await call(to.api))).version).toBe(2)

    expect(await value(await promote({ expected: 2, reason: 'ready' }))).toMatchObject({
      version: 3,
      dryRun: false,
    })
    const { flags, segments } = await value(await call(`${to.api}/document`))
    expect(Object.keys(flags).sort()).toStrictEqual(['beta', 'mine'])
    expect(Object.keys(segments).sort()).toStrictEqual(['inner', 'outer'])
    const [entry] = (await value(await call(`/api/v1/audit?environment=${to.name}`))).items
    expect(entry).toMatchObject({
      action: 'flags.promoted',
      reason: 'ready',
      details: { from: from.name, fromVersion: 2 },
    })
    await problem(await promote({ expected: 2 }), 409)
  })

  it('leaves routes, and the parts that the target calls its own, as they are there', async () => {
    const from = await environment(SOURCE)
    const to = await environment({
      flags: {
        beta: {
          enabled: false,
          metadata: { local: 'enabled, rules.inner' },
          rules: [{ id: 'inner', percentage: 1, serve: 'on' }],
          fallthrough: 'off',
        },
        short: { enabled: true, percentage: 5, allowlist: ['only-here'], metadata: { local: 'allowlist' } },
      },
      routes: [route],
    })
    const answer = await value(
      await call(`${from.api}/promote`, { body: { to: to.name, flags: ['beta', 'short'] } }),
    )
    expect(answer.kept).toStrictEqual([
      'flag beta: enabled',
      'flag beta: rules.inner',
      'flag short: allowlist',
    ])
    const document = await value(await call(`${to.api}/document`))
    expect(document.routes).toStrictEqual([route])
    expect(document.flags.beta).toMatchObject({
      enabled: false,
      rules: [{ id: 'inner', percentage: 1, serve: 'on' }],
      metadata: { local: 'enabled, rules.inner' },
    })
    expect(document.flags.short).toMatchObject({ percentage: 50, allowlist: ['only-here'] })
  })

  it('names what is missing, and goes where the source says', async () => {
    const needs = { enabled: true, prerequisites: [{ flag: 'base', variants: ['on'] }] }
    const from = await environment({ flags: { base: true, needs } })
    const to = await environment()
    const promote = (body: object) => call(`${from.api}/promote`, { body })
    expect((await problem(await promote({ flags: ['needs'] }), 422)).errors[0]?.path).toBe('$.to')
    const needy = await problem(await promote({ to: to.name, flags: ['needs'] }), 422)
    expect(needy.errors).toMatchObject([{ path: '$.flags[0]', message: expect.stringContaining('base') }])
    const unknown = await problem(await promote({ to: to.name, flags: ['nope'] }), 422)
    expect(unknown.errors[0]?.message).toContain('nope')
    expect((await problem(await promote({ to: from.name, flags: 'all' }), 422)).errors[0]?.path).toBe('$.to')
    await problem(await promote({ to: 'never-was', flags: 'all' }), 404)
    await value(await call(from.api, { method: 'PUT', body: { promotesTo: to.name, tier: 2 }, headers: ANY }))
    expect(await value(await promote({ flags: 'all' }))).toMatchObject({ to: to.name })
    const same = await value(await call(`${from.api}/compare/${to.name}`))
    expect(same).toStrictEqual({ differences: [], same: 2, reordered: false })
  })

  it('into a protected environment waits for approval', async () => {
    const [from, to] = [await environment(SOURCE), await environment()]
    await value(await call(to.api, { method: 'PUT', body: { approvals: 1 }, headers: ANY }))
    const answer = await call(`${from.api}/promote`, { body: { to: to.name, flags: ['other'] } })
    expect(answer.status).toBe(202)
    const { token } = await value(
      await call('/api/v1/tokens', { body: { name: `p-${to.name}`, role: 'editor' } }),
    )
    const { id } = await value(answer)
    // Who may look at the target may not look into the source.
    const { change } = await value(await call(`/api/v1/approvals/${id}`))
    expect(JSON.parse(change.promotion.text)).toStrictEqual({ flags: { other: true } })
    const approve = { body: {}, headers: { authorization: `Bearer ${token}` } }
    expect(await value(await call(`/api/v1/approvals/${id}/approve`, approve))).toMatchObject({
      status: 'applied',
    })
    expect(await value(await call(`${to.api}/flags/other`))).toBe(true)
    await problem(await call(`${from.api}/promote`, { body: { to: to.name, flags: 'some' } }), 422)
    expect((await call(`${to.api}x`, { method: 'PUT', body: { approvals: 9 }, headers: NEW })).status).toBe(
      422,
    )
  })
})
