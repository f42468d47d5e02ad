/** Which changes are instant and which need approval, case by case and both ways. */
import { describe, expect, it } from 'vitest'
import { lowers } from '../../admin/governance/exposure.ts'
import type { InForce } from '../../admin/governance/flag-effects.ts'
import { servesLower } from '../../admin/governance/serve-order.ts'
import { compile, type FlagDocument } from '../../engine/index.ts'

type Part = Partial<Record<keyof FlagDocument, unknown>>

/** What needs approval; fails if a document would not compile. */
function raising(before: Part, after: Part, inForce: Partial<InForce> = {}): readonly string[] {
  for (const document of [before, after]) {
    const { overlay } = inForce
    const compiled = compile(document, {
      environment: 'test',
      epoch: 1,
      version: 1,
      ...(overlay && { overlay }),
    })
    expect(compiled.ok ? [] : compiled.error).toStrictEqual([])
  }
  const exposure = lowers(before as FlagDocument, after as FlagDocument, inForce)
  expect(exposure.lowers).toBe(exposure.raising.length === 0)
  return exposure.raising
}

/** A change of the flag `f` alone. */
const ofFlag = (before: unknown, after: unknown, others: Part = {}): readonly string[] => {
  const flags = (others.flags as object | undefined) ?? {}
  return raising(
    { ...others, flags: { ...flags, ...(before === undefined ? {} : { f: before }) } },
    { ...others, flags: { ...flags, ...(after === undefined ? {} : { f: after }) } },
  )
}

const short = (fields: object = {}) => ({ enabled: true, ...fields })
/** A boolean flag in full, off where no rule decides. */
const full = (rules: object[], fields: object = {}) => ({
  enabled: true,
  rules,
  fallthrough: 'off',
  ...fields,
})
const rule = (id: string, fields: object = {}) => ({ id, serve: 'on', ...fields })
const is = (attribute: string, ...values: unknown[]) => ({ attribute, op: 'in', value: values })
const colours = { red: 'r', blue: 'b', off: 'o' }
const coloured = (rules: object[], fields: object = {}) => full(rules, { variants: colours, ...fields })

