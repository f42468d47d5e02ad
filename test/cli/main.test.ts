/** The command line as a process of its own. */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { CREDENTIALS, startAws } from '../helpers/aws.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { startAdmin, TOKEN } from './fake-admin.ts'

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))

interface Finished {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Without blocking: the fakes answer from this process. */
function node(
  args: readonly string[],
  env: Record<string, string | undefined>,
  cwd: string,
): Promise<Finished> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [out, err] = ['', '']
  child.stdout.on('data', (part) => {
    out += part
  })
  child.stderr.on('data', (part) => {
    err += part
  })
  return new Promise((done) => child.on('close', (code) => done({ code, out, err })))
}

test('imports from SSM into an environment, with nothing but environment variables, and ends by itself', async () => {
  const aws = await startAws({
    parameters: [{ name: '/flags/prod/new-feature', value: '{"enabled":true,"percentage":25}' }],
  })
  const admin = await startAdmin()
  const env = { ...aws.env, TURNOUT_URL: admin.url, TURNOUT_ADMIN_TOKEN: TOKEN }
  const args = ['import', '--env', 'dev', '--from', 'ssm', '--path', '/flags/prod']
  const { code, out, err } = await node(args, env, temporaryFolder())
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toContain('Done: dev is at version 8.')
  expect(admin.document().flags).toEqual({ 'new-feature': { enabled: true, percentage: 25 } })
  expect(out).not.toContain(TOKEN)
  expect(out).not.toContain(CREDENTIALS.AWS_SECRET_ACCESS_KEY)
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
  expect((await node(args, env, folder)).code).toBe(0)
  const npm = { ...env, npm_lifecycle_event: 'turnout', INIT_CWD: folder }
  expect((await node(args, npm, temporaryFolder())).code).toBe(0)
})

test('a wrong command line ends with 2, a failure with 1', async () => {
  const folder = temporaryFolder()
  expect(await node(['import', '--what'], {}, folder)).toMatchObject({ code: 2, out: '' })
  const args = ['import', '--env', 'dev', '--from', 'file', '--file', 'flags.json', '--token', TOKEN]
  expect(await node(args, {}, folder)).toEqual({
    code: 1,
    out: '',
    err: 'turnout: flags.json cannot be read: there is no such file\n',
  })
})
