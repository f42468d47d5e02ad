/** Profiles of feature flags as documents: what each part means, how it evaluates, and errors with their paths. */
import { describe, expect, test } from 'vitest'
import { readProfile } from '../../admin/storage/feature-flags/read.ts'
import { writeDocument } from '../../admin/storage/feature-flags/write.ts'
import { compile, evaluate, type Flag, NO_KILLS, prepare } from '../../engine/index.ts'
import { killList } from '../helpers/cases.ts'
import { changed, named, PROFILE, read } from './profiles.ts'

describe('reading', () => {
  test('a basic flag is a short form; what Turnout does not know is metadata', () => {
    const { flags } = read(PROFILE).document
    expect(flags['new-feature']).toEqual({
      enabled: true,
      description: 'The new feature',
      percentage: 50,
      metadata: { color: 'red', sizes: '[1,2]' },
    })
    expect(flags.CONDUIT_USE_REPOSITORY_PATTERN).toEqual({ enabled: false })
    expect(flags.defined).toEqual({ enabled: false })
  })

  test('a flag with variants is a flag with rules', () => {
    expect(read(PROFILE).document.flags.checkout).toEqual({
      enabled: true,
      variants: {
        'Beta-users': { enabled: true, color: 'blue', steps: 2 },
        some: { enabled: true, color: 'green' },
        Default: { enabled: false },
      },
      off: 'Default',
      rules: [
        {
          id: 'Beta-users',
          when: { attribute: 'email', op: 'endsWith', value: '@example.com' },
          serve: 'Beta-users',
        },
        {
          id: 'some',
          when: { attribute: 'country', op: 'equals', value: 'DE' },
          percentage: 25,
          serve: 'some',
        },
      ],
      fallthrough: 'Default',
      bucketBy: 'userId',
      salt: 's',
    })
  })

  test('variants without attributes are booleans, and one that is off is made where AWS has none', () => {
    expect(read(PROFILE).document.flags.plain).toMatchObject({
      variants: { inside: true, default: true, off: false },
      off: 'off',
      fallthrough: 'default',
    })
  })

  test('names that are no keys become some, and no two the same', () => {
    const { f } = read(named('a b', 'a/b', 'a-b', 'Ünicode', '***')).document.flags
    expect(Object.keys((f as Flag).variants!)).toEqual(['a-b-2', 'a-b-3', 'a-b', 'nicode', 'variant', 'off'])
  })

  test('a rule of several alternatives is several rules, each with its own id', () => {
    const { document } = read(named('a', 'b', 'c'))
    expect((document.flags.f as Flag).rules!.map(({ id, serve }) => [id, serve])).toEqual([
      ['a', 'a'],
      ['a:2', 'a'],
      ['b', 'b'],
      ['b:2', 'b'],
    ])
    expect(compile(document, { environment: 'test', epoch: 1, version: 1 }).ok).toBe(true)
  })

  test('a switch beside the variants, which AWS’s schema allows, is heard', () => {
    const profile = named('a', 'b')
    const off = { ...profile, values: { f: { enabled: false, ...profile.values!.f } } }
    expect(read(off).document.flags.f).toMatchObject({ enabled: false })
    const on = changed('f', (flag) => ({ ...flag, enabled: true }), off)
    expect(on.values!.f).toEqual({ enabled: true, ...profile.values!.f })
    const described = changed('f', (flag) => ({ ...flag, description: 'still off' }), off)
    expect(described.values).toEqual(off.values)
  })

  test('every document read is one that can be published', () => {
    const compiled = compile(read(PROFILE).document, { environment: 'test', epoch: 1, version: 1 })
    expect(compiled.ok ? [] : compiled.error).toEqual([])
  })

  const variants = (...list: object[]) => ({ version: '1', values: { f: { _variants: list } } })
  test.each<[string, unknown, string]>([
    ['no object', [], '$ must be an object, got []'],
    ['another version', { version: '2' }, '$.version must be "1", got "2"'],
    [
      'an unknown part',
      { version: '1', extra: 1 },
      '$.extra unknown field "extra"; known are version, flags, values',
    ],
    [
      'a key that AWS does not allow',
      { version: '1', values: { A: { enabled: true } } },
      '$.values.A key must begin with a-z',
    ],
    [
      'an attribute that is an object',
      { version: '1', values: { f: { enabled: true, deep: {} } } },
      '$.values.f.deep must be a string, number, boolean, or list of strings or of numbers, got {}',
    ],
    [
      'a list of both',
      { version: '1', values: { f: { enabled: true, l: [1, 'a'] } } },
      '$.values.f.l must be a string, number, boolean, or list',
    ],
    [
      'enabled that is no boolean',
      { version: '1', values: { f: { enabled: 'true' } } },
      '$.values.f.enabled must be true or false, got "true"',
    ],
    [
      'an attribute beside variants',
      { version: '1', values: { f: { color: 'red', _variants: [{ name: 'a', enabled: true }] } } },
      '$.values.f.color an attribute beside _variants belongs into attributeValues of a variant',
    ],
    ['no variants', variants(), '$.values.f._variants must have a default variant'],
    [
      'a default that is not last',
      variants({ name: 'a', enabled: true }, { name: 'b', enabled: true }),
      '$.values.f._variants[0].rule only the last variant may have no rule',
    ],
    [
      'a last one with a rule',
      variants({ name: 'a', enabled: true, rule: '(eq $a 1)' }),
      '$.values.f._variants[0].rule the last variant is the default and has no rule',
    ],
    [
      'a rule that cannot be read',
      variants({ name: 'a', enabled: true, rule: '(eq $a' }, { name: 'b', enabled: true }),
      '$.values.f._variants[0].rule column 1: this "(" is never closed',
    ],
    [
      'splits that cut differently',
      variants(
        { name: 'a', enabled: true, rule: '(split pct::1 by::$x)' },
        { name: 'b', enabled: true, rule: '(split pct::1 by::$y)' },
        { name: 'c', enabled: true },
      ),
      '$.values.f._variants[1].rule column 1: all splits of a flag must have the same by:: and seed::, as in variant "a"',
    ],
    [
      'a kill with more than a variant',
      { version: '1', values: { turnout: { enabled: true, kills: ['all-flags on now'] } } },
      "$.values.turnout.kills[0] must be a kill's target, and perhaps a variant behind it",
    ],
    [
      'a field that stands in two places',
      { version: '1', values: { f: { enabled: true, percentage: 1, turnout: ['{"percentage":2}'] } } },
      '$.values.f.turnout says "percentage", which stands beside it too: remove one of both',
    ],
    [
      'a rest that is no JSON',
      { version: '1', values: { f: { enabled: true, turnout: ['{"rules":'] } } },
      '$.values.f.turnout its strings together must be JSON',
    ],
    [
      'a rest that is no object',
      { version: '1', values: { f: { enabled: true, turnout: ['[]'] } } },
      '$.values.f.turnout must be an object, got []',
    ],
    [
      'a kill without a target',
      { version: '1', values: { turnout: { enabled: true, kills: ['nothing'] } } },
      "$.values.turnout.kills[0] must be a kill's target",
    ],
    [
      'routes that are no JSON',
      { version: '1', values: { turnout: { enabled: true, routes: ['[{'] } } },
      '$.values.turnout.routes its strings together must be JSON',
    ],
  ])('%s is an error with its path', (_, content, problem) => {
    const result = readProfile(content)
    expect(
      result.ok ? '' : result.error.map(({ path, message }) => `${path} ${message}`).join('\n'),
    ).toContain(problem)
  })
})