describe('lowers', () => {
  it.each<[name: string, before: unknown, after: unknown]>([
    ['nothing at all', short(), short()],
    ['another way to write the same', true, short()],
    ['a text instead of a boolean', 'true', true],
    ['switching off', short({ percentage: 50 }), short({ percentage: 50, enabled: false })],
    ['switching off a bare boolean', true, false],
    ['switching off, with any change of its rules', full([]), full([rule('r')], { enabled: false })],
    [
      'any rules of a flag that is and stays off',
      short({ enabled: false }),
      full([rule('r')], { enabled: false }),
    ],
    ['switching on what is off for everybody', full([], { enabled: false }), full([])],
    ['a lower percentage', short({ percentage: 50 }), short({ percentage: 49.999 })],
    ['a percentage of none', short({ percentage: 50 }), short({ percentage: 0 })],
    ['a first percentage', short(), short({ percentage: 99 })],
    ['a first percentage, on a bare boolean', true, short({ percentage: 99 })],
    [
      'a smaller allowlist',
      short({ percentage: 5, allowlist: ['a', 'b'] }),
      short({ percentage: 5, allowlist: ['b'] }),
    ],
    ['no allowlist any more', short({ percentage: 5, allowlist: ['a'] }), short({ percentage: 5 })],
    [
      'an allowlist under its other name',
      short({ percentage: 5, allowlist: ['a'] }),
      short({ percentage: 5, allowedUsers: ['a'] }),
    ],
    ['an allowlist beside an unlimited flag', short(), short({ allowlist: ['a'] })],
    ['a larger denylist', short({ denylist: ['a'] }), short({ denylist: ['a', 'b'] })],
    [
      'a first denylist',
      short({ percentage: 5, allowlist: ['a'] }),
      short({ percentage: 5, allowlist: ['a'], denylist: ['a'] }),
    ],
    ['fewer countries', short({ countries: ['DE', 'FR'] }), short({ countries: ['DE'] })],
    ['countries where there were none', short(), short({ countries: ['DE'] })],
    [
      'countries without the continent beside them',
      short({ countries: ['DE'], continents: ['AS'] }),
      short({ countries: ['DE'] }),
    ],
    ['a short form written in full', short({ percentage: 5 }), full([rule('percentage', { percentage: 5 })])],
    ['a rule that goes', full([rule('r', { when: is('plan', 'pro') })]), full([])],
    [
      'a rule that goes, before one that serves the same',
      full([rule('r', { when: is('plan', 'pro') }), rule('s', { percentage: 5 })]),
      full([rule('s', { percentage: 5 })]),
    ],
    [
      'a rule that serves off',
      full([rule('r')]),
      full([rule('s', { when: is('plan', 'pro'), serve: 'off' }), rule('r')]),
    ],
    [
      'a rule that serves off instead',
      full([rule('r', { percentage: 5 })]),
      full([rule('r', { percentage: 5, serve: 'off' })]),
    ],
    ['a rule of 0 %', full([]), full([rule('r', { percentage: 0 })])],
    [
      'a rule that never decides, behind one that always does',
      full([rule('r')]),
      full([rule('r'), rule('s', { percentage: 80 })]),
    ],
    [
      'whatever stands behind a rule that always decides',
      full([rule('r'), rule('s')], { fallthrough: 'off' }),
      full([rule('r')], { fallthrough: 'on' }),
    ],
    [
      'a rule whose users the one before it takes already',
      full([rule('r', { percentage: 20 })]),
      full([rule('r', { percentage: 20 }), rule('s', { percentage: 20 })]),
    ],
    ['a rule renamed', full([rule('r', { percentage: 20 })]), full([rule('other', { percentage: 20 })])],
    [
      'two rules that serve the same, the other way round',
      full([rule('r', { percentage: 20 }), rule('s', { when: is('plan', 'pro') })]),
      full([rule('s', { when: is('plan', 'pro') }), rule('r', { percentage: 20 })]),
    ],
    [
      'a rule cut in two',
      full([rule('r', { when: is('plan', 'pro', 'team') })]),
      full([rule('r', { when: is('plan', 'pro') }), rule('s', { when: is('plan', 'team') })]),
    ],
    ['a fallthrough that serves off', full([rule('r')], { fallthrough: 'on' }), full([rule('r')])],
    [
      'a further condition',
      full([rule('r', { when: is('plan', 'pro') })]),
      full([rule('r', { when: { all: [is('plan', 'pro'), is('beta', true)] } })]),
    ],
    [
      'an alternative less',
      full([rule('r', { when: { any: [is('plan', 'pro'), is('beta', true)] } })]),
      full([rule('r', { when: is('plan', 'pro') })]),
    ],
    [
      'one value of several',
      full([rule('r', { when: is('plan', 'pro', 'team') })]),
      full([rule('r', { when: { attribute: 'plan', op: 'equals', value: 'team' } })]),
    ],
    [
      'more values that must not be',
      full([rule('r', { when: { not: is('plan', 'free') } })]),
      full([rule('r', { when: { not: is('plan', 'free', 'trial') } })]),
    ],
    [
      'fewer blocks of addresses',
      full([rule('r', { when: { attribute: 'ip', op: 'cidr', value: ['10.0.0.0/8', '::1'] } })]),
      full([rule('r', { when: { attribute: 'ip', op: 'cidr', value: ['::1'] } })]),
    ],
    [
      'the same conditions in another order',
      full([rule('r', { when: { all: [is('a', 1), is('b', 2)] } })]),
      full([rule('r', { when: { all: [is('b', 2), is('a', 1)] } })]),
    ],
    [
      'off instead of weights',
      coloured([rule('r', { serve: { red: 1, blue: 1 } })]),
      coloured([rule('r', { serve: 'off' })]),
    ],
    [
      'weights of which off gets more',
      coloured([], { fallthrough: { red: 45, blue: 45, off: 10 } }),
      coloured([], { fallthrough: { red: 40, blue: 40, off: 20 } }),
    ],
    [
      'weights of which off gets more, by their ratios',
      coloured([], { fallthrough: { red: 60, blue: 30, off: 10 } }),
      coloured([], { fallthrough: { red: 2, blue: 1, off: 1 } }),
    ],
    [
      'weights of which off gets a first share',
      coloured([], { fallthrough: { red: 1, blue: 1 } }),
      coloured([], { fallthrough: { red: 1, blue: 1, off: 1 } }),
    ],
    [
      'the same weights with another sum',
      coloured([], { fallthrough: { red: 1, blue: 3 } }),
      coloured([], { fallthrough: { red: 25, blue: 75 } }),
    ],
    [
      'weights of a variant and off, for that variant',
      coloured([rule('r', { serve: 'red' })]),
      coloured([rule('r', { serve: { red: 9, off: 1 } })]),
    ],
    [
      'weights that leave all to off',
      coloured([], { fallthrough: { red: 1, blue: 1, off: 1 } }),
      coloured([], { fallthrough: { red: 0, blue: 0, off: 1 } }),
    ],
    [
      'a lower percentage before weights that hold what it served',
      coloured([rule('r', { serve: 'red', percentage: 50 })], { fallthrough: 'off' }),
      coloured([rule('r', { serve: 'red', percentage: 20 })], { fallthrough: { off: 1 } }),
    ],
    [
      'a prerequisite more',
      full([rule('r')]),
      full([rule('r')], { prerequisites: [{ flag: 'g', variants: ['on'] }] }),
    ],
    [
      'a variant less that a prerequisite accepts',
      full([rule('r')], { prerequisites: [{ flag: 'g', variants: ['on', 'off'] }] }),
      full([rule('r')], { prerequisites: [{ flag: 'g', variants: ['on'] }] }),
    ],
    [
      'a prerequisite less that accepted everything',
      full([rule('r')], { prerequisites: [{ flag: 'g', variants: ['on', 'off'] }] }),
      full([rule('r')]),
    ],
    [
      'descriptions, owner, kind, dates, metadata',
      full([rule('r')], { owner: 'a', metadata: { x: 1 } }),
      full([rule('r', { description: 'd' })], {
        kind: 'ops',
        expiresAt: '2026-01-01T00:00:00Z',
        metadata: { y: 2 },
      }),
    ],
    ['a tag more', short(), short({ tags: ['web'] })],
    ['tags in another order', short({ tags: ['web', 'pay'] }), short({ tags: ['pay', 'web'] })],
    ['a salt where nothing is bucketed', short(), short({ salt: 's' })],
    ['a salt together with a first percentage', short(), short({ salt: 's', percentage: 5 })],
    ['the default salt written down', short({ percentage: 5 }), short({ percentage: 5, salt: 'f' })],
    [
      'the default bucket key written down',
      short({ percentage: 5 }),
      short({ percentage: 5, bucketBy: 'targetingKey' }),
    ],
    ['a new flag that is disabled', undefined, full([rule('r')], { enabled: false })],
    ['a new flag that is off for everybody', undefined, short({ percentage: 0 })],
    [
      'browsers that see a flag that is off',
      short({ enabled: false }),
      short({ enabled: false, client: true }),
    ],
  ])('%s', (_, before, after) => {
    expect(ofFlag(before, after, { flags: { g: true } })).toStrictEqual([])
  })
})

