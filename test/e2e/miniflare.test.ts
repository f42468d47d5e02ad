/**
 * Both bundles on Miniflare, which has what raw workerd lacks: a KV store and the Cache API. Holds that last-known-good is
 * written and read through real KV, and that isolates of a location share bodies and reads through the cache.
 */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeLastKnownGood, decodeSnapshot, lastKnownGoodKey } from '../../engine/index.ts'

const TOKEN = 'token-of-the-tests'
const ENVIRONMENT = 'media-register.prod'
const bundle = (name: string) =>
  readFile(fileURLToPath(new URL(`../../dist/${name}/index.js`, import.meta.url)), 'utf8')

let miniflare: Miniflare

beforeAll(async () => {
  const common = {
    compatibilityDate: '2026-10-20',
    modules: true as const,
    kvNamespaces: { LAST_KNOWN_GOOD: 'last-known-good' },
  }
  const edge = { ...common, script: await bundle('edge') }
  const settings = {
    ENVIRONMENT,
    COOKIE_KEY: 'a key of at least 32 characters, for tests',
    LOCATION_CACHE: 'true',
  }
  const control = { name: 'admin', entrypoint: 'ControlRpc', props: { environment: ENVIRONMENT } }
  const options = {
    workers: [
      { ...edge, name: 'edge', bindings: settings, serviceBindings: { CONTROL: control } },
      { ...edge, name: 'cut-off', bindings: { ...settings, COLD_LOAD_TIMEOUT_MS: '50' } },
      {
        ...common,
        name: 'admin',
        script: await bundle('admin'),
        bindings: { ADMIN_BOOTSTRAP_TOKEN: TOKEN },
        durableObjects: {
          ENVIRONMENTS: { className: 'EnvironmentObject', useSQLite: true },
          PROJECT: { className: 'ProjectObject', useSQLite: true },
          METRICS: { className: 'MetricsObject', useSQLite: true },
          WEBHOOKS: { className: 'WebhooksObject', useSQLite: true },
          IDEMPOTENCY: { className: 'IdempotencyObject', useSQLite: true },
          HEALTH: { className: 'HealthObject', useSQLite: true },
        },
      },
    ],
  }
  miniflare = new Miniflare(
    convertV4MiniflareOptions(options as Parameters<typeof convertV4MiniflareOptions>[0]),
  )
  await miniflare.ready
})

afterAll(() => miniflare.dispose())

async function admin(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const worker = await miniflare.getWorker('admin')
  const response = await worker.fetch(`http://admin.test/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return response.json() as Promise<Record<string, unknown>>
}

async function ask(worker: string, key: string) {
  const edge = await miniflare.getWorker(worker)
  return edge.fetch('https://edge.test/.turnout/ofrep/v1/evaluate/flags/CONDUIT_USE_REPOSITORY_PATTERN', {
    method: 'POST',
    headers: { 'x-api-key': key },
    body: '{}',
  })
}

describe('both Workers on Miniflare', () => {
  it('answer with an SDK key, from KV where the control plane is out of reach, and through the cache', async () => {
    await admin('PUT', `/environments/${ENVIRONMENT}`, {}, { 'if-none-match': '*' })
    const document = { flags: { CONDUIT_USE_REPOSITORY_PATTERN: true } }
    await admin('PUT', `/environments/${ENVIRONMENT}/document`, document, { 'if-match': '*' })
    const { key } = await admin('POST', '/keys', {
      environment: ENVIRONMENT,
      kind: 'server',
      name: 'backend',
    })

    expect((await ask('edge', 'none of ours')).status).toBe(401)
    expect(await (await ask('edge', String(key))).json()).toMatchObject({
      value: true,
      variant: 'on',
      reason: 'STATIC',
    })

    // Last-known-good follows within the gap that KV asks for between two writes of one key.
    const store = await miniflare.getKVNamespace('LAST_KNOWN_GOOD', 'admin')
    const written = async () => {
      const text = (await store.get(lastKnownGoodKey(ENVIRONMENT))) as string | null
      const copy = text === null ? null : decodeLastKnownGood(text)
      const snapshot = copy?.ok ? decodeSnapshot(copy.value.snapshot) : null
      return snapshot?.ok ? snapshot.value : null
    }
    await expect.poll(async () => (await written())?.access.keys.length, { timeout: 20_000 }).toBe(1)
    expect((await written())?.flags.has('CONDUIT_USE_REPOSITORY_PATTERN')).toBe(true)

    // An edge without a control plane starts from a copy: the location's cache, or KV.
    expect(await (await ask('cut-off', String(key))).json()).toMatchObject({ value: true, variant: 'on' })
    // A read that the location's cache still holds looks like the control plane's own for 250 ms.
    const ready = async () => {
      const worker = await miniflare.getWorker('cut-off')
      const response = await worker.fetch('https://edge.test/.turnout/health/ready')
      expect(response.status).toBe(200)
      return response.json()
    }
    await expect
      .poll(ready, { timeout: 20_000 })
      .toMatchObject({ status: 'degraded', environment: ENVIRONMENT })
  })

  it.each([
    ['http://receiver.example.com/', 'http is only allowed in local runs'],
    ['https://127.0.0.1/', 'IP addresses are only allowed in local runs'],
    ['https://169.254.169.254/latest/meta-data', 'IP addresses are only allowed in local runs'],
    ['https://metadata.google.internal/', 'private hosts are only allowed in local runs'],
  ])('refuse a webhook to %s', async (url, sentence) => {
    await expect(admin('POST', '/webhooks', { name: 'x', url })).rejects.toThrow(sentence)
  })
})
