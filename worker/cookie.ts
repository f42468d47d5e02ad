/** Reading a Cookie header without splitting it, and taking Turnout's own cookies out of it. Pure. */

/** First value of a cookie, or `null`. */
export const cookieValue = (header: string | null, name: string): string | null =>
  nextCookie(header, name, 0)?.value ?? null

/** Every value of a cookie: a name may stand twice, set for the host and for its parent domain. */
export function cookieValues(header: string | null, name: string): string[] {
  const values: string[] = []
  for (let found = nextCookie(header, name, 0); found; found = nextCookie(header, name, found.end))
    values.push(found.value)
  return values
}

/** The next cookie of a name from a position on. Source: RFC 6265, section 4.2. */
function nextCookie(
  header: string | null,
  name: string,
  from: number,
): { value: string; end: number } | null {
  if (header === null) return null
  for (let at = header.indexOf(name, from); at >= 0; at = header.indexOf(name, at + 1)) {
    const start = at + name.length
    if (header[start] !== '=' || !isBoundary(header, at)) continue
    const stop = header.indexOf(';', start)
    const end = stop < 0 ? header.length : stop
    return { value: header.slice(start + 1, end).trim(), end }
  }
  return null
}

/** Whether a cookie's name begins here: at the start, or after `;` and spaces. */
function isBoundary(header: string, at: number): boolean {
  let before = at - 1
  while (before >= 0 && header[before] === ' ') before -= 1
  return before < 0 || header[before] === ';'
}

const OURS = /turnout-(?:id|preview)[ \t]*=/y
const MARK = 'turnout-'
const PREFIX = '__Host-'

/** The header as an origin may see it: without Turnout's cookies; `null` if nothing is left. Cut out in place, not split. */
export function withoutOurCookies(header: string): string | null {
  let kept = header
  let cut = false
  for (let at = kept.indexOf(MARK); at >= 0; ) {
    const start = kept.startsWith(PREFIX, at - PREFIX.length) ? at - PREFIX.length : at
    OURS.lastIndex = at
    if (!isBoundary(kept, start) || !OURS.test(kept)) at = kept.indexOf(MARK, at + MARK.length)
    else {
      const stop = kept.indexOf(';', at)
      kept = stop < 0 ? kept.slice(0, start) : kept.slice(0, start) + kept.slice(stop + 1).trimStart()
      at = kept.indexOf(MARK, start)
      cut = true
    }
  }
  if (!cut) return header
  return trimmed(kept)
}

/** Without the separators at both ends; `null` if nothing is left. A loop: a pattern would try again at every separator. */
function trimmed(text: string): string | null {
  let start = 0
  let end = text.length
  while (start < end && isSeparator(text[start]!)) start += 1
  while (end > start && isSeparator(text[end - 1]!)) end -= 1
  return start === end ? null : text.slice(start, end)
}

const isSeparator = (character: string): boolean =>
  character === ';' || character === ' ' || character === '\t'
