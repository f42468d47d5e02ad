/** When two answers are alike: tables of pairs. */
import { describe, expect, it } from 'vitest'
import { bodyDifference, isSlower, parsePointers, sameStatusClass } from '../../worker/compare.ts'

const json = JSON.stringify

it.each([
  [200, 204, true],
  [200, 302, false],
  [404, 410, true],
  [404, 500, false],
])('status %i and %i are of one class: %s', (one, other, expected) => {
  expect(sameStatusClass(one, other)).toBe(expected)
})

it.each([
  [0, 16, false],
  [0, 32, false],
  [0, 33, true],
  [10, 50, true],
  [20, 40, false],
  [20, 65, true],
  [100, 250, false],
  [100, 257, true],
  [1_000, 900, false],
  [3_000, 10, false],
])('a copy that took %i ms and %i ms is slower: %s', (one, copy, expected) => {
  expect(isSlower(one, copy)).toBe(expected)
})

describe('bodies', () => {
  it.each<[string, string, string, string | null | undefined, string[]?]>([
    ['the same text', 'abc', 'abc', undefined],
    ['another text', 'abc', 'abd', null],
    ['keys in another order', '{"a":1,"b":{"c":2,"d":3}}', '{ "b": {"d":3, "c":2}, "a":1 }', undefined],
    ['another value', '{"a":1,"b":{"c":2}}', '{"a":1,"b":{"c":3}}', '/b/c'],
    ['the first of two', '{"a":1,"b":1}', '{"a":2,"b":2}', '/a'],
    ['a key more', '{"a":1}', '{"a":1,"b":1}', '/b'],
    ['a key less', '{"a":1,"b":null}', '{"a":1}', '/b'],
    ['another type', '{"a":1}', '{"a":"1"}', '/a'],
    ['null and nothing', '{"a":null}', '{"a":{}}', '/a'],
    ['a list and an object', '{"a":[]}', '{"a":{}}', '/a'],
    ['lists in another order', '[1,2]', '[2,1]', '/0'],
    ['a longer list', '[1]', '[1,2]', '/1'],
    ['JSON and a page', '{"a":1}', '<p>', null],
    ['text that is broken JSON', '{"a":', '{"b":', null],
    ['a bare number', '1', '1.0', null],
    ['what is ignored', '{"id":"x","a":1}', '{"id":"y","a":1}', undefined, ['/id']],
    ['what is ignored and missing', '{"id":"x","a":1}', '{"a":1}', undefined, ['/id']],
    ['what is ignored further down', '{"a":{"id":1,"b":2}}', '{"a":{"id":2,"b":3}}', '/a/b', ['/a/id']],
    [
      'each of what is ignored',
      '[{"id":1,"n":1},{"id":2,"n":1}]',
      '[{"id":3,"n":1},{"id":4,"n":2}]',
      '/1/n',
      ['/*/id'],
    ],
    ['an item that is ignored', '[1,2,3]', '[1,9,4]', '/2', ['/1']],
    ['all of what is ignored', '{"a":1}', '{"b":2}', undefined, ['/*']],
    ['a key with a slash', '{"a/b":1,"c":1}', '{"a/b":2,"c":1}', undefined, ['/a~1b']],
    ['a key with a tilde', '{"~1":1}', '{"~1":2}', undefined, ['/~01']],
    ['a key that is somebody’s', '{"ada@example.com":{"n":1}}', '{"ada@example.com":{"n":2}}', '/*/n'],
    [
      'a key of the language',
      '{"__proto__":1,"constructor":1}',
      '{"__proto__":2,"constructor":1}',
      '/__proto__',
    ],
  ])('%s', (_, one, other, expected, ignore = []) => {
    const ignored = parsePointers(ignore)
    const found = bodyDifference(one, other, ignored)
    expect(found === null ? undefined : found.pointer).toBe(expected)
    expect(bodyDifference(other, one, ignored) === null).toBe(found === null)
    if (found !== null) expect(found.texts[0]).not.toBe(found.texts[1])
  })

  it('of any depth are compared without an error', () => {
    const deep = (inner: string) => '['.repeat(30_000) + inner + ']'.repeat(30_000)
    expect(() => bodyDifference(deep('1'), deep('2'), [])).not.toThrow()
    expect(bodyDifference(deep('1'), deep('2 '), [])?.pointer ?? null).toBeNull()
    const wide = Object.fromEntries(Array.from({ length: 4_000 }, (_, n) => [`k${n}`, n]))
    expect(bodyDifference(json(wide), json({ ...wide, k3999: 0 }), parsePointers(['/*/id']))?.pointer).toBe(
      '/k3999',
    )
  })
})
