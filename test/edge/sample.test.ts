/** What of a request reaches the control plane as a sample, and what never does. */
import { describe, expect, it } from 'vitest'
import { PLATFORM } from '../../worker/client.ts'
import { RequestFacts } from '../../worker/request-facts.ts'
import { draw, Pseudonyms } from '../../worker/sample.ts'

const PLACE = {
  country: 'DE',
  continent: 'EU',
  region: 'Bavaria',
  isEUCountry: '1',
  asn: 3320,
  city: 'Munich',
  postalCode: '80331',
  latitude: '48.1',
}

function facts(path = '/articles/7?token=secret', cf: object = PLACE): RequestFacts {
  const request = new Request(`https://shop.test${path}`, {
    method: 'POST',
    headers: { cookie: 'session=secret', authorization: 'Bearer secret', 'cf-connecting-ip': '203.0.113.7' },
  })
  return new RequestFacts(Object.defineProperty(request, 'cf', { value: cf }), PLATFORM)
}

describe('a sample', () => {
  it('holds place, network and address of the request, and a pseudonym', async () => {
    const sampled = await new Pseudonyms().sampled(draw(facts(), 'visitor-7'))
    expect(sampled).toEqual({
      targetingKey: expect.stringMatching(/^[0-9a-f]{32}$/),
      'geo.country': 'DE',
      'geo.continent': 'EU',
      'geo.region': 'Bavaria',
      'geo.isEU': true,
      'network.asn': 3320,
      'request.host': 'shop.test',
      'request.path': '/articles/7',
      'request.method': 'POST',
    })
    expect(JSON.stringify(sampled)).not.toMatch(/secret|203\.0\.113|visitor-7|Munich|80331/)
  })

  it('has no targeting key where the request had none, and nothing that the platform does not say', async () => {
    const sampled = await new Pseudonyms().sampled(draw(facts('/', {}), undefined))
    expect(sampled).toEqual({ 'request.host': 'shop.test', 'request.path': '/', 'request.method': 'POST' })
  })

  it('cuts long texts', () => {
    expect(draw(facts(`/${'x'.repeat(5_000)}`), 'a').context['request.path']).toHaveLength(256)
  })
})

describe('pseudonyms', () => {
  const of = async (pseudonyms: Pseudonyms, key: string) =>
    (await pseudonyms.sampled({ key, context: {} })).targetingKey

  it('are the same for the same identity in one isolate, and others in the next', async () => {
    const [one, other] = [new Pseudonyms(), new Pseudonyms()]
    expect(await of(one, 'a')).toBe(await of(one, 'a'))
    expect(await of(one, 'a')).not.toBe(await of(one, 'b'))
    expect(await of(one, 'a')).not.toBe(await of(other, 'a'))
  })
})
