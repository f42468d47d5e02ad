/** JWT identities through the whole edge: who gets which variant, what goes on to the origin, and what does not stop it. */
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Identity, JwtIdentity, Route } from '../../engine/index.ts'
import { AUDIENCE, ISSUER, type IssuerKey, issuerKey, JWKS_URL } from '../edge/issuer.ts'
import { cookieOf, type EdgeOptions, hostOf, refused, site, startEdge, status, stubOrigins } from './edge.ts'

const key = await issuerKey('ES256', 'k1')
const stranger = await issuerKey('ES256', 'k1')
const JWT: Identity = { jwt: { issuer: ISSUER, jwksUrl: JWKS_URL, audience: AUDIENCE } }
const jwks = (...keys: IssuerKey[]) => Response.json({ keys: keys.map(({ jwk }) => jwk) })

/** A site that gives `ana` the canary; the issuer is in the network. */
async function edgeFor(identity: Identity[], route: Partial<Route> = {}, options: EdgeOptions = {}) {
  const sent = stubOrigins({ 'issuer.test': () => jwks(key) })
  const listed = { attribute: 'targetingKey', op: 'in' as const, value: ['ana'] }
  const document = site({ identity, ...route }, { rules: [{ id: 'listed', when: listed, serve: 'canary' }] })
  const edge = await startEdge(document, options)
  const ask = (token: string) => edge.fetch('/', { headers: { authorization: `Bearer ${token}` } })
  const origins = () => sent.filter(({ url }) => url !== JWKS_URL)
  return { edge, sent, ask, origins }
}

describe('a visitor with a genuine token', () => {
  it('is decided for by its claim, and the token goes on to the origin as it came', async () => {
    const { ask, origins, sent } = await edgeFor([JWT, 'cookie'])
    const token = await key.sign()
    const response = await ask(token)
    expect(await response.text()).toBe('canary.test')
    expect(response.headers.getSetCookie()).toEqual([])
    expect(origins()[0]!.headers.get('authorization')).toBe(`Bearer ${token}`)
    const asked = sent.find(({ url }) => url === JWKS_URL)!
    expect(asked.redirect).toBe('manual')
    expect(asked.headers.has('authorization')).toBe(false)
  })

  it('costs the issuer one request, whatever the visitor asks for', async () => {
    const { ask, sent } = await edgeFor([JWT])
    const token = await key.sign()
    for (let at = 0; at < 5; at += 1) expect(await (await ask(token)).text()).toBe('canary.test')
    expect(sent.filter(({ url }) => url === JWKS_URL)).toHaveLength(1)
  })

  it('stands before another one, and after one that exists', async () => {
    const header = { header: 'x-user' }
    const both = async (identity: Identity[]) => {
      const { edge } = await edgeFor(identity)
      const headers = { authorization: `Bearer ${await key.sign()}`, 'x-user': 'bob' }
      return (await edge.fetch('/', { headers })).text()
    }
    expect(await both([JWT, header])).toBe('canary.test')
    expect(await both([header, JWT])).toBe('stable.test')
  })

  it('is not told to the page who it is', async () => {
    const { edge } = await edgeFor([JWT], { bootstrap: true })
    stubOrigins({
      'issuer.test': () => jwks(key),
      'canary.test': () => new Response('<head></head>', { headers: { 'content-type': 'text/html' } }),
    })
    const headers = { authorization: `Bearer ${await key.sign()}` }
    const page = await (await edge.fetch('/', { headers })).text()
    expect(page).toContain('turnout-flags')
    expect(page).not.toContain('targetingKey')
  })
})

