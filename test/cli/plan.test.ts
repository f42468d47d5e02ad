import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Plan, planImport } from '../../cli/import/plan.ts'
import { planJson, planLines } from '../../cli/import/show-plan.ts'
import type { Entry } from '../../cli/import/sources/source.ts'
import { canonicalFlag, type FlagDocument } from '../../engine/index.ts'
import { mergePatch } from './fake-admin.ts'

type Flags = FlagDocument['flags']

const source = (flags: Record<string, unknown>, more: Partial<Entry> = {}): Map<string, Entry> =>
  new Map(Object.entries(flags).map(([key, value]) => [key, { key, value, ...more }]))

const plan = (held: Flags, flags: Record<string, unknown>, rest: Partial<FlagDocument> = {}) =>
  planImport('dev', { flags: held, ...rest }, source(flags))

function planned(held: Flags, flags: Record<string, unknown>): Plan {
  const result = plan(held, flags)
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  return result.value
}

const FULL = {
  enabled: true,
  fallthrough: 'on',
  description: 'Commands and queries go separate ways',
  owner: 'ada',
}

describe('a flag that is new', () => {
  test('is added as it is written', () => {
    const flag = { enabled: true, percentage: 50, allowlist: ['user1', 'user2'] }
    expect(planned({}, { 'new-feature': flag })).toMatchObject({
      added: [{ key: 'new-feature', flag }],
      changed: [],
      unchanged: [],
      patch: { 'new-feature': flag },
    })
  })
})

describe('a flag that is there already', () => {
  test.each<[string, Flags[string], unknown]>([
    ['written alike', { enabled: true, percentage: 50 }, { percentage: 50, enabled: true }],
    ['bare and in quotes', true, 'true'],
    ['bare and as an object', false, { enabled: false }],
    ['short and in full', true, { enabled: true, fallthrough: 'on' }],
    ['the same, with a description that only Turnout has', FULL, true],
  ])('is unchanged if it means the same: %s', (_, held, value) => {
    const { added, changed, unchanged, patch } = planned({ flag: held }, { flag: value })
    expect({ added, changed, unchanged, patch }).toEqual({
      added: [],
      changed: [],
      unchanged: ['flag'],
      patch: {},
    })
  })

  test('loses what decides and the source does not have', () => {
    const held = { enabled: true, percentage: 50, allowlist: ['user1'] }
    expect(planned({ flag: held }, { flag: { enabled: true, percentage: 60 } }).patch).toEqual({
      flag: { percentage: 60, allowlist: null },
    })
    expect(planned({ flag: held }, { flag: true }).patch).toEqual({ flag: true })
  })

  test('keeps its description, owner, salt and visibility if the source says nothing of them', () => {
    const kept = { description: 'text', owner: 'ada', tags: ['a'], client: true, salt: 'cohort-1' }
    const held = { ...kept, enabled: true, percentage: 10 }
    const { changed, patch } = planned({ flag: held }, { flag: { enabled: true, percentage: 25 } })
    expect(changed[0]!.after).toEqual({ ...kept, enabled: true, percentage: 25 })
    expect(patch).toEqual({ flag: { percentage: 25 } })
    expect(planned({ flag: held }, { flag: false }).changed[0]!.after).toEqual({ ...kept, enabled: false })
  })

  test('that is only switched goes on being written as it is', () => {
    expect(planned({ flag: FULL }, { flag: false }).patch).toEqual({ flag: { enabled: false } })
    expect(planned({ flag: { ...FULL, fallthrough: 'off' } }, { flag: true }).patch).toEqual({
      flag: { fallthrough: null },
    })
  })

  test('takes the description of the source if that has one', () => {
    const { patch } = planned({ flag: FULL }, { flag: { enabled: true, description: 'new' } })
    expect(patch).toEqual({ flag: { description: 'new', fallthrough: null } })
  })

  test('that is bare gets only the fields that are new', () => {
    expect(planned({ flag: true }, { flag: { enabled: true, percentage: 10 } }).patch).toEqual({
      flag: { percentage: 10 },
    })
  })
})

test('the patch, merged as RFC 7396 says, gives exactly the flags that were planned', () => {
  const name = fc.constantFrom('a', 'b', '__proto__', 'constructor')
  const weights = fc.dictionary(fc.constantFrom('on', 'off', 'blue'), fc.integer({ min: 1, max: 9 }), {
    minKeys: 1,
  })
  const metadata = fc.dictionary(fc.constantFrom('a', 'b'), fc.oneof(fc.boolean(), fc.string()))
  const flag = fc.oneof(
    fc.constantFrom(true, false, 'true', 'false'),
    fc.record(
      { enabled: fc.boolean(), percentage: fc.integer({ min: 0, max: 100 }), metadata },
      { requiredKeys: ['enabled'] },
    ),
    fc.record(
      {
        enabled: fc.boolean(),
        variants: fc.constant({ on: { x: [1, null], y: { z: 2 } }, off: {}, blue: { y: { q: 1 } } }),
        fallthrough: fc.oneof(fc.constantFrom('on', 'blue'), weights),
        description: fc.string(),
        metadata,
      },
      { requiredKeys: ['enabled', 'variants', 'fallthrough'] },
    ),
  )
  const flags = fc.dictionary(name, flag) as fc.Arbitrary<Flags>
  fc.assert(
    fc.property(flags, flags, (held, imported) => {
      const { ['__proto__']: _, ...valid } = imported
      const { ['__proto__']: __, ...heldValid } = held
      const { added, changed, unchanged, patch } = planned(heldValid, valid)
      expect([...added, ...changed].length + unchanged.length).toBe(Object.keys(valid).length)
      for (const { key, flag: after } of added) expect(mergePatch(undefined, patch[key])).toEqual(after)
      for (const { key, before, after } of changed) {
        const base = typeof before === 'object' ? before : { enabled: String(before) === 'true' }
        const merged = mergePatch(base, patch[key])
        expect(merged).toEqual(after)
        const meaning = ({ metadata: _m, description: _d, ...rest }: object & Record<string, unknown>) => rest
        expect(meaning({ ...canonicalFlag(merged as Flags[string]) })).toEqual(
          meaning({ ...canonicalFlag(valid[key]!) }),
        )
      }
    }),
    { numRuns: 300 },
  )
})

