/** What must hold for every document and every user: the promises of bucketing, and that all ways of asking agree. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Kill } from '../../engine/index.ts'
import {
  encodeSnapshot,
  evaluate,
  evaluateAll,
  explain,
  murmur3,
  type Prepared,
  prepare,
} from '../../engine/index.ts'
import { compiled, killList } from '../helpers/cases.ts'
import * as arbitrary from '../helpers/documents.ts'
import { referenceBelow, referenceChoose } from '../helpers/reference.ts'

const preparedOf = (document: unknown): Prepared => prepare(compiled(document).snapshot, killList())
const variantOf = (prepared: Prepared, flag: string, targetingKey: string) =>
  evaluate(prepared, flag, { targetingKey }).variant

const users = Array.from({ length: 2_000 }, (_, index) => `user-${index}`)
const salt = fc.string({ minLength: 1, maxLength: 12 })
const percentage = fc.integer({ min: 0, max: 100_000 }).map((thousandths) => thousandths / 1000)
const NAMES = ['a', 'b', 'c', 'd', 'e']
const weight = fc.integer({ min: 1, max: 1000 })
const weightsOf = (count: number) =>
  fc.tuple(...NAMES.slice(0, count).map(() => weight)).map((row) => table(row))
const table = (row: number[]) => Object.fromEntries(row.map((each, index) => [NAMES[index]!, each]))
const variants = Object.fromEntries([...NAMES, 'off'].map((name) => [name, name]))

const partial = (percent: number, salted: string) =>
  preparedOf({
    flags: {
      f: {
        enabled: true,
        salt: salted,
        rules: [{ id: 'r', percentage: percent, serve: 'on' }],
        fallthrough: 'off',
      },
    },
  })
const split = (weights: Record<string, number>, salted: string) =>
  preparedOf({ flags: { f: { enabled: true, salt: salted, variants, fallthrough: weights } } })

describe('a percentage', () => {
  it('only adds users when it is raised', () => {
    fc.assert(
      fc.property(percentage, percentage, salt, (one, other, salted) => {
        const [low, high] = [partial(Math.min(one, other), salted), partial(Math.max(one, other), salted)]
        for (const user of users)
          if (variantOf(low, 'f', user) === 'on') expect(variantOf(high, 'f', user), user).toBe('on')
      }),
      { numRuns: 60 },
    )
  })

  it('counts keys whose hash is at the edges of 32 bits like all others', () => {
    const EDGES = {
      u49tof0d: 0xffffffff,
      u0fg9qqe: 0xfffffffe,
      u4vgwzrf: 0,
      u43mdu8l: 0x7fffffff,
      u65hqip0: 0x80000000,
    }
    const tenths = Array.from({ length: 9 }, (_, index) => partial(10 * (index + 1), 'edges'))
    const three = split({ a: 50, b: 30, c: 20 }, 'edges')
    for (const [key, hash] of Object.entries(EDGES)) {
      expect(murmur3(key, 0), key).toBe(hash)
      tenths.forEach((prepared, index) => {
        const expected = referenceBelow(key, 'edges', 10 * (index + 1)) ? 'on' : 'off'
        expect(evaluate(prepared, 'f', { targetingKey: key }), key).toMatchObject({
          variant: expected,
          errorCode: null,
        })
        expect(evaluateAll(prepared, { targetingKey: key })[0], key).toMatchObject({
          variant: expected,
          errorCode: null,
        })
      })
      expect(variantOf(three, 'f', key), key).toBe(referenceChoose(key, 'edges', { a: 50, b: 30, c: 20 }))
    }
  })

  it('gives exactly the same users after a rollback and a resume, and shares them between flags of one salt', () => {
    fc.assert(
      fc.property(percentage, salt, (percent, salted) => {
        const again = partial(percent, salted)
        const other = preparedOf({
          flags: {
            f: { enabled: true, salt: salted, fallthrough: 'off', rules: [] },
            g: {
              enabled: true,
              salt: salted,
              rules: [{ id: 'x', percentage: percent, serve: 'on' }],
              fallthrough: 'off',
            },
          },
        })
        for (const user of users.slice(0, 500))
          expect(variantOf(other, 'g', user)).toBe(variantOf(again, 'f', user))
      }),
      { numRuns: 60 },
    )
  })

  it('is the same cut whether a person wrote it, a short form means it, or a rollout sets it', () => {
    fc.assert(
      fc.property(percentage, (percent) => {
        const document = {
          flags: {
            f: { enabled: true, percentage: percent },
            g: {
              enabled: true,
              salt: 'f',
              rules: [{ id: 'x', percentage: percent, serve: 'on' }],
              fallthrough: 'off',
            },
            h: {
              enabled: true,
              salt: 'f',
              rules: [{ id: 'x', percentage: { rollout: 'r' }, serve: 'on' }],
              fallthrough: 'off',
            },
          },
        }
        const rollouts = { r: { flag: 'h', variant: 'on', weight: percent } }
        const prepared = prepare(compiled(document, { overlay: { rollouts } }).snapshot, killList())
        for (const user of users.slice(0, 500)) {
          const variant = variantOf(prepared, 'f', user)
          expect([variantOf(prepared, 'g', user), variantOf(prepared, 'h', user)]).toStrictEqual([
            variant,
            variant,
          ])
        }
      }),
      { numRuns: 60 },
    )
  })
})

describe('weights', () => {
  it('move users only into the variant whose weight is raised', () => {
    fc.assert(
      fc.property(weightsOf(4), fc.nat(3), weight, salt, (before, index, more, salted) => {
        const raised = NAMES[index]!
        const was = split(before, salted)
        const is = split({ ...before, [raised]: before[raised]! + more }, salted)
        for (const user of users) {
          const [from, to] = [variantOf(was, 'f', user), variantOf(is, 'f', user)]
          if (from !== to) expect(to, `${user} leaves ${from}`).toBe(raised)
        }
      }),
      { numRuns: 60 },
    )
  })

  it('move only the users of a variant that is removed, or set to zero', () => {
    fc.assert(
      fc.property(weightsOf(4), fc.nat(3), fc.boolean(), salt, (before, index, toZero, salted) => {
        const removed = NAMES[index]!
        const after = { ...before, [removed]: 0 }
        if (!toZero) delete after[removed]
        const [was, is] = [split(before, salted), split(after, salted)]
        for (const user of users) {
          const [from, to] = [variantOf(was, 'f', user), variantOf(is, 'f', user)]
          expect(to).not.toBe(removed)
          if (from !== removed) expect(to, user).toBe(from)
        }
      }),
      { numRuns: 60 },
    )
  })

  it('move users only into a variant that is added', () => {
    fc.assert(
      fc.property(weightsOf(3), weight, salt, (before, added, salted) => {
        const [was, is] = [split(before, salted), split({ ...before, d: added }, salted)]
        for (const user of users) {
          const to = variantOf(is, 'f', user)
          if (to !== 'd') expect(to, user).toBe(variantOf(was, 'f', user))
        }
      }),
      { numRuns: 60 },
    )
  })

  it('choose the same whatever their sum and the order they are written in', () => {
    fc.assert(
      fc.property(weightsOf(5), fc.integer({ min: 2, max: 64 }), salt, (before, scale, salted) => {
        const scaled = Object.entries(before).map(([name, each]) => [name, each * scale] as const)
        const [was, is] = [split(before, salted), split(Object.fromEntries(scaled.reverse()), salted)]
        for (const user of users.slice(0, 500))
          expect(variantOf(is, 'f', user)).toBe(variantOf(was, 'f', user))
      }),
      { numRuns: 60 },
    )
  })
})

describe('shares over 100 000 keys', () => {
  const count = 100_000
  const within4Sigma = (hits: number, share: number, label: string) => {
    const sigma = Math.sqrt(count * share * (1 - share))
    expect(Math.abs(hits - count * share), `${label}: ${hits} of ${count}`).toBeLessThanOrEqual(4 * sigma)
  }

  it.each([0.1, 1, 10, 33.333, 50, 95])('are %f %% within four standard deviations', (percent) => {
    const prepared = partial(percent, 'shares')
    let hits = 0
    for (let index = 0; index < count; index++)
      if (variantOf(prepared, 'f', `visitor-${index}`) === 'on') hits++
    within4Sigma(hits, percent / 100, `${percent} %`)
  })

  it.each([
    { a: 1, b: 1 },
    { a: 95, b: 5 },
    { a: 1, b: 2, c: 7 },
    { a: 0.2, b: 0.2, c: 0.2, d: 0.2, e: 0.2 },
  ] as Record<string, number>[])('are %j within four standard deviations', (weights) => {
    const prepared = split(weights, 'shares')
    const hits: Record<string, number> = {}
    for (let index = 0; index < count; index++) {
      const variant = variantOf(prepared, 'f', `visitor-${index}`)!
      hits[variant] = (hits[variant] ?? 0) + 1
    }
    const sum = Object.values(weights).reduce((total, each) => total + each, 0)
    for (const [name, each] of Object.entries(weights)) within4Sigma(hits[name] ?? 0, each / sum, name)
  })

  it('split a rule of 20 % by its weights as they would split everybody', () => {
    const prepared = preparedOf({
      flags: {
        f: {
          enabled: true,
          variants,
          rules: [{ id: 'r', percentage: 20, serve: { a: 3, b: 1 } }],
          fallthrough: 'off',
        },
      },
    })
    let [a, b] = [0, 0]
    for (let index = 0; index < count; index++) {
      const variant = variantOf(prepared, 'f', `visitor-${index}`)
      if (variant === 'a') a++
      if (variant === 'b') b++
    }
    within4Sigma(a + b, 0.2, 'the rule')
    const sigma = Math.sqrt((a + b) * 0.75 * 0.25)
    expect(Math.abs(a - (a + b) * 0.75)).toBeLessThanOrEqual(4 * sigma)
  })
})

describe('two salts', () => {
  const salts = [
    'checkout',
    'search',
    'CONDUIT_USE_REPOSITORY_PATTERN',
    'new-feature',
    'a',
    'b',
    'flag-1',
    'flag-2',
  ]

  /** χ² of the 2 × 2 table of "below with one salt" against "below with the other", one degree of freedom. */
  function chiSquared(one: Prepared, other: Prepared, count: number): number {
    const cells = [0, 0, 0, 0]
    for (let index = 0; index < count; index++) {
      const user = `person-${index}`
      const row = variantOf(one, 'f', user) === 'on' ? 2 : 0
      cells[row + (variantOf(other, 'f', user) === 'on' ? 1 : 0)]!++
    }
    const [none, second, first, both] = cells as [number, number, number, number]
    const numerator = count * (none * both - first * second) ** 2
    return numerator / ((none + second) * (first + both) * (none + first) * (second + both))
  }

  it.each([1, 10, 50])('decide independently at %d %%', (percent) => {
    const prepared = salts.map((each) => partial(percent, each))
    const values: number[] = []
    for (let one = 0; one < salts.length; one++)
      for (let other = 0; other < one; other++)
        values.push(chiSquared(prepared[one]!, prepared[other]!, 20_000))
    // 28 pairs: one value beyond 19.5 has p < 1e-5, and the mean of 28 is within 1 ± 4 × √(2/28)
    expect(Math.max(...values)).toBeLessThan(19.5)
    expect(values.reduce((sum, each) => sum + each, 0) / values.length).toBeLessThan(2.07)
  })
})

