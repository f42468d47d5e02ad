import { describe, expect, test } from 'vitest'
import { clientBehind, type Proxies, parseProxies } from '../../engine/index.ts'

const proxies = (text: string): Proxies => {
  const parsed = parseProxies(text)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}

describe('the client behind proxies', () => {
  const one = proxies('10.0.0.0/8, 2001:db8:1::/48')

  test.each([
    ['nobody in between', '198.51.100.7:4711', null, '198.51.100.7', false],
    ['a stranger who writes the header himself', '198.51.100.7:4711', '1.2.3.4', '198.51.100.7', false],
    ['one proxy', '10.1.2.3:4711', '198.51.100.7', '198.51.100.7', true],
    ['two proxies', '10.1.2.3:4711', '198.51.100.7, 10.9.9.9', '198.51.100.7', true],
    [
      'a client that writes addresses of others first',
      '10.1.2.3:4711',
      '1.2.3.4, 198.51.100.7',
      '198.51.100.7',
      true,
    ],
    [
      'a client that claims to be a proxy',
      '10.1.2.3:4711',
      '10.0.0.1, 198.51.100.7, 10.9.9.9',
      '198.51.100.7',
      true,
    ],
    ['requests of the proxies themselves', '10.1.2.3:4711', '10.0.0.1, 10.0.0.2', '10.0.0.1', true],
    ['a proxy that adds no header', '10.1.2.3:4711', null, '10.1.2.3', true],
    ['what is no address', '10.1.2.3:4711', '1.2.3.4, unknown, 10.9.9.9', '10.9.9.9', true],
    ['an empty header', '10.1.2.3:4711', ' ', '10.1.2.3', true],
    [
      'proxies that write ports',
      '10.1.2.3:4711',
      '198.51.100.7:80, [2001:DB8:1::1]:443',
      '198.51.100.7',
      true,
    ],
    ['IPv6', '[2001:db8:2::1]:4711', '1.2.3.4', '2001:db8:2::1', false],
    ['IPv6 behind IPv6', '[2001:db8:1::5]:4711', '2001:DB8:2::1', '2001:db8:2::1', true],
    [
      'a socket that speaks both versions',
      '[::ffff:10.1.2.3]:4711',
      '::ffff:198.51.100.7',
      '198.51.100.7',
      true,
    ],
  ])('%s', (_, clientIp, forwardedFor, address, isProxied) => {
    expect(clientBehind(one, { clientIp }, forwardedFor)).toEqual({ address, isProxied })
  })

  test('is unknown where the runtime names no connection, whatever the header says', () => {
    for (const peer of [{}, { clientIp: 7 }, { clientIp: 'unknown' }, { clientUid: 1000 }])
      expect(clientBehind(one, peer, '1.2.3.4')).toEqual({ address: null, isProxied: false })
  })

  test('over a Unix socket is believed where unix is trusted, and is never trusted by address', () => {
    const unix = proxies('unix')
    expect(clientBehind(unix, { clientUid: 0 }, '1.2.3.4')).toEqual({ address: '1.2.3.4', isProxied: true })
    expect(clientBehind(unix, {}, '1.2.3.4')).toEqual({ address: null, isProxied: false })
    expect(clientBehind(unix, { clientIp: '127.0.0.1:80', clientUid: 0 }, '1.2.3.4').address).toBe(
      '127.0.0.1',
    )
  })

  test('believes no header where no proxy is trusted', () => {
    expect(clientBehind(proxies('none'), { clientIp: '127.0.0.1:80' }, '1.2.3.4')).toEqual({
      address: '127.0.0.1',
      isProxied: false,
    })
  })
})

test.each([
  '',
  'all',
  '10.0.0.0/33',
  '10.0.0.1,',
  'proxy.example.com',
  '*',
  '10.0.0.1 10.0.0.2',
  'none,10.0.0.1',
])('a list of proxies is not %j', (text) => {
  expect(parseProxies(text)).toMatchObject({
    ok: false,
    error: expect.stringContaining('must be none, or addresses'),
  })
})
