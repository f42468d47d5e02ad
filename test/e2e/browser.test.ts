/** The remote client in a real browser, on a page behind a real edge, under a strict policy. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { PROJECT_ROOT } from '../../local/build.ts'
import { type Browser, CHROMIUM, type Page, shifts, startBrowser } from '../helpers/browser.ts'
import { admin, changeDocument, check } from '../helpers/client.ts'
import { type LocalRun, startLocalRun, stopAll } from '../helpers/system.ts'

const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:"

/** What runs in the page: shows a flag, and notes when it was told of changes. */
const APP = `
  import { createRemoteClient } from './sdk/remote.ts'
  const flags = createRemoteClient({ url: location.origin, ...(new URLSearchParams(location.search).has('user') && { context: { targetingKey: 'user-1' } }) })
  const show = () => {
    const { value, reason } = flags.booleanDetails('new-checkout', false)
    document.getElementById('shown').textContent = (value ? 'new' : 'old') + ' ' + reason
  }
  const seen = { changes: [], first: '' }
  show()
  seen.first = document.getElementById('shown').textContent
  flags.ready.then(show)
  flags.on('change', (keys) => {
    show()
    seen.changes.push({ keys, atMs: Date.now() })
  })
  Object.assign(globalThis, { flags, seen })
`
const HTML = `<!doctype html>
<html lang="en">
<head><title>Shop</title><link rel="icon" href="data:,"></head>
<body><p id="shown">nothing yet</p><script src="/app.js"></script></body>
</html>`

describe.skipIf(CHROMIUM === null)('a page in a browser (needs Chromium)', () => {
  let run: LocalRun
  let origin: Server
  let browser: Browser
  let page: Page

  const shown = () => page.evaluate<string>("document.getElementById('shown').textContent")
  const isShown = (text: string) => vi.waitFor(async () => expect(await shown()).toBe(text))
  const evaluations = () => page.requests.filter((url) => url.includes('/evaluate/'))
  const toggle = (enabled: boolean) =>
    admin(run, '/flags/new-checkout/toggle', { body: { enabled, reason: 'a test' } })

  beforeAll(async () => {
    run = await startLocalRun()
    const { outputFiles } = await build({
      stdin: { contents: APP, resolveDir: PROJECT_ROOT },
      bundle: true,
      write: false,
      format: 'iife',
    })
    origin = createServer((request, response) => {
      const isApp = request.url === '/app.js'
      response.setHeader('content-type', isApp ? 'text/javascript' : 'text/html; charset=utf-8')
      response.setHeader('content-security-policy', POLICY)
      if (isApp) return response.end(outputFiles![0]!.text)
      if (!request.headers['accept-encoding']?.includes('gzip')) return response.end(HTML)
      response.setHeader('content-encoding', 'gzip')
      response.end(gzipSync(HTML))
    }).listen(0, '127.0.0.1')
    await once(origin, 'listening')
    const url = `http://127.0.0.1:${(origin.address() as AddressInfo).port}`
    const { status } = await changeDocument(run, ({ flags, routes }) => {
      flags['new-checkout'] = { enabled: true, fallthrough: 'on', client: true }
      flags.site = { enabled: true, variants: { only: 'only' }, off: 'only', fallthrough: 'only' }
      const route = { flag: 'site', origins: { only: { url } }, fallback: 'only' }
      routes.unshift({ ...route, id: 'page', match: { path: '/*' } })
      routes.unshift({ ...route, id: 'brought', match: { path: '/brought' }, bootstrap: true })
    })
    expect(status).toBe(200)
    await vi.waitFor(async () => expect((await check(run, 'new-checkout')).status).toBe(200))
    browser = await startBrowser()
  })

  afterAll(async () => {
    await browser?.close()
    origin?.close()
    await stopAll()
  })

  it('shows a flag, with one evaluation and nothing that its policy forbids', async () => {
    page = await browser.newPage()
    await page.open(`${run.edgeUrl}/?user`)
    await isShown('new STATIC')
    expect(evaluations()).toHaveLength(1)
    expect(page.complaints).toStrictEqual([])
  })

  it('follows a flag that is switched off and on, without a reload', async () => {
    for (const enabled of [false, true]) {
      const before = await page.evaluate<number>('seen.changes.length')
      const answered = await toggle(enabled)
      const publishedMs = Date.now()
      expect(answered.status).toBe(200)
      await isShown(enabled ? 'new STATIC' : 'old DISABLED')
      const changes = await page.evaluate<{ keys: string[]; atMs: number }[]>('seen.changes')
      expect(changes[before]?.keys).toStrictEqual(['new-checkout'])
      const tookMs = changes[before]!.atMs - publishedMs
      console.log(`a change was in the page after ${tookMs} ms`)
      expect(tookMs).toBeLessThan(2_500)
    }
  })

  it('keeps the last answers over a reload while the edge answers no question', async () => {
    await page.block(['*/.turnout/*'])
    await page.open(`${run.edgeUrl}/?user`)
    expect(await page.evaluate('seen.first')).toBe('new STALE')
    await page.evaluate('flags.ready')
    expect(await shown()).toBe('new STALE')
    expect(page.complaints.filter((text) => text.startsWith('turnout:'))).toHaveLength(1)
    await page.block([])
    await vi.waitFor(async () => {
      expect(await page.evaluate("flags.booleanDetails('new-checkout', false).reason")).toBe('STATIC')
    }, 10_000)
  })

  it('knows its flags before it paints, without an evaluation and without a shift, where the edge brought them along', async () => {
    await page.open(`${run.edgeUrl}/brought`)
    expect(await page.evaluate('seen.first')).toBe('new STATIC')
    await page.evaluate('flags.ready')
    expect(await page.evaluate(shifts)).toBe(0)
    expect(await shown()).toBe('new STATIC')
    expect(evaluations()).toStrictEqual([])
    expect(page.complaints).toStrictEqual([])
    // What a page does that hears of its flags too late, so that the zero above means something.
    await page.evaluate(
      "document.body.prepend(Object.assign(document.createElement('h1'), { textContent: 'late' }))",
    )
    expect(await page.evaluate(shifts)).toBe(1)
  })

  it('that brought its flags along hears of a change, and asks then', async () => {
    expect((await toggle(false)).status).toBe(200)
    await isShown('old DISABLED')
    expect(evaluations()).toHaveLength(1)
    expect((await toggle(true)).status).toBe(200)
    await isShown('new STATIC')
  })
})