describe('the bucket', () => {
  it('is uniform over 64 cells for sequential and for prefixed keys', () => {
    const cell = Array.from({ length: 64 }, (_, index) => String(index))
    const variants = Object.fromEntries([...cell, 'off'].map((name) => [name, name]))
    const rules = cell.map((name, index) => ({
      id: name,
      percentage: index === 63 ? 100 : Math.round(((index + 1) * 100_000) / 64) / 1000,
      serve: name,
    }))
    for (const [prefix, salted] of [
      ['', 's'],
      ['user-', 'checkout'],
      ['00000000-0000-4000-8000-', 'CONDUIT'],
    ] as const) {
      const cells = new Array<number>(64).fill(0)
      const prepared = preparedOf({
        flags: { f: { enabled: true, salt: salted, variants, rules, fallthrough: 'off' } },
      })
      for (let index = 0; index < 64_000; index++)
        cells[Number(variantOf(prepared, 'f', `${prefix}${index}`))]!++
      const chi = cells.reduce((sum, cell) => sum + (cell - 1000) ** 2 / 1000, 0)
      expect(chi, prefix).toBeLessThan(120) // 63 degrees of freedom: p ≈ 2e-5
    }
  })
})

describe('all ways of asking', () => {
  const everything = [arbitrary.validDocument, arbitrary.overlay, arbitrary.kills, arbitrary.context] as const

  it('agree: explain decides as evaluate does, and evaluateAll holds the same decisions', () => {
    fc.assert(
      fc.property(...everything, arbitrary.at, (document, overlay, kills, context, at) => {
        const { snapshot } = compiled(document, { overlay })
        const prepared = prepare(snapshot, killList(kills as Kill[]))
        const decisions = arbitrary.FLAG_KEYS.map((flag) => {
          const decision = evaluate(prepared, flag, context, at)
          const explained = explain(prepared, flag, context, at)
          expect(explained.decision).toStrictEqual(decision)
          expect(explained.steps.findIndex((step) => step.decided)).toBe(explained.steps.length - 1)
          expect(explained.steps.some(({ step }) => step === 'error')).toBe(false)
          return decision
        })
        if (at === undefined)
          expect(byFlag(evaluateAll(prepared, context, 'all'))).toStrictEqual(byFlag(decisions))
      }),
      { numRuns: 1_500 },
    )
  })

  it('show a browser only the flags marked for it, with the same decisions', () => {
    fc.assert(
      fc.property(...everything, (document, overlay, kills, context) => {
        const prepared = prepare(compiled(document, { overlay }).snapshot, killList(kills as Kill[]))
        const marked = Object.entries(document.flags as Record<string, unknown>)
          .filter(([, flag]) => (flag as { client?: boolean }).client === true)
          .map(([key]) => evaluate(prepared, key, context))
        expect(byFlag(evaluateAll(prepared, context, 'client'))).toStrictEqual(byFlag(marked))
      }),
      { numRuns: 300 },
    )
  })

  it('give the same decision when asked twice, in any order of flags', () => {
    fc.assert(
      fc.property(...everything, (document, overlay, kills, context) => {
        const { snapshot } = compiled(document, { overlay })
        const [one, other] = [
          prepare(snapshot, killList(kills as Kill[])),
          prepare(snapshot, killList(kills as Kill[])),
        ]
        const forward = arbitrary.FLAG_KEYS.map((flag) => evaluate(one, flag, context))
        const backward = arbitrary.FLAG_KEYS.toReversed().map((flag) => evaluate(other, flag, context))
        expect(backward.toReversed()).toStrictEqual(forward)
        expect(arbitrary.FLAG_KEYS.map((flag) => evaluate(one, flag, context))).toStrictEqual(forward)
      }),
      { numRuns: 300 },
    )
  })

  it('leave the context as it was', () => {
    fc.assert(
      fc.property(...everything, (document, overlay, kills, context) => {
        const prepared = prepare(compiled(document, { overlay }).snapshot, killList(kills as Kill[]))
        const before = JSON.stringify(context)
        evaluateAll(prepared, context, 'all')
        expect(JSON.stringify(context)).toBe(before)
      }),
      { numRuns: 200 },
    )
  })
})

