/** Who a visitor is, and that the same visitor stays where they are. */
import { describe, expect, it } from 'vitest'
import type { Flag, Identity } from '../../engine/index.ts'
import {
  attributesOfCookie,
  COOKIE_KEY,
  cookieOf,
  hostOf,
  type Sent,
  site,
  startEdge,
  stubOrigins,
} from './edge.ts'

const half: Partial<Flag> = { fallthrough: { stable: 50, canary: 50 } }
const halfSite = () => site({}, half)
const allow = (...users: string[]): Partial<Flag> => ({
  rules: [
    { id: 'listed', when: { attribute: 'targetingKey', op: 'in', value: users }, serve: 'canary' as const },
  ],
})

describe('the first visit', () => {
  it('sets turnout-id over http: HttpOnly, SameSite=Lax, Path=/, a year, not Secure', async () => {
    stubOrigins()
    const edge = await startEdge(site())
    const response = await edge.fetch('http://edge.test/')
    const lines = response.headers.getSetCookie()
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^turnout-id=[A-Za-z0-9._~-]+;/)
    expect(attributesOfCookie(lines[0]!)).toEqual({
      path: '/',
      'max-age': '31536000',
      httponly: '',
      samesite: 'Lax',
    })
  })

  it('sets __Host-turnout-id over https: Secure, and no Domain', async () => {
    stubOrigins()
    const edge = await startEdge(site())
    const response = await edge.fetch('https://edge.test/')
    const lines = response.headers.getSetCookie()
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^__Host-turnout-id=/)
    expect(attributesOfCookie(lines[0]!)).toEqual({
      path: '/',
      'max-age': '31536000',
      httponly: '',
      samesite: 'Lax',
      secure: '',
    })
  })

  it('sets turnout-id for the cookieDomain of the route, Secure over https', async () => {
    stubOrigins()
    const edge = await startEdge(site({ cookieDomain: 'example.com' }))
    const secure = (await edge.fetch('https://a.example.com/')).headers.getSetCookie()
    expect(secure[0]).toMatch(/^turnout-id=/)
    expect(attributesOfCookie(secure[0]!)).toMatchObject({ domain: 'example.com', secure: '', path: '/' })
    const plain = (await edge.fetch('http://a.example.com/')).headers.getSetCookie()
    expect(attributesOfCookie(plain[0]!)).not.toHaveProperty('secure')
  })

  it('gives each visitor another id, and the cookie does not say the decision', async () => {
    stubOrigins()
    const edge = await startEdge(halfSite())
    const ids = new Set<string>()
    for (let visitor = 0; visitor < 50; visitor += 1) {
      const id = cookieOf(await edge.fetch('/'), 'turnout-id')!
      ids.add(id)
      expect(id).not.toMatch(/stable|canary/)
    }
    expect(ids.size).toBe(50)
  })

  it('is decided on the id that is about to be set, and every later visit agrees with it', async () => {
    const sent = stubOrigins()
    const edge = await startEdge(halfSite())
    const served = new Set<string | undefined>()
    for (let visitor = 0; visitor < 40; visitor += 1) {
      const cookie = cookieOf(await edge.fetch('/'), 'turnout-id')!
      const first = hostOf(sent.at(-1))
      served.add(first)
      for (let visit = 0; visit < 3; visit += 1) {
        const response = await edge.fetch('/', { headers: { cookie: `theme=dark; ${cookie}` } })
        expect(hostOf(sent.at(-1))).toBe(first)
        expect(response.headers.getSetCookie()).toEqual([])
      }
    }
    expect(served).toEqual(new Set(['stable.test', 'canary.test']))
  })

  it('is sticky across isolates that share the cookie key, over https too', async () => {
    const sent = stubOrigins()
    for (let visitor = 0; visitor < 10; visitor += 1) {
      const one = await startEdge(halfSite())
      const cookie = cookieOf(await one.fetch('https://edge.test/'), '__Host-turnout-id')!
      const first = hostOf(sent.at(-1))
      const other = await startEdge(halfSite())
      const response = await other.fetch('https://edge.test/', { headers: { cookie } })
      expect(hostOf(sent.at(-1))).toBe(first)
      expect(response.headers.getSetCookie()).toEqual([])
    }
  })

  it('is not made when no route matches, nor for endpoints', async () => {
    stubOrigins()
    const edge = await startEdge(site({ match: { path: '/only' } }))
    expect((await edge.fetch('/missing')).headers.getSetCookie()).toEqual([])
    expect((await edge.fetch('/.turnout/health/live')).headers.getSetCookie()).toEqual([])
  })
})

