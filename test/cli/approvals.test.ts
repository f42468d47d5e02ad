/** `turnout approvals`, as far as the API is told and the user is. */
import { expect, test } from 'vitest'
import { startApi } from './fake-api.ts'
import { turnout } from './run.ts'

const APPROVAL = {
  id: 'prod:3',
  environment: 'prod',
  status: 'pending',
  action: 'flag.updated',
  subject: 'flag:beta',
  actor: 'token:ci',
  reason: 'release 12',
  raising: ['flag beta: on for more'],
  needed: 2,
  votes: [{ actor: 'ana@example.com', at: '2026-11-21T10:01:00Z', note: 'looks right' }],
  createdAt: '2026-11-21T10:00:00Z',
  expiresAt: '2026-11-28T10:00:00Z',
  decidedAt: null,
  decidedBy: null,
  note: null,
  version: null,
}

test('what waits is listed, of the environment that is meant or of all', async () => {
  const api = await startApi({ 'GET /approvals': { items: [APPROVAL], nextCursor: null } })
  expect(
    (await turnout(['approvals', 'list'], api)).out,
  ).toBe(`ID      STATUS   CHANGE                  BY        APPROVED  ASKED FOR             REASON
prod:3  pending  flag.updated flag:beta  token:ci  1 of 2    2026-11-21 10:00:00Z  release 12
`)
  await turnout(['approvals', 'list', '--all', '--env', 'dev'], api)
  await turnout(['approvals', 'list', '--all-envs'], api)
  expect(api.calls.map(({ line }) => line)).toEqual([
    'GET /approvals?status=pending&environment=prod&limit=1000',
    'GET /approvals?environment=dev&limit=1000',
    'GET /approvals?status=pending&limit=1000',
  ])
})

test('one is shown with why it waits, who approved it, and the change', async () => {
  const change = { do: 'patch', kind: 'flag', key: 'beta' }
  const api = await startApi({ 'GET /approvals/prod:3': { ...APPROVAL, change } })
  expect(
    (await turnout(['approvals', 'show', 'prod:3'], api)).out,
  ).toBe(`prod:3: approved by 1 of 2, waits until 2026-11-28 10:00:00Z
  flag.updated flag:beta, asked for by token:ci at 2026-11-21 10:00:00Z
  reason: release 12
  raises exposure: flag beta: on for more
  approved by ana@example.com at 2026-11-21 10:01:00Z: looks right
${JSON.stringify(change, null, 2)}
`)
})

test.each([
  ['approve', { status: 'applied', version: 13 }, 'applied: prod is at version 13'],
  ['reject', { status: 'rejected', note: 'too early' }, 'rejected (too early)'],
  ['cancel', { status: 'cancelled' }, 'cancelled'],
] as const)('%s says what has become of it', async (decision, outcome, words) => {
  const api = await startApi({ [`POST /approvals/prod:3/${decision}`]: { ...APPROVAL, ...outcome } })
  const { code, out } = await turnout(['approvals', decision, 'prod:3', '--reason', 'x'], api)
  expect(out).toBe(`prod:3: ${words}\n`)
  expect(api.calls[0]!.body).toEqual({ reason: 'x' })
  expect(code).toBe(0)
})
