/** References between named things (prerequisites, segments): none may lead back to itself, nor run too deep. Pure. */

/** How long a chain of prerequisites, or of segments within segments, may be. */
export const MAX_CHAIN = 32

/**
 * Calls `report` for every key from which a chain comes back to it (with the chain), or is longer than `MAX_CHAIN` (null).
 * Visits every reference once; recursion is bounded by `MAX_CHAIN`.
 */
export function checkChains(
  keys: Iterable<string>,
  referencesOf: (key: string) => readonly string[],
  report: (key: string, cycle: readonly string[] | null) => void,
): void {
  const heights = new Map<string, number>()
  const trail: string[] = []

  const height = (key: string): number => {
    const known = heights.get(key)
    if (known !== undefined) return known
    const seen = trail.indexOf(key)
    if (seen >= 0) {
      report(key, [...trail.slice(seen), key])
      return 0
    }
    if (trail.length > MAX_CHAIN) return 0
    trail.push(key)
    let tallest = 0
    for (const reference of referencesOf(key)) tallest = Math.max(tallest, 1 + height(reference))
    if (trail.length > MAX_CHAIN) tallest = MAX_CHAIN + 1
    trail.pop()
    heights.set(key, tallest)
    return tallest
  }

  for (const key of keys) if (height(key) > MAX_CHAIN) report(key, null)
}
