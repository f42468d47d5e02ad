/** `turnout kill`, `restore` and `kills list`, as far as the API is told and the user is. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { problem } from './fake-admin.ts'
import { says, startApi, UNPROTECTED } from './fake-api.ts'
import { propagation } from './propagation.ts'
import { turnout } from './run.ts'

const KILL = {
  target: 'flag:checkout',
  reason: 'errors since 10:02',
  actor: 'token:on-call',
  createdAt: '2026-11-21T10:00:00.250Z',
}
const KILLED = { 'x-turnout-kills': '14' }
const PUT = 'PUT /environments/prod/kills/flag:checkout'
const DELETE = 'DELETE /environments/prod/kills/flag:checkout'
/** No edge has traffic: it has landed at once. How it lands otherwise: landing.test.ts. */
const QUIET = { 'GET /environments/prod/propagation': propagation([]) }

describe('kill', () => {
  test('places the kill with its reason, and says how to end it', async () => {
    const api = await startApi({ ...QUIET, [PUT]: says(KILL, KILLED, 201) })
    const { code, out, err } = await turnout(['kill', 'flag:checkout', '--reason', KILL.reason], api)
    expect(out).toBe(`Killed flag:checkout in prod: it serves its off variant, until it is restored.
To end it: turnout restore flag:checkout --env prod
Landed: no edge has traffic now, and each asks before it answers its next request.
`)
    expect([code, err]).toEqual([0, ''])
    expect(api.writes()).toEqual([PUT])
    expect(api.calls[0]!.body).toEqual({ reason: KILL.reason })
  })

  test('of a tag is of all flags that have it, and says how to see which', async () => {
    const address = 'PUT /environments/prod/kills/tag:search'
    const api = await startApi({ ...QUIET, [address]: says({ ...KILL, target: 'tag:search' }, KILLED, 201) })
    const { out } = await turnout(['kill', 'tag:search', '--reason', 'x', '--no-wait'], api)
    expect(
      out,
    ).toBe(`Killed tag:search in prod: everything it names serves its off variant, until it is restored.
Which flags: turnout flags list --tag search --env prod
To end it: turnout restore tag:search --env prod
`)
  })

  test('is placed as soon as it may be, if it came too soon', async () => {
    const soon = { ...problem(429, 'Try again in a second.'), headers: { 'retry-after': '1' } }
    let refused = 0
    const answer = () => (refused++ < 4 ? soon : says(KILL, KILLED, 201))
    const api = await startApi({ ...QUIET, [PUT]: answer })
    const { code, out, err, waits } = await turnout(['kill', 'flag:checkout', '--reason', 'x'], api)
    expect(out).toContain('Killed flag:checkout in prod')
    expect([code, err]).toEqual([0, ''])
    expect(waits).toEqual([1_000, 1_000, 1_000, 1_000])
    expect(api.calls.filter(({ line }) => line === PUT).map(({ body }) => body)).toEqual(
      Array(5).fill({ reason: 'x' }),
    )
  })

  test('gives up after five refusals, which it says once', async () => {
    const soon = { ...problem(429, 'Try again in a second.'), headers: { 'retry-after': '1' } }
    const api = await startApi({ [PUT]: soon })
    const { code, err, waits } = await turnout(['kill', 'flag:checkout', '--reason', 'x'], api)
    expect(err).toBe('turnout: the control plane refuses (429): Try again in a second.\n')
    expect([code, waits.length]).toEqual([1, 4])
  })

  test('waits for no longer than ten seconds', async () => {
    const later = { ...problem(429, 'Busy.'), headers: { 'retry-after': '11' } }
    const api = await startApi({ [PUT]: later })
    const { code, err, waits } = await turnout(['kill', 'flag:checkout', '--reason', 'x'], api)
    expect(err).toBe('turnout: the control plane refuses (429): Busy. Try again in 11 s.\n')
    expect([code, waits]).toEqual([1, []])
  })

  test('takes a variant and an end, and says when that is', async () => {
    const held = { ...KILL, variant: 'safe', expiresAt: '2026-11-21T10:30:00Z', onExpiry: 'extend' }
    const api = await startApi({ ...QUIET, [PUT]: says(held, KILLED) })
    const args = ['kill', 'flag:checkout', '--reason', 'x', '--variant', 'safe', '--expires', '30m']
    const { out } = await turnout([...args, '--on-expiry', 'extend'], api)
    expect(api.calls[0]!.body).toEqual({
      reason: 'x',
      variant: 'safe',
      expiresAt: '2026-11-21T10:30:00.000Z',
      onExpiry: 'extend',
    })
    expect(out).toContain(
      'it serves "safe", extended at 2026-11-21 10:30:00Z and again until it is restored.',
    )
  })

  test('of an origin says where its requests go', async () => {
    const target = 'origin:shop/canary'
    const api = await startApi({
      ...{ ...QUIET, ...UNPROTECTED },
      [`PUT /environments/prod/kills/${target}`]: says({ ...KILL, target }, KILLED, 201),
      [`DELETE /environments/prod/kills/${target}`]: says({}, KILLED),
    })
    const killed = await turnout(['kill', target, '--reason', 'x'], api)
    expect(killed.out).toContain(
      'Killed origin:shop/canary in prod: its requests go to its fallback, until it is restored.',
    )
    const restored = await turnout(['restore', target, '--yes'], api)
    expect(restored.out).toContain('Restored origin:shop/canary in prod: it gets requests again.')
  })

  test('prints the kill and the version of the list for machines', async () => {
    const api = await startApi({ ...QUIET, [PUT]: says(KILL, KILLED, 201) })
    const { out } = await turnout(['kill', 'flag:checkout', '--reason', 'x', '--json'], api)
    expect(JSON.parse(out)).toMatchObject({
      environment: 'prod',
      kill: KILL,
      kills: 14,
      landing: { complete: true },
    })
  })

  test.each<[string, string[], string]>([
    ['without a reason', ['kill', 'flag:checkout'], '--reason is missing'],
    ['without a target', ['kill', '--reason', 'x'], 'TARGET is missing'],
    [
      'with a bare key, and says what to type',
      ['kill', 'checkout', '--reason', 'x'],
      'TARGET must be flag:KEY, route:ID, tag:NAME, origin:ROUTE/VARIANT, all-routes or all-flags, got "checkout"; for the flag: turnout kill flag:checkout',
    ],
    [
      'for a time that is none',
      ['kill', 'all-flags', '--reason', 'x', '--expires', '30'],
      '--expires must be a time',
    ],
    [
      'that does something else at its end',
      ['kill', 'all-flags', '--reason', 'x', '--expires', '1h', '--on-expiry', 'x'],
      '--on-expiry must be restore or extend',
    ],
    [
      'that does something at an end it does not have',
      ['kill', 'all-flags', '--reason', 'x', '--on-expiry', 'extend'],
      '--on-expiry needs --expires',
    ],
  ])('is not placed %s', async (_, args, sentence) => {
    const api = await startApi({})
    const { code, err } = await turnout(args, api)
    expect(err).toContain(`turnout: ${sentence}`)
    expect([code, api.calls.length]).toEqual([2, 0])
  })

  test('passes on what the control plane says is wrong, field by field', async () => {
    const issue = { path: '$.variant', message: 'there is no variant "x" of checkout' }
    const api = await startApi({
      [PUT]: problem(422, 'The kill has one error; nothing was changed.', [issue]),
    })
    const { code, err } = await turnout(['kill', 'flag:checkout', '--reason', 'x', '--variant', 'x'], api)
    expect(err).toBe(`turnout: the control plane refuses (422): The kill has one error; nothing was changed.
  $.variant: there is no variant "x" of checkout
`)
    expect(code).toBe(1)
  })

  test('that gets no answer may hold all the same, and says where to look', async () => {
    const server = createServer((request) => request.socket.destroy())
    const url = await listening(server)
    const { code, err } = await turnout(['kill', 'all-flags', '--reason', 'x'], at(url))
    expect(err).toMatch(/ cannot be reached \(.+\); whether it was carried out, turnout kills list shows\n$/)
    expect(code).toBe(1)
  })

  test('that was never sent leaves no doubt', async () => {
    const server = createServer()
    const url = await listening(server)
    await new Promise((done) => server.close(done))
    const refused = await turnout(['kill', 'all-flags', '--reason', 'x'], at(url))
    expect(refused.err).toBe(
      `turnout: PUT /environments/prod/kills/all-flags failed: nothing listens at ${url}; start Turnout with npm start, or give --url\n`,
    )
    const nowhere = await turnout(['kill', 'all-flags', '--reason', 'x'], at('https://turnout.invalid'))
    expect(nowhere.err).toBe(
      'turnout: PUT /environments/prod/kills/all-flags failed: there is no host turnout.invalid, or no network\n',
    )
  })
})