describe('raises', () => {
  it.each<[name: string, before: unknown, after: unknown, says: string]>([
    ['switching on', false, true, 'is switched on'],
    [
      'switching on a percentage',
      short({ enabled: false, percentage: 1 }),
      short({ percentage: 1 }),
      'is switched on',
    ],
    [
      'a higher percentage',
      short({ percentage: 5 }),
      short({ percentage: 10 }),
      'percentage of rule percentage rises from 5 to 10',
    ],
    [
      'a percentage higher by the least step',
      short({ percentage: 5 }),
      short({ percentage: 5.001 }),
      'percentage of rule percentage rises from 5 to 5.001',
    ],
    [
      'no percentage any more',
      short({ percentage: 99 }),
      short(),
      'the fallthrough serves on instead of off',
    ],
    [
      'a larger allowlist',
      short({ percentage: 5, allowlist: ['a'] }),
      short({ percentage: 5, allowlist: ['a', 'b'] }),
      'rule allowlist may match more contexts, and serves on',
    ],
    [
      'a smaller denylist',
      short({ denylist: ['a', 'b'] }),
      short({ denylist: ['a'] }),
      'contexts that got off by rule denylist may get on by the fallthrough',
    ],
    [
      'no denylist any more',
      short({ denylist: ['a'] }),
      short(),
      'contexts that got off by rule denylist may get on by the fallthrough',
    ],
    [
      'another country',
      short({ countries: ['DE'] }),
      short({ countries: ['FR'] }),
      'rule percentage may match more contexts, and serves on',
    ],
    ['a rule more', full([]), full([rule('r', { percentage: 0.001 })]), 'rule r is added and serves on'],
    [
      'a rule that serves on instead',
      full([rule('r', { serve: 'off' })]),
      full([rule('r')]),
      'rule r serves on instead of off',
    ],
    [
      'a rule that goes, which kept users out',
      full([rule('r', { when: is('plan', 'free'), serve: 'off' }), rule('s')]),
      full([rule('s')]),
      'contexts that got off by rule r may get on by rule s',
    ],
    [
      'a lower percentage of what kept users out',
      full([rule('r', { percentage: 50, serve: 'off' }), rule('s')]),
      full([rule('r', { percentage: 20, serve: 'off' }), rule('s')]),
      'contexts that got off by rule r may get on by rule s',
    ],
    [
      'a rule that goes, before another variant',
      coloured([rule('r', { serve: 'red' })], { fallthrough: 'blue' }),
      coloured([], { fallthrough: 'blue' }),
      'contexts that got red by rule r may get blue by the fallthrough',
    ],
    [
      'a lower percentage before another variant',
      coloured([rule('r', { serve: 'red', percentage: 20 }), rule('s', { serve: 'blue', percentage: 20 })]),
      coloured([rule('r', { serve: 'red', percentage: 10 }), rule('s', { serve: 'blue', percentage: 20 })]),
      'contexts that got red by rule r may get blue by rule s',
    ],
    [
      'rules of two variants the other way round',
      coloured([
        rule('r', { serve: 'red', percentage: 20 }),
        rule('s', { serve: 'blue', when: is('plan', 'pro') }),
      ]),
      coloured([
        rule('s', { serve: 'blue', when: is('plan', 'pro') }),
        rule('r', { serve: 'red', percentage: 20 }),
      ]),
      'contexts that got red by rule r may get blue by rule s',
    ],
    [
      'a condition less',
      full([rule('r', { when: { all: [is('plan', 'pro'), is('beta', true)] } })]),
      full([rule('r', { when: is('plan', 'pro') })]),
      'rule r may match more contexts, and serves on',
    ],
    [
      'no condition any more',
      full([rule('r', { when: is('plan', 'pro') })]),
      full([rule('r')]),
      'rule r may match more contexts, and serves on',
    ],
    [
      'fewer values that must not be',
      full([rule('r', { when: { not: is('plan', 'free', 'trial') } })]),
      full([rule('r', { when: { not: is('plan', 'free') } })]),
      'rule r may match more contexts, and serves on',
    ],
    [
      'the same values of another attribute',
      full([rule('r', { when: is('plan', 'pro') })]),
      full([rule('r', { when: is('tier', 'pro') })]),
      'rule r may match more contexts, and serves on',
    ],
    [
      'weights of which another variant gets more',
      coloured([], { fallthrough: { red: 45, blue: 45, off: 10 } }),
      coloured([], { fallthrough: { red: 44, blue: 46, off: 10 } }),
      'the fallthrough serves blue 46 : off 10 : red 44 instead of blue 45 : off 10 : red 45',
    ],
    [
      'weights of which off gets less',
      coloured([], { fallthrough: { red: 1, off: 2 } }),
      coloured([], { fallthrough: { red: 1, off: 1 } }),
      'the fallthrough serves off 1 : red 1 instead of off 2 : red 1',
    ],
    [
      'weights of a variant less, whose users go to others too',
      coloured([], { fallthrough: { red: 1, blue: 1, off: 1 } }),
      coloured([], { fallthrough: { red: 1, blue: 0, off: 1 } }),
      'the fallthrough serves off 1 : red 1 instead of blue 1 : off 1 : red 1',
    ],
    [
      'weights of a variant more',
      coloured([], { fallthrough: { red: 1, off: 1 } }),
      coloured([], { fallthrough: { red: 1, blue: 1, off: 8 } }),
      'the fallthrough serves blue 1 : off 8 : red 1 instead of off 1 : red 1',
    ],
    [
      'weights too large to be compared',
      coloured([], { fallthrough: { red: 1e200, off: 1e200 } }),
      coloured([], { fallthrough: { red: 1e201, off: 1e200 } }),
      'the fallthrough serves off 1e+200 : red 1e+201 instead of off 1e+200 : red 1e+200',
    ],
    [
      'a variant instead of weights',
      coloured([], { fallthrough: { red: 9, off: 1 } }),
      coloured([], { fallthrough: 'red' }),
      'the fallthrough serves red instead of off 1 : red 9',
    ],
    [
      'a variant instead of weights that held it alone, for who has no key',
      coloured([], { fallthrough: { red: 1 } }),
      coloured([], { fallthrough: 'red' }),
      'contexts that got red 1 by the fallthrough may get red by the fallthrough',
    ],
    [
      'a rule of 100 % by weights: who has no key goes on',
      coloured([rule('r', { serve: 'red' })], { fallthrough: 'blue' }),
      coloured([rule('r', { serve: { red: 1 } })], { fallthrough: 'blue' }),
      'contexts that got red by rule r may get blue by the fallthrough',
    ],
    [
      'another off',
      coloured([], { off: 'off' }),
      coloured([], { off: 'red' }),
      'its off changes from off to red',
    ],
    [
      'another off, while it is switched off',
      coloured([], { off: 'off' }),
      coloured([], { off: 'red', enabled: false }),
      'its off changes from off to red',
    ],
    [
      'another value of a variant',
      coloured([]),
      coloured([], { variants: { ...colours, off: 'x' } }),
      'its variants change',
    ],
    [
      'a variant more, which a kill may name',
      coloured([]),
      coloured([], { variants: { ...colours, green: 'g' } }),
      'its variants change',
    ],
    [
      'another salt',
      short({ percentage: 5 }),
      short({ percentage: 5, salt: 's' }),
      'its salt changes, and with it which users a percentage takes',
    ],
    [
      'another salt, of weights',
      coloured([], { fallthrough: { red: 1, off: 1 } }),
      coloured([], { fallthrough: { red: 1, off: 1 }, salt: 's' }),
      'its salt changes, and with it which users a percentage takes',
    ],
    [
      'another salt and a lower percentage',
      short({ percentage: 5 }),
      short({ percentage: 1, salt: 's' }),
      'its salt changes, and with it which users a percentage takes',
    ],
    [
      'another bucket key',
      short({ percentage: 5 }),
      short({ percentage: 5, bucketBy: 'tenant' }),
      'it buckets by tenant instead of targetingKey',
    ],
    [
      'a tag less',
      short({ tags: ['web', 'pay'] }),
      short({ tags: ['pay'] }),
      'it loses tag web, and a kill of that tag would not reach it',
    ],
    ['browsers that see it', short(), short({ client: true }), 'it becomes visible to browsers'],
    [
      'browsers that see it no more',
      short({ client: true }),
      short(),
      'it is hidden from browsers, which then use their own default',
    ],
    ['a new flag', undefined, short({ percentage: 0.001 }), 'is new, and not off for everybody'],
    [
      'a flag less',
      short({ enabled: false }),
      undefined,
      'is removed, and its callers fall back to their own defaults',
    ],
    [
      'a prerequisite less',
      full([rule('r')], { prerequisites: [{ flag: 'g', variants: ['on'] }] }),
      full([rule('r')]),
      'prerequisite g is removed',
    ],
    [
      'a variant more that a prerequisite accepts',
      full([rule('r')], { prerequisites: [{ flag: 'g', variants: ['on'] }] }),
      full([rule('r')], { prerequisites: [{ flag: 'g', variants: ['on', 'off'] }] }),
      'prerequisite g accepts more variants',
    ],
  ])('%s', (_, before, after, says) => {
    expect(ofFlag(before, after, { flags: { g: true } })).toStrictEqual([`flag f: ${says}`])
  })

  it('says everything that needs approval, and nothing else', () => {
    const before = { flags: { a: short({ percentage: 5 }), b: short({ percentage: 5 }), c: true, d: true } }
    const after = {
      flags: { a: short({ percentage: 6 }), b: short({ percentage: 4 }), c: short({ tags: ['x'] }), e: true },
    }
    expect(raising(before, after)).toStrictEqual([
      'flag a: percentage of rule percentage rises from 5 to 6',
      'flag e: is new, and not off for everybody',
      'flag d: is removed, and its callers fall back to their own defaults',
    ])
  })
})

