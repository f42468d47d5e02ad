/** AWS says by itself that something has changed; and the control plane takes a role to look. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Account } from '../helpers/aws/account.ts'
import { Emulator } from '../helpers/aws/emulator.ts'
import { variablesFor } from '../helpers/aws/variables.ts'
import { admin, check } from '../helpers/client.ts'
import { type LocalRun, startLocalRun, stopAll } from '../helpers/system.ts'

const soon = { timeout: 30_000, interval: 50 }
const FLAG = 'CONDUIT_USE_REPOSITORY_PATTERN'
const NAME = `/turnout/dev/flags/${FLAG}`
const SECRET = 'a secret of the hook'.replaceAll(' ', '-')
const ROLE = 'arn:aws:iam::111122223333:role/turnout'

const emulator = new Emulator()
const account = new Account()
let run: LocalRun
beforeAll(async () => {
  emulator.accounts.push(account)
  const endpoint = await emulator.listen()
  run = await startLocalRun({
    env: {
      ...variablesFor(account, endpoint),
      // Nobody looks by himself in this test.
      ...{ STORE: 'ssm', POLL_INTERVAL_MS: '3600000', AWS_HOOK_SECRET: SECRET, AWS_ROLE_ARN: ROLE },
    },
  })
})
afterAll(async () => {
  await stopAll()
  await emulator.refuse()
})

const served = async () => (await check(run, FLAG)).body.value
const hook = (secret: string, query = '', path = '/hooks/aws') =>
  fetch(`${run.adminUrl}${path}${query}`, {
    method: 'POST',
    headers: { 'x-turnout-hook-secret': secret, 'content-type': 'application/json' },
    body: JSON.stringify({ detail: { name: NAME, value: 'never data' } }),
  })

describe('a change in AWS of which EventBridge tells', () => {
  test('is at the edge, though nobody looks by himself for an hour', async () => {
    account.notify(`${run.adminUrl}/hooks/aws`, { 'x-turnout-hook-secret': SECRET })
    for (const value of [true, false, true]) {
      account.putParameter(NAME, String(value))
      await expect.poll(served, soon).toBe(value)
    }
    expect(account.deliveries()).not.toContain(401)
  })

  test('is told for one environment or for all, by whoever knows the secret', async () => {
    expect((await hook(SECRET)).status).toBe(202)
    expect(await (await hook(SECRET, '?environment=dev')).json()).toEqual({ environments: 1 })
    expect((await hook(SECRET, '?environment=nope')).status).toBe(404)
    expect((await hook(SECRET, '', '/api/v1/hooks/aws')).status).toBe(202)
    expect((await hook('not the secret', '', '/api/v1/hooks/aws')).status).toBe(401)
    expect((await hook('not the secret')).status).toBe(401)
    expect((await hook('')).status).toBe(401)
  })
})

describe('a role', () => {
  test('is taken once, and used for every call', async () => {
    const calls = account.calls()
    const assumed = calls.filter(({ action }) => action === 'sts:AssumeRole')
    expect(assumed.map(({ input }) => [input.RoleArn, input.RoleSessionName])).toEqual([[ROLE, 'turnout']])
    expect(calls.length).toBeGreaterThan(5)
    expect((await admin(run, '')).body.store).toMatchObject({ status: 'ok' })
  })
})
