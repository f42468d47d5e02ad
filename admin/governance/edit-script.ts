/**
 * The shortest edit script between two lists: which elements stay, in order. Myers' greedy algorithm, whose cost is the
 * lists' length times the number of edits, and which gives up above a limit. Pure.
 * Source: E. W. Myers, "An O(ND) Difference Algorithm and Its Variations", Algorithmica 1 (1986).
 */

/** Index in the one list, and index in the other, of an element that stays. */
export type Kept = readonly [before: number, after: number]

/** The pairs that stay, in order; `null` if more than `maxEdits` elements would have to be removed or added. */
export function keptPairs(
  before: readonly unknown[],
  after: readonly unknown[],
  maxEdits: number,
): readonly Kept[] | null {
  const [n, m] = [before.length, after.length]
  // reach[k + edits]: how far along `before` one gets on diagonal k = (index in before) − (index in after)
  const trace: Int32Array[] = []
  let reach: Int32Array = Int32Array.of(0, 0, 0)
  for (let edits = 0; edits <= Math.min(maxEdits, n + m); edits += 1) {
    const next = new Int32Array(2 * edits + 3)
    for (let k = -edits; k <= edits; k += 2) {
      let x = edits === 0 ? 0 : startOf(reach, edits, k)
      while (x < n && x - k < m && before[x] === after[x - k]) x += 1
      next[k + edits + 1] = x
      if (x >= n && x - k >= m) return backtrack(trace, edits, n, m)
    }
    trace.push(next)
    reach = next
  }
  return null
}

/** Where diagonal `k` begins after `edits` edits, from what was reached with one edit fewer: a removal goes on from k − 1, an addition from k + 1. */
function startOf(reach: Int32Array, edits: number, k: number): number {
  const [left, right] = [reach[k - 1 + edits]!, reach[k + 1 + edits]!]
  return removes(reach, edits, k) ? left + 1 : right
}

function removes(reach: Int32Array, edits: number, k: number): boolean {
  if (k === -edits) return false
  return k === edits || reach[k - 1 + edits]! >= reach[k + 1 + edits]!
}

function backtrack(trace: readonly Int32Array[], edits: number, n: number, m: number): Kept[] {
  const kept: Kept[] = []
  let [x, y] = [n, m]
  for (let left = edits; left > 0; left -= 1) {
    const reach = trace[left - 1]!
    const k = x - y
    const removed = removes(reach, left, k)
    const start = startOf(reach, left, k)
    while (x > start) {
      x -= 1
      y -= 1
      kept.push([x, y])
    }
    if (removed) x -= 1
    else y -= 1
  }
  while (x > 0) {
    x -= 1
    y -= 1
    kept.push([x, y])
  }
  return kept.reverse()
}
