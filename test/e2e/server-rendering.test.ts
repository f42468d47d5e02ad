/** The example of docs/examples/server-rendering in a real browser: rendered on a server, taken over without a request. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { putBehindEdge } from '../../docs/examples/server-rendering/route.ts'
import { type Example, startExample } from '../../docs/examples/server-rendering/start.ts'
import { type Browser, CHROMIUM, type Page, shifts, startBrowser } from '../helpers/browser.ts'
import { admin } from '../helpers/client.ts'
import { type LocalRun, startLocalRun, stopAll } from '../helpers/system.ts'

const FLAG = 'CONDUIT_USE_REPOSITORY_PATTERN'

let run: LocalRun
let example: Example

beforeAll(async () => {
  run = await startLocalRun()
  example = await startExample(run.stateDir, 0)
  await putBehindEdge(run.adminUrl, run.adminToken, example.url)
  await vi.waitFor(async () => expect(await served()).toContain('<div id="root">'))
})

afterAll(async () => {
  example?.stop()
  await stopAll()
})

const served = async () => (await fetch(`${run.edgeUrl}/rendered`)).text()
const toggle = async (enabled: boolean) => {
  const { status } = await admin(run, `/flags/${FLAG}/toggle`, { body: { enabled, reason: 'a test' } })
  expect(status).toBe(200)
}

describe('a server behind the edge', () => {
  it('renders what was decided for the request, without asking anybody', async () => {
    expect(await served()).toContain('<h1>Old data access</h1>')
    await toggle(true)
    await vi.waitFor(async () => expect(await served()).toContain('<h1>New data access</h1>'))
    expect(await served()).toMatch(/<head><script type="application\/json" id="turnout-flags">\{"flags":\[/)
  })
})

describe.skipIf(CHROMIUM === null)('its page in a browser (needs Chromium)', () => {
  let browser: Browser
  let page: Page
  beforeAll(async () => {
    browser = await startBrowser()
    page = await browser.newPage()
  })
  afterAll(() => browser?.close())

  const shown = (selector: string) =>
    page.evaluate<string>(`document.querySelector('${selector}').textContent`)

  it('is taken over as it is: no request, no shift, and nothing that its policy forbids', async () => {
    await page.open(`${run.edgeUrl}/rendered`)
    expect(await shown('h1')).toBe('New data access')
    await page.evaluate("document.querySelector('button').click()")
    expect(await shown('button')).toBe('Clicked 1 times')
    expect(await page.evaluate(shifts)).toBe(0)
    expect(page.requests.filter((url) => url.includes('/evaluate/'))).toStrictEqual([])
    expect(page.complaints).toStrictEqual([])
  })

  it('follows a change without a reload, and keeps what the visitor did', async () => {
    await toggle(false)
    await vi.waitFor(async () => expect(await shown('h1')).toBe('Old data access'))
    expect(await shown('button')).toBe('Clicked 1 times')
    expect(page.complaints).toStrictEqual([])
  })
})