describe('caching of a response that sets our cookie', () => {
  const cacheControl = async (headers: Record<string, string>) => {
    stubOrigins({ 'stable.test': () => new Response('x', { headers }) })
    const edge = await startEdge(site())
    const response = await edge.fetch('/')
    expect(response.headers.getSetCookie().length).toBeGreaterThan(0)
    return response.headers
  }

  it('is private whatever the origin said', async () => {
    expect((await cacheControl({})).get('cache-control')).toBe('private')
    const shared = (await cacheControl({ 'cache-control': 'public, max-age=600, s-maxage=3600' })).get(
      'cache-control',
    )!
    expect(shared).toMatch(/\bprivate\b/)
    expect(shared).not.toMatch(/public|s-maxage/)
    expect(shared).toMatch(/max-age=600/)
  })

  it('keeps what forbids more', async () => {
    expect((await cacheControl({ 'cache-control': 'no-store' })).get('cache-control')).toMatch(/no-store/)
    expect((await cacheControl({ 'cache-control': 'no-cache' })).get('cache-control')).toMatch(
      /no-cache.*private|private.*no-cache/,
    )
    expect((await cacheControl({ 'cache-control': 'private, max-age=5' })).get('cache-control')).toBe(
      'private, max-age=5',
    )
  })

  it('is private to caches that read their own header, RFC 9213', async () => {
    const headers = await cacheControl({
      'cdn-cache-control': 'public, max-age=600',
      'cloudflare-cdn-cache-control': 'max-age=600',
      'surrogate-control': 'max-age=600',
    })
    for (const name of ['cdn-cache-control', 'cloudflare-cdn-cache-control', 'surrogate-control'])
      expect(headers.get(name) ?? 'private', name).toMatch(/private|no-store/)
  })

  it('leaves the cache rules of a returning visitor alone', async () => {
    stubOrigins({
      'stable.test': () => new Response('x', { headers: { 'cache-control': 'public, max-age=600' } }),
    })
    const edge = await startEdge(site())
    const cookie = cookieOf(await edge.fetch('/'), 'turnout-id')!
    const response = await edge.fetch('/', { headers: { cookie } })
    expect(response.headers.get('cache-control')).toBe('public, max-age=600')
  })
})

describe('a cookie that is not ours', () => {
  const genuine = async () => {
    stubOrigins()
    const edge = await startEdge(site())
    return { edge, value: cookieOf(await edge.fetch('/'), 'turnout-id')!.slice('turnout-id='.length) }
  }

  it('gets a new id when it is forged, altered, cut or of another key', async () => {
    const { edge, value } = await genuine()
    const flipped = `${value.slice(0, -1)}${value.endsWith('A') ? 'B' : 'A'}`
    const first = `${value.startsWith('A') ? 'B' : 'A'}${value.slice(1)}`
    const altered = [
      'user1',
      '',
      '.',
      first,
      value.slice(0, -1),
      value.slice(1),
      `${value}A`,
      `${value}.${value}`,
      value.toUpperCase() === value ? value.toLowerCase() : value.toUpperCase(),
      'x'.repeat(4000),
      '%00',
    ]
    // The last character of base64url may carry unused bits; whichever way it is altered, it is another text.
    altered.push(flipped)
    for (const forged of altered) {
      const response = await edge.fetch('/', { headers: { cookie: `turnout-id=${forged}` } })
      const fresh = cookieOf(response, 'turnout-id')
      expect(fresh, forged).toBeDefined()
      expect(fresh).not.toBe(`turnout-id=${forged}`)
    }
    const other = await startEdge(site(), { env: { COOKIE_KEY: `${COOKIE_KEY} of somebody else` } })
    const response = await other.fetch('/', { headers: { cookie: `turnout-id=${value}` } })
    expect(cookieOf(response, 'turnout-id')).toBeDefined()
  })

  it('does not let a visitor choose the id they are bucketed by', async () => {
    const sent = stubOrigins()
    const edge = await startEdge(site({}, allow('user1')))
    await edge.fetch('/', { headers: { cookie: 'turnout-id=user1' } })
    await edge.fetch('/', { headers: { cookie: 'turnout-id=user1.0000000000000000' } })
    expect(sent.map(hostOf)).toEqual(['stable.test', 'stable.test'])
  })

  it('does not accept the http cookie over https, where any subdomain could have set it', async () => {
    const { edge, value } = await genuine()
    const response = await edge.fetch('https://edge.test/', { headers: { cookie: `turnout-id=${value}` } })
    expect(cookieOf(response, '__Host-turnout-id')).toBeDefined()
  })

  it('finds the genuine one beside forged ones of the same name', async () => {
    const { edge, value } = await genuine()
    const response = await edge.fetch('/', {
      headers: { cookie: `turnout-id=forged; a=b; turnout-id=${value}` },
    })
    expect(response.headers.getSetCookie()).toEqual([])
  })
})

