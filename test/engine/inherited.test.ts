/** What a context inherits is as if it were not there: the prototype chain is never looked at, whatever is asked of it. */
import { describe, expect, it } from 'vitest'
import { evaluate, evaluateAll, type Operator, prepare } from '../../engine/index.ts'
import { compiled, killList } from '../helpers/cases.ts'

/** An operand for each operator, and a value that it holds for. */
const HOLDING: Record<Operator, [operand: unknown, value: unknown]> = {
  equals: ['DE', 'DE'],
  in: [['DE'], ['FR', 'DE']],
  contains: ['E', ['DE']],
  startsWith: ['D', 'DE'],
  endsWith: ['E', 'DE'],
  glob: ['D*', 'DE'],
  matches: ['^DE$', 'DE'],
  lt: [2, 1],
  lte: [2, 2],
  gt: [2, 3],
  gte: [2, 2],
  before: ['2026-01-02T00:00:00Z', '2026-01-01T00:00:00Z'],
  after: ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'],
  semverEq: ['1.2.3', '1.2.3'],
  semverLt: ['1.2.3', '1.2.2'],
  semverLte: ['1.2.3', '1.2.3'],
  semverGt: ['1.2.3', '1.2.4'],
  semverGte: ['1.2.3', '1.2.3'],
  cidr: [['10.0.0.0/8'], '10.1.2.3'],
  near: [
    { latitude: 52, longitude: 13, km: 10 },
    { latitude: 52, longitude: 13 },
  ],
  exists: [true, 'DE'],
}

const prepared = (attribute: string, op: string, value: unknown) =>
  prepare(
    compiled({
      flags: {
        f: {
          enabled: true,
          rules: [{ id: 'r', when: { attribute, op, value }, serve: 'on' }],
          fallthrough: 'off',
        },
      },
    }).snapshot,
    killList(),
  )

describe.each(Object.entries(HOLDING))('%s', (op, [operand, value]) => {
  it.each(['x', 'x.y'])('holds for an own attribute %s, and not for an inherited one', (attribute) => {
    const own = { [attribute]: value }
    const asked = prepared(attribute, op, operand)
    expect(evaluate(asked, 'f', own)).toMatchObject({ variant: 'on', rule: 'r' })
    expect(evaluate(asked, 'f', Object.create(own))).toMatchObject({ variant: 'off', rule: null })
  })
})

describe('an inherited attribute', () => {
  it.each(['x', 'x.y'])('%s is absent to those who ask for its absence', (attribute) => {
    const asked = prepared(attribute, 'exists', false)
    expect(evaluate(asked, 'f', { [attribute]: 'DE' }).variant).toBe('off')
    expect(evaluate(asked, 'f', Object.create({ [attribute]: 'DE' })).variant).toBe('on')
  })

  it('is no targeting key, neither for a percentage nor for weights', () => {
    const { snapshot } = compiled({
      flags: {
        cut: {
          enabled: true,
          rules: [{ id: 'r', percentage: 99.999, serve: 'on' }],
          fallthrough: 'off',
        },
        split: { enabled: true, fallthrough: { on: 1, off: 1 } },
      },
    })
    const asked = prepare(snapshot, killList())
    const context = Object.create({ targetingKey: 'u1' })
    for (const flag of ['cut', 'split'])
      expect(evaluate(asked, flag, context).errorCode, flag).toBe('TARGETING_KEY_MISSING')
    for (const { flag, errorCode } of evaluateAll(asked, context))
      expect(errorCode, flag).toBe('TARGETING_KEY_MISSING')
  })

  it('is absent where Object.prototype was polluted, too', () => {
    const asked = prepared('targetingKey', 'equals', 'DE')
    const polluted = Object.prototype as { targetingKey?: unknown }
    try {
      polluted.targetingKey = 'DE'
      expect(evaluate(asked, 'f', {}).variant).toBe('off')
      expect(evaluate(asked, 'f', { targetingKey: 'DE' }).variant).toBe('on')
      expect(evaluate(asked, 'f', { targetingKey: 'FR' }).variant).toBe('off')
    } finally {
      delete polluted.targetingKey
    }
  })
})
