/** The trace of a decision: every step in the order of evaluation, what failed on which value, and where the bucket lies. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { explain, prepare } from '../../engine/index.ts'
import { compiled, killList } from '../helpers/cases.ts'
import { referenceBucketPercent } from '../helpers/reference.ts'

const { bucket: vectors } = JSON.parse(
  readFileSync(new URL('../vectors/bucketing.json', import.meta.url), 'utf8'),
) as { bucket: { salt: string; key: string; percent: number }[] }

const document = {
  flags: {
    base: { enabled: true, rules: [{ id: 'half', percentage: 50, serve: 'on' }], fallthrough: 'off' },
    ladder: {
      enabled: true,
      tags: ['web'],
      prerequisites: [{ flag: 'gate', variants: ['on'] }],
      rules: [
        { id: 'vip', when: { attribute: 'plan', op: 'equals', value: 'vip' }, serve: 'on' },
        {
          id: 'eu',
          when: {
            all: [
              { attribute: 'geo.continent', op: 'equals', value: 'EU' },
              { not: { segment: 'staff' } },
              { attribute: 'age', op: 'gte', value: 18 },
            ],
          },
          percentage: 25,
          serve: 'on',
        },
      ],
      fallthrough: { on: 1, off: 3 },
    },
    gate: { enabled: true, fallthrough: 'on' },
    shut: { enabled: false, fallthrough: 'on' },
    blocked: { enabled: true, prerequisites: [{ flag: 'shut', variants: ['on'] }], fallthrough: 'on' },
  },
  segments: { staff: { when: { attribute: 'email', op: 'endsWith', value: '@example.com' } } },
}
const { snapshot } = compiled(document)
const calm = prepare(snapshot, killList())

const stepsOf = (...asked: Parameters<typeof explain>) => explain(...asked).steps
const names = (...asked: Parameters<typeof explain>) => stepsOf(...asked).map(({ step }) => step)

describe('the steps', () => {
  it('stand in the order of evaluation', () => {
    expect(names(calm, 'ladder', { targetingKey: 'user1' })).toStrictEqual([
      'kill',
      'enabled',
      'prerequisite',
      'rule',
      'rule',
      'fallthrough',
    ])
  })

  it('end at the one that decided', () => {
    expect(names(calm, 'ladder', { plan: 'vip' })).toStrictEqual(['kill', 'enabled', 'prerequisite', 'rule'])
    expect(names(calm, 'blocked', {})).toStrictEqual(['kill', 'enabled', 'prerequisite'])
    expect(names(calm, 'shut', {})).toStrictEqual(['kill', 'enabled'])
    expect(names(prepare(snapshot, killList([{ target: 'tag:web' }])), 'ladder', {})).toStrictEqual(['kill'])
  })

  it('name the kill, the prerequisite and the rules', () => {
    const [killed] = stepsOf(prepare(snapshot, killList([{ target: 'tag:web' }])), 'ladder', {})
    expect(killed?.detail).toContain('tag:web')
    expect(stepsOf(calm, 'blocked', {}).at(-1)?.detail).toContain('shut')
    const rules = stepsOf(calm, 'ladder', {}).filter(({ step }) => step === 'rule')
    expect(rules.map(({ rule }) => rule)).toStrictEqual(['vip', 'eu'])
  })

  it('show both overrides, in their places', () => {
    expect(names(calm, 'ladder', {}, { override: 'on' }).at(-1)).toMatch(/override/)
    const header = names(calm, 'ladder', {}, { route: 'shop', headerOverride: 'on' })
    expect(header.indexOf('enabled')).toBeLessThan(header.length - 1)
    expect(header.at(-1)).toMatch(/override/)
  })

  it('say that a flag is unknown', () => {
    expect(JSON.stringify(stepsOf(calm, 'nobody', {}))).toContain('nobody')
  })
})

describe('a condition that failed', () => {
  const failedOf = (context: object) =>
    stepsOf(calm, 'ladder', { plan: 'basic', ...context }).find(({ rule }) => rule === 'eu')?.failed

  it('is shown with its attribute, its operator, what it wanted and what it found', () => {
    expect(
      stepsOf(calm, 'ladder', { plan: 'basic' }).find(({ rule }) => rule === 'vip')?.failed,
    ).toMatchObject({
      attribute: 'plan',
      op: 'equals',
      expected: 'vip',
      actual: 'basic',
    })
  })

  it('is the first of several that failed', () => {
    expect(failedOf({ geo: { continent: 'NA' } })).toMatchObject({ attribute: 'geo.continent', actual: 'NA' })
    expect(failedOf({ geo: { continent: 'EU' }, age: 17 })).toMatchObject({
      attribute: 'age',
      op: 'gte',
      actual: 17,
    })
  })

  it('is shown although the attribute is missing', () => {
    expect(failedOf({ geo: { continent: 'EU' } })).toMatchObject({
      attribute: 'age',
      op: 'gte',
      expected: 18,
    })
  })

  it('is not shown for a rule that matched', () => {
    expect(stepsOf(calm, 'ladder', { plan: 'vip' }).at(-1)).not.toHaveProperty('failed')
  })
})

describe('the bucket', () => {
  const salted = (salt: string) =>
    prepare(
      compiled({
        flags: {
          f: { enabled: true, salt, rules: [{ id: 'r', percentage: 50, serve: 'on' }], fallthrough: 'off' },
        },
      }).snapshot,
      killList(),
    )

  it.each(vectors.filter(({ key }) => key !== ''))(
    'of $key under $salt lies at $percent %',
    ({ salt, key, percent }) => {
      const rule = stepsOf(salted(salt), 'f', { targetingKey: key }).find(({ step }) => step === 'rule')
      expect(rule?.bucket).toBe(percent)
    },
  )

  it('is shown in percent to five digits, whether the rule matched or not', () => {
    for (let index = 0; index < 200; index++) {
      const rule = stepsOf(calm, 'base', { targetingKey: `user${index}` }).find(({ step }) => step === 'rule')
      expect(rule?.bucket).toBeCloseTo(referenceBucketPercent(`user${index}`, 'base'), 5)
      expect(String(rule?.bucket)).toMatch(/^\d{1,2}(?:\.\d{1,5})?$/)
    }
  })

  it('is not shown where its key is missing, and the step says so', () => {
    const rule = stepsOf(calm, 'base', {}).find(({ step }) => step === 'rule')
    expect(rule).not.toHaveProperty('bucket')
    expect(rule?.detail).toMatch(/key/)
  })
})
