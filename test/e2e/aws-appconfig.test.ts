/** `STORE=appconfig npm start`: the whole system with its document in AppConfig, freeform and as feature flags. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Account } from '../helpers/aws/account.ts'
import { Emulator } from '../helpers/aws/emulator.ts'
import { variablesFor } from '../helpers/aws/variables.ts'
import { admin, check } from '../helpers/client.ts'
import { type LocalRun, startLocalRun, stopAll } from '../helpers/system.ts'

const soon = { timeout: 30_000, interval: 50 }
const FLAG = 'CONDUIT_USE_REPOSITORY_PATTERN'
const ANY = { 'if-match': '*' }

const emulator = new Emulator()
let endpoint: string
beforeAll(async () => {
  endpoint = await emulator.listen()
})
afterAll(async () => {
  await stopAll()
  await emulator.refuse()
})

interface Switch {
  enabled: boolean
}
const KEY = `x-${FLAG}`
const PROFILE = {
  version: '1',
  flags: { [KEY]: { name: 'repository pattern' } },
  values: { [KEY]: { enabled: false } },
}

describe.each([
  [
    'a freeform profile',
    'AWS.Freeform',
    null,
    (content: { flags: Record<string, Switch> }) => content.flags[FLAG]!,
  ],
  [
    'a profile of feature flags',
    'AWS.AppConfig.FeatureFlags',
    PROFILE,
    (content: { values: Record<string, Switch> }) => content.values[KEY]!,
  ],
] as const)('a document in %s', (_, type, before, find) => {
  const flagIn = find as (content: unknown) => Switch
  const account = new Account()
  const place = { application: 'shop', environment: 'dev', profile: 'flags', type }
  let run: LocalRun
  beforeAll(async () => {
    emulator.accounts.push(account)
    account.makePlace(place)
    if (before !== null) account.deploy(place, JSON.stringify(before))
    account.advance(2_000)
    // The least that AWS allows is 15 s.
    account.setPollInterval(1)
    const appConfig = { STORE: 'appconfig', APPCONFIG_APPLICATION: 'shop', APPCONFIG_PROFILE: 'flags' }
    run = await startLocalRun({ env: { ...variablesFor(account, endpoint), ...appConfig } })
  })
  afterAll(() => run.stop())

  const served = async () => (await check(run, FLAG)).body.value
  const newest = () => JSON.parse(Object.values(account.versions(place)).at(-1)!)
  const toggle = (enabled: boolean) =>
    admin(run, `/flags/${FLAG}/toggle`, { method: 'POST', body: { enabled }, headers: ANY })

  test('is deployed before a change through Turnout is acknowledged, again and again', async () => {
    for (const enabled of [true, false, true]) {
      expect((await toggle(enabled)).status).toBe(200)
      expect(flagIn(newest()).enabled).toBe(enabled)
      expect(account.deployments(place).at(-1)?.version).toBe(Object.keys(account.versions(place)).length)
      await expect.poll(served, soon).toBe(enabled)
    }
  })

  test('reaches the edge when somebody else deploys it', async () => {
    const before = await served()
    account.advance(2_000)
    const content = newest()
    flagIn(content).enabled = !before
    account.deploy(place, JSON.stringify(content))
    await expect.poll(served, soon).toBe(!before)
    const { body } = await admin(run, '/versions')
    expect(body.items[0]).toMatchObject({ actor: 'aws:appconfig' })
  })

  test('is not changed while somebody else’s deployment is running, which is named', async () => {
    account.advance(2_000)
    account.deploy(place, JSON.stringify(newest()), 'AppConfig.AllAtOnce')
    const { status, body } = await toggle(!(await served()))
    expect(status).toBe(409)
    expect(body.type).toMatch(/store-(busy|changed)$/)
    account.advance(11 * 60_000)
    await expect.poll(async () => (await toggle(true)).status, soon).toBe(200)
  })
})