describe('a flag that others require', () => {
  const needs = (flag: string, ...variants: string[]) =>
    full([rule('r')], { prerequisites: [{ flag, variants }] })

  it.each([
    ['lowers them, where it must be on', ['on'], []],
    ['raises them, where it may be off', ['off'], ['flag g: prerequisite f may go to off, which it accepts']],
    ['does nothing to them, where it may be either', ['on', 'off'], []],
  ])('and is switched off %s', (_, variants, expected) => {
    expect(ofFlag(true, false, { flags: { g: needs('f', ...variants) } })).toStrictEqual(expected)
  })

  it('and is raised raises them, and those that require them', () => {
    expect(ofFlag(false, true, { flags: { g: needs('f', 'on'), h: needs('g', 'on') } })).toStrictEqual([
      'flag g: prerequisite f may be raised',
      'flag h: prerequisite g may be raised',
      'flag f: is switched on',
    ])
  })

  it('lowers them through a chain, as long as each must be on', () => {
    const flags = { g: needs('f', 'on'), h: needs('g', 'on'), i: needs('h', 'off') }
    expect(ofFlag(true, false, { flags })).toStrictEqual([
      'flag i: prerequisite h may go to off, which it accepts',
    ])
  })

  it('does not matter to a flag that is off for everybody', () => {
    const off = { ...needs('f', 'off'), enabled: false }
    expect(ofFlag(true, false, { flags: { g: off } })).toStrictEqual([])
  })

  it('is another flag only if it answers otherwise', () => {
    const flags = { g: needs('f', 'off') }
    expect(ofFlag(true, short({ owner: 'web' }), { flags })).toStrictEqual([])
    expect(ofFlag(false, short({ enabled: false, percentage: 5 }), { flags })).toStrictEqual([])
  })
})

