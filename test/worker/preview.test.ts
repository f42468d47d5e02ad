/** Signed previews: the link, the cookie, what they change, and every token that changes nothing. */
import { describe, expect, it, vi } from 'vitest'
import type { FlagDocument, Kill, MetricBatch, PreviewAccess, Route } from '../../engine/index.ts'
import {
  attributesOfCookie,
  CANARY,
  Control,
  canarySite,
  hostOf,
  problemOf,
  STABLE,
  site,
  startEdge,
  stubOrigins,
} from './edge.ts'
import { base64url, json, type Signer, signer } from './preview-token.ts'

interface Options {
  kills?: Kill[]
  previews?: PreviewAccess
  env?: Record<string, string>
}

async function previewed(document: FlagDocument = site(), options: Options = {}) {
  const by = await signer()
  const { previews = by.access, ...rest } = options
  const control = new Control()
  const access = { open: false, keys: [], previews }
  const edge = await startEdge(document, { control, access, ...rest })
  const shown = (token: string, url = '/', init: RequestInit = {}) =>
    edge.fetch(url, { ...init, headers: { ...init.headers, cookie: `a=1; turnout-preview=${token}` } })
  return { ...by, edge, control, access, shown }
}

const link = (token: string, rest = '/'): string =>
  `${rest}${rest.includes('?') ? '&' : '?'}turnout-preview=${token}`

describe('the link', () => {
  it('becomes a cookie, and leads to the same address without the parameter', async () => {
    const sent = stubOrigins()
    const { edge, sign } = await previewed()
    const token = await sign()
    const response = await edge.fetch(link(token, '/shop/%7Ea?x=1&y=%20z'))
    expect(response.status).toBe(302)
    expect(response.headers.get('location')).toBe('/shop/%7Ea?x=1&y=%20z')
    expect(response.headers.get('cache-control')).toBe('no-store')
    const [cookie = ''] = response.headers.getSetCookie()
    expect(cookie).toMatch(`turnout-preview=${token};`)
    expect(attributesOfCookie(cookie)).toEqual({
      path: '/',
      'max-age': '3600',
      httponly: '',
      samesite: 'Lax',
    })
    expect(sent).toEqual([])
  })

  it('sets a cookie of this host alone over https', async () => {
    stubOrigins()
    const { edge, sign } = await previewed()
    const response = await edge.fetch(`https://edge.test${link(await sign())}`)
    const [cookie = ''] = response.headers.getSetCookie()
    expect(cookie).toMatch(/^__Host-turnout-preview=/)
    expect(attributesOfCookie(cookie)).toMatchObject({ path: '/', secure: '' })
    expect(cookie).not.toMatch(/domain/i)
  })

  it('keeps the method of what is no GET', async () => {
    stubOrigins()
    const { edge, sign } = await previewed()
    expect((await edge.fetch(link(await sign()), { method: 'POST', body: 'x' })).status).toBe(307)
    expect((await edge.fetch(link(await sign()), { method: 'HEAD' })).status).toBe(302)
  })

  it('without a value ends the preview', async () => {
    stubOrigins()
    const { edge } = await previewed()
    const response = await edge.fetch(link('', '/a'))
    expect(response.status).toBe(302)
    expect(response.headers.get('location')).toBe('/a')
    expect(attributesOfCookie(response.headers.getSetCookie()[0]!)['max-age']).toBe('0')
  })

  it.each([
    ['//evil.example/x', '/.//evil.example/x'],
    ['///evil.example', '/.///evil.example'],
    ['/\\evil.example', '/.//evil.example'],
    ['/..//evil.example', '/.//evil.example'],
    ['/%0d%0aset-cookie:%20x=1', '/%0d%0aset-cookie:%20x=1'],
    ['/@evil.example', '/@evil.example'],
    ['/a?next=https://evil.example', '/a?next=https://evil.example'],
    ['/a?x=%0d%0aLocation:%20https://evil.example', '/a?x=%0d%0aLocation:%20https://evil.example'],
    ['/a?turnout-preview=zzz', '/a'],
    ['/a?b&&c', '/a?b&&c'],
  ])('to %s leads nowhere but to this host: %s', async (path, location) => {
    stubOrigins()
    const { edge, sign } = await previewed()
    const token = await sign()
    const response = await edge.fetch(
      `http://edge.test${path.includes('turnout') ? link(token, '/a') : link(token, path)}`,
    )
    expect(response.headers.get('location')).toBe(location)
    expect(new URL(response.headers.get('location')!, 'http://edge.test/').host).toBe('edge.test')
  })

  it('is no business of a parameter with another name', async () => {
    const sent = stubOrigins()
    const { edge } = await previewed()
    for (const url of ['/?turnout-previews=1', '/?x=turnout-preview', '/?x-turnout-preview=1'])
      expect((await edge.fetch(url)).status, url).toBe(200)
    expect(sent.map(({ url }) => new URL(url).search)).toEqual([
      '?turnout-previews=1',
      '?x=turnout-preview',
      '?x-turnout-preview=1',
    ])
  })
})

