/** A page of another origin than the edge's, with OpenFeature in it: our provider, and the published one for OFREP. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { PROJECT_ROOT } from '../../local/build.ts'
import { type Browser, CHROMIUM, type Page, startBrowser } from '../helpers/browser.ts'
import { admin } from '../helpers/client.ts'
import { type LocalRun, startLocalRun, stopAll } from '../helpers/system.ts'

const FLAG = 'maintenance_mode'
/** Not `client: true`. */
const SECRET = 'patterns.cqrs.enabled'

/** What runs in the page: sets both providers, and writes down what they tell. */
const APP = `
  import { OpenFeature, ProviderEvents } from '@openfeature/web-sdk'
  import { OFREPWebProvider } from '@openfeature/ofrep-web-provider'
  import { TurnoutWebProvider } from './sdk/openfeature-web.ts'
  const [url, key] = [EDGE, KEY]
  const events = []
  const context = { targetingKey: 'user-1' }
  const providers = {
    turnout: new TurnoutWebProvider({ url, key }),
    ofrep: new OFREPWebProvider({ baseUrl: url + '/.turnout', headers: [['x-api-key', key]] }),
  }
  const ready = Promise.all(Object.entries(providers).map(async ([domain, provider]) => {
    OpenFeature.getClient(domain).addHandler(ProviderEvents.ConfigurationChanged, ({ flagsChanged }) => {
      events.push([domain, flagsChanged])
    })
    await OpenFeature.setProviderAndWait(domain, provider, context)
  }))
  const ask = (domain) => OpenFeature.getClient(domain).getBooleanDetails('${FLAG}', false)
  const statusOf = (domain) => OpenFeature.getClient(domain).providerStatus
  const kept = () => JSON.parse(localStorage.getItem(Object.keys(localStorage).find((name) => name.startsWith('ofrep'))))
  Object.assign(globalThis, { ready, events, ask, statusOf, kept })
`

const flagsOf = async ({ edgeUrl }: LocalRun, key: string): Promise<string[]> => {
  const answer = await fetch(`${edgeUrl}/.turnout/ofrep/v1/evaluate/flags`, {
    method: 'POST',
    headers: { 'x-api-key': key, 'content-type': 'application/json' },
    body: '{"context":{"targetingKey":"user-1"}}',
  })
  const { flags } = (await answer.json()) as { flags: { key: string }[] }
  return flags.map((flag) => flag.key)
}

describe.skipIf(CHROMIUM === null)('a page of another origin with OpenFeature (needs Chromium)', () => {
  let run: LocalRun
  let server: Server
  let browser: Browser
  let page: Page
  let url: string

  const ask = (domain: string) => page.evaluate<{ value: boolean; reason: string }>(`ask('${domain}')`)
  const toggle = async (enabled: boolean) => {
    const { status } = await admin(run, `/flags/${FLAG}/toggle`, { body: { enabled, reason: 'a test' } })
    expect(status).toBe(200)
  }

  beforeAll(async () => {
    run = await startLocalRun()
    const body = { environment: 'dev', kind: 'client', name: 'a page' }
    const made = await admin(run, '/api/v1/keys', { body })
    expect(made.status).toBe(201)
    // Until the edge has heard of the key, it is nobody's: in an open environment it sees every flag.
    await vi.waitFor(async () => expect(await flagsOf(run, made.body.key)).not.toContain(SECRET))
    const { outputFiles } = await build({
      stdin: { contents: APP, resolveDir: PROJECT_ROOT },
      bundle: true,
      write: false,
      format: 'iife',
      define: { EDGE: JSON.stringify(run.edgeUrl), KEY: JSON.stringify(made.body.key) },
    })
    server = createServer((request, response) => {
      const isApp = request.url === '/app.js'
      response.setHeader('content-type', isApp ? 'text/javascript' : 'text/html')
      response.end(
        isApp
          ? outputFiles![0]!.text
          : '<!doctype html><link rel="icon" href="data:,"><script src="/app.js"></script>',
      )
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    browser = await startBrowser()
    page = await browser.newPage()
  })
  afterAll(async () => {
    await browser?.close()
    server?.close()
    await stopAll()
  })

  it('is answered through either provider, and reads the tag', async () => {
    await page.open(url)
    await page.evaluate('ready')
    for (const domain of ['turnout', 'ofrep'])
      expect(await ask(domain)).toMatchObject({ value: false, reason: 'DISABLED' })
    expect(await page.evaluate('kept().etag')).toMatch(/^"[0-9a-f]{16}"$/)
    expect(page.complaints).toStrictEqual([])
  })

  it('hears through either that a flag changed, without a reload', async () => {
    await toggle(true)
    for (const domain of ['turnout', 'ofrep'])
      await vi.waitFor(async () => expect(await ask(domain)).toMatchObject({ value: true }))
    expect(await page.evaluate('events')).toHaveLength(2)
    expect(await page.evaluate('events')).toEqual(
      expect.arrayContaining([
        ['turnout', [FLAG]],
        ['ofrep', [FLAG]],
      ]),
    )
    expect(page.complaints).toStrictEqual([])
  })

  it('keeps its answers over a reload while the edge is out of reach, and says that they are stale', async () => {
    await page.block(['*/.turnout/*'])
    await page.open(url)
    await page.evaluate('ready')
    expect(await ask('turnout')).toMatchObject({ value: true, reason: 'STALE' })
    await vi.waitFor(async () => expect(await page.evaluate("statusOf('turnout')")).toBe('STALE'))
    await page.block([])
    await vi.waitFor(async () => expect(await page.evaluate("statusOf('turnout')")).toBe('READY'))
    expect(await ask('turnout')).toMatchObject({ value: true, reason: 'STATIC' })
  })
})