describe('identity sources', () => {
  const served = async (
    identity: Identity[],
    requests: { url?: string; headers?: Record<string, string> }[],
  ) => {
    const sent: Sent[] = stubOrigins()
    const edge = await startEdge(site({ identity }, allow('user1')))
    const cookies: number[] = []
    for (const { url = '/', headers = {} } of requests)
      cookies.push((await edge.fetch(url, { headers })).headers.getSetCookie().length)
    return { hosts: sent.map((request) => hostOf(request)!.replace('.test', '')), cookies }
  }

  it('takes a header, whatever the case of its name', async () => {
    const { hosts, cookies } = await served(
      [{ header: 'X-User-Id' }],
      [{ headers: { 'x-user-id': 'user1' } }, { headers: { 'x-user-id': 'user2' } }],
    )
    expect(hosts).toEqual(['canary', 'stable'])
    expect(cookies).toEqual([0, 0])
  })

  it('takes a query parameter, decoded, the first of its name', async () => {
    const { hosts } = await served(
      [{ query: 'uid' }],
      [{ url: '/?uid=user1' }, { url: '/?x=1&uid=%75ser1&uid=user2' }, { url: '/?uid=user2&uid=user1' }],
    )
    expect(hosts).toEqual(['canary', 'canary', 'stable'])
  })

  it('takes another cookie', async () => {
    const { hosts, cookies } = await served(
      [{ cookie: 'session' }],
      [
        { headers: { cookie: 'a=b; session=user1' } },
        { headers: { cookie: 'xsession=user1; session=user2' } },
      ],
    )
    expect(hosts).toEqual(['canary', 'stable'])
    expect(cookies).toEqual([0, 0])
  })

  it('takes the address of the client', async () => {
    const sent = stubOrigins()
    const edge = await startEdge(site({ identity: ['ip'] }, allow('203.0.113.7', '2001:db8::7')))
    const from = (ip: string) =>
      edge.fetch('/', { headers: { 'cf-connecting-ip': ip, 'x-forwarded-for': '203.0.113.7' } })
    await from('203.0.113.7')
    await from('2001:db8::7')
    await from('203.0.113.8')
    expect(sent.map(hostOf)).toEqual(['canary.test', 'canary.test', 'stable.test'])
  })

  it('takes the first source that exists; an empty one does not', async () => {
    const { hosts, cookies } = await served(
      [{ header: 'x-user-id' }, { query: 'uid' }, 'cookie'],
      [
        { url: '/?uid=user2', headers: { 'x-user-id': 'user1' } },
        { url: '/?uid=user1', headers: { 'x-user-id': '' } },
        { url: '/?uid=' },
      ],
    )
    expect(hosts).toEqual(['canary', 'canary', 'stable'])
    expect(cookies).toEqual([0, 0, 1])
  })

  it('serves a visitor without any identity, without a cookie where the route names none', async () => {
    const sent = stubOrigins()
    const edge = await startEdge(site({ identity: [{ header: 'x-user-id' }] }, half))
    const response = await edge.fetch('/')
    expect(response.status).toBe(200)
    expect(response.headers.getSetCookie()).toEqual([])
    expect(hostOf(sent[0])).toBe('stable.test')
  })

  it('keeps the identity cookie name from being read as somebody else’s', async () => {
    const { hosts } = await served([{ cookie: 'uid' }], [{ headers: { cookie: 'uid=user1' } }])
    expect(hosts).toEqual(['canary'])
  })
})
