/** What decides where a request goes: rules over the request, overrides, kills, and the order among them. */
import { describe, expect, it } from 'vitest'
import type { Condition, Flag, JsonValue, Kill, Route } from '../../engine/index.ts'
import { Control, canarySite, cookieOf, hostOf, relengthed, site, startEdge, stubOrigins } from './edge.ts'

const when = (condition: Condition): Partial<Flag> => ({
  rules: [{ id: 'r', when: condition, serve: 'canary' }],
})
const attribute = (name: string, op: 'equals' | 'in' | 'exists' | 'startsWith' | 'lt', value: JsonValue) =>
  when({ attribute: name, op, value })

/** Host that serves one request under these rules. */
async function serves(flag: Partial<Flag>, url: string, init?: RequestInit<CfProperties>): Promise<string> {
  const sent = stubOrigins()
  const edge = await startEdge(site({}, flag))
  await edge.fetch(url, init)
  return hostOf(sent[0])!.replace('.test', '')
}

describe('rules over the request', () => {
  const cf = {
    country: 'DE',
    continent: 'EU',
    region: 'Bavaria',
    regionCode: 'BY',
    city: 'Munich',
    postalCode: '80331',
    timezone: 'Europe/Berlin',
    latitude: '48.13743',
    longitude: '11.57549',
    isEUCountry: '1',
    asn: 3320,
    colo: 'MUC',
  } as unknown as CfProperties

  it.each<[string, 'equals' | 'lt', JsonValue]>([
    ['geo.country', 'equals', 'DE'],
    ['geo.continent', 'equals', 'EU'],
    ['geo.region', 'equals', 'Bavaria'],
    ['geo.regionCode', 'equals', 'BY'],
    ['geo.city', 'equals', 'Munich'],
    ['geo.postalCode', 'equals', '80331'],
    ['geo.timezone', 'equals', 'Europe/Berlin'],
    ['geo.latitude', 'lt', 48.2],
    ['geo.longitude', 'lt', 11.6],
    ['geo.isEU', 'equals', true],
    ['network.asn', 'equals', 3320],
    ['network.colo', 'equals', 'MUC'],
  ])('%s comes from the place of the request', async (name, op, value) => {
    expect(await serves(attribute(name, op, value), '/', { cf })).toBe('canary')
    expect(await serves(attribute(name, op, value), '/')).toBe('stable')
  })

  it.each<[string, JsonValue]>([
    ['network.ip', '203.0.113.7'],
    ['request.host', 'edge.test'],
    ['request.path', '/a/b'],
    ['request.method', 'PUT'],
    ['request.query.plan', 'pro max'],
    ['request.header.x-plan', 'gold'],
    ['request.cookie.theme', 'dark'],
    ['request.userAgent', 'agent/1'],
  ])('%s comes from the request', async (name, value) => {
    const init = {
      method: 'PUT',
      headers: {
        'cf-connecting-ip': '203.0.113.7',
        'x-plan': 'gold',
        cookie: 'a=b; theme=dark',
        'user-agent': 'agent/1',
      },
    }
    expect(await serves(attribute(name, 'equals', value), '/a/./b?x=1&plan=pro%20max', init)).toBe('canary')
    expect(await serves(attribute(name, 'equals', value), 'http://other.test/')).toBe('stable')
  })

  it('reads the address only from where the platform writes it', async () => {
    const rule = attribute('network.ip', 'equals', '203.0.113.7')
    expect(await serves(rule, '/', { headers: { 'x-forwarded-for': '203.0.113.7' } })).toBe('stable')
    expect(await serves(rule, '/', { headers: { 'x-real-ip': '203.0.113.7' } })).toBe('stable')
  })

  it('has no attribute where the platform gives none', async () => {
    for (const name of ['geo.country', 'geo.latitude', 'network.asn', 'request.query.a', 'request.header.b'])
      expect(await serves(attribute(name, 'exists', false), '/', { cf: {} as CfProperties }), name).toBe(
        'canary',
      )
  })

  it('is not confused by names of the prototype chain', async () => {
    for (const name of ['request.header.constructor', 'request.query.__proto__', 'request.cookie.toString'])
      expect(await serves(attribute(name, 'exists', true), '/'), name).toBe('stable')
    expect(
      await serves(attribute('request.query.__proto__', 'equals', 'x'), '/?__proto__=x&constructor=y'),
    ).toBe('canary')
  })

  it('decides by a flag that requires another', async () => {
    const document = canarySite({}, { prerequisites: [{ flag: 'gate', variants: ['on'] }] })
    const gate = (enabled: boolean) => ({ ...document, flags: { ...document.flags, gate: enabled } })
    const sent = stubOrigins()
    await (await startEdge(gate(true))).fetch('/')
    await (await startEdge(gate(false))).fetch('/')
    expect(sent.map(hostOf)).toEqual(['canary.test', 'stable.test'])
  })
})

