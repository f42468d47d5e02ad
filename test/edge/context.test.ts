/** What the edge fills into an evaluation context, and what of a caller's own it removes. */
import { describe, expect, it } from 'vitest'
import { PLATFORM } from '../../worker/client.ts'
import { clientContext, contextBuilder } from '../../worker/context.ts'
import { RequestFacts } from '../../worker/request-facts.ts'

function facts(url: string, headers: Record<string, string> = {}, cf: object | null = null): RequestFacts {
  const request = new Request(url, { headers })
  Object.defineProperty(request, 'cf', { value: cf })
  return new RequestFacts(request, PLATFORM)
}

const place = {
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
}

describe('a routing context', () => {
  const read = (attribute: string, of: RequestFacts) => contextBuilder([attribute])(of, 'ada')[attribute]
  const request = facts(
    'https://shop.test:8443/a%20b?x=1&x=2&y=&z=%C3%BC&dotted.name=d',
    {
      'user-agent': 'agent/1',
      'x-plan': 'gold',
      cookie: 'theme=dark; dotted.name=c',
      'cf-connecting-ip': '203.0.113.7',
    },
    place,
  )

  it.each<[string, unknown]>([
    ['geo.country', 'DE'],
    ['geo.continent', 'EU'],
    ['geo.region', 'Bavaria'],
    ['geo.regionCode', 'BY'],
    ['geo.city', 'Munich'],
    ['geo.postalCode', '80331'],
    ['geo.timezone', 'Europe/Berlin'],
    ['geo.latitude', 48.13743],
    ['geo.longitude', 11.57549],
    ['geo.isEU', true],
    ['network.asn', 3320],
    ['network.colo', 'MUC'],
    ['network.ip', '203.0.113.7'],
    ['request.host', 'shop.test:8443'],
    ['request.path', '/a%20b'],
    ['request.method', 'GET'],
    ['request.userAgent', 'agent/1'],
    ['request.query.x', '1'],
    ['request.query.y', ''],
    ['request.query.z', 'ü'],
    ['request.query.dotted.name', 'd'],
    ['request.header.x-plan', 'gold'],
    ['request.header.X-Plan', 'gold'],
    ['request.cookie.theme', 'dark'],
    ['request.cookie.dotted.name', 'c'],
  ])('has %s as %j', (attribute, value) => {
    expect(read(attribute, request)).toEqual(value)
  })

  it.each([
    'geo.constructor',
    'geo.__proto__',
    'network.toString',
    'request.body',
    'request.constructor',
    'request.header.',
    'request.header.bad name',
    'request.header.missing',
    'request.query.missing',
    'request.cookie.missing',
    'plan',
    'geology',
  ])('has no %s', (attribute) => {
    expect(read(attribute, request)).toBeUndefined()
  })

  it('has the targeting key, and only what is looked at', () => {
    expect(contextBuilder(['targetingKey', 'geo.country'])(request, 'ada')).toEqual({
      targetingKey: 'ada',
      'geo.country': 'DE',
    })
    expect(contextBuilder([])(request, undefined)).toEqual({ targetingKey: undefined })
  })

  it('knows nothing where the platform knows nothing, and never a number that is none', () => {
    for (const cf of [null, {}, { country: null, latitude: '', asn: 'x', isEUCountry: undefined }]) {
      const nowhere = facts('https://shop.test/', {}, cf)
      for (const attribute of ['geo.country', 'geo.latitude', 'geo.isEU', 'network.asn', 'network.ip'])
        expect(read(attribute, nowhere), attribute).toBeUndefined()
    }
  })

  it('says that a country is not in the EU', () => {
    expect(read('geo.isEU', facts('https://shop.test/', {}, { country: 'US' }))).toBe(false)
  })
})

describe('a client’s context', () => {
  it('keeps the client’s own attributes and loses what only the edge may say', () => {
    const given = {
      targetingKey: 'ada',
      plan: 'pro',
      geo: { country: 'FR' },
      'geo.country': 'FR',
      'geo.city.name': 'x',
      network: 1,
      'network.ip': '1.2.3.4',
      request: 'r',
      'request.header.x': 'y',
    }
    const context = clientContext(
      given,
      facts('https://shop.test/', { 'cf-connecting-ip': '203.0.113.7' }, place),
    )
    expect(context).toMatchObject({
      targetingKey: 'ada',
      plan: 'pro',
      geo: { country: 'DE', continent: 'EU', isEU: true, latitude: 48.13743 },
      network: { asn: 3320, colo: 'MUC', ip: '203.0.113.7' },
    })
    expect(Object.keys(context).toSorted()).toEqual(['geo', 'network', 'plan', 'targetingKey'])
  })

  it('has an empty place where there is none, not the client’s', () => {
    const context = clientContext({ geo: { country: 'FR' } }, facts('https://shop.test/'))
    expect(context).toEqual({ geo: {}, network: {} })
  })

  it('is not confused by names of the prototype chain', () => {
    const given = JSON.parse('{"__proto__":{"plan":"pro"},"constructor":1}')
    const context = clientContext(given, facts('https://shop.test/'))
    expect((context as { plan?: string }).plan).toBeUndefined()
    expect(Object.getPrototypeOf(context)).toBe(Object.prototype)
  })
})