const at = (url: string) => ({ env: { TURNOUT_URL: url, TURNOUT_ADMIN_TOKEN: 'x', TURNOUT_ENV: 'prod' } })

async function listening(server: Server): Promise<string> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('restore', () => {
  test('ends the kill, with a reason if there is one', async () => {
    const api = await startApi({
      ...UNPROTECTED,
      ...QUIET,
      [DELETE]: says(null, { 'x-turnout-kills': '15' }),
    })
    const { code, out } = await turnout(['restore', 'flag:checkout', '--reason', 'fixed & deployed'], api)
    expect(out).toMatch(/^Restored flag:checkout in prod: it serves what the document says\.\n/)
    expect(code).toBe(0)
    expect(api.writes()).toEqual([`${DELETE}?reason=fixed & deployed`])
  })

  test('asks first where much depends on it; a kill never does', async () => {
    const prod = { 'GET /environments/prod': { approvals: 1, tier: 1 } }
    const api = await startApi({ ...prod, [PUT]: says(KILL, KILLED), [DELETE]: says(null, KILLED) })
    const kill = await turnout(['kill', 'flag:checkout', '--reason', 'x', '--no-wait'], {
      ...api,
      answers: [],
    })
    expect([kill.code, kill.asked]).toEqual([0, []])
    const { code, asked } = await turnout(['restore', 'flag:checkout'], { ...api, answers: ['no'] })
    expect(asked[0]!.question).toBe(
      'prod is protected (tier 1, changes need 1 approval). Restore flag:checkout? [y/N] ',
    )
    expect(code).toBe(1)
    expect(api.writes()).toEqual([PUT])
  })

  test('of what is not killed says where to look, and does not repeat it', async () => {
    const api = await startApi({
      ...UNPROTECTED,
      [DELETE]: problem(404, 'There is no kill "flag:checkout".', [
        { path: 'path.target', message: 'there is no kill "flag:checkout"' },
      ]),
    })
    const { code, err } = await turnout(['restore', 'flag:checkout'], api)
    expect(err).toBe(
      'turnout: the control plane refuses (404): There is no kill "flag:checkout". turnout kills list --env prod says what is killed.\n',
    )
    expect(code).toBe(1)
  })
})

