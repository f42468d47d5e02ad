/** Fingerprinted assets of pages that came from another variant: asked for once at another, and only where nothing is lost. */
import { describe, expect, it } from 'vitest'
import type { Flag, Route } from '../../engine/index.ts'
import {
  type EdgeOptions,
  hangs,
  hostOf,
  type Origin,
  refused,
  site,
  startEdge,
  status,
  stubOrigins,
} from './edge.ts'

const ASSET = '/assets/app-8e0d62a0.js'
const script: Origin = (request) =>
  new Response(request.method === 'HEAD' ? null : 'script', {
    headers: { 'content-type': 'text/javascript', 'cache-control': 'public, max-age=31536000, immutable' },
  })
const missing = status(404, { 'content-type': 'text/plain' })
const BY_HEADER: Partial<Route> = { identity: [{ header: 'x-user' }], breaker: false }

interface Given extends EdgeOptions {
  origins?: Record<string, Origin>
  route?: Partial<Route>
  flag?: Partial<Flag>
}

/** An edge whose visitors get `stable`, which lacks the asset that `canary` has. */
async function start({ origins = {}, route = {}, flag = {}, ...options }: Given = {}) {
  const sent = stubOrigins({ 'stable.test': missing, 'canary.test': script, ...origins })
  const edge = await startEdge(site({ ...BY_HEADER, ...route }, flag), options)
  const hosts = () => sent.map((request) => hostOf(request)!.replace('.test', ''))
  return { edge, sent, hosts }
}

describe('an asset that one variant lacks', () => {
  it.each(['GET', 'HEAD'])('is asked for once at the other: %s', async (method) => {
    const { edge, hosts } = await start({ route: { debug: true } })
    const response = await edge.fetch(ASSET, { method })
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect(response.headers.get('x-turnout-variant')).toBe('canary')
    expect(await response.text()).toBe(method === 'HEAD' ? '' : 'script')
    expect(hosts()).toEqual(['stable', 'canary'])
  })

  it('is asked for at the fallback first, and at one other at most', async () => {
    const variants = { stable: 1, canary: 2, beta: 3 }
    const origins = Object.fromEntries(
      Object.keys(variants).map((name) => [name, { url: `https://${name}.test` }]),
    )
    const { edge, hosts } = await start({
      flag: { variants, fallthrough: 'beta' },
      route: { origins },
      origins: { 'beta.test': missing },
    })
    expect((await edge.fetch(ASSET)).status).toBe(404)
    expect(hosts()).toEqual(['beta', 'stable'])
  })

  it('stays a 404 where the other has none either, or none but a page', async () => {
    const page: Origin = () => new Response('<p>', { headers: { 'content-type': 'text/html' } })
    for (const canary of [missing, status(500), refused, hangs, page]) {
      const { edge, hosts } = await start({
        origins: { 'canary.test': canary },
        route: { timeoutMs: 50, deadlineMs: 1_000 },
      })
      const response = await edge.fetch(ASSET)
      expect(response.status).toBe(404)
      expect(await response.text()).toBe('status 404')
      expect(hosts()).toEqual(['stable', 'canary'])
    }
  })

  it('is not asked for again: other methods, other names, other answers', async () => {
    const { edge, hosts } = await start()
    expect((await edge.fetch(ASSET, { method: 'POST', body: 'x' })).status).toBe(404)
    expect((await edge.fetch('/assets/app.js')).status).toBe(404)
    expect((await edge.fetch('/users/8e0d62a0')).status).toBe(404)
    expect(hosts()).toEqual(['stable', 'stable', 'stable'])
    const gone = await start({ origins: { 'stable.test': status(410) } })
    expect((await gone.edge.fetch(ASSET)).status).toBe(410)
    expect(gone.hosts()).toEqual(['stable'])
  })

  it('is not asked for elsewhere where the route does not want it', async () => {
    const { edge, hosts } = await start({ route: { cache: { crossArmAssets: false } } })
    expect((await edge.fetch(ASSET)).status).toBe(404)
    expect(hosts()).toEqual(['stable'])
  })

  it('is never asked for at a variant that is killed', async () => {
    for (const target of ['origin:site/canary', 'route:site', 'flag:release', 'all-routes'] as const) {
      const { edge, hosts } = await start({ kills: [{ target }] })
      expect((await edge.fetch(ASSET)).status, target).toBe(404)
      expect(hosts(), target).toEqual(['stable'])
    }
  })

  it('goes without credentials to another host, unless it may share them', async () => {
    const headers = { cookie: 'session=1', authorization: 'Bearer x' }
    const apart = await start()
    await apart.edge.fetch(ASSET, { headers })
    expect(apart.sent.map((request) => request.headers.get('cookie'))).toEqual(['session=1', null])
    const shared = { url: 'https://canary.test', shareCredentials: true }
    const together = await start({
      route: { origins: { stable: { url: 'https://stable.test' }, canary: shared } },
    })
    await together.edge.fetch(ASSET, { headers })
    expect(together.sent.map((request) => request.headers.get('authorization'))).toEqual([
      'Bearer x',
      'Bearer x',
    ])
  })

  it('is asked for elsewhere fifty times in ten seconds, however few requests there are, and then for every second', async () => {
    const { edge, hosts } = await start()
    const statuses: number[] = []
    for (let n = 0; n < 120; n += 1) statuses.push((await edge.fetch(ASSET)).status)
    expect(statuses.slice(0, 50).every((code) => code === 200)).toBe(true)
    expect(hosts().filter((host) => host === 'canary')).toHaveLength(60)
  })
})
