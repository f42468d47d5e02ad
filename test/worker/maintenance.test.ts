/** A route that is closed for maintenance by a flag. */
import { expect, it } from 'vitest'
import type { Flag, Maintenance, ShortFlag } from '../../engine/index.ts'
import { problemOf, site, startEdge, stubOrigins } from './edge.ts'

const PAGE = '<!doctype html><title>Back soon</title>'

async function closed(
  flag: Flag | ShortFlag | undefined,
  maintenance: Partial<Maintenance> = {},
  kills: { target: 'all-flags' }[] = [],
) {
  const sent = stubOrigins()
  const document = site({ identity: [{ header: 'x-user' }], maintenance: { flag: 'closed', ...maintenance } })
  const flags = { ...document.flags, closed: flag ?? { enabled: true, fallthrough: 'on' } }
  const edge = await startEdge({ ...document, flags }, { kills })
  return {
    sent,
    get: (headers: Record<string, string> = {}, method = 'GET') => edge.fetch('/p', { headers, method }),
  }
}

it('answers 503 with a problem, Retry-After and no caching, and asks no origin', async () => {
  const { sent, get } = await closed(undefined)
  const response = await get()
  expect(response.status).toBe(503)
  expect(response.headers.get('retry-after')).toBe('60')
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect((await problemOf(response)).detail).toBe('route site is closed for maintenance')
  expect(sent).toEqual([])
})

it('shows its page to browsers, and a problem to programs that ask for JSON', async () => {
  const { get } = await closed(undefined, { body: PAGE, retryAfterSeconds: 1_800 })
  const browser = await get({ accept: 'text/html,application/xhtml+xml,application/json;q=0.1,*/*;q=0.8' })
  expect([browser.status, browser.headers.get('content-type'), browser.headers.get('retry-after')]).toEqual([
    503,
    'text/html; charset=utf-8',
    '1800',
  ])
  expect(await browser.text()).toBe(PAGE)
  expect((await problemOf(await get({ accept: 'application/json' }))).status).toBe(503)
  expect((await problemOf(await get({ accept: 'application/problem+json' }))).status).toBe(503)
  expect(await (await get({}, 'HEAD')).text()).toBe('')
})

it('sends text that is no page as plain text', async () => {
  const { get } = await closed(undefined, { body: 'Back at 6 o’clock.' })
  const response = await get()
  expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
  expect(await response.text()).toBe('Back at 6 o’clock.')
})

it('lets those pass for whom the flag is false', async () => {
  const { sent, get } = await closed({ enabled: true, percentage: 100, denylist: ['tester'] })
  expect((await get({ 'x-user': 'tester' })).status).toBe(200)
  expect((await get({ 'x-user': 'anybody' })).status).toBe(503)
  expect(sent).toHaveLength(1)
})

it('is open while its flag is off, broken or killed', async () => {
  expect((await (await closed(false)).get()).status).toBe(200)
  const words: Flag = { enabled: true, variants: { on: 'yes', off: 'no' }, off: 'off', fallthrough: 'on' }
  expect((await (await closed(words)).get()).status).toBe(200)
  expect((await (await closed(undefined, {}, [{ target: 'all-flags' }])).get()).status).toBe(200)
})
