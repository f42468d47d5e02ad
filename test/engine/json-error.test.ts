/** Where a text stops being JSON. What is said of it in full is in test/admin/pure.test.ts. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jsonError } from '../../engine/json-error.ts'

describe('the position of an error', () => {
  it.each([
    ['', 1, 1],
    ['  \n ', 2, 2],
    ['{"context":', 1, 12],
    ['{"context":{}', 1, 14],
    ['{\n  "context": {\n    "plan": pro\n  }\n}', 3, 13],
    ['x', 1, 1],
    ['{"a":1}}', 1, 8],
    ['[1,2', 1, 5],
    ['{"a":"b', 1, 8],
    ['[1e]', 1, 3],
    ['{"é😀":,}', 1, 8],
  ])('of %j is line %i, column %i', (text, line, column) => {
    expect(() => JSON.parse(text)).toThrow()
    expect(jsonError(text)).toMatchObject({ line, column })
  })

  it('lies in the text or right behind it, and what comes up to it is no whole JSON', () => {
    const isJson = (text: string): boolean => {
      try {
        JSON.parse(text)
        return true
      } catch {
        return false
      }
    }
    const broken = fc
      .tuple(fc.json({ maxDepth: 3 }), fc.nat(), fc.constantFrom('', '}', ']', ',', ':', '"', 'x', '0'))
      .map(([text, at, more]) => {
        const cut = at % (text.length + 1)
        return text.slice(0, cut) + more + text.slice(cut + 1)
      })
      .filter((text) => !isJson(text) && !text.includes('\n'))
    fc.assert(
      fc.property(broken, (text) => {
        const { line, column } = jsonError(text)
        expect(line).toBe(1)
        expect(column).toBeGreaterThanOrEqual(1)
        expect(column).toBeLessThanOrEqual(text.length + 1)
        if (column <= text.length) expect(isJson(text.slice(0, column))).toBe(false)
      }),
    )
  })

  it('of a megabyte of brackets is found at once', () => {
    expect(jsonError('['.repeat(1_000_000))).toMatchObject({ line: 1, column: 1_000_001 })
    expect(jsonError('"\\'.repeat(500_000))).toMatchObject({ line: 1 })
  })
})
