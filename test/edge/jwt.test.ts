/** JWT identities: the tokens that say who somebody is, and every token that says nothing. */
import { describe, expect, it } from 'vitest'
import { base64url, claimsAt, ISSUER, issuerKey, part } from './issuer.ts'
import { Issuer, SOURCE } from './issuer-clock.ts'

const NOW_MS = Date.UTC(2026, 10, 26)
const now = () => NOW_MS
const SECONDS = NOW_MS / 1_000

const rsa = await issuerKey('RS256', 'r1', now)
const ec = await issuerKey('ES256', 'e1', now)
const ed = await issuerKey('EdDSA', 'd1', now)
const stranger = await issuerKey('RS256', 'r1', now)
const weak = await issuerKey('RS256', 'w1', now, { modulusLength: 1024 })

const known = () => new Issuer(rsa, ec, ed, weak)

/** Signed with HMAC under a text: what whoever knows no more than the public key can make. */
async function hmac(secret: string, header: object): Promise<string> {
  const text = `${part(header)}.${part(claimsAt(NOW_MS))}`
  const key = await crypto.subtle.importKey(
    'raw',
    new TextEncoder().encode(secret),
    { name: 'HMAC', hash: 'SHA-256' },
    false,
    ['sign'],
  )
  const mac = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(text))
  return `${text}.${base64url(new Uint8Array(mac))}`
}

describe('a token', () => {
  it.each([
    ['RS256', rsa],
    ['ES256', ec],
    ['EdDSA', ed],
  ])('signed with %s by a key of the issuer says who somebody is', async (_, key) => {
    expect(await known().who(await key.sign())).toBe('ana')
  })

  it.each<[string, Record<string, unknown>]>([
    ['for several audiences', { aud: ['other', 'shop'] }],
    ['that began a minute ahead of this clock', { nbf: SECONDS + 60, iat: SECONDS + 60 }],
    ['that ends in a second', { exp: SECONDS + 1 }],
    ['without nbf and iat', { nbf: undefined, iat: undefined }],
  ])('%s holds', async (_, claims) => {
    expect(await known().who(await rsa.sign(claims))).toBe('ana')
  })

  it('without a kid is tried with every key of its algorithm', async () => {
    const issuer = new Issuer(stranger, rsa, ec)
    expect(await issuer.who(await rsa.sign({}, { kid: undefined }))).toBe('ana')
  })

  it('may stand in a cookie or in another header, with Bearer before it or not', async () => {
    const token = await ed.sign()
    const issuer = known()
    expect(await issuer.who('', { cookie: 'session' }, { cookie: `a=1; session=${token}` })).toBe('ana')
    expect(await issuer.who('', { header: 'x-token' }, { 'x-token': token })).toBe('ana')
    expect(await issuer.who('', { header: 'x-token' }, { 'x-token': `bearer ${token}` })).toBe('ana')
    expect(await issuer.who(token, { cookie: 'session' })).toBeNull()
    expect(await issuer.who(token, { header: 'x-token' })).toBeNull()
  })
})

describe('the claim', () => {
  const of = async (claims: Record<string, unknown>, claim: string) =>
    known().who(await ed.sign(claims), { claim })

  it('is named by the route, and may be a number', async () => {
    expect(await of({ user: 'u-7' }, 'user')).toBe('u-7')
    expect(await of({ user: 42 }, 'user')).toBe('42')
    expect(await of({ 'https://shop.example/user_id': 'u' }, 'https://shop.example/user_id')).toBe('u')
    expect(await of({}, 'iss')).toBe(ISSUER)
  })

  it.each<[string, unknown]>([
    ['absent', undefined],
    ['empty', ''],
    ['longer than an identity may be', 'x'.repeat(1_025)],
    ['a number whose digits are lost', 2 ** 53],
    ['a fraction', 1.5],
    ['an object', { id: 'ana' }],
    ['a list', ['ana']],
    ['true', true],
    ['null', null],
  ])('that is %s is no identity', async (_, sub) => {
    expect(await known().who(await ed.sign({ sub }))).toBeNull()
  })

  it('is the token’s own: what every object has is no claim', async () => {
    for (const claim of ['constructor', 'toString', '__proto__', 'hasOwnProperty'])
      expect(await of({}, claim)).toBeNull()
  })
})

