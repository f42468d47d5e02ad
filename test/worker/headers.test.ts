/** What an origin is told about a request, and what only the edge may say. */
import { describe, expect, it } from 'vitest'
import { CANARY, canarySite, problemOf, STABLE, site, startEdge, status, stubOrigins } from './edge.ts'

describe('what clients cannot say', () => {
  it('strips every x-turnout-* header, also those nobody has heard of', async () => {
    const sent = stubOrigins()
    const edge = await startEdge(site())
    await edge.fetch('/', {
      headers: {
        'x-turnout-variant': 'canary',
        'X-Turnout-Context': 'forged',
        'x-turnout-route': 'r',
        'x-turnout-version': '9',
        'x-turnout-shadow': '1',
        'x-turnout-anything-else': 'y',
        'x-turn': 'stays',
      },
    })
    const names = [...sent[0]!.headers.keys()]
    expect(names.filter((name) => name.startsWith('x-turnout-'))).toEqual([])
    expect(sent[0]!.headers.get('x-turn')).toBe('stays')
  })

  it('strips what origins read as the same name, and Forwarded, which would contradict x-forwarded-*', async () => {
    const sent = stubOrigins()
    const edge = await startEdge(site())
    const aliases = {
      x_turnout_variant: 'canary',
      'x_turnout-version': '9',
      'x.turnout.context': 'forged',
      'x-turnout~route': 'r',
      'x-forwarded_for': '6.6.6.6',
      'x.forwarded.proto': 'https',
    }
    const others = ['x_other', 'x-turnouts', 'x-turnout', 'xturnout-a', 'x-forwarded-port', 'x-forwarded']
    const stays = Object.fromEntries(others.map((name) => [name, 'stays']))
    await edge.fetch('/', { headers: { ...aliases, ...stays, forwarded: 'for=6.6.6.6;host=evil' } })
    for (const name of [...Object.keys(aliases), 'forwarded'])
      expect(sent[0]!.headers.get(name), name).toBeNull()
    for (const name of others) expect(sent[0]!.headers.get(name), name).toBe('stays')
  })

  it('strips the hop-by-hop headers that the runtime leaves, and those that Connection names', async () => {
    const sent = stubOrigins()
    const edge = await startEdge(site())
    await edge.fetch('/', {
      headers: {
        connection: 'keep-alive, X-Secret-Hop, x-other-hop',
        'x-secret-hop': 'a',
        'x-other-hop': 'b',
        'proxy-authorization': 'Basic eA==',
        'proxy-connection': 'keep-alive',
        expect: '100-continue',
        'x-end-to-end': 'c',
      },
    })
    const { headers } = sent[0]!
    for (const name of ['x-secret-hop', 'x-other-hop', 'proxy-authorization', 'proxy-connection', 'expect'])
      expect(headers.get(name), name).toBeNull()
    expect(headers.get('x-end-to-end')).toBe('c')
  })

  it('cannot use Connection to take away what the edge says', async () => {
    const sent = stubOrigins()
    const document = site({ origins: { stable: { url: STABLE, context: true }, canary: { url: CANARY } } })
    const edge = await startEdge(document)
    await edge.fetch('/', {
      headers: {
        connection: 'x-forwarded-for, x-forwarded-host, x-turnout-variant, cdn-loop',
        'cf-connecting-ip': '203.0.113.7',
      },
    })
    const { headers } = sent[0]!
    expect(headers.get('x-forwarded-for')).toContain('203.0.113.7')
    expect(headers.get('x-forwarded-host')).toBe('edge.test')
    expect(headers.get('x-turnout-variant')).toBe('stable')
    expect(headers.get('cdn-loop')).not.toBeNull()
  })
})

describe('cookies', () => {
  it('keeps our cookies from origins and passes all others on unchanged', async () => {
    const sent = stubOrigins()
    const edge = await startEdge(site())
    const cookie = (text: string) => edge.fetch('/', { headers: { cookie: text } })
    await cookie('a=1; turnout-id=x; b="2; 3"; __Host-turnout-id=y; c=%7B; __Host-turnout-preview=z')
    await cookie('turnout-id=only')
    await cookie('not-turnout-id=1; turnout-idea=2')
    expect(sent.map(({ headers }) => headers.get('cookie'))).toEqual([
      'a=1; b="2; 3"; c=%7B',
      null,
      'not-turnout-id=1; turnout-idea=2',
    ])
  })

  it('does not rewrite a Cookie header that has none of ours', async () => {
    const sent = stubOrigins()
    const edge = await startEdge(site())
    const odd = 'a=1;b=2 ;  =c; ; d'
    await edge.fetch('/', { headers: { cookie: odd } })
    expect(sent[0]!.headers.get('cookie')).toBe(odd)
  })
})

