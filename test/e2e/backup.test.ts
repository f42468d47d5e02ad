/** The disk of the control plane is lost while an edge runs: from a backup all comes back, and the edge follows. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { turnoutProcess } from '../cli/process.ts'
import { admin, check, ready } from '../helpers/client.ts'
import { newStateDir, type SplitRun, startSplitRun, stopAll } from '../helpers/system.ts'

const soon = { timeout: 15_000, interval: 50 }

let run: SplitRun
let folder: string
beforeAll(async () => {
  run = await startSplitRun()
  folder = newStateDir()
  const created = await admin(run, '', { method: 'PUT', headers: NEW, body: { open: true } })
  expect(created.status).toBe(201)
  await publish({ shop: true, early: true, late: true })
})
afterAll(stopAll)

const NEW = { 'if-none-match': '*' }
const ANY = { 'if-match': '*' }

async function publish(flags: object): Promise<void> {
  const { status } = await admin(run, '/document', { method: 'PUT', headers: ANY, body: { flags } })
  expect(status).toBe(200)
}

async function kill(flag: string): Promise<void> {
  const { status } = await admin(run, `/kills/flag:${flag}`, { method: 'PUT', body: { reason: 'errors' } })
  expect(status).toBe(201)
}

/** The command line, as somebody with the bootstrap token. */
async function turnout(...args: string[]): Promise<string> {
  const env = {
    ...{ XDG_CONFIG_HOME: folder, TURNOUT_URL: run.adminUrl, TURNOUT_ADMIN_TOKEN: run.adminToken },
  }
  const { code, out, err } = await turnoutProcess(args, { env })
  expect({ args, code, err }).toEqual({ args, code: 0, err: '' })
  return out
}

/** What the edge answers: the value, and whether by a kill. */
async function seen(flag: string): Promise<string> {
  const { body } = await check(run, flag)
  return `${body.value}${body.metadata?.killed ? ', killed' : ''}`
}

const killed = async (): Promise<string[]> =>
  (await admin(run, '/kills')).body.items.map(({ target }: { target: string }) => target).sort()

const versions = async () => {
  const { epoch, version, killsVersion } = (await admin(run, '')).body
  return { epoch, version, killsVersion }
}

describe('a lost disk', () => {
  test('all comes back from a backup, the running edge follows, and no kill is lost', async () => {
    await kill('early')
    const { token } = (await admin(run, '/api/v1/tokens', { body: { name: 'ci', role: 'viewer' } })).body
    const file = join(folder, 'all.ndjson')
    expect(await turnout('backup', 'create', file)).toContain('access, webhooks and environment:dev')
    expect(statSync(file).mode & 0o777).toBe(0o600)

    // What the backup does not know.
    await kill('late')
    await publish({ shop: false, early: true, late: true })
    await expect.poll(() => seen('late'), soon).toBe('false, killed')
    await expect.poll(() => seen('shop'), soon).toBe('false')
    const before = await versions()

    await run.killAdmin()
    run.loseDisk()
    expect(readdirSync(run.stateDir).filter((name) => !name.endsWith('.capnp'))).toEqual([])
    expect(await seen('late')).toBe('false, killed')
    await run.startAdmin()
    expect((await admin(run, '')).status).toBe(404)

    expect(await turnout('backup', 'verify', file)).toContain('is whole')
    const restored = await turnout('backup', 'restore', file, '--yes', '--reason', 'the disk was lost')
    expect(restored).toContain('in force again: kill flag:early')

    await expect.poll(() => seen('shop'), soon).toBe('true')
    expect(await seen('early')).toBe('false, killed')
    // Nobody but the edge knew of it.
    expect(await seen('late')).toBe('false, killed')
    expect(await killed()).toEqual(['flag:early', 'flag:late'])
    const after = await versions()
    expect(after.epoch).toBeGreaterThan(before.epoch)
    await expect
      .poll(async () => (await ready(run)).body, soon)
      .toMatchObject({ status: 'ready', version: after.version, killsVersion: after.killsVersion })

    expect(await turnout('audit', 'verify')).toContain('The audit log is whole')
    expect(await turnout('audit', 'list', '--env', 'dev')).toContain('environment.restored-from-backup')
    const headers = { authorization: `Bearer ${token}` }
    expect((await admin(run, '/api/v1/whoami', { headers })).body).toMatchObject({ id: 'token:ci' })
    // And it goes on: the kill ends, and stays ended.
    await turnout('restore', 'flag:late', '--env', 'dev', '--yes')
    await expect.poll(() => seen('late'), soon).toBe('true')
    await publish({ shop: false, early: true, late: true })
    await expect.poll(() => seen('shop'), soon).toBe('false')
    expect(await killed()).toEqual(['flag:early'])
  })
})

describe('an older backup over a live environment', () => {
  test('brings its document back as the next version, with every kill, and does nothing twice', async () => {
    const file = join(folder, 'dev.ndjson')
    await publish({ shop: true, early: true, late: true })
    await turnout('backup', 'create', file, '--env', 'dev')
    await publish({ shop: false, early: true, late: true })
    await kill('late')
    await turnout('restore', 'flag:early', '--env', 'dev', '--yes')
    await expect.poll(() => seen('early'), soon).toBe('true')
    await expect.poll(() => seen('shop'), soon).toBe('false')
    const before = await versions()

    const plan = await turnout('backup', 'restore', file, '--env', 'dev', '--dry-run')
    expect(plan).toContain('the versions between stay')
    expect(await versions()).toEqual(before)
    await turnout('backup', 'restore', file, '--env', 'dev', '--yes')
    await expect.poll(() => seen('shop'), soon).toBe('true')
    expect([await seen('early'), await seen('late')]).toEqual(['false, killed', 'false, killed'])
    const after = await versions()
    expect(after.version).toBe(before.version + 1)
    expect(await turnout('versions', 'show', String(before.version), '--env', 'dev', '--document')).toContain(
      '"shop": false',
    )
    expect(await turnout('backup', 'restore', file, '--env', 'dev', '--yes')).toContain(
      'Nothing was changed.',
    )
    expect(await versions()).toEqual(after)
    expect(await turnout('audit', 'verify')).toContain('The audit log is whole')
  })
})
