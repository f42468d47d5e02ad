/** The parts of a URL: always those that the URL standard finds, whichever way they were found, if its host is one. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addressOf } from '../../worker/address.ts'

const byTheStandard = (text: string) => {
  const { protocol, host, pathname, search } = new URL(text)
  return { protocol, host, path: pathname, search }
}

describe('addressOf', () => {
  it.each([
    'http://edge.test/',
    'http://edge.test',
    'http://edge.test/a/b?x=1&y=2',
    'http://edge.test/a?',
    'http://edge.test/a?#',
    'http://edge.test/a#b?c',
    'http://edge.test/a?x=/../y&z=%zz',
    'http://edge.test/a?x=y?z',
    "http://edge.test/it's?it's",
    'http://edge.test/public/../admin',
    'http://edge.test/public/%2E%2e/admin',
    'http://edge.test/public/.%2e/admin',
    'http://edge.test/.well-known/x',
    'http://edge.test/a/.',
    'http://edge.test/a/..;/b',
    'http://edge.test/a.b/c..d',
    'http://edge.test//evil.test/a',
    'http://edge.test/\\evil.test/a',
    'http://edge.test/a b',
    'http://edge.test/a\tb?c\nd',
    'http://edge.test/ ',
    'http://edge.test/café?ä',
    'http://edge.test/a|b{c}^`"<>',
    'http://EDGE.test:80/a',
    'https://edge.test:443/a',
    'https://edge.test:8443/a',
    'HTTP://edge.test/a',
    'http:///edge.test/a',
    'http:/edge.test/a',
    'http://0x7f.1/a',
    'http://[::1]:8787/a',
    'http://bücher.test/a',
    'http://edge_1.test./a',
    'http://edge.test/a?b@c#d',
  ])('of %j', (text) => {
    expect(addressOf(text)).toEqual(byTheStandard(text))
  })

  it('does not take one host for another that was asked before', () => {
    for (const text of ['http://one.test/a', 'http://two.test/a', 'https://one.test/a', 'http://one.test/b'])
      expect(addressOf(text)).toEqual(byTheStandard(text))
  })

  it.each(['', '/', 'nonsense', 'http://', 'http:///', 'http://a b/c', 'http://edge.test:99999/a'])(
    'throws for %j, which is no URL',
    (text) => {
      expect(() => new URL(text)).toThrow()
      expect(() => addressOf(text)).toThrow()
    },
  )

  it.each([
    ['a query', 'http://edge.test?/a'],
    ['a query without a path', 'http://edge.test?x'],
    ['a fragment', 'http://edge.test#/a'],
    ['a path', 'http://edge.test\\admin/a'],
    ['a path with a query after it', 'http://edge.test\\admin?/a'],
    ['a name before it', 'http://user:pass@edge.test/a'],
    ['a name with an @', 'http://a@b@edge.test/a'],
    ['a comma', 'http://evil.test,edge.test/a'],
    ['a quote', "http://evil.test'.edge.test/a"],
    ['a star, as OPTIONS * makes it', 'http://edge.test*'],
  ])('throws for a host with %s, also when it is known', (_, text) => {
    for (let n = 0; n < 2; n += 1) {
      expect(() => addressOf(text)).toThrow()
      addressOf('http://edge.test/a')
    }
  })

  it('throws where the header Host has a slash, which the URL does not show', () => {
    expect(() => addressOf('http://edge.test/admin?/a', 'edge.test/admin?')).toThrow()
    expect(addressOf('http://edge.test/a', 'edge.test').path).toBe('/a')
  })

  it('is what the standard says of any text', () => {
    const base = fc.constantFrom('http://edge.test', 'https://edge.test:8443', 'http://EDGE.test:80')
    const isHost = (text: string, host: string): boolean =>
      !/[?#@\\]/.test(text.slice('https://'.length).split('/')[0]!) &&
      /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d+)?$/.test(host)
    const piece = fc.oneof(
      ...[
        fc.constantFrom(
          '/',
          '//',
          '.',
          '..',
          '/..',
          '%2e',
          '%2E',
          '%',
          '\\',
          '?',
          '#',
          '@',
          ':',
          ';',
          'a',
          '-',
        ),
        fc.string({ maxLength: 3 }),
        fc.string({ unit: 'binary', maxLength: 3 }),
      ],
    )
    fc.assert(
      fc.property(base, fc.array(piece, { maxLength: 12 }), (start, pieces) => {
        const text = start + pieces.join('')
        let expected: ReturnType<typeof byTheStandard>
        try {
          expected = byTheStandard(text)
        } catch {
          expect(() => addressOf(text)).toThrow()
          return
        }
        if (isHost(text, expected.host)) expect(addressOf(text)).toEqual(expected)
        else expect(() => addressOf(text)).toThrow()
      }),
      { numRuns: 5_000 },
    )
  })
})
