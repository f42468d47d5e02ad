/** Origins that are Workers, over a service binding: routed, signed for and failing like any other. */
import { env as bindings } from 'cloudflare:workers'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { fromRequest } from '../../sdk/request.ts'
import { type EdgeOptions, problemOf, site, startEdge, stubOrigins } from './edge.ts'

const SIGNING_KEY = 'a signing key for the tests only, of no other use'
const SHOP = (bindings as unknown as { SHOP: Fetcher }).SHOP
const env = (more: object = {}) =>
  ({ SIGNING_KEY, SERVICE_ORIGINS: 'shop.example.com=SHOP', SHOP, ...more }) as NonNullable<
    EdgeOptions['env']
  >
const behind = (url = 'https://shop.example.com/base') =>
  site({
    origins: { stable: { url, context: true }, canary: { url: 'https://canary.test' } },
    identity: [{ header: 'x-user' }],
  })

interface Sent {
  readonly url: string
  readonly method: string
  readonly headers: Record<string, string>
  readonly body: string
}

/** HKDF of the signing key for a host, as docs/sdk.md tells operators to work it out. */
async function originKey(host: string): Promise<string> {
  const encoder = new TextEncoder()
  const key = await crypto.subtle.importKey('raw', encoder.encode(SIGNING_KEY), 'HKDF', false, ['deriveBits'])
  const info = encoder.encode(`turnout-context:${host}`)
  const bits = await crypto.subtle.deriveBits(
    { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info },
    key,
    256,
  )
  return btoa(String.fromCharCode(...new Uint8Array(bits)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}

describe('an origin behind a service binding', () => {
  it('gets the request, and nothing goes over the network', async () => {
    const received = stubOrigins()
    const edge = await startEdge(behind(), { env: env() })
    const response = await edge.fetch('/cart?id=7', { method: 'POST', body: 'three apples' })
    const sent: Sent = await response.json()
    expect(sent).toMatchObject({
      url: 'https://shop.example.com/base/cart?id=7',
      method: 'POST',
      body: 'three apples',
    })
    expect(sent.headers['x-turnout-variant']).toBe('stable')
    expect(received).toStrictEqual([])
  })

  it('finds its flags in the request, signed for its host', async () => {
    const edge = await startEdge(behind(), { env: env() })
    const sent: Sent = await (await edge.fetch('/', { headers: { 'x-user': 'ada' } })).json()
    const request = new Request(sent.url, { headers: sent.headers })
    const options = { audience: 'shop.example.com' }
    const flags = await fromRequest(request, await originKey('shop.example.com'), options)
    expect(flags.error).toBeUndefined()
    expect(flags.signed).toMatchObject({ aud: 'shop.example.com', sub: 'ada', variant: 'stable' })
    expect(flags.number('release', 0)).toBe(1)
    const elsewhere = await fromRequest(request, await originKey('pay.example.com'))
    expect(elsewhere.error?.message).toMatch(/not signed with a key of this origin/)
  })

  it.each(['broken', 'throws'])('that is %s is left for the fallback', async (path) => {
    const warnings = vi.spyOn(console, 'warn').mockImplementation(() => {})
    onTestFinished(() => warnings.mockRestore())
    const received = stubOrigins()
    const document = behind()
    const [route] = document.routes!
    const edge = await startEdge({ ...document, routes: [{ ...route!, fallback: 'canary' }] }, { env: env() })
    expect(await (await edge.fetch(`/${path}`)).text()).toBe('canary.test')
    expect(received).toHaveLength(1)
    expect(warnings).toHaveBeenCalled()
  })

  it('is one host alone: others, and another port, are asked over the network', async () => {
    for (const url of ['https://shop.example.com:8443', 'https://other.example.com']) {
      const received = stubOrigins()
      const edge = await startEdge(behind(url), { env: env() })
      await edge.fetch('/')
      expect(received.map((request) => new URL(request.url).origin)).toStrictEqual([url])
    }
  })

  it.each([
    ['shop.example.com', 'must hold pairs such as shop.example.com=SHOP, got "shop.example.com"'],
    ['shop.example.com=ABSENT', 'names ABSENT, which is no service binding for an origin'],
    ['shop.example.com=CONTROL', 'names CONTROL, which is no service binding for an origin'],
    ['shop.example.com=ENVIRONMENT', 'names ENVIRONMENT, which is no service binding for an origin'],
  ])('must be named by the setting: %s', async (SERVICE_ORIGINS, message) => {
    const errors = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => errors.mockRestore())
    const edge = await startEdge(behind(), { env: env({ SERVICE_ORIGINS }) })
    expect((await problemOf(await edge.fetch('/'))).status).toBe(500)
    expect(JSON.stringify(errors.mock.calls)).toContain(
      `SERVICE_ORIGINS ${message.replaceAll('"', '\\\\\\"')}`,
    )
  })
})