describe('what origins are told', () => {
  it('sends the original host, scheme and address as x-forwarded-*', async () => {
    const sent = stubOrigins()
    const edge = await startEdge(site())
    await edge.fetch('https://shop.example.com:8443/', {
      headers: {
        'cf-connecting-ip': '203.0.113.7',
        'x-forwarded-host': 'spoofed.example',
        'x-forwarded-proto': 'gopher',
      },
    })
    const { headers } = sent[0]!
    expect(headers.get('x-forwarded-host')).toBe('shop.example.com:8443')
    expect(headers.get('x-forwarded-proto')).toBe('https')
    expect(headers.get('x-forwarded-for')?.split(',').at(-1)?.trim()).toBe('203.0.113.7')
    expect(headers.get('host') ?? 'stable.test').toBe('stable.test')
  })

  it('passes ordinary headers, traceparent and credentials on', async () => {
    const sent = stubOrigins()
    const edge = await startEdge(site())
    const headers = {
      authorization: 'Bearer t',
      'x-api-key': 'k',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      'accept-language': 'de, en;q=0.5',
      range: 'bytes=0-10',
      'if-none-match': '"e"',
    }
    await edge.fetch('/', { headers })
    for (const [name, value] of Object.entries(headers)) expect(sent[0]!.headers.get(name)).toBe(value)
  })

  it('sets the headers that an origin is configured with and removes those it must not see', async () => {
    const sent = stubOrigins()
    const origin = {
      url: STABLE,
      headers: { 'X-Origin-Key': 'k1', 'x-replaced': 'ours' },
      removeHeaders: ['Accept-Language', 'x-internal'],
    }
    const edge = await startEdge(site({ origins: { stable: origin, canary: { url: CANARY } } }))
    await edge.fetch('/', {
      headers: { 'x-replaced': 'theirs', 'accept-language': 'de', 'x-internal': 'secret', accept: '*/*' },
    })
    const { headers } = sent[0]!
    expect(headers.get('x-origin-key')).toBe('k1')
    expect(headers.get('x-replaced')).toBe('ours')
    expect(headers.get('accept-language')).toBeNull()
    expect(headers.get('x-internal')).toBeNull()
    expect(headers.get('accept')).toBe('*/*')
  })

  it('tells route, variant and version to origins with context, and to no other', async () => {
    const sent = stubOrigins()
    const origins = { stable: { url: STABLE }, canary: { url: CANARY, context: true } }
    const open = await startEdge(canarySite({ origins }), { version: 7 })
    await open.fetch('/')
    expect(Object.fromEntries(sent[0]!.headers)).toMatchObject({
      'x-turnout-route': 'site',
      'x-turnout-variant': 'canary',
      'x-turnout-version': '7',
    })
    const closed = await startEdge(site({ origins }))
    await closed.fetch('/', { headers: { 'x-turnout-route': 'spoofed' } })
    expect([...sent[1]!.headers.keys()].filter((name) => name.startsWith('x-turnout-'))).toEqual([])
  })

  it('tells a fallback origin with context the variant that it serves', async () => {
    const sent = stubOrigins({ 'canary.test': status(503) })
    const origins = { stable: { url: STABLE, context: true }, canary: { url: CANARY, context: true } }
    const edge = await startEdge(canarySite({ origins }))
    await edge.fetch('/')
    expect(sent.map(({ headers }) => headers.get('x-turnout-variant'))).toEqual(['canary', 'stable'])
  })
})

describe('loops', () => {
  it('answers 508 to a request that has been here before', async () => {
    const sent = stubOrigins()
    const edge = await startEdge(site())
    await edge.fetch('/', { headers: { 'cdn-loop': 'cloudflare' } })
    const loop = sent[0]!.headers.get('cdn-loop')!
    expect(loop).toContain('cloudflare')
    const response = await edge.fetch('/', { headers: { 'cdn-loop': loop } })
    expect(response.status).toBe(508)
    expect(await problemOf(response)).toMatchObject({ status: 508 })
    expect(sent).toHaveLength(1)
  })

  it('lets a request through that has passed other edges, also one whose name begins like ours', async () => {
    const sent = stubOrigins()
    const edge = await startEdge(site())
    await edge.fetch('/')
    const ours = sent[0]!.headers.get('cdn-loop')!
    for (const loop of ['cloudflare; loops=1; subreqs=1', `${ours}-eu`, `pre-${ours}`, `a, ${ours}2; x=1`])
      expect((await edge.fetch('/', { headers: { 'cdn-loop': loop } })).status, loop).toBe(200)
  })

  it('finds itself in a list with parameters', async () => {
    const sent = stubOrigins()
    const edge = await startEdge(site())
    await edge.fetch('/')
    const ours = sent[0]!.headers.get('cdn-loop')!
    for (const loop of [`a,${ours};v=1`, `a , ${ours} ,b`, `cloudflare; loops=1, ${ours}`])
      expect((await edge.fetch('/', { headers: { 'cdn-loop': loop } })).status, loop).toBe(508)
  })
})