describe('header override', () => {
  const overrides: Route['overrides'] = { header: { 'X-Canary': { true: 'canary', false: 'stable' } } }

  it('moves a request that carries it, and only by a value that the route declares', async () => {
    const sent = stubOrigins()
    const edge = await startEdge(site({ overrides }))
    for (const value of ['true', 'TRUE', 'yes', 'constructor', ''])
      await edge.fetch('/', { headers: { 'x-canary': value } })
    expect(sent.map(hostOf)).toEqual([
      'canary.test',
      'stable.test',
      'stable.test',
      'stable.test',
      'stable.test',
    ])
  })

  it('works both ways and beats rules and prerequisites', async () => {
    const sent = stubOrigins()
    const document = canarySite({ overrides }, { prerequisites: [{ flag: 'gate', variants: ['on'] }] })
    const edge = await startEdge({ ...document, flags: { ...document.flags, gate: false } })
    await edge.fetch('/', { headers: { 'x-canary': 'true' } })
    const other = await startEdge(canarySite({ overrides }))
    await other.fetch('/', { headers: { 'x-canary': 'false' } })
    expect(sent.map(hostOf)).toEqual(['canary.test', 'stable.test'])
  })

  it('is nothing on a route that does not declare it', async () => {
    const sent = stubOrigins()
    const edge = await startEdge(site())
    await edge.fetch('/', { headers: { 'x-canary': 'true' } })
    expect(hostOf(sent[0])).toBe('stable.test')
  })

  it('loses to a kill and to a disabled flag', async () => {
    const sent = stubOrigins()
    const headers = { 'x-canary': 'true' }
    for (const target of ['flag:release', 'route:site', 'all-routes', 'all-flags', 'tag:shop'] as const) {
      const edge = await startEdge(site({ overrides }, { tags: ['shop'] }), { kills: [{ target }] })
      await edge.fetch('/', { headers })
    }
    const disabled = await startEdge(site({ overrides }, { enabled: false }))
    await disabled.fetch('/', { headers })
    expect(sent.map(hostOf)).toEqual(Array(6).fill('stable.test'))
  })
})

describe('kills', () => {
  const host = async (...kills: Kill[]) => {
    const sent = stubOrigins()
    const edge = await startEdge(canarySite({}, { tags: ['shop'] }), { kills })
    await edge.fetch('/')
    return hostOf(sent[0])
  }

  it('of the flag, its tag, the route, all routes and all flags serve the off variant', async () => {
    expect(await host()).toBe('canary.test')
    for (const target of ['flag:release', 'tag:shop', 'route:site', 'all-routes', 'all-flags'] as const)
      expect(await host({ target }), target).toBe('stable.test')
  })

  it('serve the variant that they name', async () => {
    const sent = stubOrigins()
    const edge = await startEdge(site(), { kills: [{ target: 'flag:release', variant: 'canary' }] })
    await edge.fetch('/')
    expect(hostOf(sent[0])).toBe('canary.test')
  })

  it('of other flags and routes change nothing', async () => {
    expect(await host({ target: 'flag:other' }, { target: 'route:other' }, { target: 'tag:other' })).toBe(
      'canary.test',
    )
  })

  it('reach a visitor who was assigned before, cookie or not', async () => {
    const sent = stubOrigins()
    const control = new Control()
    const before = await startEdge(canarySite(), { control })
    const cookie = cookieOf(await before.fetch('/'), 'turnout-id')!
    control.kill({ target: 'flag:release' })
    const after = await startEdge(null, { control })
    await after.fetch('/', { headers: { cookie } })
    expect(sent.map(hostOf)).toEqual(['canary.test', 'stable.test'])
  })
})

describe('when nothing can be decided', () => {
  it('serves the route’s fallback', async () => {
    const [header = ''] = new Control().publish(canarySite()).body.split('\n')
    // What no compiler writes: the route's flag is gone, or cannot be read.
    for (const body of [header, `${header}\nrelease\t{"broken`, `${header}\nrelease\tnull`]) {
      const sent = stubOrigins()
      const control = new Control().publish(canarySite())
      control.body = relengthed(body)
      const edge = await startEdge(null, { control })
      expect((await edge.fetch('/')).status, body).toBe(200)
      expect(hostOf(sent[0])).toBe('stable.test')
    }
  })
})

describe('a weight of zero', () => {
  it('keeps nobody, whatever cookie they hold', async () => {
    const sent = stubOrigins()
    const control = new Control()
    const edge = await startEdge(canarySite(), { control })
    const cookies: string[] = []
    for (let visitor = 0; visitor < 10; visitor += 1)
      cookies.push(cookieOf(await edge.fetch('/'), 'turnout-id')!)
    control.publish(site({}, { fallthrough: { stable: 1, canary: 0 } }))
    const rolledBack = await startEdge(null, { control })
    for (const cookie of cookies) await rolledBack.fetch('/', { headers: { cookie } })
    expect(sent.slice(0, 10).map(hostOf)).toEqual(Array(10).fill('canary.test'))
    expect(sent.slice(10).map(hostOf)).toEqual(Array(10).fill('stable.test'))
  })
})
