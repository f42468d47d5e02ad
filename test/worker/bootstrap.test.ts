/** Pages with their visitor's flags in them: `route.bootstrap`. */
import { describe, expect, it } from 'vitest'
import type { Flag, Route, ShortFlag } from '../../engine/index.ts'
import { cookieOf, type Edge, type Origin, site, startEdge, stubOrigins } from './edge.ts'
import { access, CLIENT_KEY } from './keys.ts'

const PAGE =
  '<!doctype html><html><head><title>Shop</title><script src="/app.js"></script></head><body><p>Hello</p></body></html>'
const html =
  (text: string = PAGE, headers: Record<string, string> = {}): Origin =>
  () =>
    new Response(text, { headers: { 'content-type': 'text/html; charset=utf-8', ...headers } })

const flags: Record<string, Flag | ShortFlag> = {
  half: { enabled: true, percentage: 50, client: true },
  german: {
    enabled: true,
    rules: [{ id: 'de', when: { attribute: 'geo.country', op: 'equals', value: 'DE' }, serve: 'on' }],
    fallthrough: 'off',
    client: true,
  },
  text: {
    enabled: true,
    variants: { odd: '</script><script>alert("1")</script><!--' },
    off: 'odd',
    fallthrough: 'odd',
    client: true,
  },
  secret: true,
}

async function start(origin: Origin = html(), route: Partial<Route> = {}): Promise<Edge> {
  stubOrigins({ 'stable.test': origin })
  const document = site({ bootstrap: true, ...route })
  return startEdge({ ...document, flags: { ...document.flags, ...flags } }, { access: await access() })
}

/** What is in the page's element, as a browser's parser finds it. */
function bootstrapIn(page: string) {
  const [, attributes, text] =
    /<script type="application\/json" id="turnout-flags"([^>]*)>(.*?)<\/script>/s.exec(page) ?? []
  // biome-ignore lint/suspicious/noExplicitAny: a test looks wherever it likes
  return text === undefined ? null : { attributes, ...(JSON.parse(text) as any) }
}

async function visit(edge: Edge, init: RequestInit = {}) {
  const response = await edge.fetch('/', { cf: { country: 'DE' }, ...init } as never)
  const text = await response.text()
  return { response, text, bootstrap: bootstrapIn(text) }
}

