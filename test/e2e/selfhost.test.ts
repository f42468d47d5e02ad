/** A server of your own: the folder that npm run selfhost makes, on workerd, behind a proxy that is trusted or not. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { build } from '../../local/build.ts'
import { startWorkerd, type Workerd } from '../../local/workerd.ts'
import { checkFile, type SelfHostFile } from '../../selfhost/file.ts'
import { writeFolder } from '../../selfhost/folder.ts'
import { makeTemporaryFolder, removeFolder } from '../helpers/temporary-folder.ts'

const TOKEN = 'bootstrap-token-of-a-server'
const soon = { timeout: 15_000, interval: 50 }

const dir = makeTemporaryFolder()
const folder = join(dir, 'turnout')
const stateDir = join(dir, 'state')
const socket = join(dir, 'edge.sock')
let workerd: Workerd
let key: string

function good(content: object): SelfHostFile {
  const checked = checkFile(content)
  if ('file' in checked) return checked.file
  throw new Error(checked.problems.join('; '))
}

const start = () =>
  startWorkerd({
    configFile: join(folder, 'workerd.capnp'),
    cwd: folder,
    sockets: ['admin', 'edge-prod', 'edge-strict'],
  })

beforeAll(async () => {
  for (const each of ['storage', 'last-known-good']) mkdirSync(join(stateDir, each), { recursive: true })
  const edge = { listen: '127.0.0.1:0', country_header: 'x-country' }
  const file = good({
    state_dir: stateDir,
    'control-plane': { listen: '127.0.0.1:0', trusted_proxy: ['127.0.0.1'] },
    edges: {
      prod: { ...edge, trusted_proxy: ['127.0.0.1'] },
      // An edge each that trusts nobody, and who may open its socket's file.
      strict: { ...edge, listen: '127.0.0.1:0' },
      socket: { ...edge, listen: `unix:${socket}`, trusted_proxy: ['unix'] },
    },
  })
  const bundles = await build(() => {})
  writeFolder(folder, file, bundles, '0.1.0')
  vi.stubEnv('ADMIN_BOOTSTRAP_TOKEN', TOKEN)
  vi.stubEnv('COOKIE_KEY', 'cookie key of a server, long enough')
  workerd = await start()
  const when = { attribute: 'geo.country', op: 'equals', value: 'DE' }
  const rules = [{ id: 'in-germany', when, serve: 'on' }]
  const flags = { germany: { enabled: true, rules, fallthrough: 'off', client: true } }
  for (const name of ['prod', 'strict', 'socket']) {
    expect(
      (await admin(`/environments/${name}`, { method: 'PUT', match: 'if-none-match', body: {} })).status,
    ).toBe(201)
    const body = { flags }
    const published = await admin(`/environments/${name}/document`, {
      method: 'PUT',
      match: 'if-match',
      body,
    })
    expect(published.status, await published.clone().text()).toBe(200)
  }
  key = await keyOf('prod')
})
afterAll(async () => {
  await workerd?.stop()
  vi.unstubAllEnvs()
  removeFolder(dir)
})

const admin = (
  path: string,
  { method = 'GET', match = '', body = undefined as unknown, headers = {} } = {},
) =>
  fetch(`http://127.0.0.1:${workerd.ports.admin}/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${TOKEN}`,
      'content-type': 'application/json',
      ...(match === '' ? {} : { [match]: '*' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })

async function keyOf(environment: string): Promise<string> {
  const created = await admin('/keys', {
    method: 'POST',
    body: { environment, kind: 'client', name: 'a browser' },
  })
  return ((await created.json()) as { key: string }).key
}

/** Whether the flag `germany` is on, asked with the headers of a proxy. */
async function germany(edge: string, headers: Record<string, string>, sdkKey = key): Promise<unknown> {
  const response = await fetch(
    `http://127.0.0.1:${workerd.ports[edge]}/.turnout/ofrep/v1/evaluate/flags/germany`,
    {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${sdkKey}`, ...headers },
      body: '{"context":{"targetingKey":"a"}}',
    },
  )
  return ((await response.json()) as { value?: unknown }).value
}

test('the folder holds everything that a server needs, and no secret', async () => {
  expect(readdirSync(folder).sort()).toEqual([
    'admin.js',
    'assets',
    'edge.js',
    'turnout.service',
    'workerd',
    'workerd.capnp',
  ])
  expect(spawnSync(join(folder, 'workerd'), ['--version'], { encoding: 'utf8' }).stdout).toMatch(
    /^workerd \d/,
  )
  expect((await fetch(`http://127.0.0.1:${workerd.ports.admin}/docs`)).status).toBe(200)
  expect(spawnSync('grep', ['-rl', TOKEN, folder]).status).toBe(1)
})

test('a trusted proxy says where a client is; CF-Blob and headers of Cloudflare say nothing', async () => {
  await expect.poll(() => germany('edge-prod', { 'x-country': 'de' }), soon).toBe(true)
  expect(await germany('edge-prod', { 'x-country': 'FR' })).toBe(false)
  expect(await germany('edge-prod', { 'cf-blob': '{"country":"DE"}', 'cf-ipcountry': 'DE' })).toBe(false)
})

test('an edge that trusts nobody believes no header', async () => {
  const strict = await keyOf('strict')
  await expect.poll(() => germany('edge-strict', {}, strict), soon).toBe(false)
  expect(await germany('edge-strict', { 'x-country': 'DE', 'x-forwarded-for': '127.0.0.1' }, strict)).toBe(
    false,
  )
})

test('over a Unix socket, whoever may open its file is believed', async () => {
  const sdkKey = await keyOf('socket')
  const ask = () =>
    new Promise<string>((done, fail) => {
      const path = '/.turnout/ofrep/v1/evaluate/flags/germany'
      const headers = {
        'content-type': 'application/json',
        authorization: `Bearer ${sdkKey}`,
        'x-country': 'DE',
      }
      const call = request({ socketPath: socket, path, method: 'POST', headers }, async (response) => {
        let text = ''
        for await (const chunk of response) text += chunk
        done(text)
      })
      call.on('error', fail)
      call.end('{"context":{"targetingKey":"a"}}')
    })
  await expect.poll(ask, soon).toContain('"value":true')
})

test('the audit log names the client behind the proxy', async () => {
  const headers = { 'x-forwarded-for': '1.2.3.4, 203.0.113.5', 'cf-connecting-ip': '6.6.6.6' }
  const body = { enabled: false }
  const toggled = await admin('/environments/prod/flags/germany/toggle', { method: 'POST', body, headers })
  expect(toggled.status).toBe(200)
  const { items } = (await (await admin('/audit?environment=prod&limit=1')).json()) as { items: object[] }
  expect(items[0]).toMatchObject({ action: 'flag.disabled', address: '203.0.113.5' })
  await admin('/environments/prod/flags/germany/toggle', { method: 'POST', body: { enabled: true } })
})

test('what only local runs allow is refused: open environments, loopback origins', async () => {
  const open = await admin('/environments/open', {
    method: 'PUT',
    match: 'if-none-match',
    body: { open: true },
  })
  expect(open.status).toBe(422)
  const origins = { on: { url: 'http://127.0.0.1:1' }, off: { url: 'http://127.0.0.1:2' } }
  const routes = [{ id: 'r', match: { host: '*' }, flag: 'germany', origins, fallback: 'off' }]
  const body = { flags: { germany: { enabled: true } }, routes }
  const published = await admin('/environments/prod/document', { method: 'PUT', match: 'if-match', body })
  expect(published.status).toBe(422)
  expect(await published.text()).toContain('only allowed in local runs')
})

test('health tells the release, and everything is there after a restart', async () => {
  const health = async () =>
    (await fetch(`http://127.0.0.1:${workerd.ports['edge-prod']}/.turnout/health/ready`)).json()
  await expect.poll(health, soon).toMatchObject({ status: 'ready', release: { tag: '0.1.0' } })
  process.kill(workerd.pid, 'SIGKILL')
  await workerd.ended
  // As the systemd unit does.
  rmSync(socket)
  workerd = await start()
  await expect.poll(health, soon).toMatchObject({ status: 'ready', version: expect.any(Number) })
  await expect.poll(() => germany('edge-prod', { 'x-country': 'DE' }), soon).toBe(true)
})
