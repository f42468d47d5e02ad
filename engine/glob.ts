/** Globs: `*` any run of characters (`/` included), `?` exactly one, by code unit. Never exponential. Pure. */

/**
 * A predicate for a pattern. Greedy match with a single point to come back to, the latest `*`: O(pattern × text) at worst, one
 * pass as a rule.
 */
export const glob =
  (pattern: string) =>
  (text: string): boolean => {
    let p = 0
    let t = 0
    let star = -1
    let resume = 0
    while (t < text.length) {
      const unit = pattern[p]
      if (unit === '*') {
        star = p
        resume = t
        p += 1
      } else if (p < pattern.length && (unit === '?' || unit === text[t])) {
        p += 1
        t += 1
      } else if (star >= 0) {
        p = star + 1
        resume += 1
        t = resume
      } else return false
    }
    while (pattern[p] === '*') p += 1
    return p === pattern.length
  }