describe('a page of a route with bootstrap', () => {
  it('has the client-visible answers of its visitor in it, before anything that could ask', async () => {
    const { text, bootstrap } = await visit(await start())
    expect(text).toMatch(/^<!doctype html><html><head><script type="application\/json" id="turnout-flags">/)
    expect(text.replace(/<script type.*?<\/script>/s, '')).toBe(PAGE)
    const keys = bootstrap.flags.map(({ key }: { key: string }) => key)
    expect(keys).toStrictEqual(['german', 'half', 'text'])
    expect(bootstrap.metadata).toStrictEqual({ version: 1, state: '1-1-0' })
  })

  it('says what the visitor’s own client is told over OFREP, with the same tag', async () => {
    const edge = await start()
    for (let count = 0; count < 8; count += 1) {
      const { bootstrap } = await visit(edge)
      const answer = await edge.fetch('/.turnout/ofrep/v1/evaluate/flags', {
        method: 'POST',
        headers: { 'x-api-key': CLIENT_KEY },
        body: JSON.stringify({ context: bootstrap.context }),
        cf: { country: 'DE' },
      } as never)
      const body = (await answer.json()) as { flags: unknown; metadata: unknown }
      expect([bootstrap.flags, bootstrap.metadata, bootstrap.etag]).toStrictEqual([
        body.flags,
        body.metadata,
        answer.headers.get('etag'),
      ])
    }
  })

  it('belongs to the visitor of the cookie, from the first visit on', async () => {
    const edge = await start()
    const first = await visit(edge)
    const cookie = cookieOf(first.response, 'turnout-id')!
    const again = await visit(edge, { headers: { cookie } })
    expect(first.bootstrap.context.targetingKey).toBe(cookie.split('=')[1]!.split('.')[0])
    expect(again.bootstrap).toStrictEqual(first.bootstrap)
    expect(first.text).not.toContain(cookie.split('.')[1])
  })

  it.each([
    ['header', { header: 'x-user' }],
    ['cookie', { cookie: 'session' }],
    ['query parameter', { query: 'user' }],
  ])('does not tell an identity from a %s, which may be a secret', async (_, source) => {
    const edge = await start(html(), { identity: [source as never] })
    const response = await edge.fetch('/?user=lovelace', {
      headers: { 'x-user': 'lovelace', cookie: 'session=lovelace' },
    })
    const text = await response.text()
    expect(bootstrapIn(text).flags).toHaveLength(3)
    expect(bootstrapIn(text)).not.toHaveProperty('context')
    expect(text).not.toContain('lovelace')
  })

  it('cannot be left by any value', async () => {
    const { bootstrap, text } = await visit(await start())
    expect(bootstrap.flags[2].value).toBe('</script><script>alert("1")</script><!--')
    expect(text.match(/<\/script>/g)).toHaveLength(2)
    expect(text).not.toContain('<!--')
  })

  it('carries the nonce of the page’s policy', async () => {
    const policy = "default-src 'self'; script-src 'nonce-r4nd0m+/=' 'strict-dynamic'"
    const { bootstrap, response } = await visit(
      await start(html(PAGE, { 'content-security-policy': policy })),
    )
    expect(bootstrap.attributes).toBe(' nonce="r4nd0m+/="')
    expect(response.headers.get('content-security-policy')).toBe(policy)
  })

  it('is nobody else’s: no shared cache keeps it, and no tag or digest of the origin vouches for it', async () => {
    const cached = {
      'cache-control': 'public, max-age=60, s-maxage=600',
      'cdn-cache-control': 'max-age=600',
      etag: '"v1"',
      'last-modified': 'Thu, 26 Nov 2026 10:00:00 GMT',
    }
    const ofOtherBytes = {
      'content-md5': 'Q2hlY2sgSW50ZWdyaXR5IQ==',
      digest: 'sha-256=abc',
      'content-digest': 'sha-256=:abc:',
      'repr-digest': 'sha-256=:abc:',
      'accept-ranges': 'bytes',
    }
    const { response } = await visit(await start(html(PAGE, { ...cached, ...ofOtherBytes })), {
      headers: { cookie: 'turnout-id=x.y' },
    })
    expect(response.headers.get('cache-control')).toBe('private, max-age=60')
    const gone = [
      'etag',
      'last-modified',
      'cdn-cache-control',
      'content-length',
      ...Object.keys(ofOtherBytes),
    ]
    for (const name of gone) expect(response.headers.get(name), name).toBeNull()
  })

  it('streams: what the origin has sent is there before the rest', async () => {
    const rest = Promise.withResolvers<void>()
    const edge = await start(() => {
      const body = new ReadableStream({
        async start(controller) {
          const encoder = new TextEncoder()
          controller.enqueue(encoder.encode('<html><head><title>Shop</title></head><body>first'))
          await rest.promise
          controller.enqueue(encoder.encode(' and last</body></html>'))
          controller.close()
        },
      })
      return new Response(body, { headers: { 'content-type': 'text/html' } })
    })
    const response = await edge.fetch('/')
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    while (!text.includes('first')) text += (await reader.read()).value
    expect(text).toContain('id="turnout-flags"')
    rest.resolve()
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value
    expect(text).toMatch(/first and last<\/body><\/html>$/)
  })

  it.each([
    [
      'a body alone',
      '<body><p>Hello</p></body>',
      /^<body><script type="application\/json" id="turnout-flags"/,
    ],
    ['two heads', '<head></head><body><svg><head></head></svg></body>', /^<head><script type/],
  ])('has it once, with %s', async (_, page, form) => {
    const { text } = await visit(await start(html(page)))
    expect(text).toMatch(form)
    expect(text.match(/turnout-flags/g)).toHaveLength(1)
  })
})

describe('is as it came', () => {
  const untouched = async (edge: Edge, init: RequestInit = {}) => (await visit(edge, init)).text

  it.each([
    ['JSON', () => Response.json({ html: PAGE })],
    ['text without a type', () => new Response(PAGE, { headers: { 'content-type': 'text/plain' } })],
    ['something that only begins like HTML', html(PAGE, { 'content-type': 'text/html-fragment' })],
    [
      'a part of a page',
      () =>
        new Response(PAGE, {
          status: 206,
          headers: { 'content-type': 'text/html', 'content-range': 'bytes 0-9/99' },
        }),
    ],
  ])('%s', async (_, origin) => {
    expect(await untouched(await start(origin as Origin))).not.toContain('turnout-flags')
  })

  it('what a POST is answered with, and a route without bootstrap', async () => {
    expect(await untouched(await start(), { method: 'POST' })).toBe(PAGE)
    expect(await untouched(await start(html(), { bootstrap: false }))).toBe(PAGE)
  })
})
