/** The shortest edit script, against the textbook's table of longest common subsequences. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keptPairs } from '../../admin/governance/edit-script.ts'

const list = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 12 })

function longestCommon(one: readonly string[], other: readonly string[]): number {
  const table = [new Array<number>(other.length + 1).fill(0)]
  for (const [i, item] of one.entries()) {
    const row = [0]
    for (const [j, its] of other.entries())
      row.push(item === its ? table[i]![j]! + 1 : Math.max(table[i]![j + 1]!, row[j]!))
    table.push(row)
  }
  return table.at(-1)!.at(-1)!
}

describe('what stays of a list', () => {
  it('is a common subsequence, and no other is longer', () => {
    fc.assert(
      fc.property(list, list, (before, after) => {
        const kept = keptPairs(before, after, 100)!
        expect(kept).toHaveLength(longestCommon(before, after))
        for (const [at, [one, other]] of kept.entries()) {
          expect(before[one]).toBe(after[other])
          if (at > 0) expect(one > kept[at - 1]![0] && other > kept[at - 1]![1]).toBe(true)
        }
      }),
      { numRuns: 5_000 },
    )
  })

  it('is not looked for beyond the limit of edits', () => {
    fc.assert(
      fc.property(list, list, fc.nat(10), (before, after, limit) => {
        const edits = before.length + after.length - 2 * longestCommon(before, after)
        expect(keptPairs(before, after, limit) === null).toBe(edits > limit)
      }),
      { numRuns: 2_000 },
    )
  })
})