describe('kills list', () => {
  test('shows what is killed, until when, by whom and why, over all pages', async () => {
    const other = {
      ...KILL,
      target: 'all-routes',
      variant: 'safe',
      expiresAt: '2026-11-21T11:00:00Z',
      onExpiry: 'restore',
    }
    const api = await startApi({
      'GET /environments/prod/kills': ({ line }) =>
        line.includes('cursor=next')
          ? { items: [other], nextCursor: null }
          : { items: [KILL], nextCursor: 'next' },
    })
    const { out } = await turnout(['kills', 'list'], api)
    expect(
      out,
    ).toBe(`TARGET         SERVES           SINCE                 UNTIL                 BY             REASON
flag:checkout  its off variant  2026-11-21 10:00:00Z  restored              token:on-call  errors since 10:02
all-routes     "safe"           2026-11-21 10:00:00Z  2026-11-21 11:00:00Z  token:on-call  errors since 10:02
`)
    expect(JSON.parse((await turnout(['kills', 'list', '--json'], api)).out).kills).toEqual([KILL, other])
  })

  test('says so if nothing is killed', async () => {
    const api = await startApi({ 'GET /environments/prod/kills': { items: [], nextCursor: null } })
    expect((await turnout(['kills', 'list'], api)).out).toBe('Nothing is killed in prod.\n')
  })
})