describe('a segment', () => {
  const beta = (serve: string, when: object = { segment: 'beta' }) => ({
    f: full([rule('r', { when, serve })], { fallthrough: serve === 'on' ? 'off' : 'on' }),
  })
  const ofSegment = (before: object, after: object, flags: object): readonly string[] =>
    raising({ flags, segments: { beta: before } }, { flags, segments: { beta: after } })
  const more = 'flag f: rule r may match more contexts, and serves on'
  const less = 'flag f: contexts that got off by rule r may get on by the fallthrough'

  it.each<[string, object, object, grows: boolean, shrinks: boolean]>([
    ['the same', { include: ['a', 'b'] }, { include: ['b', 'a'], description: 'x' }, false, false],
    ['a member more', { include: ['a'] }, { include: ['a', 'b'] }, true, false],
    ['a member less', { include: ['a', 'b'] }, { include: ['a'] }, false, true],
    [
      'an exclusion more',
      { when: is('plan', 'pro') },
      { when: is('plan', 'pro'), exclude: ['a'] },
      false,
      true,
    ],
    [
      'an exclusion less',
      { when: is('plan', 'pro'), exclude: ['a'] },
      { when: is('plan', 'pro') },
      true,
      false,
    ],
    [
      'an exclusion of who was no member',
      { include: ['a'] },
      { include: ['a'], exclude: ['b'] },
      false,
      false,
    ],
    [
      'a member who is excluded',
      { include: ['a'], exclude: ['b'] },
      { include: ['a', 'b'], exclude: ['b'] },
      false,
      false,
    ],
    ['a narrower condition', { when: is('plan', 'pro', 'team') }, { when: is('plan', 'pro') }, false, true],
    ['a condition more', { include: ['a'] }, { include: ['a'], when: is('plan', 'pro') }, true, false],
    ['a condition less', { include: ['a'], when: is('plan', 'pro') }, { include: ['a'] }, false, true],
    ['other members', { include: ['a'] }, { include: ['b'] }, true, true],
  ])('with %s', (_, before, after, grows, shrinks) => {
    expect(ofSegment(before, after, beta('on'))).toStrictEqual(grows ? [more] : [])
    expect(ofSegment(before, after, beta('off'))).toStrictEqual(shrinks ? [less] : [])
    expect(ofSegment(before, after, beta('on', { not: { segment: 'beta' } }))).toStrictEqual(
      shrinks ? [more] : [],
    )
  })

  it('that nobody uses does not matter', () => {
    expect(ofSegment({ include: ['a'] }, { include: ['a', 'b'] }, { f: true })).toStrictEqual([])
    expect(raising({ flags: {} }, { flags: {}, segments: { beta: {} } })).toStrictEqual([])
  })

  it('counts through another segment', () => {
    const segments = (include: string[]) => ({ beta: { when: { segment: 'staff' } }, staff: { include } })
    const change = (before: string[], after: string[], flags: object) =>
      raising({ flags, segments: segments(before) }, { flags, segments: segments(after) })
    expect(change(['a'], ['a', 'b'], beta('on'))).toStrictEqual([more])
    expect(change(['a', 'b'], ['a'], beta('on'))).toStrictEqual([])
    expect(change(['a', 'b'], ['a'], beta('off'))).toStrictEqual([less])
  })

  it('may be replaced by what it says less of, not by another segment', () => {
    const segments = { beta: { include: ['a'] }, staff: { include: ['a'] } }
    expect(
      raising({ flags: beta('on'), segments }, { flags: beta('on', { segment: 'staff' }), segments }),
    ).toStrictEqual([more])
  })
})