describe('compile', () => {
  it('gives the same bytes for the same document, and leaves the document as it was', () => {
    fc.assert(
      fc.property(arbitrary.validDocument, arbitrary.overlay, (document, overlay) => {
        const before = JSON.stringify(document)
        const text = encodeSnapshot(compiled(document, { overlay }).snapshot)
        expect(encodeSnapshot(compiled(structuredClone(document), { overlay }).snapshot)).toBe(text)
        expect(JSON.stringify(document)).toBe(before)
      }),
      { numRuns: 500 },
    )
  })

  it('gives the same bytes again after a toggle off and on', () => {
    fc.assert(
      fc.property(arbitrary.validDocument, (document) => {
        const flags = document.flags as Record<string, unknown>
        const text = encodeSnapshot(compiled(document).snapshot)
        const off = toggled(flags, false)
        for (const decision of evaluateAll(
          preparedOf({ ...document, flags: off }),
          { targetingKey: 'user1' },
          'all',
        ))
          expect(decision.reason).toBe('DISABLED')
        const back = Object.fromEntries(
          Object.keys(flags).map((key) => [key, restored(off[key], flags[key])]),
        )
        expect(encodeSnapshot(compiled({ ...document, flags: back }).snapshot)).toBe(text)
      }),
      { numRuns: 300 },
    )
  })
})

const byFlag = <T extends { flag: string }>(decisions: readonly T[]): T[] =>
  [...decisions].sort((one, other) => (one.flag < other.flag ? -1 : 1))

/** As the toggle does: sets `enabled`, or the bare boolean. */
const toggled = (flags: Record<string, unknown>, enabled: boolean): Record<string, unknown> =>
  Object.fromEntries(Object.entries(flags).map(([key, flag]) => [key, set(flag, enabled)]))

const set = (flag: unknown, enabled: boolean): unknown => {
  if (typeof flag === 'object') return { ...flag, enabled }
  return typeof flag === 'string' ? String(enabled) : enabled
}

const restored = (now: unknown, original: unknown): unknown =>
  typeof original === 'object'
    ? set(now, (original as { enabled: boolean }).enabled)
    : set(now, String(original) === 'true')
