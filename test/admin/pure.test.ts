import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../admin/env.ts'
import { parseJson } from '../../admin/json.ts'
import { mergePatch } from '../../admin/merge-patch.ts'
import { nearest } from '../../admin/nearest.ts'
import { CHUNK_LENGTH, chunks } from '../../admin/storage/chunks.ts'

describe('parseJson', () => {
  it.each([
    ['{"a":1,}', 1, 8, 'expected a property name in double quotes, got "}"'],
    ['[1,]', 1, 4, 'expected a value, got "]"'],
    ['[1 2]', 1, 4, 'expected "," or "]", got "2"'],
    ['{"a" 1}', 1, 6, 'expected ":" after the property name, got "1"'],
    ["{'a':1}", 1, 2, 'expected a property name in double quotes or "}", got "\'"'],
    ['{"a":1', 1, 7, 'expected "," or "}", got the end of the text'],
    ['"abc', 1, 5, 'the text ends inside a string'],
    ['"a\\x"', 1, 3, 'bad escape sequence "\\\\x" in a string'],
    ['"a\nb"', 1, 3, 'a string must not hold the raw control character "\\n"'],
    ['[\n  01\n]', 2, 4, 'expected "," or "]", got "1"'],
    ['[+1]', 1, 2, 'expected a value or "]", got "+"'],
    ['nul', 1, 1, 'expected a value, got "n"'],
    ['true false', 1, 6, 'unexpected "f" after the end of the value'],
  ])('says where %j goes wrong', (text, line, column, message) => {
    expect(parseJson(text)).toEqual({ ok: false, error: { line, column, message } })
  })

  it('finds a position whenever JSON.parse fails, and never otherwise', () => {
    const valid = '{"a":[1,-2.5e3,true,null,"x\\u00e9\\n"],"b":{"c":{}},"d":""}'
    expect(parseJson(valid)).toEqual({ ok: true, value: JSON.parse(valid) })
    for (let cut = 0; cut < valid.length; cut++) {
      const at = parseJson(valid.slice(0, cut))
      expect(at.ok).toBe(false)
      const without = valid.slice(0, cut) + valid.slice(cut + 1)
      const accepted = (() => {
        try {
          return [JSON.parse(without)]
        } catch {
          return []
        }
      })()
      const parsed = parseJson(without)
      expect(parsed.ok ? [parsed.value] : []).toEqual(accepted)
    }
  })
})

describe('mergePatch', () => {
  /** Source: https://www.rfc-editor.org/rfc/rfc7396#appendix-A */
  it.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('of %j with %j is %j', (target, patch, expected) => {
    const before = JSON.stringify(target)
    expect(mergePatch(target, patch)).toEqual(expected)
    expect(JSON.stringify(target)).toBe(before)
  })

  it('keeps __proto__ an ordinary key', () => {
    const merged = mergePatch({}, JSON.parse('{"__proto__":{"polluted":true}}')) as object
    expect(Object.keys(merged)).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype)
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })
})

describe('nearest', () => {
  it('finds what was probably meant, and nothing where nothing is near', () => {
    const known = ['new-feature', 'maintenance_mode', 'CONDUIT_USE_REPOSITORY_PATTERN']
    expect(nearest('new-featur', known)).toBe('new-feature')
    expect(nearest('Maintenance-Mode', known)).toBe('maintenance_mode')
    expect(nearest('checkout', known)).toBeNull()
    expect(nearest('x', [])).toBeNull()
  })

  it.each([
    ['zz', ['a', 'b', 'ab', 'zzz']],
    ['a', ['b']],
    ['on', ['off', 'of', 'no']],
    ['beta', ['meat', 'gamma', 'bet-all']],
    ['dev', ['prod', 'qa', 'demo']],
  ])('does not take %j for one of %j', (name, known) => {
    expect(nearest(name, known)).toBeNull()
  })

  it.each([
    ['ON', 'on'],
    ['dve', 'dev'],
    ['bta', 'beta'],
    ['betaa', 'beta'],
    ['stagign', 'staging'],
    ['checkuot', 'checkout'],
  ])('takes %j for %j', (name, meant) => {
    expect(nearest(name, ['other', meant, 'x'])).toBe(meant)
  })
})

describe('chunks', () => {
  it('are never above a megabyte, never cut a surrogate pair, and join to the text', () => {
    const texts = ['', 'a', '漢'.repeat(CHUNK_LENGTH + 1), `a${'😀'.repeat(CHUNK_LENGTH)}`]
    for (const text of texts) {
      const parts = chunks(text)
      expect(parts.join('') === text).toBe(true)
      for (const part of parts) {
        expect(new TextEncoder().encode(part).byteLength).toBeLessThanOrEqual(1024 * 1024)
        expect(part.isWellFormed()).toBe(true)
      }
    }
  })
})

describe('parseConfig', () => {
  it('names the variable that is wrong', () => {
    const bindings = { ENVIRONMENTS: {}, PROJECT: {}, WEBHOOKS: {}, LAST_KNOWN_GOOD: {} } as Parameters<
      typeof parseConfig
    >[0]
    expect(parseConfig({ ...bindings })).toMatchObject({
      bootstrapToken: null,
      access: null,
      proxies: null,
      requestsPerSecond: 100,
      local: false,
    })
    expect(parseConfig({ ...bindings, LOCAL: 'true', ADMIN_BOOTSTRAP_TOKEN: 'x' })).toMatchObject({
      bootstrapToken: 'x',
      access: null,
      proxies: null,
      requestsPerSecond: 100,
      local: true,
    })
    const team = 'acme.cloudflareaccess.com'
    expect(parseConfig({ ...bindings, ACCESS_TEAM_DOMAIN: team, ACCESS_AUD: 'aud' }).access).toEqual({
      issuer: `https://${team}`,
      audience: 'aud',
    })
    expect(() => parseConfig({ ...bindings, ACCESS_AUD: 'aud' })).toThrow('ACCESS_TEAM_DOMAIN must be')
    expect(() => parseConfig({ ...bindings, ACCESS_TEAM_DOMAIN: 'evil.example' })).toThrow(
      'ACCESS_TEAM_DOMAIN',
    )
    expect(() => parseConfig({ ...bindings, ACCESS_TEAM_DOMAIN: team })).toThrow('ACCESS_AUD must be')
    expect(() => parseConfig({ ...bindings, LOCAL: 'yes' })).toThrow(
      'LOCAL must be "true" or "false", got "yes"',
    )
  })
})
