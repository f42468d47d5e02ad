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
  const decided = { ...APPROVAL, change, actorRevokedAt: null, now: null }
  const api = await startApi({ 'GET /approvals/prod:3': decided })
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

test('one that waits is shown with what it would do now, or why it cannot, and whose token is gone', async () => {
  const patch = [
    { op: 'test', path: '/percentage', value: 5 },
    { op: 'replace', path: '/percentage', value: 10 },
  ]
  const differences = [
    { kind: 'flag', key: 'beta', change: 'changed', patch },
    { kind: 'kill', key: 'flag:beta', change: 'removed', patch: [] },
  ]
  const now = { differences, same: 3, reordered: false, problem: null }
  const full = { ...APPROVAL, change: {}, actorRevokedAt: '2026-11-22T10:00:00Z', now }
  const shown = async (approval: object) => {
    const api = await startApi({ 'GET /approvals/prod:3': approval })
    return (await turnout(['approvals', 'show', 'prod:3'], api)).out
  }
  expect(await shown(full)).toContain(`  token:ci was revoked at 2026-11-22 10:00:00Z
If it were carried out now:
  ~ flag beta
      percentage 5 → 10
  - kill flag:beta
2 differences; 3 flags, segments and routes are the same.
`)
  const frozen = { ...now, differences: [], problem: 'changes are frozen' }
  const waiting = await shown({ ...full, actorRevokedAt: null, now: frozen })
  expect(waiting).toContain('  cannot be carried out now: changes are frozen\n')
  expect(waiting).not.toContain('revoked')
  expect(waiting).not.toContain('If it were')
})

test.each([
  ['failed', { note: '$.at must be in the future' }, '$.at must be in the future'],
  ['stale', {}, 'what it is about has changed since; ask for it again'],
] as const)('approve fails where the change was approved in vain: %s', async (status, more, why) => {
  const api = await startApi({ 'POST /approvals/prod:3/approve': { ...APPROVAL, ...more, status } })
  const { code, out, err } = await turnout(['approvals', 'approve', 'prod:3'], api)
  expect(err).toContain(`prod:3 was approved, but is not carried out: ${why}`)
  expect([code, out]).toEqual([1, ''])
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
