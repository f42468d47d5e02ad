/** Starting, stopping and dying: nothing that was acknowledged is lost, and nothing is left running. */

import { constants, copyFileSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { admin, check, side } from '../helpers/client.ts'
import { alive, commandsMentioning, launch, newStateDir, startLocalRun, stopAll } from '../helpers/system.ts'

const FLAG = 'CONDUIT_USE_REPOSITORY_PATTERN'
const soon = { interval: 50 }

afterEach(stopAll)

describe('what was acknowledged', () => {
  test.each(['SIGTERM', 'SIGKILL'] as const)('is all there after %s and a new start', async (signal) => {
    const first = await startLocalRun()
    await admin(first, `/flags/${FLAG}/toggle`, { body: { enabled: true } })
    await admin(first, '/flags/new-thing', {
      method: 'PUT',
      headers: { 'if-none-match': '*' },
      body: { enabled: true },
    })
    await admin(first, '/kills/flag:new-feature', { method: 'PUT', body: { reason: 'a test' } })
    await admin(first, '/kills/tag:patterns', { method: 'PUT', body: { reason: 'a test' } })
    await admin(first, '/kills/tag:patterns', { method: 'DELETE' })
    const before = await admin(first, '')
    const documentBefore = await admin(first, '/document')
    const processes = first.processes()
    // At once: the last answer is all that was waited for.
    await first.stop(signal)
    await expect.poll(() => alive(processes), soon).toEqual([])

    const second = await startLocalRun({ stateDir: first.stateDir })
    expect((await admin(second, '')).body).toEqual(before.body)
    expect((await admin(second, '/document')).body).toEqual(documentBefore.body)
    expect((await admin(second, '/kills')).body.items).toMatchObject([
      { target: 'flag:new-feature', reason: 'a test' },
    ])
    expect((await check(second, 'new-feature', { targetingKey: 'user1' })).body).toMatchObject({
      value: false,
      metadata: { killed: true },
    })
    expect((await check(second, 'new-thing')).body).toMatchObject({ value: true })
    expect(await side(second, '/conduit')).toBe('canary')
    expect(second.adminToken).toBe(first.adminToken)
    expect(second.output()).toContain('Environment dev is as you left it')
  })

  test('a visitor is the same visitor after a restart', async () => {
    const first = await startLocalRun()
    const [cookie] = (await fetch(`${first.edgeUrl}/`)).headers.getSetCookie()
    await first.stop()
    const second = await startLocalRun({ stateDir: first.stateDir })
    const again = await fetch(`${second.edgeUrl}/`, { headers: { cookie: cookie!.split(';')[0]! } })
    expect(again.headers.getSetCookie()).toEqual([])
  })

  test('the demo origins come back to their ports, or the document follows them', async () => {
    const first = await startLocalRun()
    const portOf = (output: string, name: string) =>
      Number(new RegExp(`${name} origin +http://127\\.0\\.0\\.1:(\\d+)`).exec(output)?.[1])
    const [stable, canary] = [portOf(first.output(), 'stable'), portOf(first.output(), 'canary')]
    await first.stop()
    const intruder = createServer((_request, response) => response.end('intruder')).listen(
      stable,
      '127.0.0.1',
    )
    onTestFinished(() => void intruder.close())

    const second = await startLocalRun({ stateDir: first.stateDir })
    expect(portOf(second.output(), 'canary')).toBe(canary)
    expect(portOf(second.output(), 'stable')).not.toBe(stable)
    expect(second.output()).toContain('had to take other ports')
    expect(await side(second, '/conduit')).toBe('stable')
    expect(await side(second, '/', { 'x-canary': 'true' })).toBe('canary')
  })

  test('the token is that of TURNOUT_ADMIN_TOKEN where it is set', async () => {
    const run = await startLocalRun({ env: { TURNOUT_ADMIN_TOKEN: 'a-token-of-my-own' } })
    expect(run.adminToken).toBe('a-token-of-my-own')
    expect((await admin(run, '')).status).toBe(200)
  })
})

describe('the end', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s ends every process, also under open connections',
    async (signal) => {
      const run = await startLocalRun()
      const events = await fetch(`${run.edgeUrl}/events`)
      const reader = events.body!.getReader()
      await reader.read()
      const socket = new WebSocket(`${run.edgeUrl.replace('http', 'ws')}/ws`)
      await new Promise((done) => socket.addEventListener('open', done))
      const processes = run.processes()
      expect(alive(processes)).toHaveLength(2)

      expect(await run.stop(signal)).toBe(0)
      expect(alive(processes)).toEqual([])
      await expect.poll(() => commandsMentioning(run.stateDir), soon).toEqual([])
      await expect.poll(() => commandsMentioning(`turnout-guard ${processes[1]!.pid}`), soon).toEqual([])
      await expect(fetch(run.edgeUrl)).rejects.toThrow()
      await reader.cancel().catch(() => {})
    },
  )

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const)(
    'npm ended by %s takes everything with it',
    async (signal) => {
      const run = await startLocalRun({ command: ['npm', 'start'] })
      const processes = run.processes()
      run.process.kill(signal)
      await expect.poll(() => alive(processes), soon).toEqual([])
      await expect.poll(() => commandsMentioning(run.stateDir), soon).toEqual([])
    },
  )

  test.each(['SIGINT', 'SIGKILL'] as const)(
    '%s to a first start, on another Node than the project’s, does too',
    async (signal) => {
      const otherNode = join(newStateDir(), 'node')
      copyFileSync(process.execPath, otherNode, constants.COPYFILE_FICLONE)
      const run = await startLocalRun({ command: [otherNode, 'local/start.mjs'] })
      const processes = run.processes()
      expect(processes[0]!.pid).not.toBe(run.process.pid)
      run.process.kill(signal)
      expect(await run.ended).toBe(signal === 'SIGINT' ? 0 : signal)
      await expect.poll(() => alive(processes), soon).toEqual([])
      await expect.poll(() => commandsMentioning(run.stateDir), soon).toEqual([])
    },
  )

  test('a signal during the start ends it as quietly', async () => {
    const run = launch()
    const begun = () => existsSync(join(run.stateDir, 'running.json'))
    await expect.poll(begun, { timeout: 30_000, interval: 2 }).toBe(true)
    expect(await run.stop()).toBe(0)
    await expect.poll(() => commandsMentioning(run.stateDir), soon).toEqual([])
  })

  test('a workerd that is killed ends the rest, with a message', async () => {
    const run = await startLocalRun()
    const processes = run.processes()
    process.kill(processes[1]!.pid, 'SIGKILL')
    expect(await run.ended).toBe(1)
    expect(run.output()).toContain('workerd ended by itself (SIGKILL)')
    expect(alive(processes)).toEqual([])
  })

  test('a main process that is killed takes its workerd with it', async () => {
    const run = await startLocalRun()
    const processes = run.processes()
    process.kill(processes[0]!.pid, 'SIGKILL')
    await expect.poll(() => alive(processes), soon).toEqual([])
    await expect.poll(() => commandsMentioning(run.stateDir), soon).toEqual([])
  })
})

