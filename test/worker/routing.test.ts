/** Which route a request takes, and that what was matched is what the origin receives. */
import { describe, expect, it } from 'vitest'
import type { Route, RouteMatch } from '../../engine/index.ts'
import { problemOf, site, startEdge, stubOrigins } from './edge.ts'

const route = (id: string, match: RouteMatch): Route => ({
  ...site().routes![0]!,
  id,
  match,
  origins: { stable: { url: `https://${id}.test` }, canary: { url: `https://${id}-canary.test` } },
})

/** A flag for all, and these routes; every origin answers with its host name. */
async function startRoutes(...routes: Route[]) {
  const sent = stubOrigins()
  const edge = await startEdge({ ...site(), routes })
  const serves = async (url: string, init?: RequestInit) => {
    const response = await edge.fetch(url, init)
    return response.status === 200 ? (await response.text()).replace('.test', '') : response.status
  }
  return { edge, sent, serves }
}

describe('matching', () => {
  it('takes the first route that matches, in the order of the document', async () => {
    const { serves } = await startRoutes(
      route('api', { path: '/api/*' }),
      route('api-late', { path: '/api/late' }),
      route('rest', {}),
    )
    expect(await serves('/api/late')).toBe('api')
    expect(await serves('/other')).toBe('rest')
  })

  it('matches hosts exactly or by glob, in any case and whatever the port', async () => {
    const { serves } = await startRoutes(
      route('shop', { host: 'shop.example.com' }),
      route('wild', { host: '*.example.com' }),
    )
    expect(await serves('http://shop.example.com/')).toBe('shop')
    expect(await serves('http://SHOP.example.com:8787/')).toBe('shop')
    expect(await serves('http://a.b.example.com/')).toBe('wild')
    expect(await serves('http://example.com/')).toBe(404)
    expect(await serves('http://shop.example.com.evil.org/')).toBe(404)
  })

  it('matches paths exactly or by glob, where * also crosses /', async () => {
    const { serves } = await startRoutes(
      route('exact', { path: '/exact' }),
      route('glob', { path: '/a/*/z' }),
      route('one', { path: '/v?/x' }),
    )
    expect(await serves('/exact')).toBe('exact')
    expect(await serves('/exact?with=query')).toBe('exact')
    expect(await serves('/exact/')).toBe(404)
    expect(await serves('/a/b/c/z')).toBe('glob')
    expect(await serves('/v2/x')).toBe('one')
    expect(await serves('/v22/x')).toBe(404)
  })

  it('matches methods', async () => {
    const { serves } = await startRoutes(route('write', { methods: ['POST', 'PUT'] }), route('read', {}))
    expect(await serves('/', { method: 'POST' })).toBe('write')
    expect(await serves('/', { method: 'PUT', body: 'x' })).toBe('write')
    expect(await serves('/', { method: 'DELETE' })).toBe('read')
  })

  it('matches headers exactly or by glob, whatever the case of their names', async () => {
    const { serves } = await startRoutes(
      route('beta', { headers: { 'X-Beta': 'yes' } }),
      route('phone', { headers: { 'user-agent': { glob: '*Mobile*' } } }),
    )
    expect(await serves('/', { headers: { 'x-beta': 'yes' } })).toBe('beta')
    expect(await serves('/', { headers: { 'x-beta': 'no' } })).toBe(404)
    expect(await serves('/', { headers: { 'User-Agent': 'Some Mobile Thing' } })).toBe('phone')
  })

  it('needs every part of a match to hold', async () => {
    const { serves } = await startRoutes(route('both', { host: 'edge.test', path: '/x', methods: ['GET'] }))
    expect(await serves('/x')).toBe('both')
    expect(await serves('/x', { method: 'POST' })).toBe(404)
    expect(await serves('http://other.test/x')).toBe(404)
  })

  it('answers what no route matches with a 404 problem that names the request', async () => {
    const { edge, sent } = await startRoutes(route('only', { path: '/only' }))
    const response = await edge.fetch('/missing?token=secret')
    expect(response.status).toBe(404)
    const problem = await problemOf(response)
    expect(problem).toMatchObject({ status: 404, title: expect.any(String) })
    expect(problem.detail).toContain('/missing')
    expect(sent).toEqual([])
  })

  it('gives a HEAD request without a route a 404', async () => {
    const { edge } = await startRoutes(route('only', { path: '/only' }))
    expect((await edge.fetch('/missing', { method: 'HEAD' })).status).toBe(404)
  })
})

