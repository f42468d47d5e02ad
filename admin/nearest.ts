/** The known name that a mistyped one probably means. Pure. */

/** The name with the fewest edits between it and `name`, if that is at most a third of its length (at least 2). */
export function nearest(name: string, known: Iterable<string>): string | null {
  let best: string | null = null
  let limit = Math.max(2, Math.floor(name.length / 3)) + 1
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

/** Levenshtein distance, one row at a time. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let line = 1; line <= a.length; line++) {
    const next = [line]
    for (let column = 1; column <= b.length; column++) {
      const swap = row[column - 1]! + (a[line - 1] === b[column - 1] ? 0 : 1)
      next.push(Math.min(swap, row[column]! + 1, next[column - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
