import { env } from 'cloudflare:workers'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { app } from '../../admin/api/app.ts'
import { call, problem, value } from './client.ts'

const TEAM = 'turnout-tests.cloudflareaccess.com'
const AUDIENCE = 'the-aud-tag-of-the-application'

let privateKey: CryptoKey
let stranger: CryptoKey

beforeAll(async () => {
  const pair = await generateKeyPair('RS256')
  privateKey = pair.privateKey
  stranger = (await generateKeyPair('RS256')).privateKey
  const jwk = { ...(await exportJWK(pair.publicKey)), kid: 'k1', alg: 'RS256' }
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input) => {
    const url = input instanceof Request ? input.url : String(input)
    if (url !== `https://${TEAM}/cdn-cgi/access/certs`) throw new Error(`unexpected call of ${url}`)
    return Response.json({ keys: [jwk] })
  })
  return () => vi.restoreAllMocks()
})

const accessEnv = { ...env, ACCESS_TEAM_DOMAIN: TEAM, ACCESS_AUD: AUDIENCE }

interface Claims {
  iss?: string
  aud?: string
  email?: string
  common_name?: string
  expiresIn?: number
  key?: CryptoKey
}

function jwt(claims: Claims): Promise<string> {
  const { iss, aud, expiresIn, key, ...who } = claims
  const now = Math.floor(Date.now() / 1000)
  return new SignJWT(who)
    .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
    .setIssuer(iss ?? `https://${TEAM}`)
    .setAudience(aud ?? AUDIENCE)
    .setIssuedAt(now - 60)
    .setExpirationTime(now + (expiresIn ?? 600))
    .sign(key ?? privateKey)
}

const request = async (assertion: string, path = '/api/v1/whoami', init: RequestInit = {}) =>
  app.fetch(
    new Request(`https://admin.test${path}`, {
      ...init,
      headers: { 'cf-access-jwt-assertion': assertion, ...(init.headers as Record<string, string>) },
    }) as never,
    accessEnv as never,
  )

const give = (id: string, body: object) =>
  call(`/api/v1/people/${encodeURIComponent(id)}`, { method: 'PUT', body })

afterEach(() => vi.clearAllMocks())

describe('a person behind Cloudflare Access', () => {
  it('has the role that an admin gave, by e-mail address, whatever its case', async () => {
    expect((await give('Ana@example.com', { role: 'editor', projects: ['media'] })).status).toBe(201)
    const caller = await value(await request(await jwt({ email: 'ANA@example.com' })))
    expect(caller).toStrictEqual({
      id: 'ana@example.com',
      role: 'editor',
      projects: ['media'],
      environments: null,
    })
  })

  it('without a role is told by whom to be given one', async () => {
    const answer = await request(await jwt({ email: 'nobody@example.com' }))
    expect((await problem(answer, 403)).detail).toContain('PUT /api/v1/people/nobody@example.com')
  })

  it('loses access at once when removed', async () => {
    await give('bob@example.com', { role: 'viewer' })
    const assertion = await jwt({ email: 'bob@example.com' })
    for (let n = 0; n < 3; n++) expect((await request(assertion)).status).toBe(200)
    expect((await give('bob@example.com', { role: 'editor' })).status).toBe(200)
    expect(await value(await request(assertion))).toMatchObject({ role: 'editor' })
    expect((await request(assertion)).status).toBe(200)
    expect((await call('/api/v1/people/bob@example.com', { method: 'DELETE' })).status).toBe(204)
    await problem(await request(assertion), 403)
  })

  it('may be a service with a service token', async () => {
    await give('service:ci.access', { role: 'operator' })
    const caller = await value(await request(await jwt({ common_name: 'ci.access' })))
    expect(caller).toMatchObject({ id: 'service:ci.access', role: 'operator' })
  })

  it.each<[string, Claims]>([
    ['of another application', { email: 'ana@example.com', aud: 'another' }],
    ['of another team', { email: 'ana@example.com', iss: 'https://evil.cloudflareaccess.com' }],
    ['that has expired', { email: 'ana@example.com', expiresIn: -31 }],
    ['that names nobody', {}],
  ])('with a JWT %s is refused', async (_, claims) => {
    await problem(await request(await jwt(claims)), 401)
  })

  it('with a JWT signed by somebody else, or by nobody, is refused', async () => {
    await problem(await request(await jwt({ email: 'ana@example.com', key: stranger })), 401)
    const part = (value: object) => btoa(JSON.stringify(value)).replace(/=+$/, '')
    const exp = Math.floor(Date.now() / 1000) + 600
    const claims = { iss: `https://${TEAM}`, aud: AUDIENCE, email: 'ana@example.com', iat: exp - 700, exp }
    await problem(await request(`${part({ alg: 'none' })}.${part(claims)}.`), 401)
    await problem(await request('not a jwt'), 401)
  })

  it('makes no change that a page of another site asked for', async () => {
    await give('eve@example.com', { role: 'admin' })
    const assertion = await jwt({ email: 'eve@example.com' })
    const change = (headers: Record<string, string>) =>
      request(assertion, '/api/v1/people/mallory@example.com', {
        method: 'PUT',
        body: '{"role":"admin"}',
        headers: { 'content-type': 'application/json', ...headers },
      })
    await problem(await change({ 'sec-fetch-site': 'cross-site' }), 403)
    await problem(await change({ origin: 'https://evil.test' }), 403)
    expect((await change({ 'sec-fetch-site': 'same-origin', origin: 'https://admin.test' })).status).toBe(201)
  })

  it('is nobody where the control plane is not behind Access', async () => {
    const assertion = await jwt({ email: 'ana@example.com' })
    await problem(
      await call('/api/v1/whoami', { headers: { authorization: '', 'cf-access-jwt-assertion': assertion } }),
      401,
    )
  })
})
