/** Which route a request takes: hosts, paths, methods and headers, in the order the routes are written. */
import { describe, expect, it } from 'vitest'
import { routeMatcher } from '../../engine/index.ts'
import { compiled } from '../helpers/cases.ts'

type Match = {
  host?: string
  path?: string
  methods?: string[]
  headers?: Record<string, string | { glob: string }>
}

/** Routes as compile hands them on, named r0, r1, … */
function routesOf(...matches: Match[]) {
  const origins = { on: { url: 'https://on.example.net' }, off: { url: 'https://off.example.net' } }
  const routes = matches.map((match, index) => ({
    id: `r${index}`,
    match,
    flag: 'arm',
    origins,
    fallback: 'off',
  }))
  return compiled({ flags: { arm: true }, routes }).snapshot.routes
}

interface Asked {
  host?: string
  path?: string
  method?: string
  headers?: Record<string, string>
}

/** The id of the route taken; header names are looked up as `Headers` does, without regard to case. */
function taken(
  matches: Match[],
  { host = 'shop.example.com', path = '/', method = 'GET', headers = {} }: Asked = {},
) {
  const lower = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  const request = { host, path, method, header: (name: string) => lower.get(name.toLowerCase()) ?? null }
  const routes = routesOf(...matches)
  return routes[routeMatcher(routes)(request)]?.id
}

describe('a route', () => {
  it('without any condition takes every request', () => {
    expect(taken([{}], { host: 'any.example.org', path: '/x/y', method: 'DELETE' })).toBe('r0')
  })

  it('is taken only if all its conditions hold', () => {
    const match = { host: 'shop.example.com', path: '/api/*', methods: ['GET'], headers: { 'x-a': 'b' } }
    const asked = { host: 'shop.example.com', path: '/api/x', method: 'GET', headers: { 'x-a': 'b' } }
    expect(taken([match], asked)).toBe('r0')
    expect(taken([match], { ...asked, host: 'blog.example.com' })).toBeUndefined()
    expect(taken([match], { ...asked, path: '/shop/x' })).toBeUndefined()
    expect(taken([match], { ...asked, method: 'POST' })).toBeUndefined()
    expect(taken([match], { ...asked, headers: {} })).toBeUndefined()
  })

  it('that comes first wins', () => {
    const matches = [{ path: '/api/v2/*' }, { path: '/api/*' }, {}]
    expect(taken(matches, { path: '/api/v2/users' })).toBe('r0')
    expect(taken(matches, { path: '/api/v1/users' })).toBe('r1')
    expect(taken(matches, { path: '/index.html' })).toBe('r2')
    expect(taken(matches.toReversed(), { path: '/api/v2/users' })).toBe('r0')
  })

  it('is not found where none matches, or none exists', () => {
    expect(taken([{ path: '/a' }, { path: '/b' }], { path: '/c' })).toBeUndefined()
    expect(taken([])).toBeUndefined()
  })
})

describe('a host', () => {
  it.each([
    ['shop.example.com', 'shop.example.com', true],
    ['shop.example.com', 'SHOP.Example.COM', true],
    ['Shop.Example.Com', 'shop.example.com', true],
    ['shop.example.com', 'blog.example.com', false],
    ['shop.example.com', 'shopxexample.com', false],
    ['shop.example.com', 'shop.example.com.evil.test', false],
    ['shop.example.com', 'evil-shop.example.com', false],
    ['*.example.com', 'shop.example.com', true],
    ['*.example.com', 'eu.shop.example.com', true],
    ['*.example.com', 'SHOP.EXAMPLE.COM', true],
    ['*.Example.com', 'shop.example.com', true],
    ['*.example.com', 'example.com', false],
    ['*.example.com', 'shop.example.org', false],
    ['shop-?.example.com', 'shop-1.example.com', true],
    ['shop-?.example.com', 'shop-12.example.com', false],
    ['*', 'anything.test', true],
  ])('%s, asked for %s: %s', (host, asked, expected) => {
    expect(taken([{ host }], { host: asked }) === 'r0').toBe(expected)
  })
})

