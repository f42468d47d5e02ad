/** Versions and backups are restored into AWS, where documents live there; and what AWS holds outlives the control plane. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Account } from '../helpers/aws/account.ts'
import { Emulator } from '../helpers/aws/emulator.ts'
import { variablesFor } from '../helpers/aws/variables.ts'
import { admin, check } from '../helpers/client.ts'
import { type LocalRun, startLocalRun, stopAll } from '../helpers/system.ts'

const soon = { timeout: 40_000, interval: 50 }
const FLAG = 'CONDUIT_USE_REPOSITORY_PATTERN'
const PLACE = { application: 'shop', environment: 'dev', profile: 'flags', type: 'AWS.Freeform' }

const emulator = new Emulator()
beforeAll(async () => void (await emulator.listen()))
afterAll(async () => {
  await stopAll()
  await emulator.refuse()
})

/** Each store in an account of its own; `inAws`: the flag as AWS has it. */
const STORES = {
  ssm: (account: Account) => ({
    env: { STORE: 'ssm', POLL_INTERVAL_MS: '1000' },
    inAws: () => JSON.parse(account.parameters()[`/turnout/dev/flags/${FLAG}`]?.value ?? 'null'),
    change: (value: boolean) => void account.putParameter(`/turnout/dev/flags/${FLAG}`, String(value)),
  }),
  appconfig: (account: Account) => {
    account.makePlace(PLACE)
    const document = () => JSON.parse(Object.values(account.versions(PLACE)).at(-1) ?? 'null')
    return {
      env: { STORE: 'appconfig', APPCONFIG_APPLICATION: 'shop', APPCONFIG_PROFILE: 'flags' },
      inAws: () => document().flags[FLAG],
      change(value: boolean) {
        const { flags, ...rest } = document()
        account.deploy(PLACE, JSON.stringify({ ...rest, flags: { ...flags, [FLAG]: value } }))
      },
    }
  },
}

describe.each(['ssm', 'appconfig'] as const)('in %s', (kind) => {
  const account = new Account()
  const { env, inAws, change } = STORES[kind](account)
  let run: LocalRun
  let backup: string

  const toggle = async (enabled: boolean) =>
    expect((await admin(run, `/flags/${FLAG}/toggle`, { body: { enabled } })).status).toBe(200)
  const version = async (): Promise<number> => (await admin(run, '')).body.version
  const served = async () => (await check(run, FLAG)).body.value
  const enabledInAws = () => {
    const flag = inAws()
    return typeof flag === 'object' ? flag.enabled : flag
  }
  const restore = (query = '') =>
    fetch(`${run.adminUrl}/api/v1/environments/dev/backup${query}`, {
      method: 'PUT',
      body: backup,
      headers: { authorization: `Bearer ${run.adminToken}`, 'content-type': 'application/x-ndjson' },
    })

  beforeAll(async () => {
    emulator.accounts.push(account)
    run = await startLocalRun({ env: { ...variablesFor(account, emulator.url), ...env } })
  })

  test('a version that is restored is in AWS before that is acknowledged', async () => {
    await toggle(true)
    const on = await version()
    await toggle(false)
    const restored = await admin(run, `/versions/${on}/restore`, { body: { reason: 'it was better' } })
    expect(restored.status).toBe(200)
    expect(enabledInAws()).toBe(true)
    await expect.poll(served, soon).toBe(true)
  })

  test('a backup over what is there is written to AWS, and what edges serve with it', async () => {
    const headers = { authorization: `Bearer ${run.adminToken}` }
    backup = await (await fetch(`${run.adminUrl}/api/v1/environments/dev/backup`, { headers })).text()
    await toggle(false)
    expect((await restore('?dryRun=true')).status).toBe(200)
    expect(enabledInAws()).toBe(false)
    const response = await restore('?reason=undoing')
    expect(response.status, await response.clone().text()).toBe(200)
    expect(enabledInAws()).toBe(true)
    await expect.poll(served, soon).toBe(true)
    expect((await admin(run, '')).body.store.status).toBe('ok')
  })

  test('is refused while AWS is down, and nothing of it is there', async () => {
    await toggle(false)
    const before = await version()
    account.setDown(true)
    const refused = [
      await restore('?reason=again'),
      await fetch(`${run.adminUrl}/api/v1/environments/dev/versions/${before - 1}/restore`, {
        method: 'POST',
        headers: { authorization: `Bearer ${run.adminToken}` },
      }),
    ]
    account.heal()
    expect(refused.map(({ status }) => status)).toEqual([503, 503])
    expect(await version()).toBe(before)
    expect(enabledInAws()).toBe(false)
  })

  test('a control plane that has lost everything finds its flags in AWS', async () => {
    await run.stop()
    change(true)
    run = await startLocalRun({ env: { ...variablesFor(account, emulator.url), ...env } })
    expect(run.output()).toContain('as you left it')
    expect(await served()).toBe(true)
    expect((await admin(run, '/document')).body.routes.length).toBeGreaterThan(0)
  })

  test('a backup of an environment that is gone comes back, and then AWS says what is in force', async () => {
    expect((await admin(run, '', { method: 'DELETE', headers: { 'if-match': '*' } })).status).toBe(204)
    change(false)
    const response = await restore('?reason=it%20was%20deleted')
    expect(response.status, await response.clone().text()).toBe(200)
    await expect.poll(async () => (await admin(run, '/document')).body.flags[FLAG], soon).toBe(false)
    expect(enabledInAws()).toBe(false)
    const { body } = await admin(run, '/api/v1/audit?environment=dev&limit=5')
    const actions = body.items.map(({ action }: { action: string }) => action)
    expect(actions).toEqual(expect.arrayContaining(['document.synced', 'environment.restored-from-backup']))
  })
})
