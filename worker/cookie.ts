/** Reading a Cookie header without splitting it, and taking Turnout's own cookies out of it. Pure. */

/** Value of a cookie, or `null`. Source: RFC 6265, section 4.2. */
export function cookieValue(header: string | null, name: string): string | null {
  if (header === null) return null
  for (let at = header.indexOf(name); at >= 0; at = header.indexOf(name, at + 1)) {
    const end = at + name.length
    if (header[end] !== '=' || !isBoundary(header, at)) continue
    const stop = header.indexOf(';', end)
    return header.slice(end + 1, stop < 0 ? header.length : stop).trim()
  }
  return null
}

/** Whether a cookie's name begins here: at the start, or after `;` and spaces. */
function isBoundary(header: string, at: number): boolean {
  let before = at - 1
  while (before >= 0 && header[before] === ' ') before -= 1
  return before < 0 || header[before] === ';'
}

const OURS = /^\s*(?:__Host-)?turnout-(?:id|preview)\s*=/

/** The header as an origin may see it: without Turnout's cookies; `null` if nothing is left. */
export function withoutOurCookies(header: string): string | null {
  if (!header.includes('turnout-')) return header
  const kept = header.split(';').filter((pair) => !OURS.test(pair) && pair.trim() !== '')
  return kept.length === 0 ? null : kept.map((pair) => pair.trim()).join('; ')
}
