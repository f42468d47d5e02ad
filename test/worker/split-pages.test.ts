/** Pages where visitors get different variants: what browsers and caches on the way are told. Source: docs/traffic.md, "Caches". */
import { describe, expect, it } from 'vitest'
import type { Flag, Route } from '../../engine/index.ts'
import { canarySite, type EdgeOptions, type Origin, site, startEdge, stubOrigins } from './edge.ts'

const SPLIT: Partial<Flag> = { fallthrough: { stable: 50, canary: 50 } }
const BY_HEADER: Partial<Route> = { identity: [{ header: 'x-user' }] }

const page =
  (cacheControl: string | null, headers: Record<string, string> = {}, status = 200): Origin =>
  () =>
    new Response(status >= 300 && status < 400 ? null : '<p>', {
      status,
      headers: {
        'content-type': 'text/html; charset=utf-8',
        ...(cacheControl && { 'cache-control': cacheControl }),
        ...headers,
      },
    })

async function answer(
  origin: Origin,
  {
    flag = SPLIT,
    route = {},
    ...options
  }: { flag?: Partial<Flag>; route?: Partial<Route> } & EdgeOptions = {},
  init: RequestInit = { headers: { 'x-user': 'ada' } },
) {
  stubOrigins({ 'stable.test': origin, 'canary.test': origin })
  const edge = await startEdge(site({ ...BY_HEADER, ...route }, flag), options)
  return edge.fetch('/', init)
}
const control = (response: Response) => response.headers.get('cache-control')

describe('a page of a route that splits', () => {
  it.each([
    ['public, max-age=600', 'private, no-cache'],
    [null, 'private, no-cache'],
    ['s-maxage=60, stale-while-revalidate=30, immutable', 'private, no-cache'],
    ['no-store', 'private, no-cache, no-store'],
    ['public, no-transform, max-age=1', 'private, no-cache, no-transform'],
    ['Private, No-Store, max-age=0', 'private, no-cache, No-Store'],
  ])('that says %j leaves with %j', async (said, expected) => {
    expect(control(await answer(page(said)))).toBe(expected)
  })

  it('tells shared caches nothing else, and is not said to vary by cookie', async () => {
    const told = { 'cdn-cache-control': 'max-age=60', 'surrogate-control': 'max-age=60', vary: 'accept' }
    const { headers } = await answer(page('public', told))
    expect([...headers.keys()]).not.toContain('cdn-cache-control')
    expect([...headers.keys()]).not.toContain('surrogate-control')
    expect(headers.get('vary')).toBe('accept')
  })

  it('may be an error, or XHTML', async () => {
    expect(control(await answer(page('max-age=9', {}, 404)))).toBe('private, no-cache')
    const xhtml = { 'content-type': 'Application/XHTML+xml' }
    expect(control(await answer(page('max-age=9', xhtml)))).toBe('private, no-cache')
  })

  it.each([301, 302, 304, 308])('may be a %i without a type, where a page was asked for', async (status) => {
    const origin: Origin = () =>
      new Response(null, { status, headers: { 'cache-control': 'public, max-age=9', location: '/x' } })
    const asked = (accept: string) => answer(origin, {}, { headers: { 'x-user': 'ada', accept } })
    expect(control(await asked('text/html,*/*;q=0.8'))).toBe('private, no-cache')
    expect(control(await asked('text/css,*/*;q=0.1'))).toBe('public, max-age=9')
  })

  it('leaves as its origin says where the route wants that', async () => {
    const asIs = await answer(page('public, max-age=9'), { route: { cache: { html: 'as-is' } } })
    expect(control(asIs)).toBe('public, max-age=9')
  })

  it('sets a first visit’s cookie beside it', async () => {
    const first = await answer(page('public, max-age=9'), { route: { identity: ['cookie'] } }, {})
    expect(first.headers.getSetCookie()).toHaveLength(1)
    expect(control(first)).toBe('private, no-cache')
  })

  it('is the same object with the same body otherwise', async () => {
    const response = await answer(page('public', { etag: '"1"', 'x-own': 'kept' }))
    expect(response.headers.get('etag')).toBe('"1"')
    expect(response.headers.get('x-own')).toBe('kept')
    expect(await response.text()).toBe('<p>')
  })
})

describe('what is left alone', () => {
  it('is whatever is no page', async () => {
    for (const type of ['text/css', 'application/json', 'text/html-not', 'image/svg+xml'])
      expect(control(await answer(page('public, max-age=9', { 'content-type': type }))), type).toBe(
        'public, max-age=9',
      )
  })

  it('is every page where all get the same variant', async () => {
    const everybody: Partial<Flag>[] = [
      { fallthrough: 'canary' },
      { fallthrough: { stable: 1, canary: 1 }, enabled: false },
      { rules: [{ id: 'r', percentage: 0, serve: 'canary' }] },
    ]
    for (const flag of everybody)
      expect(control(await answer(page('public, max-age=9'), { flag }))).toBe('public, max-age=9')
  })

  it('is every page while a kill decides for all', async () => {
    const killed = await answer(page('public, max-age=9'), { kills: [{ target: 'route:site' }] })
    expect(control(killed)).toBe('public, max-age=9')
  })
})

it('a header override makes a route split', async () => {
  const route = { overrides: { header: { 'x-canary': { true: 'canary' } } } }
  for (const headers of [{ 'x-user': 'ada' }, { 'x-user': 'ada', 'x-canary': 'true' }])
    expect(control(await answer(page('public'), { flag: {}, route }, { headers }))).toBe('private, no-cache')
})

it('a split that begins with a new version is noticed with it', async () => {
  stubOrigins({ 'stable.test': page('public'), 'canary.test': page('public') })
  const edge = await startEdge(canarySite(BY_HEADER), {
    env: { SNAPSHOT_MAX_AGE_MS: '1', SNAPSHOT_MAX_STALE_MS: '1' },
  })
  expect(control(await edge.fetch('/'))).toBe('public')
  edge.control.publish(site(BY_HEADER, SPLIT))
  await expect.poll(async () => control(await edge.fetch('/'))).toBe('private, no-cache')
})
