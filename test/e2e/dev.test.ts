/** What `npm run dev` promises beyond `npm start`: a saved change of a source is there at once, and all ends as well. */
import { execFileSync } from 'node:child_process'
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { PROJECT_ROOT } from '../../local/build.ts'
import { admin, check, ready, side } from '../helpers/client.ts'
import {
  commandsMentioning,
  type LocalRun,
  launch,
  newStateDir,
  startLocalRun,
  stopAll,
} from '../helpers/system.ts'

const FLAG = 'CONDUIT_USE_REPOSITORY_PATTERN'
const soon = { interval: 50 }

afterAll(stopAll)

/** A copy of the sources that the test may change. */
function checkout(): string {
  const root = newStateDir()
  const wanted = ['engine', 'worker', 'admin', 'local', 'wrangler.toml', 'tsconfig.base.json']
  for (const entry of [...wanted, 'package.json', 'package-lock.json'])
    cpSync(join(PROJECT_ROOT, entry), join(root, entry), {
      recursive: true,
      filter: (path) => !/[\\/](\.wrangler|node_modules)$/.test(path),
    })
  symlinkSync(join(PROJECT_ROOT, 'node_modules'), join(root, 'node_modules'))
  return root
}

function edit(file: string, from: string, to: string): void {
  const text = readFileSync(file, 'utf8')
  expect(text).toContain(from)
  writeFileSync(file, text.replace(from, to))
}

/** Process groups of the two Workers, which hold everything that was started for them. */
const groupsOf = ({ stateDir }: LocalRun): number[] =>
  JSON.parse(readFileSync(join(stateDir, 'dev', 'running.json'), 'utf8')).workers.map(
    ({ pid }: { pid: number }) => pid,
  )

/** How many processes of these groups live. */
const alive = (groups: readonly number[]): number =>
  execFileSync('ps', ['-eo', 'pgid=,stat='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([group, state]) => groups.includes(Number(group)) && !state?.startsWith('Z')).length

test('a flip and a saved change reach the edge; Ctrl-C and kill -9 leave no process', async () => {
  const root = checkout()
  const command = [process.execPath, join(root, 'local/start.mjs'), 'dev'] as const
  const run = await startLocalRun({ command })
  expect(run.output()).toContain(`Environment dev is new`)
  expect((await check(run, FLAG)).body).toMatchObject({ value: false, reason: 'DISABLED' })
  expect(await side(run, '/conduit')).toBe('stable')

  await admin(run, `/flags/${FLAG}/toggle`, { body: { enabled: true, reason: 'a test' } })
  await expect.poll(() => side(run, '/conduit'), soon).toBe('canary')
  expect((await check(run, FLAG)).body).toMatchObject({ value: true, variant: 'on' })
  const fromGermany = { headers: { 'mf-cf-blob': JSON.stringify({ country: 'DE' }) } }
  const german = await fetch(`${run.edgeUrl}/`, fromGermany)
  expect(german.headers.get('x-turnout-reason')).toBe('TARGETING_MATCH')

  edit(join(root, 'worker/health.ts'), `'ready' : 'degraded'`, `'edited' : 'degraded'`)
  await expect.poll(async () => (await ready(run)).body.status, soon).toBe('edited')
  edit(join(root, 'admin/api/health.ts'), `status: 'ok'`, `status: 'edited'`)
  const live = async () => (await (await fetch(`${run.adminUrl}/health/live`)).json()) as object
  await expect.poll(live, soon).toEqual({ status: 'edited' })
  // The edge has found the reloaded control plane again.
  await admin(run, `/kills/flag:${FLAG}`, { method: 'PUT', body: { reason: 'a test' } })
  await expect.poll(() => side(run, '/conduit'), soon).toBe('stable')

  const groups = groupsOf(run)
  expect(alive(groups)).toBeGreaterThanOrEqual(4) // wrangler and workerd, twice
  expect(await run.stop('SIGINT')).toBe(0)
  // What was killed at the end may take a moment to be gone.
  await expect.poll(() => alive(groups), soon).toBe(0)
  expect(commandsMentioning(run.stateDir)).toEqual([])
  await expect(fetch(run.edgeUrl)).rejects.toThrow()

  const again = await startLocalRun({ command, stateDir: run.stateDir })
  expect(again.output()).toContain('Environment dev is as you left it')
  expect(await side(again, '/conduit')).toBe('stable')
  const groupsAgain = groupsOf(again)
  await again.stop('SIGKILL')
  await expect.poll(() => alive(groupsAgain), soon).toBe(0)
})

test('kill -9 while it builds leaves no process', async () => {
  const root = checkout()
  const run = launch({ command: [process.execPath, join(root, 'local/start.mjs'), 'dev'] })
  const builds = () => commandsMentioning(root).filter((command) => command.includes('--dry-run')).length
  await run.says('building admin')
  await expect.poll(builds, soon).toBeGreaterThanOrEqual(2)
  expect(await run.stop('SIGKILL')).toBe('SIGKILL')
  await expect.poll(() => commandsMentioning(root), soon).toEqual([])
})

test('sources that do not compile are reported, nothing starts, and nothing goes on building', async () => {
  const root = checkout()
  edit(join(root, 'worker/endpoints.ts'), '\nimport', '\nconst broken = ;\nimport')
  const command = [process.execPath, join(root, 'local/start.mjs'), 'dev'] as const
  await expect(startLocalRun({ command })).rejects.toThrow(
    /ended \(1\):\s[\s\S]*turnout: building edge failed:[\s\S]*worker\/endpoints\.ts/,
  )
  expect(commandsMentioning(root)).toEqual([])
})