describe('what compile refuses is not planned', () => {
  test('every error of the outcome is there, with its path', () => {
    const result = plan({}, { a: { enabled: true, percentage: 150 }, b: { enabled: 'yes' }, '-c': true })
    expect(result.ok ? [] : result.error.map(({ path }) => path)).toEqual([
      '$.flags.a.percentage',
      '$.flags.b.enabled',
      "$.flags['-c']",
    ])
  })

  test('a flag that a route needs as it was cannot be replaced under it', () => {
    const held = {
      enabled: true,
      variants: { stable: 'a', canary: 'b' },
      off: 'stable',
      fallthrough: 'stable',
    }
    const origins = { stable: { url: 'http://127.0.0.1:8781' }, canary: { url: 'http://127.0.0.1:8782' } }
    const routes = [{ id: 'all', match: { path: '/*' }, flag: 'release', origins, fallback: 'stable' }]
    expect(plan({ release: held }, { other: true }, { routes }).ok).toBe(true)
    const result = plan({ release: held }, { release: true }, { routes })
    expect(result.ok ? [] : result.error[0]!.path).toContain('$.routes[0]')
  })

  test('a null inside an object is refused, because a merge patch would drop it', () => {
    const variants = { on: { theme: null, list: [null] }, off: {} }
    const result = plan({}, { flag: { enabled: true, variants, fallthrough: 'on' } })
    expect(result.ok ? [] : result.error).toEqual([
      { path: '$.flags.flag.variants.on.theme', message: expect.stringContaining('is null') },
    ])
  })

  test('an error names the parameter that it comes from', () => {
    const flags = source({ 'a.b': { enabled: true, percentage: 150 } }, { from: '/flags/a/b' })
    const result = planImport('dev', { flags: {} }, flags)
    expect(result.ok ? [] : result.error).toEqual([
      {
        path: "$.flags['a.b'].percentage",
        message: 'must be a number from 0 to 100, got 150',
        from: '/flags/a/b',
      },
    ])
  })

  test('an error in an encrypted parameter does not repeat anything of its value', () => {
    const value = {
      enabled: 'hunter2',
      hunter2: 1,
      variants: { on: 1, off: 'hunter2' },
      rules: [{ id: 'r', serve: 'hunter2' }],
      fallthrough: ['hunter2'],
    }
    const flags = source({ flag: value }, { from: '/flags/flag', secret: true })
    const result = planImport('dev', { flags: {} }, flags)
    const messages = result.ok ? [] : result.error.map(({ message }) => message)
    expect(messages.length).toBeGreaterThan(3)
    expect(messages.join()).not.toContain('hunter2')
  })
})

test('warnings about flags of the source are passed on, those about others are not', () => {
  const rules = [
    { id: 'all', serve: 'on' },
    { id: 'never', serve: 'off' },
  ]
  const flag = { enabled: true, rules, fallthrough: 'off' }
  expect(planned({ old: flag }, { new: flag }).warnings.map(({ path }) => path)).toEqual([
    '$.flags.new.rules[1]',
  ])
})

describe('a plan on paper', () => {
  const held: Flags = {
    a: { enabled: true, percentage: 50, allowlist: ['user1'] },
    b: true,
    c: true,
    d: false,
  }

  test('has a line for each flag, and counts', () => {
    const flags = {
      a: { enabled: true, percentage: 60, owner: 'ada' },
      b: false,
      c: true,
      e: { enabled: true },
    }
    expect(planLines(planned(held, flags), 'dev')).toEqual([
      '  + e  {"enabled":true}',
      '  ~ a  percentage 50 → 60, allowlist removed, owner "ada" added',
      '  ~ b  true → false',
      '  = c',
      '1 added, 2 changed, 1 unchanged; dev keeps 1 that the source does not have',
    ])
  })

  test('shows nothing of encrypted values, on paper and as JSON', () => {
    const secret = { from: '/x', secret: true }
    const result = planImport(
      'dev',
      { flags: held },
      source({ b: { enabled: true, salt: 'hunter2' }, e: { enabled: true, salt: 'hunter2' } }, secret),
    )
    if (!result.ok) throw new Error('not planned')
    const shown = [...planLines(result.value, 'dev'), JSON.stringify(planJson(result.value))].join('\n')
    expect(shown).toContain('+ e')
    expect(shown).toContain('~ b')
    expect(shown).not.toContain('hunter2')
  })
})
