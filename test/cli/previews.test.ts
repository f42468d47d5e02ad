/** `turnout preview`, as far as the API is told and the user is. */
import { describe, expect, test } from 'vitest'
import { problem } from './fake-admin.ts'
import { says, startApi, UNPROTECTED } from './fake-api.ts'
import { turnout } from './run.ts'

const PREVIEW = {
  ...{ id: 'pv_1', route: 'shop', flag: null, variant: 'green', host: 'www.example.com' },
  ...{ createdAt: '2026-11-21T10:00:00.000Z', createdBy: 'token:ci', reason: 'smoke test' },
  ...{ expiresAt: '2026-11-21T11:00:00.000Z', revokedAt: null },
}
const CREATE = 'POST /environments/prod/previews'
const ROTATE = 'POST /environments/prod/preview-key/rotate'
const url = 'https://www.example.com/cart?turnout-preview=a.b.c'
const made = { ...PREVIEW, token: 'a.b.c', url, cookie: '__Host-turnout-preview=a.b.c' }
const AT = { 'x-turnout-version': '31' }

describe('preview create', () => {
  test('prints the link, what scripts send, and how to end it', async () => {
    const api = await startApi({ [CREATE]: says(made, AT) })
    const options = ['--host', 'www.example.com', '--path', '/cart', '--for', '30m', '--reason', 'smoke test']
    const { code, out } = await turnout(
      ['preview', 'create', 'route:shop', 'green', ...options, '--no-wait'],
      api,
    )
    expect(out).toContain(`route:shop serves green to whoever opens this link, until 2026-11-21 11:00`)
    expect(out).toContain(`  ${url}\n`)
    expect(out).toContain(`-H 'cookie: __Host-turnout-preview=a.b.c'`)
    expect(out).toContain('turnout preview revoke pv_1 --env prod')
    expect(code).toBe(0)
    expect(api.calls.map(({ body }) => body)).toEqual([
      {
        route: 'shop',
        variant: 'green',
        host: 'www.example.com',
        path: '/cart',
        ttlSeconds: 1_800,
        reason: 'smoke test',
      },
    ])
  })

  test('says no more than it was told', async () => {
    const api = await startApi({ [CREATE]: says(made, AT) })
    await turnout(['preview', 'create', 'flag:beta', 'on', '--no-wait'], api)
    expect(api.calls[0]!.body).toEqual({ flag: 'beta', variant: 'on' })
  })

  test('prints all of it as JSON', async () => {
    const api = await startApi({ [CREATE]: says(made, AT) })
    const { out } = await turnout(['preview', 'create', 'route:shop', 'green', '--no-wait', '--json'], api)
    expect(JSON.parse(out)).toEqual({ environment: 'prod', preview: made, version: 31 })
  })

  test('says what it was refused for, and what it cannot mean', async () => {
    const api = await startApi({ [CREATE]: problem(422, 'flag live has no variant "red"') })
    const refused = await turnout(['preview', 'create', 'route:shop', 'red'], api)
    expect(refused.err).toContain('flag live has no variant "red"')
    expect(refused.code).toBe(1)
    const wrong = await turnout(['preview', 'create', 'shop', 'green'], await startApi({}))
    expect(wrong.err).toContain('TARGET must be route:ID or flag:KEY, got "shop"')
    expect(wrong.code).toBe(2)
  })
})

describe('preview list', () => {
  test('shows what holds, and what was revoked', async () => {
    const gone = { ...PREVIEW, id: 'pv_2', route: null, flag: 'beta', revokedAt: '2026-11-21T10:30:00.000Z' }
    const api = await startApi({
      'GET /environments/prod/previews': { items: [PREVIEW, gone], nextCursor: null },
    })
    const { out } = await turnout(['preview', 'list'], api)
    expect(out).toMatch(/pv_1 +route:shop +green +www\.example\.com +2026-11-21 11:00/)
    expect(out).toMatch(/pv_2 +flag:beta +green +www\.example\.com +revoked/)
  })

  test('says that there is none', async () => {
    const api = await startApi({ 'GET /environments/prod/previews': { items: [], nextCursor: null } })
    expect((await turnout(['preview', 'list'], api)).out).toBe('There are no previews in prod.\n')
  })
})

describe('preview revoke and rotate-key', () => {
  test('end one, and sign with a new key', async () => {
    const done = { status: 204, headers: AT, body: '' }
    const api = await startApi({
      'DELETE /environments/prod/previews/pv_1': done,
      [ROTATE]: done,
      ...UNPROTECTED,
    })
    const revoked = await turnout(['preview', 'revoke', 'pv_1', '--reason', 'done', '--no-wait'], api)
    expect(revoked.out).toBe('Revoked preview pv_1 of prod.\n')
    const rotated = await turnout(['preview', 'rotate-key', '--end-all', '--no-wait'], api)
    expect(rotated.out).toContain('All others are over.')
    expect(api.writes()).toEqual(['DELETE /environments/prod/previews/pv_1?reason=done', ROTATE])
    expect(api.calls.at(-1)!.body).toEqual({ endAll: true })
  })

  test('an unknown one is answered with where to look', async () => {
    const { err, code } = await turnout(
      ['preview', 'revoke', 'pv_9'],
      await startApi({
        'DELETE /environments/prod/previews/pv_9': problem(404, 'There is no preview "pv_9".'),
      }),
    )
    expect(err).toContain('turnout preview list --env prod')
    expect(code).toBe(1)
  })
})