describe('routes', () => {
  const origins = { on: { url: 'https://new.example.com' }, off: { url: 'https://old.example.com' } }
  const route = (id: string, fields: object = {}) => ({
    id,
    match: {},
    flag: 'f',
    origins,
    fallback: 'off',
    ...fields,
  })
  const ofRoutes = (before: object[], after: object[]) =>
    raising({ flags: { f: true }, routes: before }, { flags: { f: true }, routes: after })

  it.each<[string, object[], object[], string[]]>([
    ['that stay', [route('a')], [route('a')], []],
    ['whose description changes', [route('a')], [route('a', { description: 'shop' })], []],
    [
      'whose keys stand in another order',
      [route('a')],
      [Object.fromEntries(Object.entries(route('a')).reverse())],
      [],
    ],
    ['that change', [route('a')], [route('a', { timeoutMs: 5 })], ['route a: changes']],
    ['that come', [], [route('a')], ['route a: is new']],
    ['that go', [route('a')], [], ['route a: is removed']],
    ['in another order', [route('a'), route('b')], [route('b'), route('a')], ['routes: their order changes']],
  ])('%s', (_, before, after, expected) => {
    expect(ofRoutes(before, after)).toStrictEqual(expected)
  })

  it('that let a header choose make it matter that a flag is switched on', () => {
    const header = { header: { 'x-canary': { yes: 'on' } } }
    const change = (fields: object) =>
      ofFlag(full([], { enabled: false }), full([]), { routes: [route('a', fields)] })
    expect(change({})).toStrictEqual([])
    expect(change({ overrides: header })).toStrictEqual([
      'flag f: is switched on, and a header chooses its variant on route a',
    ])
  })
})