describe('a token in a header of its own', () => {
  const inHeader: Identity = { jwt: { ...(JWT as { jwt: JwtIdentity }).jwt, header: 'x-token' } }
  const headers = async () => ({ 'x-token': await key.sign(), 'x-other': 'other' })

  it('is a credential: a fallback on another host does not get it', async () => {
    const { edge } = await edgeFor([inHeader])
    const sent = stubOrigins({ 'issuer.test': () => jwks(key), 'canary.test': status(503) })
    await edge.fetch('/', { headers: await headers() })
    const [canary, stable] = sent.filter(({ url }) => url !== JWKS_URL)
    expect([hostOf(canary), hostOf(stable)]).toEqual(['canary.test', 'stable.test'])
    expect(canary!.headers.has('x-token')).toBe(true)
    expect(stable!.headers.has('x-token')).toBe(false)
    expect(stable!.headers.get('x-other')).toBe('other')
  })

  it('makes no answer everybody’s that does not say that it is', async () => {
    const { edge, origins } = await edgeFor([inHeader], { cache: { store: true, ttlSeconds: 60 } })
    for (let at = 0; at < 2; at += 1) {
      await edge.fetch('/mine', { headers: await headers() })
      await edge.settled()
    }
    expect(origins()).toHaveLength(2)
    for (let at = 0; at < 2; at += 1) {
      await edge.fetch('/public', { headers: { 'x-other': 'other' } })
      await edge.settled()
    }
    expect(origins()).toHaveLength(3)
  })
})

describe('a visitor with another token', () => {
  it.each<[string, () => Promise<string>]>([
    ['forged', () => stranger.sign()],
    ['over', () => key.sign({ exp: 1 })],
    ['for another audience', () => key.sign({ aud: 'other' })],
    ['that is none', async () => 'abc'],
  ])('%s is whom the next source names, and served', async (_, make) => {
    const { ask, edge, origins } = await edgeFor([JWT, 'cookie'])
    const token = await make()
    const response = await ask(token)
    expect(response.status).toBe(200)
    expect(await response.text()).toBe('stable.test')
    const cookie = cookieOf(response, 'turnout-id')!
    expect(cookie).toBeDefined()
    const again = await edge.fetch('/', { headers: { authorization: `Bearer ${token}`, cookie } })
    expect(again.headers.getSetCookie()).toEqual([])
    expect(origins().map(hostOf)).toEqual(['stable.test', 'stable.test'])
    expect(origins()[0]!.headers.get('authorization')).toBe(`Bearer ${token}`)
  })

  it('is nobody where there is no other source', async () => {
    const { ask } = await edgeFor([JWT])
    const response = await ask(await stranger.sign())
    expect(await response.text()).toBe('stable.test')
    expect(response.headers.getSetCookie()).toEqual([])
  })
})

describe('the keys', () => {
  it('are asked for by no route without a JWT identity', async () => {
    const { ask, sent } = await edgeFor(['cookie'])
    await ask(await key.sign())
    expect(sent.map(({ url }) => url)).not.toContain(JWKS_URL)
  })

  it('that cannot be had stop nobody, and the log says so without the token', async () => {
    const said: string[] = []
    const spy = vi.spyOn(console, 'warn').mockImplementation((text: string) => said.push(text))
    onTestFinished(() => spy.mockRestore())
    const { ask, edge } = await edgeFor([JWT, 'cookie'])
    stubOrigins({ 'issuer.test': refused })
    const token = await key.sign()
    const response = await ask(token)
    expect(await response.text()).toBe('stable.test')
    expect(cookieOf(response, 'turnout-id')).toBeDefined()
    await edge.settled()
    expect(said.join()).toContain('jwks-unavailable')
    expect(said.join()).toContain(JWKS_URL)
    expect(said.join()).not.toContain(token.slice(0, 20))
  })

  it('of an issuer that is a Worker are asked for over its binding', async () => {
    const asked: string[] = []
    const ISSUER_WORKER = {
      fetch: async (url: string) => {
        asked.push(url)
        return jwks(key)
      },
    }
    const env = { SERVICE_ORIGINS: 'issuer.test=ISSUER_WORKER', ISSUER_WORKER } as EdgeOptions['env']
    const { ask, sent } = await edgeFor([JWT], {}, { env: env! })
    expect(await (await ask(await key.sign())).text()).toBe('canary.test')
    expect(asked).toEqual([JWKS_URL])
    expect(sent.map(hostOf)).toEqual(['canary.test'])
  })

  it('of every algorithm are understood by the platform', async () => {
    const keys = [key, await issuerKey('RS256', 'r1'), await issuerKey('EdDSA', 'd1')]
    const { ask } = await edgeFor([JWT])
    stubOrigins({ 'issuer.test': () => jwks(...keys) })
    for (const one of keys) expect(await (await ask(await one.sign())).text()).toBe('canary.test')
  })
})