describe('no identity is a token', () => {
  const body = part(claimsAt(NOW_MS))
  const rows: [string, () => string | Promise<string>][] = [
    ['with alg none', () => `${part({ alg: 'none' })}.${body}.`],
    ['with alg None and a signature', async () => `${part({ alg: 'None' })}.${body}.AAAA`],
    ['with HS256 under the published key', () => hmac(JSON.stringify(rsa.jwk), { alg: 'HS256', kid: 'r1' })],
    ['with HS256 under the modulus', () => hmac(String(rsa.jwk.n), { alg: 'HS256', kid: 'r1' })],
    ['with another algorithm of RSA', () => rsa.sign({}, { alg: 'PS256' })],
    ['that calls an RSA key ES256', () => rsa.sign({}, { alg: 'ES256' })],
    ['that calls an EC key RS256', () => ec.sign({}, { alg: 'RS256' })],
    ['that names a key of another algorithm', () => rsa.sign({}, { kid: 'e1' })],
    ['with an algorithm of every object', () => rsa.sign({}, { alg: 'constructor' })],
    ['without an algorithm', () => rsa.sign({}, { alg: undefined })],
    ['with a list of algorithms', () => rsa.sign({}, { alg: ['RS256'] })],
    ['of a key under 2048 bits', () => weak.sign()],
    ['of a stranger under a known kid', () => stranger.sign()],
    ['of a stranger without kid', () => stranger.sign({}, { kid: undefined })],
    ['with a key of its own', () => stranger.sign({}, { jwk: stranger.jwk, kid: undefined })],
    ['with an unknown kid', () => rsa.sign({}, { kid: 'r2' })],
    ['with a kid that is no text', () => rsa.sign({}, { kid: 1 })],
    ['with crit', () => rsa.sign({}, { crit: ['b64'], b64: false })],
    ['with an empty crit', () => rsa.sign({}, { crit: [] })],
    ['of another issuer', () => rsa.sign({ iss: 'https://issuer.test/' })],
    ['without issuer', () => rsa.sign({ iss: undefined })],
    ['with a list of issuers', () => rsa.sign({ iss: [ISSUER] })],
    ['for another audience', () => rsa.sign({ aud: 'shop2' })],
    ['for other audiences', () => rsa.sign({ aud: ['a', ['shop']] })],
    ['for nobody', () => rsa.sign({ aud: undefined })],
    ['whose audience is an object', () => rsa.sign({ aud: { shop: true } })],
    ['that is over', () => rsa.sign({ exp: SECONDS })],
    ['without an end', () => rsa.sign({ exp: undefined })],
    ['whose end is a text', () => rsa.sign({ exp: String(SECONDS + 60) })],
    ['that begins in two minutes', () => rsa.sign({ nbf: SECONDS + 120 })],
    ['whose beginning is a text', () => rsa.sign({ nbf: '0' })],
    ['made in two minutes', () => rsa.sign({ iat: SECONDS + 120 })],
    ['whose end is null', () => rsa.sign({ exp: null })],
    ['cut at its end', async () => (await rsa.sign()).slice(0, -1)],
    ['without signature', async () => (await rsa.sign()).replace(/[^.]*$/, '')],
    ['of two parts', async () => (await rsa.sign()).replace(/\.[^.]*$/, '')],
    ['of four parts', async () => `${await rsa.sign()}.x`],
    ['twice', async () => `${await rsa.sign()}, ${await rsa.sign()}`],
    ['written with padding', async () => `${await rsa.sign()}==`],
    ['written in the other base64', async () => `${await ed.sign()}`.replace(/.$/, '+')],
    [
      'with the claims of another',
      async () => (await rsa.sign()).replace(/\.[^.]*\./, `.${part({ ...claimsAt(NOW_MS), sub: 'bob' })}.`),
    ],
    ['whose claims are a list', async () => `${part({ alg: 'RS256' })}.${part([])}.AAAA`],
    ['whose claims are null', async () => `${part({ alg: 'RS256' })}.${part(null)}.AAAA`],
    ['whose header is null', () => `${part(null)}.${body}.AAAA`],
    ['that is no UTF-8', () => `${base64url(new Uint8Array([0xff, 0xfe]))}.${body}.AAAA`],
    ['longer than 8 KiB', () => rsa.sign({ more: 'x'.repeat(8_192) })],
    ['that is empty', () => ''],
    ['of dots alone', () => '..'],
    ['that is no token', () => 'Basic YTpi'],
  ]
  it.each(rows)('%s', async (_, make) => {
    expect(await known().who(await make())).toBeNull()
  })

  it('with any character of its signature, claims or header changed', async () => {
    const token = await ed.sign()
    const issuer = known()
    expect(await issuer.who(token)).toBe('ana')
    for (let at = 0; at < token.length; at += 1) {
      const other = token[at] === 'A' ? 'B' : 'A'
      expect(await issuer.who(token.slice(0, at) + other + token.slice(at + 1)), `at ${at}`).toBeNull()
    }
  })

  it('of one issuer, where the route trusts another at the same keys', async () => {
    expect(await known().who(await rsa.sign(), { issuer: 'https://other.test' })).toBeNull()
    expect(await known().who(await rsa.sign(), { audience: 'other' })).toBeNull()
  })
})

describe('a published key', () => {
  const serves = async (change: Record<string, unknown>) => {
    const issuer = new Issuer({ ...rsa, jwk: { ...rsa.jwk, ...change } })
    return issuer.who(await rsa.sign())
  }

  it('needs neither alg nor use', async () => {
    expect(await serves({ alg: undefined, use: undefined })).toBe('ana')
    expect(await serves({ key_ops: ['verify'] })).toBe('ana')
  })

  it.each<[string, Record<string, unknown>]>([
    ['is for encryption', { use: 'enc' }],
    ['may only sign', { key_ops: ['sign'] }],
    ['is for another algorithm', { alg: 'RS512' }],
    ['is symmetric', { kty: 'oct', k: 'AAAA' }],
    ['is damaged', { n: '!'.repeat(342) }],
    ['lacks a part', { e: undefined }],
    ['has no kid', { kid: undefined }],
  ])('that %s is of no use', async (_, change) => {
    expect(await serves(change)).toBeNull()
  })

  it('beyond the twentieth is not looked at', async () => {
    const others = Array.from({ length: 20 }, (_, at) => ({ ...ec, jwk: { ...ec.jwk, kid: `k${at}` } }))
    expect(await new Issuer(...others.slice(1), rsa).who(await rsa.sign())).toBe('ana')
    expect(await new Issuer(...others, rsa).who(await rsa.sign())).toBeNull()
  })
})

it('is checked against the route each time, also where its signature is known', async () => {
  const issuer = known()
  const token = await rsa.sign()
  expect(await issuer.who(token)).toBe('ana')
  expect(await issuer.who(token, { audience: 'other' })).toBeNull()
  expect(await issuer.who(token, { claim: 'iss' })).toBe(SOURCE.issuer)
  issuer.nowMs += 3_599_000
  expect(await issuer.who(token)).toBe('ana')
  issuer.nowMs += 1_000
  expect(await issuer.who(token)).toBeNull()
})