describe('a start that cannot be', () => {
  const refused = async (options: Parameters<typeof launch>[0]) => {
    const run = launch(options)
    const code = await run.ended
    expect(commandsMentioning(run.stateDir)).toEqual([])
    return { code, said: run.output().trim() }
  }

  test('says which port is in use, and the variable to change', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await new Promise((done) => server.once('listening', done))
    const { port } = server.address() as AddressInfo
    for (const variable of ['TURNOUT_EDGE_PORT', 'TURNOUT_ADMIN_PORT'])
      expect(await refused({ env: { [variable]: String(port) } })).toEqual({
        code: 1,
        said: `turnout: port ${port} on 127.0.0.1 is in use: set ${variable} to another port`,
      })
  })

  test('names a variable with a bad value', async () => {
    expect(await refused({ env: { TURNOUT_EDGE_PORT: 'http' } })).toEqual({
      code: 1,
      said: 'turnout: TURNOUT_EDGE_PORT must be a port, 0 (any free one) to 65535, got "http"',
    })
    expect(await refused({ env: { TURNOUT_ADMIN_TOKEN: 'short' } })).toEqual({
      code: 1,
      said: 'turnout: TURNOUT_ADMIN_TOKEN must have at least 16 characters, has 5',
    })
  })

  test('names a state folder that cannot be written', async () => {
    const file = join(newStateDir(), 'file')
    writeFileSync(file, '')
    const { code, said } = await refused({ stateDir: join(file, 'state') })
    expect(code).toBe(1)
    expect(said).toMatch(/^turnout: TURNOUT_STATE_DIR \(.*\) cannot be written: ENOTDIR[^\n]*$/)
  })

  test.each([
    ['damaged', (file: string) => writeFileSync(file, 'A'.repeat(8_192)), 'cannot be read: '],
    ['gone', (file: string) => rmSync(file), 'is gone, though the control plane knows of it.'],
  ] as const)('says that what is stored is %s, and makes nothing new in its place', async (_, spoil, how) => {
    const run = await startLocalRun()
    await run.stop()
    const storage = join(run.stateDir, 'storage')
    const folder = join(storage, 'turnout-environment')
    const before = readdirSync(folder)
    spoil(join(folder, before.find((name) => /^[0-9a-f]+\.sqlite$/.test(name))!))
    const { code, said } = await refused({ stateDir: run.stateDir })
    expect(code).toBe(1)
    expect(said).toContain(`turnout: environment dev in ${storage} ${how}`)
    expect(said).toMatch(/Put back a copy of that folder, or move it away and restore a backup .*$/)
  })

  test('says which file is damaged where workerd does not start, and does without it', async () => {
    const run = await startLocalRun()
    await admin(run, `/flags/${FLAG}/toggle`, { body: { enabled: true } })
    await run.stop()
    const file = join(run.stateDir, 'storage', 'turnout-environment', 'metadata.sqlite')
    writeFileSync(file, 'A'.repeat(8_192))
    const { code, said } = await refused({ stateDir: run.stateDir })
    expect(code).toBe(1)
    expect(said).toContain('A file metadata.sqlite below storage/ is damaged.')
    rmSync(file)
    const again = await startLocalRun({ stateDir: run.stateDir })
    expect((await check(again, FLAG)).body.value).toBe(true)
  })

  test('refuses a state folder in use, and leaves that run alone', async () => {
    const run = await startLocalRun()
    const second = launch({ stateDir: run.stateDir })
    expect(await second.ended).toBe(1)
    expect(second.output().trim()).toBe(
      `turnout: Turnout already runs on ${run.stateDir} (process ${run.processes()[0]!.pid}): stop it, or set TURNOUT_STATE_DIR to another folder`,
    )
    expect((await admin(run, '')).status).toBe(200)
  })
})
