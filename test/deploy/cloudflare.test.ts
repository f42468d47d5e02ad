/** The real wrangler: offline in a dry run, and against an API that pretends to be Cloudflare's. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { Account } from '../../deploy/account.ts'
import { run } from '../../deploy/run.ts'
import { Wrangler } from '../../deploy/wrangler.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { startCloudflare } from './fake-cloudflare.ts'
import { DEPLOY_TOML } from './run.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const WRANGLER = join(root, 'node_modules', 'wrangler', 'bin', 'wrangler.js')

/** The one of the project, on a machine that has never seen it. */
const wrangler = (env: Record<string, string>): Wrangler =>
  new Wrangler({
    command: [process.execPath, WRANGLER],
    cwd: root,
    env: { PATH: process.env.PATH, HOME: temporaryFolder(), ...env },
  })

async function deploy(more: string[], env: Record<string, string>) {
  const file = join(temporaryFolder(), 'deploy.toml')
  // Its own name: a deployment writes below dist/deploy/NAME.
  writeFileSync(file, DEPLOY_TOML.replaceAll('.prod]', '."test.prod"]'))
  let [out, err] = ['', '']
  const code = await run(['--env', 'test.prod', '--config', file, ...more], {
    root,
    wrangler: wrangler(env),
    isTerminal: false,
    adminToken: null,
    accessHeaders: {},
    say: (text) => {
      out += text
    },
    complain: (text) => {
      err += text
    },
    fetch: () => Promise.reject(new Error('nobody is asked')),
    nowMs: () => 0,
    wait: async () => {},
  })
  return { code, out, err }
}

test('a dry run builds both Workers, and needs neither a login nor a network', async () => {
  const { code, out, err } = await deploy(['--dry-run'], { CLOUDFLARE_API_BASE_URL: 'http://127.0.0.1:1' })
  expect(err).toBe('')
  expect(code).toBe(0)
  expect(out).toMatch(/turnout-admin builds: Total Upload: \d/)
  expect(out).toMatch(/turnout-edge-test-prod builds: Total Upload: \d/)
})

test('a missing login is told from an account that cannot be asked', async () => {
  const account = new Account(wrangler({ CLOUDFLARE_API_BASE_URL: 'http://127.0.0.1:1' }))
  await expect(account.requireLogin()).rejects.toThrow('nobody is logged in to Cloudflare')
})

// Ten processes of wrangler, one after another.
test('to an account that is empty: a namespace, secrets, and both Workers', async () => {
  const cloudflare = await startCloudflare()
  const env = { CLOUDFLARE_API_BASE_URL: cloudflare.url, CLOUDFLARE_API_TOKEN: 'a token' }
  const ran = await deploy(['--yes', '--generate-secrets', '--skip-smoke-test'], env)
  expect(ran.err).toBe('')
  expect(ran.code).toBe(0)
  const [namespace] = cloudflare.namespaces
  expect(namespace).toMatchObject({ title: 'turnout-admin-last-known-good' })
  const controlPlane = cloudflare.workers.get('turnout-admin')!
  const edge = cloudflare.workers.get('turnout-edge-test-prod')!
  expect(controlPlane.domains).toEqual(['turnout.shop.dev'])
  expect(edge.domains).toEqual(['www.shop.dev'])
  expect(cloudflare.assets).toEqual(expect.arrayContaining(['/docs/docs.js', '/docs/swagger-ui-bundle.js']))
  expect(edge.metadata.bindings).toEqual(
    expect.arrayContaining([
      { name: 'LAST_KNOWN_GOOD', type: 'kv_namespace', namespace_id: namespace!.id },
      { name: 'ENVIRONMENT', type: 'plain_text', text: 'test.prod' },
      expect.objectContaining({ name: 'CONTROL', service: 'turnout-admin', entrypoint: 'ControlRpc' }),
      expect.objectContaining({
        name: 'COOKIE_KEY',
        type: 'secret_text',
        text: expect.stringMatching(/^[\w-]{43}$/),
      }),
    ]),
  )
  expect(JSON.stringify(edge.metadata.bindings)).toContain('{"environment":"test.prod"}')
  expect(edge.metadata.annotations).toMatchObject({ 'workers/tag': expect.stringMatching(/^\d+\.\d+\.\d+/) })

  const uploads = cloudflare.requests.filter((line) => /^PUT \/workers\/scripts\/[^/]+$/.test(line))
  expect(uploads).toEqual([
    'PUT /workers/scripts/turnout-admin',
    'PUT /workers/scripts/turnout-edge-test-prod',
  ])
}, 300_000)