describe('kills in force', () => {
  const under = (target: string, variant?: string): Partial<InForce> => ({
    kills: { epoch: 1, version: 1, kills: [{ target: target as never, ...(variant && { variant }) }] },
  })

  it('never excuse a change: they may be lifted', () => {
    const change = [{ flags: { f: false } }, { flags: { f: true } }] as const
    expect(raising(...change, under('flag:f'))).toStrictEqual(['flag f: is switched on'])
  })

  it('that name a variant count where a tag or a new flag comes under them', () => {
    const tagged = [
      { flags: { f: short({ percentage: 0 }) } },
      { flags: { f: short({ percentage: 0, tags: ['web'] }) } },
    ] as const
    expect(raising(...tagged, under('tag:web'))).toStrictEqual([])
    expect(raising(...tagged, under('tag:web', 'off'))).toStrictEqual([])
    expect(raising(...tagged, under('tag:web', 'none-of-its'))).toStrictEqual([])
    expect(raising(...tagged, under('tag:web', 'on'))).toStrictEqual(['flag f: a kill makes it serve on'])
    expect(raising(...tagged, under('all-flags', 'on'))).toStrictEqual([])
    const added = [{ flags: {} }, { flags: { f: false } }] as const
    expect(raising(...added, under('all-flags'))).toStrictEqual([])
    expect(raising(...added, under('all-flags', 'on'))).toStrictEqual(['flag f: a kill makes it serve on'])
  })
})

