/** Where a path goes at an origin: always below the origin's own URL. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { rewriter } from '../../worker/rewrite.ts'

it.each<[string, string, string, { stripPrefix?: string; addPrefix?: string } | undefined, string]>([
  ['https://o.test', '/a/b', '?x=1', undefined, 'https://o.test/a/b?x=1'],
  ['https://o.test/base', '/a', '', undefined, 'https://o.test/base/a'],
  ['https://o.test', '/api/a', '', { stripPrefix: '/api' }, 'https://o.test/a'],
  ['https://o.test', '/api/a', '', { stripPrefix: '/api/' }, 'https://o.test/a'],
  ['https://o.test', '/api', '?x', { stripPrefix: '/api' }, 'https://o.test/?x'],
  ['https://o.test', '/api/', '', { stripPrefix: '/api' }, 'https://o.test/'],
  ['https://o.test', '/apix', '', { stripPrefix: '/api' }, 'https://o.test/apix'],
  ['https://o.test', '/API/a', '', { stripPrefix: '/api' }, 'https://o.test/API/a'],
  ['https://o.test', '/x/api/a', '', { stripPrefix: '/api' }, 'https://o.test/x/api/a'],
  ['https://o.test', '/a', '', { addPrefix: '/v2' }, 'https://o.test/v2/a'],
  ['https://o.test', '/a', '', { addPrefix: '/v2/' }, 'https://o.test/v2/a'],
  ['https://o.test', '/', '', { addPrefix: '/v2' }, 'https://o.test/v2/'],
  ['https://o.test', '/api/a', '', { stripPrefix: '/api', addPrefix: '/v2' }, 'https://o.test/v2/a'],
  [
    'https://o.test/base',
    '/api/a',
    '',
    { stripPrefix: '/api', addPrefix: '/v2' },
    'https://o.test/base/v2/a',
  ],
  ['https://o.test', '/a', '', { stripPrefix: '/' }, 'https://o.test/a'],
  ['https://o.test', '/a', '', {}, 'https://o.test/a'],
  ['https://o.test', '//evil.test/a', '', undefined, 'https://o.test//evil.test/a'],
  ['https://o.test', '/api//evil.test/a', '', { stripPrefix: '/api' }, 'https://o.test//evil.test/a'],
])('%s with %s%s and %j is %s', (base, path, search, rewrite, url) => {
  expect(base + rewriter(rewrite)(path) + search).toBe(url)
})

it('never leaves the origin’s host and path prefix, whatever a client asks for', () => {
  const piece = fc.constantFrom(
    '/',
    '//',
    'a',
    '..',
    '.',
    '%2e%2e',
    '%2F',
    '@',
    ':',
    '\\',
    '?',
    '#',
    'evil.test',
    'api',
    ';',
  )
  const rewrite = fc.constantFrom(
    undefined,
    { stripPrefix: '/api' },
    { addPrefix: '/v2' },
    { stripPrefix: '/a', addPrefix: '/b' },
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 10 }), rewrite, (pieces, rule) => {
      const asked = new URL(`http://edge.test/${pieces.join('')}`)
      const target = new URL(`https://o.test/base${rewriter(rule)(asked.pathname)}${asked.search}`)
      expect(target.host).toBe('o.test')
      expect(target.username).toBe('')
      expect(target.pathname.startsWith('/base/')).toBe(true)
    }),
    { numRuns: 2_000 },
  )
})
