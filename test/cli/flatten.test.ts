import { describe, expect, test } from 'vitest'
import { flatten } from '../../cli/import/flatten.ts'
import type { Entry } from '../../cli/import/sources/source.ts'

const entries = (flags: Record<string, unknown>): Entry[] =>
  Object.entries(flags).map(([key, value]) => ({ key, value }))

/** Keys and values of what came out; fails if there was anything wrong. */
function flat(flags: Record<string, unknown>): Record<string, unknown> {
  const { flags: out, findings } = flatten(entries(flags))
  expect(findings).toEqual([])
  return Object.fromEntries([...out].map(([key, { value }]) => [key, value]))
}

describe('what becomes of nested objects of booleans', () => {
  test('each boolean is a flag under its full dotted path', () => {
    const patterns = {
      cqrs: { enabled: true },
      circuitBreaker: { enhanced: false },
      ddd: { enabled: 'true' },
    }
    expect(flat({ patterns })).toEqual({
      'patterns.cqrs.enabled': true,
      'patterns.circuitBreaker.enhanced': false,
      'patterns.ddd.enabled': 'true',
    })
  })

  test('nesting of one level is nesting too', () => {
    expect(flat({ circuitBreaker: { enhanced: true } })).toEqual({ 'circuitBreaker.enhanced': true })
  })

  test('a dotted key goes on being one', () => {
    expect(flat({ 'patterns.cqrs': { on: { eu: true } } })).toEqual({ 'patterns.cqrs.on.eu': true })
  })

  test('a group may have a member named "enabled" that is a group', () => {
    expect(flat({ cache: { enabled: { eu: true } } })).toEqual({ 'cache.enabled.eu': true })
  })

  test('a member named "__proto__" is a name like any other', () => {
    const { flags } = flatten(entries(JSON.parse('{ "a": { "__proto__": true } }')))
    expect([...flags.keys()]).toEqual(['a.__proto__'])
  })
})

describe('what stays as it is', () => {
  test.each([
    ['a boolean', true],
    ['a boolean in quotes', 'false'],
    ['a short form', { enabled: true, percentage: 50, allowlist: ['user1', 'user2'] }],
    ['the shortest short form, which is a flag and not a group', { enabled: true }],
    ['a flag without "enabled", for compile to complain of', { fallthrough: 'on' }],
    ['a flag with variants', { enabled: true, variants: { on: true, off: false }, fallthrough: 'on' }],
    ['a number, for compile to complain of', 5],
  ])('%s', (_, value) => {
    expect(flat({ flag: value })).toEqual({ flag: value })
  })
})

describe('what is wrong', () => {
  test('anything but booleans in a group is named with its path, and nothing of the group comes out', () => {
    const patterns = { cqrs: { enabled: true, percentage: 50 }, ddd: { enabled: true, tags: ['a'] } }
    const { flags, findings } = flatten(entries({ patterns, other: true }))
    expect([...flags.keys()]).toEqual(['other'])
    expect(findings.map(({ path }) => path)).toEqual([
      '$.flags.patterns.cqrs.percentage',
      '$.flags.patterns.ddd.tags',
    ])
    expect(findings[0]!.message).toMatch(/^must be true or false/)
  })

  test('an empty object is neither flag nor group', () => {
    const { flags, findings } = flatten(entries({ empty: {}, outer: { 'in-ner': {} } }))
    expect(flags.size).toBe(0)
    expect(findings.map(({ path }) => path)).toEqual(['$.flags.empty', "$.flags.outer['in-ner']"])
  })

  test('a flag that is there nested and by its dotted name', () => {
    const { findings } = flatten(entries({ a: { b: true }, 'a.b': false }))
    expect(findings).toEqual([
      { path: "$.flags['a.b']", message: 'is there twice: nested, and by its full dotted name' },
    ])
  })

  test('two parameters that come to the same key are both named', () => {
    const { findings } = flatten([
      { key: 'a.b', value: true, from: '/flags/a/b' },
      { key: 'a.b', value: true, from: '/flags/a.b' },
    ])
    expect(findings).toEqual([
      {
        path: "$.flags['a.b']",
        message: 'is there twice as /flags/a/b: nested, and by its full dotted name',
        from: '/flags/a.b',
      },
    ])
  })

  test('nesting without end ends in one finding, not in a full stack', () => {
    let value: unknown = true
    for (let depth = 0; depth < 100_000; depth++) value = { a: value }
    const { flags, findings } = flatten([{ key: 'deep', value }])
    expect(flags.size).toBe(0)
    expect(findings).toHaveLength(1)
  })
})

test('what a flag comes from, and that it was encrypted, goes with every leaf', () => {
  const { flags } = flatten([{ key: 'a', value: { b: true, c: false }, from: '/flags/a', secret: true }])
  expect([...flags.values()]).toEqual([
    { key: 'a.b', value: true, from: '/flags/a', secret: true },
    { key: 'a.c', value: false, from: '/flags/a', secret: true },
  ])
})
