/** Which flags are past their use, and which never are by their age. */
import { describe, expect, it } from 'vitest'
import { type Life, staleness } from '../../admin/governance/staleness.ts'
import { compile, type Flag, type ShortFlag } from '../../engine/index.ts'

const NOW = Date.parse('2026-11-01T00:00:00Z')
const DAY = 86_400_000

/** Why a flag is stale that last changed so many days ago. */
function stale(flag: unknown, days: number, life: Partial<Life> = {}) {
  const compiled = compile({ flags: { f: flag, g: true } }, { environment: 'test', epoch: 1, version: 1 })
  expect(compiled.ok ? [] : compiled.error).toStrictEqual([])
  return staleness(
    'f',
    flag as Flag | ShortFlag,
    { changedAtMs: NOW - days * DAY, inRollout: false, ...life },
    NOW,
  )
}

const short = (fields: object = {}) => ({ enabled: true, ...fields })
const full = (rules: object[], fields: object = {}) => ({
  enabled: true,
  rules,
  fallthrough: 'on',
  ...fields,
})
const pro = { attribute: 'plan', op: 'equals', value: 'pro' }

describe('a flag that gives everybody one variant', () => {
  it.each<[string, unknown]>([
    ['a bare boolean', true],
    ['a short form without limits', short()],
    ['a percentage of 100', short({ percentage: 100 })],
    ['no percentage at all', short({ percentage: 0 })],
    ['full form without rules', full([])],
    ['rules that all serve what follows them', full([{ id: 'r', when: pro, serve: 'on' }])],
    [
      'a rule that always decides',
      full([
        { id: 'r', serve: 'off' },
        { id: 's', when: pro, serve: 'on' },
      ]),
    ],
    ['a rule at 0 %', full([{ id: 'r', percentage: 0, serve: 'off' }])],
    ['an empty condition', full([{ id: 'r', when: { all: [] }, serve: 'off' }])],
    [
      'off whatever another flag says',
      full([], { fallthrough: 'off', prerequisites: [{ flag: 'g', variants: ['on'] }] }),
    ],
  ])('is stale after 30 days without a change: %s', (_, flag) => {
    expect(stale(flag, 29.99)).toBeNull()
    expect(stale(flag, 30)).toMatchObject({ reason: 'one-variant', sinceMs: NOW })
  })

  it.each<[string, unknown]>([
    ['a percentage', short({ percentage: 99 })],
    ['a denylist', short({ denylist: ['a'] })],
    ['countries', short({ countries: ['DE'] })],
    ['a rule that serves another variant', full([{ id: 'r', when: pro, serve: 'off' }])],
    ['weights', full([], { fallthrough: { on: 1, off: 1 } })],
    ['weights of one variant: who has no key gets off', full([], { fallthrough: { on: 1 } })],
    ['a rule of weights, for who has a key', full([{ id: 'r', serve: { off: 1 } }])],
    ['a prerequisite', full([], { prerequisites: [{ flag: 'g', variants: ['on'] }] })],
  ])('is not one with %s', (_, flag) => {
    expect(stale(flag, 1000)).toBeNull()
  })

  it('is not stale while a rollout runs on it', () => {
    expect(stale(full([], { fallthrough: 'off' }), 1000, { inRollout: true })).toBeNull()
  })

  it('says what it gives, and since when', () => {
    expect(stale(true, 31)).toStrictEqual({
      reason: 'one-variant',
      sinceMs: NOW - DAY,
      detail: 'gives everybody on, unchanged since 2026-10-01T00:00:00.000Z',
    })
  })
})

describe('a disabled flag', () => {
  it.each<[string, unknown]>([
    ['a bare boolean', 'false'],
    ['one with rules', full([{ id: 'r', when: pro, serve: 'off' }], { enabled: false })],
  ])('is stale after 90 days without a change: %s', (_, flag) => {
    expect(stale(flag, 89.99)).toBeNull()
    expect(stale(flag, 90)).toStrictEqual({
      reason: 'disabled',
      sinceMs: NOW,
      detail: 'is disabled, unchanged since 2026-08-03T00:00:00.000Z',
    })
  })
})

describe('an expired flag', () => {
  const until = (expiresAt: string, fields: object = {}) => short({ percentage: 5, expiresAt, ...fields })

  it('is stale from its instant on, however young it is', () => {
    expect(stale(until('2026-11-01T00:00:00.001Z'), 0)).toBeNull()
    expect(stale(until('2026-11-01T01:00:00+01:00'), 0)).toStrictEqual({
      reason: 'expired',
      sinceMs: NOW,
      detail: 'expired at 2026-11-01T01:00:00+01:00',
    })
  })

  it.each(['ops', 'permission', 'release', 'experiment', 'migration'])('is stale as %s too', (kind) => {
    expect(stale(until('2026-01-01T00:00:00Z', { kind }), 0, { inRollout: true })?.reason).toBe('expired')
  })
})

describe('the age of a flag', () => {
  it.each([
    ['ops', false],
    ['permission', false],
    ['release', true],
    ['experiment', true],
    ['migration', true],
  ])('of kind %s counts: %s', (kind, counts) => {
    expect(stale(short({ kind }), 1000) !== null).toBe(counts)
    expect(stale(short({ kind, enabled: false }), 1000) !== null).toBe(counts)
  })
})