describe('a name that means the targeting key', () => {
  const flag = () => {
    const result = readProfile(PROFILE, ['userId'])
    return result.ok ? (result.value.document.flags.checkout as Flag) : null
  }

  test('makes a split of AWS one by the targeting key, as OpenFeature sends it', () => {
    expect(flag()).not.toHaveProperty('bucketBy')
    expect(flag()).toMatchObject({ salt: 's' })
    expect(read(PROFILE).document.flags.checkout).toMatchObject({ bucketBy: 'userId', salt: 's' })
  })

  test('changes nothing of what is written', () => {
    const before = readProfile(PROFILE, ['userId'])
    const written = before.ok ? writeDocument(PROFILE, before.value.document, ['userId']) : null
    expect(written?.ok && JSON.stringify(written.value)).toBe(JSON.stringify(PROFILE))
  })
})

describe('evaluating', () => {
  const decide = (context: Record<string, unknown>, kills = NO_KILLS) => {
    const compiled = compile(read(PROFILE).document, { environment: 'test', epoch: 1, version: 1 })
    if (!compiled.ok) throw new Error('does not compile')
    const { variant, value } = evaluate(prepare(compiled.value.snapshot, kills), 'checkout', context as never)
    return [variant, value]
  }

  test('the first variant whose rule holds is served, else the default', () => {
    expect(decide({ email: 'a@example.com' })).toEqual([
      'Beta-users',
      { enabled: true, color: 'blue', steps: 2 },
    ])
    expect(decide({ email: 'a@example.org', country: 'FR', userId: 'u' })).toEqual([
      'Default',
      { enabled: false },
    ])
  })

  test('a split serves its share of the users', () => {
    const users = Array.from(
      { length: 4000 },
      (_, index) => decide({ country: 'DE', userId: `user-${index}` })[0],
    )
    const share = users.filter((variant) => variant === 'some').length / users.length
    expect(share).toBeGreaterThan(0.22)
    expect(share).toBeLessThan(0.28)
  })

  test('a killed flag serves what is off', () => {
    expect(decide({ email: 'a@example.com' }, killList([{ target: 'flag:checkout' }]))).toEqual([
      'Default',
      { enabled: false },
    ])
  })
})
