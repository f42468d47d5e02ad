/** Identity sources and the visitor's cookie, without any server around them. */
import { describe, expect, it } from 'vitest'
import type { Identity } from '../../engine/index.ts'
import { PLATFORM } from '../../worker/client.ts'
import { identify, identityRules } from '../../worker/identity.ts'
import { JwtIdentities } from '../../worker/jwt-identity.ts'
import { RequestFacts } from '../../worker/request-facts.ts'
import { privately } from '../../worker/respond.ts'
import { idCookieName, idSetCookie, VisitorIds } from '../../worker/visitor-id.ts'

const ids = new VisitorIds('k'.repeat(32))
const jwts = new JwtIdentities(new Map(), { now: Date.now, wait: () => Promise.resolve() })
const proofs = { ids, jwts, background: () => {} }

async function visitor(sources: Identity[] | undefined, url: string, headers: Record<string, string> = {}) {
  const request = new Request(url, { headers })
  return identify(new RequestFacts(request, PLATFORM), identityRules(sources, undefined), proofs)
}

describe('sources', () => {
  it('are tried in order; the first that is there and not empty decides', async () => {
    const sources: Identity[] = [{ header: 'x-user' }, { cookie: 'uid' }, { query: 'uid' }, 'ip']
    const ip = { 'cf-connecting-ip': '203.0.113.7' }
    const key = async (url: string, headers: Record<string, string> = {}) =>
      (await visitor(sources, `https://e.test${url}`, { ...ip, ...headers })).key
    expect(await key('/?uid=q', { 'x-user': 'h', cookie: 'uid=c' })).toBe('h')
    expect(await key('/?uid=q', { 'x-user': '', cookie: 'uid=c' })).toBe('c')
    expect(await key('/?uid=q', { cookie: 'uid=' })).toBe('q')
    expect(await key('/')).toBe('203.0.113.7')
    expect((await visitor(sources, 'https://e.test/')).key).toBeUndefined()
  })

  it('never trust a value without bound', async () => {
    const { key } = await visitor([{ header: 'x-user' }], 'https://e.test/', { 'x-user': 'x'.repeat(50_000) })
    expect(key!.length).toBeLessThanOrEqual(4_096)
  })

  it('default to the cookie', async () => {
    const { key, setCookie } = await visitor(undefined, 'https://e.test/')
    expect(key).toMatch(/^[A-Za-z0-9_-]{22}$/)
    expect(setCookie).toContain(key)
  })
})

describe('visitor ids', () => {
  it('have 128 random bits and a MAC that only the key can make', async () => {
    const minted = await Promise.all(Array.from({ length: 200 }, () => ids.mint()))
    expect(new Set(minted.map(({ id }) => id)).size).toBe(200)
    const other = new VisitorIds('o'.repeat(32))
    for (const { id, cookie } of minted.slice(0, 20)) {
      expect(cookie.startsWith(`${id}.`)).toBe(true)
      const again = new VisitorIds('k'.repeat(32))
      expect(again.known(cookie)).toBeUndefined()
      expect(await again.verify(cookie)).toEqual({ id, renewed: null })
      expect(again.known(cookie)).toBe(id)
      expect(await other.verify(cookie)).toBeNull()
    }
  })

  it('are refused when any character is another', async () => {
    const { cookie } = await ids.mint()
    const fresh = new VisitorIds('k'.repeat(32))
    for (let at = 0; at < cookie.length; at += 1) {
      const other = cookie[at] === 'A' ? 'B' : 'A'
      expect(await fresh.verify(cookie.slice(0, at) + other + cookie.slice(at + 1)), `at ${at}`).toBeNull()
    }
    for (const text of ['', '.', '..', cookie.slice(1), `${cookie}.`, `${cookie}A`, 'ä'.repeat(45), '\0'])
      expect(await fresh.verify(text)).toBeNull()
  })

  it('are known again as they were only, whatever another one has in common with them', async () => {
    const { id, cookie } = await ids.mint()
    expect(ids.known(cookie)).toBe(id)
    for (let at = 0; at < cookie.length; at += 1) {
      const other = cookie[at] === 'A' ? 'B' : 'A'
      expect(ids.known(cookie.slice(0, at) + other + cookie.slice(at + 1)), `at ${at}`).toBeUndefined()
    }
    for (const text of ['', id, `${id}.`, `${cookie}A`]) expect(ids.known(text)).toBeUndefined()
  })

  it('that are remembered are bounded: a flood of visitors does not grow the isolate', async () => {
    const busy = new VisitorIds('k'.repeat(32))
    const first = await busy.mint()
    for (let visitor = 0; visitor < 10_000; visitor += 1) await busy.mint()
    expect(busy.known(first.cookie)).toBeUndefined()
    expect(await busy.verify(first.cookie)).toEqual({ id: first.id, renewed: null })
  })
})