describe('a path', () => {
  it.each([
    ['/', '/', true],
    ['/', '/a', false],
    ['/about', '/about', true],
    ['/about', '/about/', false],
    ['/about', '/About', false],
    ['/about', '/about/us', false],
    ['/api/*', '/api/users', true],
    ['/api/*', '/api/users/7/orders', true],
    ['/api/*', '/api/', true],
    ['/api/*', '/api', false],
    ['/api/*', '/apis/x', false],
    ['/api/*', '/v1/api/x', false],
    ['/*/edit', '/a/b/c/edit', true],
    ['/*/edit', '/a/b/c/edits', false],
    ['*.js', '/assets/app.js', true],
    ['*.js', '/assets/appxjs', false],
    ['/v?/*', '/v1/x', true],
    ['/v?/*', '/v10/x', false],
    ['/api/*', '/api%2Fusers', false],
    ['/a.b(c)+[d]', '/a.b(c)+[d]', true],
    ['/a.b(c)+[d]', '/axb(c)+[d]', false],
  ])('%s, asked for %s: %s', (path, asked, expected) => {
    expect(taken([{ path }], { path: asked }) === 'r0').toBe(expected)
  })

  it('of many stars ends in bounded time', () => {
    expect(taken([{ path: `/${'*a'.repeat(20)}b` }], { path: `/${'a'.repeat(4_000)}` })).toBeUndefined()
  })
})

describe('methods', () => {
  it('are any of those named', () => {
    const matches = [{ methods: ['GET', 'HEAD'] }]
    expect(taken(matches, { method: 'GET' })).toBe('r0')
    expect(taken(matches, { method: 'HEAD' })).toBe('r0')
    expect(taken(matches, { method: 'POST' })).toBeUndefined()
    expect(taken(matches, { method: 'OPTIONS' })).toBeUndefined()
  })
})

describe('headers', () => {
  it.each<[Match['headers'], Record<string, string>, boolean]>([
    [{ 'x-canary': 'true' }, { 'x-canary': 'true' }, true],
    [{ 'x-canary': 'true' }, { 'X-Canary': 'true' }, true],
    [{ 'X-Canary': 'true' }, { 'x-canary': 'true' }, true],
    [{ 'x-canary': 'true' }, { 'x-canary': 'TRUE' }, false],
    [{ 'x-canary': 'true' }, { 'x-canary': 'true, false' }, false],
    [{ 'x-canary': 'true' }, {}, false],
    [{ 'x-canary': 't*' }, { 'x-canary': 'true' }, false],
    [{ 'x-canary': 't*' }, { 'x-canary': 't*' }, true],
    [{ 'user-agent': { glob: '*Mobile*' } }, { 'User-Agent': 'Mozilla/5.0 (iPhone) Mobile/15E148' }, true],
    [{ 'user-agent': { glob: '*Mobile*' } }, { 'User-Agent': 'Mozilla/5.0 (X11)' }, false],
    [{ 'user-agent': { glob: '*' } }, { 'user-agent': '' }, true],
    [{ 'user-agent': { glob: '*' } }, {}, false],
    [{ accept: { glob: 'text/*' } }, { accept: 'text/html' }, true],
    [{ accept: { glob: 'text/*' } }, { accept: 'application/json' }, false],
    [{ 'x-a': '1', 'x-b': { glob: '2?' } }, { 'x-a': '1', 'x-b': '21' }, true],
    [{ 'x-a': '1', 'x-b': { glob: '2?' } }, { 'x-a': '1', 'x-b': '2' }, false],
    [{ 'x-a': '1', 'x-b': { glob: '2?' } }, { 'x-b': '21' }, false],
  ])('%j, sent %j: %s', (headers, sent, expected) => {
    expect(taken([{ headers: headers! }], { headers: sent }) === 'r0').toBe(expected)
  })
})
