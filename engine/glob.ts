/** Globs: `*` any run of characters (`/` included), `?` exactly one, by code unit. Linear in practice, never exponential. Pure. */

/** A predicate for a pattern; patterns without wildcards and plain prefixes cost one comparison. */
export function glob(pattern: string): (text: string) => boolean {
  const wild = pattern.search(/[*?]/)
  if (wild < 0) return (text) => text === pattern
  if (pattern === '*') return () => true
  if (wild === pattern.length - 1 && pattern[wild] === '*') {
    const prefix = pattern.slice(0, -1)
    return (text) => text.startsWith(prefix)
  }
  return (text) => matchGlob(pattern, text)
}

/** Greedy match with a single point to come back to, the latest `*`: O(pattern × text) at worst. */
function matchGlob(pattern: string, text: string): boolean {
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