describe('running rollouts', () => {
  const running = (weight: number): Partial<InForce> => ({
    overlay: { rollouts: { r: { flag: 'f', variant: 'blue', weight } } },
  })
  const named = (percentage: unknown) => ({
    flags: { f: coloured([rule('a', { percentage, serve: 'blue' })]) },
  })

  it('give a rule that names them its percentage', () => {
    expect(raising(named({ rollout: 'r' }), named(20), running(20))).toStrictEqual([])
    expect(raising(named({ rollout: 'r' }), named(21), running(20))).toStrictEqual([
      'flag f: percentage of rule a rises from 20 to 21',
    ])
    expect(raising(named(20), named({ rollout: 'r' }), running(20))).toStrictEqual([])
    expect(raising(named(19), named({ rollout: 'r' }), running(20))).toStrictEqual([])
    expect(raising({ flags: { f: coloured([]) } }, named({ rollout: 'none' }))).toStrictEqual([])
  })

  it('that no rule names get those whom a rule lets go', () => {
    const before = { flags: { f: coloured([rule('a', { when: is('plan', 'pro'), serve: 'red' })]) } }
    const after = { flags: { f: coloured([]) } }
    expect(raising(before, after)).toStrictEqual([])
    expect(raising(before, after, running(0))).toStrictEqual([])
    expect(raising(before, after, running(10))).toStrictEqual([
      'flag f: contexts that got red by rule a may get blue by rule rollout:r',
    ])
  })
})

describe('a large document', () => {
  it('with a flag of 1 000 rules is judged by those that changed', () => {
    const rules = Array.from({ length: 1000 }, (_, at) =>
      rule(`r${at}`, { when: is('plan', at), percentage: 50, serve: at <= 500 ? 'red' : 'blue' }),
    )
    const change = (at: number, percentage: number) =>
      ofFlag(coloured(rules), coloured(rules.with(at, { ...rules[at]!, ...{ percentage } })))
    expect(change(700, 40)).toStrictEqual([])
    expect(change(700, 60)).toStrictEqual(['flag f: percentage of rule r700 rises from 50 to 60'])
    // A plan may be a list: whoever has 500 and 501 goes from the one to the other.
    expect(change(500, 40)).toStrictEqual([
      'flag f: contexts that got red by rule r500 may get blue by rule r501, or by 498 other rules',
    ])
  })

  it('gives up on conditions that take too long to compare, and asks for approval', () => {
    let [deep, other]: [object, object] = [is('plan', 1), is('plan', 2)]
    for (let depth = 0; depth < 12; depth += 1) {
      deep = { all: [deep, { any: [deep, is('plan', depth)] }] }
      other = { any: [other, { all: [other, is('tier', depth)] }] }
    }
    const change = (when: object) => ({ flags: { f: full([rule('r', { when })]) } })
    expect(raising(change(deep), change(other))).toStrictEqual([
      'flag f: rule r may match more contexts, and serves on',
    ])
  })
})

describe('a comparison that would take too long', () => {
  const variants = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`v${n}`, n]))
  const weights = (more: number) =>
    Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`v${n}`, n + more]))
  const flag = (rules: number, more: number) => ({
    enabled: true,
    variants,
    off: 'v0',
    rules: Array.from({ length: rules }, (_, n) => ({ id: `r${n}`, percentage: 1, serve: weights(more) })),
    fallthrough: 'v0',
  })

  it('is not made: the change is taken to raise', () => {
    expect(ofFlag(flag(1_000, 1), flag(1_000, 2))).toStrictEqual([
      'flag f: its rules are too many to be compared with those before',
    ])
  })

  it('is made of fewer rules', () => {
    expect(ofFlag(flag(100, 1), flag(100, 2))[0]).toMatch(
      /^flag f: rule r0 serves v0 2 : v1 3 .* instead of v0 1 /,
    )
  })

  it('of weights looks at each once', () => {
    let looks = 0
    class Weights extends Map<string, number> {
      override get(name: string): number | undefined {
        looks += 1
        return super.get(name)
      }
    }
    const of = (size: number, factor: number) =>
      new Weights(Array.from({ length: size }, (_, n): [string, number] => [`v${n}`, (n + 1) * factor]))
    expect(servesLower(of(1_000, 1), of(1_000, 2), 'off')).toBe(true)
    expect(looks).toBeLessThan(20_000)
  })
})
