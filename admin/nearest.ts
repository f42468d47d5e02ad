/** The known name that a mistyped one probably means. Pure. */

/**
 * The name with the fewest edits between it and `name`, if there are few for its length: one in three characters, so one in
 * names of three to five, and none, but for upper and lower case, in shorter ones.
 */
export function nearest(name: string, known: Iterable<string>): string | null {
  let best: string | null = null
  let limit = Math.floor(name.length / 3) + 1
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) >= limit) continue
    const edits = distance(name.toLowerCase(), candidate.toLowerCase())
    if (edits < limit) {
      best = candidate
      limit = edits
    }
  }
  return best
}

/** Characters that are left out, put in, replaced or swapped with their neighbour (optimal string alignment), row by row. */
function distance(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let line = 1; line <= a.length; line++) {
    const next = [line]
    for (let column = 1; column <= b.length; column++) {
      const replaced = row[column - 1]! + (a[line - 1] === b[column - 1] ? 0 : 1)
      const swaps = a[line - 1] === b[column - 2] && a[line - 2] === b[column - 1]
      const swapped = swaps ? before[column - 2]! + 1 : replaced
      next.push(Math.min(replaced, swapped, row[column]! + 1, next[column - 1]! + 1))
    }
    ;[before, row] = [row, next]
  }
  return row[b.length]!
}
