/** Profiles of feature flags as documents and back: what is read, what is written, and that nothing else changes. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Profile } from '../../admin/storage/feature-flags/profile.ts'
import { readProfile, readRetrieved } from '../../admin/storage/feature-flags/read.ts'
import { writeDocument, writeKills } from '../../admin/storage/feature-flags/write.ts'
import { compile, evaluate, type Flag, type FlagDocument, NO_KILLS, prepare } from '../../engine/index.ts'
import { problemsOf, retrieved } from '../helpers/aws/feature-flags.ts'
import { killList } from '../helpers/cases.ts'

const TIMES = { _createdAt: '2026-01-01T00:00:00Z', _updatedAt: '2026-02-02T00:00:00Z' }

const PROFILE: Profile = {
  version: '1',
  flags: {
    'new-feature': {
      name: 'New feature',
      description: 'The new feature',
      _deprecation: { status: 'planned' },
      attributes: { percentage: { constraints: { type: 'number' } }, color: {}, sizes: {} },
      ...TIMES,
    } as object,
    'x-CONDUIT_USE_REPOSITORY_PATTERN': { name: 'CONDUIT_USE_REPOSITORY_PATTERN' },
    checkout: { name: 'Checkout', attributes: { color: {}, steps: {} } },
    defined: { name: 'Only defined' },
    plain: {},
  },
  values: {
    'new-feature': { enabled: true, percentage: 50, color: 'red', sizes: [1, 2], ...TIMES },
    'x-CONDUIT_USE_REPOSITORY_PATTERN': { enabled: false },
    checkout: {
      _variants: [
        {
          name: 'Beta users',
          enabled: true,
          rule: '(ends_with $email "@example.com")',
          attributeValues: { color: 'blue', steps: 2 },
        },
        {
          name: 'some',
          enabled: true,
          rule: '(and (eq $country "DE") (split pct::25 by::$userId seed::"s"))',
          attributeValues: { color: 'green' },
        },
        { name: 'Default', enabled: false },
      ],
      ...TIMES,
    },
    plain: {
      _variants: [
        { name: 'inside', enabled: true, rule: '(eq $country "DE")' },
        { name: 'default', enabled: true },
      ],
    },
  },
}

function read(profile: unknown) {
  const result = readProfile(profile)
  if (!result.ok) throw new Error(result.error.map(({ path, message }) => `${path} ${message}`).join('\n'))
  return result.value
}

function write(profile: Profile, document: FlagDocument): Profile {
  const result = writeDocument(profile, document)
  if (!result.ok) throw new Error(result.error.map(({ path, message }) => `${path} ${message}`).join('\n'))
  expect(problemsOf(result.value)).toEqual([])
  return result.value
}

/** The profile with one flag of the document changed. */
function changed(key: string, change: (flag: Flag) => unknown, profile = PROFILE): Profile {
  const { document } = read(profile)
  const flag = structuredClone(document.flags[key]) as Flag
  return write(profile, { ...document, flags: { ...document.flags, [key]: change(flag) as Flag } })
}

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

  test('every document read is one that can be published', () => {
    const compiled = compile(read(PROFILE).document, { environment: 'test', epoch: 1, version: 1 })
    expect(compiled.ok ? [] : compiled.error).toEqual([])
  })

  test('the form that is retrieved is read too: of a flag that is off it has nothing else', () => {
    const result = readRetrieved(retrieved(PROFILE as unknown as Record<string, unknown>))
    expect(result).toMatchObject({
      ok: true,
      value: {
        document: {
          flags: {
            'new-feature': { enabled: true, percentage: 50, metadata: { color: 'red', sizes: '[1,2]' } },
            CONDUIT_USE_REPOSITORY_PATTERN: { enabled: false },
            checkout: { enabled: false },
          },
        },
      },
    })
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

describe('writing', () => {
  test('the same document leaves the profile as it is, byte for byte', () => {
    expect(JSON.stringify(write(PROFILE, read(PROFILE).document))).toBe(JSON.stringify(PROFILE))
  })

  test('a flip changes one word of a basic flag', () => {
    const written = changed('new-feature', (flag) => ({ ...flag, enabled: false }))
    expect(JSON.stringify(written)).toBe(
      JSON.stringify(PROFILE).replace('"new-feature":{"enabled":true', '"new-feature":{"enabled":false'),
    )
  })

  test('a flag with variants is turned off by a variant before the others, and on by taking it away', () => {
    const off = changed('checkout', (flag) => ({ ...flag, enabled: false }))
    expect(off.values!.checkout!._variants![0]).toEqual({
      name: 'turnout-off',
      enabled: false,
      rule: '(or (exists key::"turnout") (not (exists key::"turnout")))',
    })
    expect(read(off).document.flags.checkout).toEqual({
      ...(read(PROFILE).document.flags.checkout as Flag),
      enabled: false,
    })
    const on = changed('checkout', (flag) => ({ ...flag, enabled: true }), off)
    expect(JSON.stringify(on)).toBe(JSON.stringify(PROFILE))
  })

  test('percentages and attributes change where they stand', () => {
    const written = changed('new-feature', (flag) => ({
      ...flag,
      percentage: 75,
      metadata: { color: 'blue', sizes: '[1,2,3]' },
    }))
    expect(written.values!['new-feature']).toEqual({
      enabled: true,
      percentage: 75,
      color: 'blue',
      sizes: [1, 2, 3],
      ...TIMES,
    })
    expect(written.flags).toEqual(PROFILE.flags)
  })

  test('a new attribute is defined, as AWS wants it', () => {
    const written = changed('CONDUIT_USE_REPOSITORY_PATTERN', () => ({
      enabled: true,
      percentage: 5,
      allowlist: ['u1'],
      client: true,
    }))
    expect(written.values!['x-CONDUIT_USE_REPOSITORY_PATTERN']).toEqual({
      enabled: true,
      percentage: 5,
      allowlist: ['u1'],
      client: true,
    })
    expect(written.flags!['x-CONDUIT_USE_REPOSITORY_PATTERN']!.attributes).toEqual({
      percentage: { constraints: { type: 'number', minimum: 0, maximum: 100 } },
      allowlist: { constraints: { type: 'array', elements: { type: 'string' } } },
      client: { constraints: { type: 'boolean' } },
    })
  })

  test('a split gets another percentage, a variant other values, and the rest of the rule stays', () => {
    const written = changed('checkout', (flag) => {
      flag.rules![1]!.percentage = 30.5
      ;(flag.variants!.some as Record<string, unknown>).color = 'yellow'
      return { ...flag, description: 'Now described' }
    })
    const before = JSON.stringify(PROFILE)
    expect(JSON.stringify(written)).toBe(
      before
        .replace('pct::25', 'pct::30.5')
        .replace('"color":"green"', '"color":"yellow"')
        .replace('"steps":{}}}', '"steps":{}},"description":"Now described"}'),
    )
  })

  test('flags are made and removed, bare ones too', () => {
    const { document } = read(PROFILE)
    const { plain, ...others } = document.flags
    const written = write(PROFILE, {
      flags: { ...others, 'FRESH.one': 'true', 'fresh-two': { enabled: true, percentage: 1 } },
    })
    expect(plain).toBeDefined()
    expect(Object.keys(written.values!)).toEqual([
      'new-feature',
      'x-CONDUIT_USE_REPOSITORY_PATTERN',
      'checkout',
      'x-FRESH-_one',
      'fresh-two',
    ])
    expect(Object.keys(written.flags!)).not.toContain('plain')
    expect(written.values!['x-FRESH-_one']).toEqual({ enabled: true })
  })

  test('segments, routes and kills stand in a flag of Turnout’s own, which goes when they do', () => {
    const { document } = read(PROFILE)
    const routes = [
      {
        id: 'r',
        match: { path: '/*' },
        flag: 'plain',
        origins: {},
        fallback: 'off',
        description: '🚦'.repeat(2000),
      },
    ]
    const full = { ...document, segments: { vip: { include: ['a'] } }, routes } as unknown as FlagDocument
    const kills = [{ target: 'flag:checkout' }, { target: 'route:r', variant: 'stable' }] as const
    const written = writeKills(write(PROFILE, full), kills)
    expect(problemsOf(written)).toEqual([])
    expect((written.values!.turnout!.routes as string[]).every((chunk) => chunk.length <= 1024)).toBe(true)
    expect(read(written)).toEqual({ document: full, kills })
    const emptied = writeKills(write(written, document), [])
    expect(JSON.stringify(emptied)).toBe(JSON.stringify(PROFILE))
  })

  test.each<[string, FlagDocument['flags'][string], string]>([
    [
      'a new flag with rules',
      { enabled: true, variants: { on: true, off: false }, fallthrough: 'on' },
      '$.flags.f a flag with variants or rules cannot be made in a feature-flag profile',
    ],
    ['prerequisites', { enabled: true, prerequisites: [] }, '$.flags.f.prerequisites cannot be written'],
    [
      'a text of more than 1 024 characters',
      { enabled: true, owner: 'x'.repeat(1025) },
      '$.flags.f.owner must have at most 1024 characters',
    ],
    [
      'a user id that long',
      { enabled: true, allowlist: ['x'.repeat(1025)] },
      '$.flags.f.allowlist must have at most 1024 characters',
    ],
    [
      'metadata whose name AWS does not allow',
      { enabled: true, metadata: { 'Some Name': 1 } },
      "$.flags.f.metadata['Some Name'] this name cannot be that of an attribute",
    ],
    [
      'metadata that would be a field',
      { enabled: true, metadata: { percentage: 1 } },
      '$.flags.f.metadata.percentage this name cannot be',
    ],
    [
      '26 attributes',
      { enabled: true, metadata: Object.fromEntries(Array.from({ length: 26 }, (_, at) => [`a${at}`, at])) },
      '$.flags.f has 26 attributes',
    ],
  ])('%s is refused, with its path', (_, flag, problem) => {
    const result = writeDocument(PROFILE, { flags: { ...read(PROFILE).document.flags, f: flag } })
    expect(
      result.ok ? '' : result.error.map(({ path, message }) => `${path} ${message}`).join('\n'),
    ).toContain(problem)
  })

  test('a change of a rule that only AWS can make is refused, and nothing is half-written', () => {
    const { document } = read(PROFILE)
    const checkout = structuredClone(document.flags.checkout) as Flag
    checkout.rules![0]!.when = { attribute: 'email', op: 'equals', value: 'a@example.com' }
    const result = writeDocument(PROFILE, { ...document, flags: { ...document.flags, checkout } })
    expect(result).toMatchObject({ ok: false, error: [{ path: '$.flags.checkout.rules[0].when.op' }] })
  })

  test('a key that has no room there is refused', () => {
    const key = `A${'b'.repeat(100)}`
    const result = writeDocument(PROFILE, { flags: { [key]: true } })
    expect(result).toMatchObject({ ok: false, error: [{ path: `$.flags.${key}` }] })
  })
})

describe('whatever the profile', () => {
  const key = fc.stringMatching(/^[a-z][a-zA-Z\d_-]{0,8}$/)
  const attribute = fc.oneof(
    fc.string({ maxLength: 20 }),
    fc.integer(),
    fc.boolean(),
    fc.array(fc.string({ maxLength: 5 }), { maxLength: 3 }),
    fc.array(fc.integer(), { maxLength: 3 }),
  )
  const attributes = fc.dictionary(
    key.filter((name) => name !== 'enabled' && name.length > 2),
    attribute,
    { maxKeys: 4 },
  )
  const times = fc.constantFrom({}, TIMES)
  const basic = fc
    .tuple(fc.boolean(), attributes, times)
    .map(([enabled, all, at]) => ({ enabled, ...all, ...at }))
  const rule = fc.constantFrom(
    '(eq $a "b")',
    '(split pct::10 by::$id)',
    '(or (gt $n 3)   (and (exists key::"x") (split by::$id pct::50)))',
  )
  const variant = fc.record({
    name: fc.string({ minLength: 1, maxLength: 9 }).filter((name) => !name.includes('\n')),
    enabled: fc.boolean(),
    attributeValues: attributes,
  })
  const withVariants = fc
    .tuple(fc.array(fc.tuple(variant, rule), { maxLength: 3 }), variant, times)
    .map(([list, last, at]) => ({
      _variants: [...list.map(([each, text]) => ({ ...each, rule: text })), last],
      ...at,
    }))
  const profile = fc
    .dictionary(
      key.filter((name) => name !== 'turnout'),
      fc.oneof(basic, withVariants),
      { maxKeys: 5 },
    )
    .map(
      (values) =>
        ({
          version: '1',
          values,
          flags: Object.fromEntries(Object.keys(values).map((name) => [name, { name }])),
        }) as Profile,
    )

  test('writing what was read changes nothing', () => {
    fc.assert(
      fc.property(profile, (written) => {
        const result = writeDocument(written, read(written).document)
        expect(result.ok && JSON.stringify(result.value)).toBe(JSON.stringify(written))
      }),
    )
  })

  test('two flips are none, and a flip touches no other flag', () => {
    fc.assert(
      fc.property(profile, fc.nat(), (written, pick) => {
        const { document } = read(written)
        const keys = Object.keys(document.flags)
        const flipped = keys[pick % Math.max(1, keys.length)]
        if (flipped === undefined) return
        const flag = document.flags[flipped] as Flag
        const flip = (to: boolean) => ({
          ...document,
          flags: { ...document.flags, [flipped]: { ...flag, enabled: to } },
        })
        const once = writeDocument(written, flip(!flag.enabled))
        if (!once.ok) throw new Error(JSON.stringify(once.error))
        expect(read(once.value).document).toEqual(flip(!flag.enabled))
        const there = (of: Profile) => Object.entries(of.values!).filter(([name]) => name !== flipped)
        expect(JSON.stringify(there(once.value))).toBe(JSON.stringify(there(written)))
        const twice = writeDocument(once.value, document)
        if (!twice.ok) throw new Error(JSON.stringify(twice.error))
        expect(twice.value.values).toEqual(written.values)
      }),
    )
  })
})