describe('a preview of a route', () => {
  it('serves its variant to whoever carries it, says so, and is kept by no cache', async () => {
    const sent = stubOrigins({
      'canary.test': () =>
        new Response('canary', {
          headers: { 'cache-control': 'public, max-age=60', 'cdn-cache-control': 'max-age=60' },
        }),
    })
    const { sign, shown, edge } = await previewed()
    const response = await shown(await sign())
    expect(await response.text()).toBe('canary')
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'x-turnout-variant': 'canary',
      'x-turnout-reason': 'STATIC',
      'server-timing': 'turnout;desc="canary"',
      'cache-control': 'private, no-store',
    })
    expect(response.headers.has('cdn-cache-control')).toBe(false)
    expect(sent[0]!.headers.get('cookie')).toBe('a=1')
    const other = await edge.fetch('/')
    expect(hostOf(sent[1])).toBe('stable.test')
    expect(other.headers.has('x-turnout-variant')).toBe(false)
  })

  it('changes no other route of the same flag', async () => {
    const sent = stubOrigins()
    const document = site({ match: { path: '/a' } })
    const other: Route = { ...document.routes![0]!, id: 'other', match: {} }
    const { sign, shown } = await previewed({ ...document, routes: [...document.routes!, other] })
    const token = await sign()
    await shown(token, '/a')
    const response = await shown(token, '/b')
    expect(sent.map(hostOf)).toEqual(['canary.test', 'stable.test'])
    // Still a request that carries a preview: it shows what it got.
    expect(response.headers.get('x-turnout-variant')).toBe('stable')
  })

  it('is stronger than a header override, rules and a disabled flag', async () => {
    const sent = stubOrigins()
    const overrides = { header: { 'x-canary': { no: 'stable' } } }
    const { sign, shown } = await previewed(site({ overrides }, { enabled: false }))
    await shown(await sign(), '/', { headers: { 'x-canary': 'no' } })
    expect(hostOf(sent[0])).toBe('canary.test')
  })

  it.each<[string, Kill]>([
    ['the route', { target: 'route:site' }],
    ['the flag', { target: 'flag:release' }],
    ['all routes', { target: 'all-routes' }],
    ['the origin', { target: 'origin:site/canary' }],
  ])('does not reach what is killed by a kill of %s', async (_, kill) => {
    const sent = stubOrigins()
    const { sign, shown } = await previewed(site(), { kills: [kill] })
    await shown(await sign())
    expect(hostOf(sent[0])).toBe('stable.test')
  })

  it('is told to the origin, signed as any decision', async () => {
    const sent = stubOrigins()
    const origins = { stable: { url: STABLE }, canary: { url: CANARY, context: true } }
    const { sign, shown } = await previewed(site({ origins }), { env: { SIGNING_KEY: 's'.repeat(32) } })
    await shown(await sign())
    expect(claimsIn(sent[0]!.headers.get('x-turnout-context')!)).toMatchObject({
      variant: 'canary',
      flags: { release: [2, 'canary', 'STATIC', { override: true }] },
    })
  })
})

