import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import { app } from '../../admin/api/app.ts'
import { ANY, call, environment, problem, TOKEN } from './client.ts'

const STRANGER = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }

/** One answer of every kind, to a page of another site. */
async function answersOfEveryKind(): Promise<Record<string, Response>> {
  const { api } = await environment({ flags: { a: true } })
  const to = (path: string, method = 'GET', body?: unknown, headers = {}) =>
    call(path, { method, body, headers: { ...ANY, ...STRANGER, ...headers } })
  const noObject = () => ({ describe: () => Promise.reject(new Error('gone')) })
  const headers = { authorization: `Bearer ${TOKEN}`, ...STRANGER }
  const request = new Request(`https://admin.test${api}`, { headers })
  return {
    '200 JSON': await to(api),
    '200 HEAD': await to(`${api}/document`, 'HEAD'),
    '200 landing page': await to('/'),
    '200 OpenAPI': await to('/openapi.json'),
    '200 health': await to('/health/live'),
    '201': await to(`${api}/flags/b`, 'PUT', true, { 'if-match': '', 'if-none-match': '*' }),
    '204 DELETE': await to(`${api}/flags/a`, 'DELETE'),
    '204 OPTIONS': await to(api, 'OPTIONS', undefined, { 'access-control-request-method': 'PUT' }),
    '304': await to(`${api}/document`, 'GET', undefined, { 'if-none-match': '"v4"' }),
    '400': await to(`${api}/document`, 'PUT', '{'),
    '401': await to(api, 'GET', undefined, { authorization: '' }),
    '404': await to('/nothing'),
    '405': await to(`${api}/document`, 'POST', '{}'),
    '422': await to(`${api}/document`, 'PUT', '[]'),
    '500': await app.fetch(request, { ...env, ENVIRONMENTS: { getByName: noObject } }),
  }
}

describe('every answer', () => {
  it('is kept by no cache, shown in no frame, and handed to no other site', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    const ids = new Set<string | null>()
    for (const [kind, response] of Object.entries(await answersOfEveryKind())) {
      const { headers } = response
      expect(response.status, kind).toBe(Number(kind.slice(0, 3)))
      expect(headers.get('cache-control'), kind).toBe('no-store')
      expect(headers.get('x-content-type-options'), kind).toBe('nosniff')
      expect(headers.get('referrer-policy'), kind).toBe('no-referrer')
      expect(headers.get('cross-origin-resource-policy'), kind).toBe('same-origin')
      expect(headers.get('cross-origin-opener-policy'), kind).toBe('same-origin')
      expect(headers.get('strict-transport-security'), kind).toBe('max-age=31536000')
      expect(headers.get('content-security-policy'), kind).toMatch(
        /^default-src 'none';.* frame-ancestors 'none'; base-uri 'none'; form-action 'none'$/,
      )
      expect(
        [...headers.keys()].filter((name) => name.startsWith('access-control-')),
        kind,
      ).toEqual([])
      expect(headers.get('x-request-id'), kind).toMatch(/^[0-9a-f-]{36}$/)
      ids.add(headers.get('x-request-id'))
    }
    expect(ids.size).toBe(15)
    error.mockRestore()
  })

  it('promises https only to who came over https', async () => {
    const response = await app.fetch(new Request('http://127.0.0.1:8788/health/live'), env)
    expect(response.headers.has('strict-transport-security')).toBe(false)
  })
})

describe('HEAD', () => {
  it('says what GET would, without the body', async () => {
    const { api } = await environment({ flags: { a: true } })
    for (const path of [api, `${api}/flags/a`, `${api}/flags`, '/openapi.json', '/', '/health/ready']) {
      const [head, get] = [await call(path, { method: 'HEAD' }), await call(path)]
      expect(head.status, path).toBe(200)
      expect(await head.text(), path).toBe('')
      for (const name of ['content-type', 'etag']) expect(head.headers.get(name)).toBe(get.headers.get(name))
    }
    expect((await call(`${api}/flags/none`, { method: 'HEAD' })).status).toBe(404)
  })
})

describe('OPTIONS', () => {
  it('names the methods of an address, and lets no other site in', async () => {
    const { api } = await environment()
    const preflight = { ...STRANGER, 'access-control-request-method': 'PUT' }
    const asked = async (path: string) => {
      const response = await call(path, { method: 'OPTIONS', headers: preflight })
      return [response.status, response.headers.get('allow'), await response.text()]
    }
    expect(await asked(`${api}/document`)).toEqual([204, 'GET, HEAD, OPTIONS, PUT', ''])
    expect(await asked(`${api}/flags/a/toggle`)).toEqual([204, 'OPTIONS, POST', ''])
    expect(await asked('/health/live')).toEqual([204, 'GET, HEAD, OPTIONS', ''])
    await problem(await call('/nothing', { method: 'OPTIONS' }), 404)
    // As a browser asks before a page of another site may send something: without the token.
    await problem(await call(api, { method: 'OPTIONS', headers: { ...preflight, authorization: '' } }), 401)
  })
})
