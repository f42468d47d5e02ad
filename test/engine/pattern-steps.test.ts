/**
 * What the check of a pattern costs: a document may hold thousands of patterns, and the control plane does nothing else
 * while it reads them. Steps are counted, not timed: operations on sets of characters, and expressions that are made.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { patternProblem } from '../../engine/pattern.ts'

const steps = vi.hoisted(() => ({ sets: 0, expressions: [] as string[] }))

vi.mock('../../engine/char-set.ts', async (original) => {
  const real = await original<typeof import('../../engine/char-set.ts')>()
  const counted = Object.entries(real).map(([name, value]) => {
    if (typeof value !== 'function') return [name, value]
    const make = value as (...given: unknown[]) => unknown
    return [
      name,
      (...given: unknown[]) => {
        steps.sets += 1
        return make(...given)
      },
    ]
  })
  return Object.fromEntries(counted)
})

beforeEach(() => {
  const Real = RegExp
  vi.stubGlobal(
    'RegExp',
    class extends Real {
      constructor(source: string | RegExp, flags?: string) {
        super(source, flags)
        steps.expressions.push(String(source))
      }
    },
  )
})

afterEach(() => {
  vi.unstubAllGlobals()
})

/** Of a pattern whose properties were met before. */
function stepsOf(pattern: string): { sets: number; expressions: readonly string[] } {
  patternProblem(pattern)
  Object.assign(steps, { sets: 0, expressions: [] })
  patternProblem(pattern)
  return { ...steps }
}

const SHAPES: readonly (readonly [string, (times: number) => string])[] = [
  ['optional characters', (times) => `^${'a?'.repeat(times)}$`],
  ['optional groups', (times) => `^${'(?:a|b)?'.repeat(times)}$`],
  ['groups in groups', (times) => `^${'('.repeat(8)}${'a?b'.repeat(times)}${')'.repeat(8)}$`],
  ['alternatives', (times) => `^(?:${'ab|'.repeat(times)}c)$`],
  ['alternatives that differ', (times) => `^(?:${'b*a|'.repeat(times)}c)$`],
  ['repeated groups', (times) => `^(?:${'(?:ab){2}'.repeat(times)})$`],
  ['properties', (times) => `^${'\\p{L}'.repeat(times)}$`],
  ['classes', (times) => `^${'[a-f]?'.repeat(times)}$`],
  ['one class', (times) => `^[${'a-f0'.repeat(times)}]$`],
  ['characters', (times) => `^${'ab'.repeat(times)}$`],
]

describe('the steps of a check', () => {
  it.each(SHAPES)('grow no faster than the pattern: %s', (_, shape) => {
    const [few, many] = [stepsOf(shape(25)), stepsOf(shape(100))]
    expect(few.sets).toBeGreaterThan(0)
    expect(many.sets).toBeLessThanOrEqual(4 * few.sets)
    expect(many.sets).toBeLessThanOrEqual(10 * shape(100).length)
  })

  it.each(SHAPES)('make one regular expression, however many atoms there are: %s', (_, shape) => {
    expect(stepsOf(shape(100)).expressions).toHaveLength(1)
  })
})

it('a property of characters is written out by the platform once, not at each mention', () => {
  steps.expressions = []
  expect(patternProblem(`^${'\\p{Lu}'.repeat(100)}$`)).toBeNull()
  expect(patternProblem(`^${'\\p{Lu}'.repeat(150)}$`)).toBeNull()
  expect(steps.expressions.join(' ').split('\\p{Lu}')).toHaveLength(2)
})
