import { describe, expect, test } from 'vitest'
import { LOCAL_RUN, PLATFORM } from '../../worker/client.ts'
import { parseConfig } from '../../worker/env.ts'
import { outgoing } from '../../worker/outgoing.ts'
import { RequestFacts } from '../../worker/request-facts.ts'

/** A request as workerd gives it: `cf` is nothing a client can write. */
function request(headers: Record<string, string>, cf?: object): Request {
  return Object.defineProperty(new Request('http://shop.dev/', { headers }), 'cf', { value: cf })
}

const selfHosted = (settings: { TRUSTED_PROXY: string; COUNTRY_HEADER?: string }) =>
  parseConfig({ ENVIRONMENT: 'prod', COOKIE_KEY: 'k'.repeat(32), ...settings }).clients

const PROXY = { clientIp: '127.0.0.1:50000' }
const STRANGER = { clientIp: '198.51.100.9:50000' }
const WRITTEN = {
  'x-forwarded-for': '1.2.3.4, 203.0.113.5',
  'x-forwarded-proto': 'https',
  'x-country': 'de',
  'cf-connecting-ip': '6.6.6.6',
  'cf-ipcountry': 'FR',
  'x-turnout-country': 'FR',
}

describe('behind proxies of your own', () => {
  const clients = selfHosted({ TRUSTED_PROXY: '127.0.0.1, ::1', COUNTRY_HEADER: 'x-country' })

  test('a trusted proxy says address, scheme and country of the client', () => {
    const facts = new RequestFacts(request(WRITTEN, PROXY), clients)
    expect(facts).toMatchObject({
      ip: '203.0.113.5',
      https: true,
      place: { country: 'DE', isEUCountry: '1' },
    })
  })

  test('anybody else says nothing: the connection counts', () => {
    const facts = new RequestFacts(request(WRITTEN, STRANGER), clients)
    expect(facts).toMatchObject({ ip: '198.51.100.9', https: false })
    expect(facts.place).toEqual({})
  })

  test('nobody says anything where no proxy is trusted, or no header is named', () => {
    const none = new RequestFacts(
      request(WRITTEN, PROXY),
      selfHosted({ TRUSTED_PROXY: 'none', COUNTRY_HEADER: 'x-country' }),
    )
    expect(none).toMatchObject({ ip: '127.0.0.1', https: false })
    expect(none.place).toEqual({})
    expect(
      new RequestFacts(request(WRITTEN, PROXY), selfHosted({ TRUSTED_PROXY: '127.0.0.1' })).place,
    ).toEqual({})
  })

  test('nobody in front may have looked at the host: one with a slash is none', () => {
    const odd = request({ host: 'shop.dev/admin?' }, PROXY)
    for (const source of [clients, LOCAL_RUN]) expect(() => new RequestFacts(odd, source)).toThrow()
    expect(new RequestFacts(request({ host: 'shop.dev' }, PROXY), clients).host).toBe('shop.dev')
  })

  test.each(['', 'Germany', 'D1', 'DE, FR', '<b>'])('a country is not %j', (country) => {
    expect(new RequestFacts(request({ ...WRITTEN, 'x-country': country }, PROXY), clients).place).toEqual({})
  })

  test('a country outside the Union is known not to be in it', () => {
    const facts = new RequestFacts(request({ ...WRITTEN, 'x-country': 'CH' }, PROXY), clients)
    expect(facts.place).toEqual({ country: 'CH' })
  })

  test('origins get no header of a platform that is not there', () => {
    const names = (source: typeof clients) => [
      ...outgoing(
        'https://stable.shop.dev/',
        new RequestFacts(request({ ...WRITTEN, cf_connecting_ip: '6.6.6.6', cfx: 'stays' }, PROXY), source),
        'loop',
      ).init.headers.keys(),
    ]
    expect(names(clients).filter((name) => name.startsWith('cf'))).toEqual(['cfx'])
    expect(names(PLATFORM)).toContain('cf-connecting-ip')
  })
})

describe('elsewhere', () => {
  test('the word of the platform counts, and headers of proxies never do', () => {
    const facts = new RequestFacts(
      request(WRITTEN, { country: 'JP' }),
      parseConfig({ ENVIRONMENT: 'prod' }).clients,
    )
    expect(facts).toMatchObject({ ip: '6.6.6.6', https: false, place: { country: 'JP' } })
    expect(new RequestFacts(request({}, undefined), PLATFORM)).toMatchObject({ ip: null, place: {} })
  })

  test('a local run takes the client for this machine', () => {
    expect(parseConfig({ ENVIRONMENT: 'dev', LOCAL: 'true' }).clients).toBe(LOCAL_RUN)
    expect(new RequestFacts(request({}), LOCAL_RUN).ip).toBe('127.0.0.1')
  })
})

describe('the settings', () => {
  test.each([
    [{ TRUSTED_PROXY: 'everybody' }, 'TRUSTED_PROXY must be none, or addresses, CIDR blocks and unix'],
    [{ TRUSTED_PROXY: 'none', LOCAL: 'true' }, 'LOCAL and TRUSTED_PROXY exclude each other'],
    [{ COUNTRY_HEADER: 'x-country' }, 'COUNTRY_HEADER needs TRUSTED_PROXY'],
    [{ TRUSTED_PROXY: 'none', COUNTRY_HEADER: 'X Country' }, 'COUNTRY_HEADER must be the name of a header'],
    [{ TRUSTED_PROXY: 'none', COUNTRY_HEADER: 'x-turnout-country' }, 'must not begin with x-turnout-'],
  ])('%j are refused', (settings, sentence) => {
    expect(() => parseConfig({ ENVIRONMENT: 'prod', ...settings })).toThrow(sentence)
  })
})