describe('a preview of a flag', () => {
  const document = (): FlagDocument => {
    const origins = { stable: { url: STABLE, context: true }, canary: { url: CANARY, context: true } }
    const shop = site({ origins, bootstrap: true })
    return {
      ...shop,
      flags: {
        ...shop.flags,
        banner: { enabled: false, client: true, fallthrough: 'off' },
        dependent: {
          enabled: true,
          client: true,
          prerequisites: [{ flag: 'banner', variants: ['on'] }],
          fallthrough: 'on',
        },
        hidden: { enabled: true, fallthrough: 'off' },
      },
    }
  }
  const banner = { route: undefined, flag: 'banner', variant: 'on' }

  it('holds in the page, in the signed context and over OFREP alike, and for what depends on it', async () => {
    const page = () => new Response('<head></head>', { headers: { 'content-type': 'text/html' } })
    const sent = stubOrigins({ 'stable.test': page })
    const by = await signer()
    const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode('client-key'))
    const hex = [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
    const access = { open: false, keys: [{ hash: hex, kind: 'client' as const }], previews: by.access }
    const edge = await startEdge(document(), { access, env: { SIGNING_KEY: 's'.repeat(32) } })
    const cookie = `turnout-preview=${await by.sign(banner)}`
    const html = await (await edge.fetch('/', { headers: { cookie } })).text()
    const inPage = JSON.parse(/<script[^>]*>(.*)<\/script>/.exec(html)![1]!)
    const answers = (flags: { key: string; value: unknown }[]) =>
      Object.fromEntries(flags.map(({ key, value }) => [key, value]))
    expect(answers(inPage.flags)).toEqual({ banner: true, dependent: true })
    expect(claimsIn(sent[0]!.headers.get('x-turnout-context')!).flags).toMatchObject({
      banner: [true, 'on', 'STATIC', { override: true }],
      dependent: [true, 'on', 'STATIC'],
      hidden: [false, 'off', 'STATIC'],
    })
    const asked = (headers: Record<string, string>) =>
      edge.fetch('/.turnout/ofrep/v1/evaluate/flags', {
        method: 'POST',
        body: '{}',
        headers: { authorization: 'Bearer client-key', ...headers },
      })
    const own = await asked({ cookie })
    expect(answers(((await own.json()) as typeof inPage).flags)).toEqual({ banner: true, dependent: true })
    const others = await asked({})
    expect(answers(((await others.json()) as typeof inPage).flags)).toEqual({
      banner: false,
      dependent: false,
    })
    expect(own.headers.get('etag')).not.toBe(others.headers.get('etag'))
  })

  it('decides every route of the flag, whatever a header asks for', async () => {
    const sent = stubOrigins()
    const overrides = { header: { 'x-canary': { no: 'stable' } } }
    const { sign, shown } = await previewed(site({ overrides }, { enabled: false }))
    const token = await sign({ route: undefined, flag: 'release' })
    await shown(token, '/', { headers: { 'x-canary': 'no' } })
    expect(hostOf(sent[0])).toBe('canary.test')
  })

  it('does not reach what is killed', async () => {
    const sent = stubOrigins()
    const { sign, shown } = await previewed(site(), { kills: [{ target: 'flag:release' }] })
    await shown(await sign({ route: undefined, flag: 'release' }))
    expect(hostOf(sent[0])).toBe('stable.test')
  })

  it('opens a route that is closed for everybody else', async () => {
    stubOrigins()
    const shop = site({ maintenance: { flag: 'closed' } })
    const closed = { enabled: true, fallthrough: 'on' }
    const { sign, shown, edge } = await previewed({ ...shop, flags: { ...shop.flags, closed } })
    expect((await edge.fetch('/')).status).toBe(503)
    expect((await shown(await sign({ route: undefined, flag: 'closed', variant: 'off' }))).status).toBe(200)
  })

  it('follows a new version of the document', async () => {
    const sent = stubOrigins()
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      const { sign, shown, control, access } = await previewed()
      const token = await sign({ route: undefined, flag: 'release' })
      await shown(token)
      control.publish(site({ origins: { stable: { url: STABLE }, canary: { url: 'https://green.test' } } }), {
        access,
      })
      vi.setSystemTime(Date.now() + 60_000)
      await shown(token)
      expect(sent.map(hostOf)).toEqual(['canary.test', 'green.test'])
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('a request with a preview', () => {
  it('is in no statistics', async () => {
    stubOrigins()
    const { sign, shown, edge, control } = await previewed()
    await edge.fetch('/')
    for (let n = 0; n < 5; n += 1) await shown(await sign())
    const sum = (of: (batch: MetricBatch) => number) => control.batches.reduce((all, one) => all + of(one), 0)
    const sampled = () => sum(({ sample }) => sample?.of ?? 0)
    await vi.waitFor(() => expect(sampled()).toBeGreaterThan(0), { interval: 10 })
    expect([sum(({ requests }) => requests), sampled()]).toEqual([1, 1])
  })
})

/** What becomes of tokens that do not hold: the sentence of a link's 403, and whether a cookie is taken away. */
const DOUBTFUL: [string, (by: Signer) => Promise<string>, RegExp, boolean][] = [
  ['is over', ({ sign }) => sign({ iat: 1_000, exp: 2_000 }), /ended at 1970-01-01T00:33:20/, true],
  [
    'is for another host',
    ({ sign }) => sign({ aud: 'www.example.com' }),
    /is for www\.example\.com; this is edge\.test/,
    true,
  ],
  ['is for another port', ({ sign }) => sign({ aud: 'edge.test:8443' }), /is for edge\.test:8443/, true],
  ['is of another environment', ({ sign }) => sign({ iss: 'prod' }), /is for environment prod/, true],
  ['was revoked', ({ sign }) => sign({ jti: 'pv_gone' }), /was revoked/, true],
  [
    'lives longer than a day',
    ({ sign }) => sign({ exp: Math.floor(Date.now() / 1_000) + 90_000 }),
    /longer than a day/,
    true,
  ],
  [
    'is from the future',
    ({ sign }) => sign({ iat: Math.floor(Date.now() / 1_000) + 600 }),
    /from the future/,
    true,
  ],
  [
    'is of a key that is not known',
    ({ sign }) => sign({}, { kid: 'k2' }),
    /not known here, or not yet/,
    false,
  ],
  ['is of a key of a prototype', ({ sign }) => sign({}, { kid: 'constructor' }), /not known here/, false],
  ['is of a key that signs no more', ({ sign }) => sign({}, { kid: 'old' }), /signs no more/, true],
  [
    'is signed by somebody else',
    async () => (await signer()).sign(),
    /not signed by this control plane/,
    true,
  ],
  ['says alg none', ({ sign }) => sign({}, { alg: 'none' }), /no token/, true],
  ['says alg HS256', ({ sign }) => sign({}, { alg: 'HS256' }), /no token/, true],
  ['is an HS256 over the public key', hmacOverPublicKey, /no token/, true],
  ['has no signature', async ({ sign }) => (await sign()).replace(/[^.]*$/, ''), /no token/, true],
  ['is of another type', ({ sign }) => sign({}, { typ: 'JWT' }), /no token/, true],
  ['has critical headers', ({ sign }) => sign({}, { crit: ['b64'], b64: false }), /no token/, true],
  ['brings its own key', ({ sign }) => sign({}, { jwk: { kty: 'OKP' } }), /no token/, true],
  ['has other claims than were signed', tampered, /not signed by this control plane/, true],
  ['has a signature that is written otherwise', respelt, /no token/, true],
  ['names a route and a flag', ({ sign }) => sign({ flag: 'release' }), /no token/, true],
  ['names nothing', ({ sign }) => sign({ route: undefined }), /no token/, true],
  ['has no end', ({ sign }) => sign({ exp: undefined }), /no token/, true],
  ['has an end that is a text', ({ sign }) => sign({ exp: '9999999999' }), /no token/, true],
  ['is too long', ({ sign }) => sign({ padding: 'x'.repeat(4_000) }), /no token/, true],
  ['is JSON that is no object', async () => `${json(null)}.${json([])}.${'A'.repeat(86)}`, /no token/, true],
  ['is no token at all', async () => 'canary', /no token/, true],
]

async function hmacOverPublicKey({ access }: Signer): Promise<string> {
  const raw = new TextEncoder().encode(access.keys[0]!.key)
  const key = await crypto.subtle.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  const text = `${json({ alg: 'HS256', typ: 'turnout-preview', kid: 'k1' })}.${json({})}`
  const mac = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(text))
  return `${text}.${base64url(new Uint8Array(mac))}`
}

async function tampered({ sign }: Signer): Promise<string> {
  const [header, , signature] = (await sign()).split('.')
  const [, payload] = (await sign({ variant: 'stable' })).split('.')
  return `${header}.${payload}.${signature}`
}

/** The last character of 64 bytes has four bits to spare. */
async function respelt({ sign }: Signer): Promise<string> {
  const token = await sign()
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return token.slice(0, -1) + alphabet[alphabet.indexOf(token.at(-1)!) + 1]
}

describe('a token that', () => {
  it.each(DOUBTFUL)(
    '%s is refused in a link, and forgotten in a cookie',
    async (_, token, sentence, isForgotten) => {
      const sent = stubOrigins()
      const by = await signer()
      const [key] = by.access.keys
      const previews = { keys: [key!, { ...key!, id: 'old', until: 1_000 }], revoked: ['pv_gone'] }
      const edge = await startEdge(site(), { access: { open: false, keys: [], previews } })
      const text = await token(by)
      const refused = await edge.fetch(link(text))
      expect(refused.status).toBe(403)
      expect(refused.headers.get('cache-control')).toBe('no-store')
      expect((await problemOf(refused)).detail).toMatch(sentence)
      expect(sent).toEqual([])
      const response = await edge.fetch('/', { headers: { cookie: `turnout-preview=${text}` } })
      expect(hostOf(sent[0])).toBe('stable.test')
      expect(sent[0]!.headers.get('cookie')).toBeNull()
      expect(response.headers.has('x-turnout-variant')).toBe(false)
      const cleared = response.headers.getSetCookie().find((cookie) => cookie.startsWith('turnout-preview='))
      expect(cleared && attributesOfCookie(cleared)['max-age']).toBe(isForgotten ? '0' : undefined)
    },
  )

  it('holds is verified once', async () => {
    stubOrigins()
    const verify = vi.spyOn(crypto.subtle, 'verify')
    const { sign, shown } = await previewed()
    const token = await sign()
    for (let n = 0; n < 3; n += 1) await shown(token)
    expect(verify).toHaveBeenCalledTimes(1)
    verify.mockRestore()
  })

  it('holds, where there never was a preview, is of an unknown key', async () => {
    stubOrigins()
    const edge = await startEdge(canarySite())
    const { sign } = await signer()
    expect((await edge.fetch(link(await sign()))).status).toBe(403)
  })

  it('is revoked ends with the next look at the snapshot', async () => {
    const sent = stubOrigins()
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      const { sign, shown, control, access } = await previewed()
      const token = await sign()
      await shown(token)
      control.publish(site(), { access: { ...access, previews: { ...access.previews!, revoked: ['pv_1'] } } })
      vi.setSystemTime(Date.now() + 60_000)
      await shown(token)
      expect(sent.map(hostOf)).toEqual(['canary.test', 'stable.test'])
    } finally {
      vi.useRealTimers()
    }
  })
})

const claimsIn = (token: string) =>
  JSON.parse(atob(token.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/')))
