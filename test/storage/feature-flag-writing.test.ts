/** Documents written into profiles of feature flags: what changed and nothing else, and what cannot be written. */
import { describe, expect, test } from 'vitest'
import type { Profile } from '../../admin/storage/feature-flags/profile.ts'
import { writeDocument, writeKills } from '../../admin/storage/feature-flags/write.ts'
import type { Flag, FlagDocument } from '../../engine/index.ts'
import { problemsOf } from '../helpers/aws/feature-flags.ts'
import { changed, PROFILE, read, TIMES, write } from './profiles.ts'

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
    expect(
      (written.values!.turnout!.routes as string[]).every(
        (chunk) => chunk.length <= 1024 && chunk.isWellFormed(),
      ),
    ).toBe(true)
    expect(read(written)).toEqual({ document: full, kills })
    const emptied = writeKills(write(written, document), [])
    expect(JSON.stringify(emptied)).toBe(JSON.stringify(PROFILE))
  })

  const long = 'x'.repeat(1025)
  test.each<[string, object, object]>([
    [
      'rules and variants',
      { enabled: true, owner: 'me', rules: [], variants: { on: true, off: false }, fallthrough: 'on' },
      {
        enabled: true,
        owner: 'me',
        turnout: ['{"rules":[],"variants":{"on":true,"off":false},"fallthrough":"on"}'],
      },
    ],
    [
      'prerequisites',
      { enabled: false, prerequisites: [] },
      { enabled: false, turnout: ['{"prerequisites":[]}'] },
    ],
    [
      'a text of more than 1 024 characters',
      { enabled: true, percentage: 1, owner: long },
      {
        enabled: true,
        percentage: 1,
        turnout: [`{"owner":"${long}`.slice(0, 1024), `{"owner":"${long}"}`.slice(1024)],
      },
    ],
    [
      'a user id that long',
      { enabled: true, allowlist: [long] },
      { enabled: true, turnout: expect.any(Array) },
    ],
    [
      'metadata whose name AWS does not allow, or that is a field',
      { enabled: true, metadata: { 'Some Name': 1, percentage: 2, enabled: 'no', turnout: 3, color: 'red' } },
      {
        enabled: true,
        color: 'red',
        turnout: ['{"metadata":{"Some Name":1,"percentage":2,"enabled":"no","turnout":3}}'],
      },
    ],
    ['empty metadata', { enabled: true, metadata: {} }, { enabled: true, turnout: ['{"metadata":{}}'] }],
  ])('what no attribute can hold stands in one named turnout: %s', (_, flag, value) => {
    const { document } = read(PROFILE)
    const full = { ...document, flags: { ...document.flags, f: flag as Flag } }
    const written = write(PROFILE, full)
    expect(written.values!.f).toEqual(value)
    expect(read(written).document).toEqual(full)
    // AWS's console can still flip it.
    const flipped = { ...written, values: { ...written.values, f: { ...written.values!.f, enabled: false } } }
    expect(read(flipped).document.flags.f).toEqual({ ...flag, enabled: false })
  })

  test.each<[string, FlagDocument['flags'][string], string]>([
    [
      'a description of more than 1 024 characters',
      { enabled: true, description: long },
      '$.flags.f.description must have at most 1024 characters',
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

  test('the percentage of a rule with two splits is AWS’s alone', () => {
    const twice = '(or (split pct::1 by::$id) (and (eq $a 1) (split pct::2 by::$id)))'
    const variants = [
      { name: 'a', enabled: true, rule: twice },
      { name: 'b', enabled: true },
    ]
    const profile: Profile = { version: '1', values: { f: { _variants: variants } } }
    const { document } = read(profile)
    const flag = structuredClone(document.flags.f) as Flag
    flag.rules![0]!.percentage = 5
    const result = writeDocument(profile, { flags: { f: flag } })
    expect(result).toMatchObject({ ok: false, error: [{ path: '$.flags.f.rules[0].percentage' }] })
  })

  test('a flag with 32 variants has no room to be turned off', () => {
    const variants = Array.from({ length: 32 }, (_, at) => ({
      name: `v${at}`,
      enabled: true,
      ...(at < 31 ? { rule: '(eq $a 1)' } : {}),
    }))
    const profile: Profile = { version: '1', values: { f: { _variants: variants } } }
    const flag = { ...(read(profile).document.flags.f as Flag), enabled: false }
    const result = writeDocument(profile, { flags: { f: flag } })
    expect(result.ok ? '' : result.error[0]!.message).toBe(
      'has 32 variants, and there is no room for the one that turns it off',
    )
  })

  test('a key that has no room there is refused', () => {
    const key = `A${'b'.repeat(100)}`
    const result = writeDocument(PROFILE, { flags: { [key]: true } })
    expect(result).toMatchObject({ ok: false, error: [{ path: `$.flags.${key}` }] })
  })
})
