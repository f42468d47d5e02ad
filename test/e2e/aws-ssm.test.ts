/** `STORE=ssm npm start`: the whole system with its flags in SSM Parameter Store, as an emulator speaks it over HTTP. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Account } from '../helpers/aws/account.ts'
import { Emulator } from '../helpers/aws/emulator.ts'
import { variablesFor } from '../helpers/aws/variables.ts'
import { admin, check } from '../helpers/client.ts'
import { type LocalRun, startLocalRun, stopAll } from '../helpers/system.ts'

const POLL_MS = 1_000
const soon = { timeout: 30_000, interval: 50 }
const FLAG = 'CONDUIT_USE_REPOSITORY_PATTERN'
const NAME = `/turnout/dev/flags/${FLAG}`
const ANY = { 'if-match': '*' }

const emulator = new Emulator()
const account = new Account()
let run: LocalRun

beforeAll(async () => {
  emulator.accounts.push(account)
  const endpoint = await emulator.listen()
  run = await startLocalRun({
    env: { ...variablesFor(account, endpoint), STORE: 'ssm', POLL_INTERVAL_MS: String(POLL_MS) },
  })
})
afterAll(async () => {
  await stopAll()
  await emulator.refuse()
})

const served = async () => (await check(run, FLAG)).body.value
const parameter = (name = NAME) => account.parameters()[name]
const toggle = (enabled: boolean) =>
  admin(run, `/flags/${FLAG}/toggle`, { method: 'POST', body: { enabled }, headers: ANY })
const store = async () => (await admin(run, '')).body.store

describe('flags in SSM', () => {
  test('are there after the start, one parameter each', () => {
    expect(Object.keys(account.parameters())).toContain(NAME)
    expect(parameter()?.value).toContain('enabled')
  })

  test('reach the edge when a script puts a bare false or true, without anybody else', async () => {
    const before = await served()
    account.putParameter(NAME, String(!before))
    await expect.poll(served, soon).toBe(!before)
    const { body } = await admin(run, '/versions')
    expect(body.items[0]).toMatchObject({ actor: 'aws:ssm', changes: [{ key: FLAG, change: 'changed' }] })
  })

  test('are in SSM before a change through Turnout is acknowledged, and nothing else is written', async () => {
    account.forgetCalls()
    const enabled = !(await served())
    expect((await toggle(enabled)).status).toBe(200)
    expect(parameter()?.value).toBe(String(enabled))
    const written = account.calls().filter(({ action }) => action === 'ssm:PutParameter')
    expect(written.map(({ input }) => input.Name)).toEqual([NAME])
    await expect.poll(served, soon).toBe(enabled)
  })

  test('are not changed by an edit that AWS does not take, which says so', async () => {
    const before = await served()
    account.fail({ action: 'ssm:PutParameter', does: 'cut' })
    const refused = await toggle(!before)
    account.heal()
    expect(refused).toMatchObject({ status: 503, body: { type: 'urn:turnout:problem:store-unavailable' } })
    expect(parameter()?.value).toBe(String(before))
    expect(await served()).toBe(before)
  })

  test('that are not valid are never served: what was valid is, until it is again', async () => {
    const before = await served()
    expect((await store()).status).toBe('ok')
    account.putParameter(NAME, '{ "enabled": tru }')
    await expect.poll(store, soon).toMatchObject({
      ...{ status: 'degraded', place: 'ssm /turnout/dev in eu-west-1' },
      errors: [{ path: `$.flags.${FLAG}`, message: expect.stringContaining('line 1, column 14') }],
    })
    expect(await served()).toBe(before)
    account.putParameter(NAME, String(!before))
    await expect.poll(served, soon).toBe(!before)
    expect((await store()).status).toBe('ok')
    const { body } = await admin(run, '/api/v1/audit?environment=dev&limit=20')
    const actions = body.items.map(({ action }: { action: string }) => action)
    expect(actions).toEqual(expect.arrayContaining(['store.degraded', 'store.recovered', 'document.synced']))
  })

  test('are killed at once while AWS is down, and AWS hears of it when it is back', async () => {
    await toggle(true)
    await expect.poll(served, soon).toBe(true)
    account.setDown(true)
    const kill = { method: 'PUT', body: { reason: 'errors' } }
    expect((await admin(run, `/kills/flag:${FLAG}`, kill)).status).toBe(201)
    await expect.poll(served, soon).toBe(false)
    expect(parameter('/turnout/dev/kills')).toBeUndefined()
    account.heal()
    const copied = () => parameter('/turnout/dev/kills')?.value
    await expect.poll(copied, soon).toBe(JSON.stringify([{ target: `flag:${FLAG}` }]))
    expect(await served()).toBe(false)
    // What is not in AWS ends nothing.
    account.removeParameter('/turnout/dev/kills')
    await expect.poll(copied, soon).toBe(JSON.stringify([{ target: `flag:${FLAG}` }]))
    expect((await admin(run, `/kills/flag:${FLAG}`, { method: 'DELETE' })).status).toBe(204)
    await expect.poll(copied, soon).toBe('[]')
    await expect.poll(served, soon).toBe(true)
  })

  test('are not changed behind a refusal: what forbids a change waits for one that AWS is taking', async () => {
    expect((await toggle(false)).status).toBe(200)
    account.fail({ action: 'ssm:PutParameter', times: 1, does: { lateMs: 1_000 } })
    const toggled = toggle(true)
    // Longer than it takes to get there, and far shorter than AWS takes.
    await new Promise((done) => setTimeout(done, 300))
    const days = [['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'][(new Date().getUTCDay() + 3) % 7]]
    const window = {
      environment: 'dev',
      days,
      from: '09:00',
      to: '10:00',
      timeZone: 'UTC',
      reason: 'on call',
    }
    const added = await admin(run, '/api/v1/windows', { method: 'POST', body: window })
    expect((await toggled).status).toBe(200)
    expect((await admin(run, `/api/v1/windows/${added.body.id}`, { method: 'DELETE' })).status).toBe(204)
    await expect.poll(served, soon).toBe(true)
  })

  test('are killed from AWS, too', async () => {
    account.putParameter('/turnout/dev/kills', JSON.stringify([{ target: `flag:${FLAG}` }]))
    await expect.poll(served, soon).toBe(false)
    expect((await admin(run, `/kills/flag:${FLAG}`)).body).toMatchObject({ actor: 'aws:ssm' })
  })
})
