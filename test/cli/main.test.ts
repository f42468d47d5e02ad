/** The command line as a process of its own. */
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { awsWith } from './aws.ts'
import { startAdmin, TOKEN } from './fake-admin.ts'
import { startApi } from './fake-api.ts'
import { turnoutProcess } from './process.ts'

test('imports from SSM into an environment, with nothing but environment variables, and ends by itself', async () => {
  const aws = await awsWith({
    parameters: [{ name: '/flags/prod/new-feature', value: '{"enabled":true,"percentage":25}' }],
  })
  const admin = await startAdmin()
  const env = { ...aws.env, TURNOUT_URL: admin.url, TURNOUT_ADMIN_TOKEN: TOKEN }
  const args = ['import', '--env', 'dev', '--from', 'ssm', '--path', '/flags/prod']
  const { code, out, err } = await turnoutProcess(args, { env, cwd: temporaryFolder() })
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toContain('Done: dev is at version 8.')
  expect(admin.document().flags).toEqual({ 'new-feature': { enabled: true, percentage: 25 } })
  expect(out).not.toContain(TOKEN)
  expect(out).not.toContain(aws.env.AWS_SECRET_ACCESS_KEY)
})

test('reads files from where the user stands, through npm as well', async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'flags.json'), '{"a":true}')
  const admin = await startAdmin()
  const args = [
    'import',
    '--env',
    'dev',
    '--from',
    'file',
    '--file',
    'flags.json',
    '--dry-run',
    '--url',
    admin.url,
  ]
  const env = { TURNOUT_ADMIN_TOKEN: TOKEN }
  expect((await turnoutProcess(args, { env, cwd: folder })).code).toBe(0)
  const npm = { ...env, npm_lifecycle_event: 'turnout', INIT_CWD: folder }
  expect((await turnoutProcess(args, { env: npm, cwd: temporaryFolder() })).code).toBe(0)
})

test('a wrong command line ends with 2, a failure with 1', async () => {
  const folder = temporaryFolder()
  expect(await turnoutProcess(['import', '--what'], { cwd: folder })).toMatchObject({ code: 2, out: '' })
  const args = ['import', '--env', 'dev', '--from', 'file', '--file', 'flags.json', '--token', TOKEN]
  expect(await turnoutProcess(args, { cwd: folder })).toEqual({
    code: 1,
    out: '',
    err: 'turnout: flags.json cannot be read: there is no such file\n',
  })
})

test('goes on, and says nothing, when nobody reads what it prints', async () => {
  const entry = { seq: 1, reason: 'x'.repeat(1_000) }
  const api = await startApi({
    'GET /whoami': { id: 'token:ci', role: 'viewer', projects: null, environments: null },
  })
  const log = createServer((_request, response) => {
    response.writeHead(200).end(`${JSON.stringify(entry)}\n`.repeat(2_000))
  })
  await new Promise<void>((done) => log.listen(0, '127.0.0.1', done))
  onTestFinished(() => void log.close())
  const url = `http://127.0.0.1:${(log.address() as AddressInfo).port}`
  const env = { XDG_CONFIG_HOME: temporaryFolder() }
  for (const [args, more] of [
    [['--help'], {}],
    [['whoami'], api.env],
    [['audit', 'export', '--all-envs'], { ...api.env, TURNOUT_URL: url }],
  ] as const) {
    const { code, err } = await turnoutProcess(args, { env: { ...env, ...more }, deaf: true })
    expect({ args, code, err }).toEqual({ args, code: 0, err: '' })
  }
})