describe('one form of the path', () => {
  const match = [
    route('admin', { path: '/admin/*' }),
    route('public', { path: '/public/*' }),
    route('rest', {}),
  ]

  it.each([
    ['/public/../admin/users', 'https://admin.test/admin/users'],
    ['/public/%2e%2e/admin/users', 'https://admin.test/admin/users'],
    ['/public/.%2E/admin/users', 'https://admin.test/admin/users'],
    ['/public\\..\\admin\\users', 'https://admin.test/admin/users'],
    ['/public/./a', 'https://public.test/public/a'],
    ['/public/a/..', 'https://public.test/public/'],
    ['/public/%2e%2e%2fadmin/users', 'https://public.test/public/%2e%2e%2fadmin/users'],
    ['/public/a%2Fb%20c', 'https://public.test/public/a%2Fb%20c'],
    ['/public/é', 'https://public.test/public/%C3%A9'],
    ['/../../..', 'https://rest.test/'],
  ])('%s is matched and forwarded as %s', async (path, url) => {
    const { edge, sent } = await startRoutes(...match)
    await edge.fetch(`http://edge.test${path}`)
    expect(sent.map((request) => request.url)).toEqual([url])
  })

  it('never takes a host from a path that begins with two slashes', async () => {
    const { edge, sent } = await startRoutes(route('rest', {}))
    await edge.fetch('http://edge.test//evil.example/x')
    await edge.fetch('http://edge.test/\\evil.example/x')
    await edge.fetch('http://edge.test/https://evil.example/x')
    expect(sent.map((request) => request.url)).toEqual([
      'https://rest.test//evil.example/x',
      'https://rest.test//evil.example/x',
      'https://rest.test/https://evil.example/x',
    ])
  })

  it('keeps the query byte for byte, with an empty one, repeats and odd escapes', async () => {
    const { edge, sent } = await startRoutes(route('rest', {}))
    for (const query of ['?a=1&a=2&b', '?', '?q=%zz+%20&x=/../', '?a?b=c'])
      await edge.fetch(`http://edge.test/p${query}`)
    expect(sent.map((request) => request.url.replace('https://rest.test/p', ''))).toEqual([
      '?a=1&a=2&b',
      expect.stringMatching(/^\??$/),
      '?q=%zz+%20&x=/../',
      '?a?b=c',
    ])
  })
})

describe('the reserved prefix', () => {
  it('is never proxied, whatever a route says', async () => {
    const { edge, sent } = await startRoutes(route('rest', {}))
    for (const path of ['/.turnout/', '/.turnout/unknown', '/a/../.turnout/x', '/.turnout/cache/test/read'])
      expect((await edge.fetch(path)).status, path).toBe(404)
    expect(sent).toEqual([])
  })

  it('ends at its slash: a path that merely begins alike belongs to the site', async () => {
    const { serves } = await startRoutes(route('rest', {}))
    expect(await serves('/.turnouts')).toBe('rest')
    expect(await serves('/a/.turnout/x')).toBe('rest')
  })

  it('answers an unknown endpoint with a problem', async () => {
    const { edge } = await startRoutes(route('rest', {}))
    const response = await edge.fetch('/.turnout/nothing-here')
    expect(await problemOf(response)).toMatchObject({ status: 404 })
  })
})

describe('rewrite', () => {
  const rewriting = (rewrite: NonNullable<Route['rewrite']>, url = 'https://rest.test') =>
    startRoutes({ ...route('rest', {}), rewrite, origins: { stable: { url }, canary: { url } } })

  it.each([
    ['/api/users?x=1', 'https://rest.test/users?x=1'],
    ['/api', 'https://rest.test/'],
    ['/api/', 'https://rest.test/'],
    ['/apix/users', 'https://rest.test/apix/users'],
    ['/other', 'https://rest.test/other'],
    ['/api//evil.example/x', 'https://rest.test//evil.example/x'],
    ['/api/%2e%2e%2fx', 'https://rest.test/%2e%2e%2fx'],
  ])('stripPrefix /api sends %s to %s', async (path, url) => {
    const { edge, sent } = await rewriting({ stripPrefix: '/api' })
    await edge.fetch(`http://edge.test${path}`)
    expect(sent[0]?.url).toBe(url)
  })

  it('adds a prefix, and replaces one by another', async () => {
    const added = await rewriting({ addPrefix: '/v2' })
    await added.edge.fetch('/users?x=1')
    expect(added.sent[0]?.url).toBe('https://rest.test/v2/users?x=1')
    const replaced = await rewriting({ stripPrefix: '/api', addPrefix: '/v2' })
    await replaced.edge.fetch('/api/users')
    expect(replaced.sent[0]?.url).toBe('https://rest.test/v2/users')
  })

  it('puts the path of the origin URL before everything, without a doubled slash', async () => {
    for (const url of ['https://rest.test/base', 'https://rest.test/base/']) {
      const { edge, sent } = await rewriting({}, url)
      await edge.fetch('/users')
      expect(sent[0]?.url).toBe('https://rest.test/base/users')
    }
  })

  it('keeps the port of the origin URL', async () => {
    const { edge, sent } = await rewriting({}, 'http://rest.test:8081')
    await edge.fetch('/users')
    expect(sent[0]?.url).toBe('http://rest.test:8081/users')
  })
})