describe('a change of the key', () => {
  const [OLD, NEW] = ['o'.repeat(32), 'n'.repeat(32)]
  // First both keys are accepted everywhere, then the new one signs; in between, edges of both kinds are asked in turn.
  const before = new VisitorIds(OLD)
  const accepting = new VisitorIds(OLD, NEW)
  const signing = new VisitorIds(NEW, OLD)
  const after = new VisitorIds(NEW)

  it('keeps every visitor, and gives each a cookie of the new key', async () => {
    const { id, cookie } = await before.mint()
    expect(await accepting.verify(cookie)).toEqual({ id, renewed: null })
    const { renewed } = (await signing.verify(cookie))!
    expect(renewed).toMatch(new RegExp(`^${id}\\.`))
    expect(renewed).not.toBe(cookie)
    expect(await signing.verify(renewed!)).toEqual({ id, renewed: null })
    expect(await accepting.verify(renewed!)).toEqual({ id, renewed: cookie })
    expect(await after.verify(renewed!)).toEqual({ id, renewed: null })
    expect(await after.verify(cookie)).toBeNull()
  })

  it('is seen in the response, once for each visitor', async () => {
    const { id, cookie } = await before.mint()
    const see = async (value: string) => {
      const request = new Request('http://e.test/', { headers: { cookie: `turnout-id=${value}` } })
      return identify(new RequestFacts(request, PLATFORM), identityRules(undefined, undefined), {
        ...proofs,
        ids: signing,
      })
    }
    const first = await see(cookie)
    expect(first).toMatchObject({ key: id, setCookie: expect.stringContaining(`turnout-id=${id}.`) })
    const renewed = /=([^;]+);/.exec(first.setCookie!)![1]!
    expect(await see(renewed)).toMatchObject({ key: id, setCookie: null })
  })

  it('opens nothing to who has neither key', async () => {
    const { cookie } = await new VisitorIds('x'.repeat(32)).mint()
    expect(await signing.verify(cookie)).toBeNull()
    const { cookie: old } = await before.mint()
    expect(await signing.verify(`${old.slice(0, -2)}AA`)).toBeNull()
  })
})

describe('the cookie', () => {
  it.each<[boolean, string | undefined, string]>([
    [true, undefined, '__Host-turnout-id'],
    [false, undefined, 'turnout-id'],
    [true, 'example.com', 'turnout-id'],
    [false, 'example.com', 'turnout-id'],
  ])('https %s, domain %s: %s', (https, domain, name) => {
    expect(idCookieName(https, domain)).toBe(name)
    const line = idSetCookie('value', https, domain)
    expect(line.startsWith(`${name}=value; `)).toBe(true)
    expect(line.includes('; Secure')).toBe(https)
    expect(line.includes('Domain=example.com')).toBe(domain !== undefined)
  })
})

describe('a response that carries it', () => {
  it.each<[string | null, string]>([
    [null, 'private'],
    ['', 'private'],
    ['public', 'private'],
    ['public, max-age=60', 'private, max-age=60'],
    ['PUBLIC, S-MaxAge=60', 'private'],
    ['max-age=60,s-maxage=600', 'private, max-age=60'],
    ['private', 'private'],
    ['private, no-cache', 'private, no-cache'],
    ['no-store', 'private, no-store'],
    ['no-cache="set-cookie, x-a", max-age=60', 'private, no-cache="set-cookie, x-a", max-age=60'],
  ])('with %j leaves as %j', (given, sent) => {
    expect(privately(given)).toBe(sent)
  })
})
