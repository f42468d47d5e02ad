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
  // Two Cookie lines arrive joined by a comma, which our own values never hold; others may.
  const ours = name.includes(MARK)
  for (let at = header.indexOf(name, from); at >= 0; at = header.indexOf(name, at + 1)) {
    const start = at + name.length
    if (header[start] !== '=' || !isBoundary(header, at, ours)) continue
    const end = header.indexOf(';', start)
    const whole = header.slice(start + 1, end < 0 ? undefined : end)
    const value = ours && whole.includes(',') ? whole.slice(0, whole.indexOf(',')) : whole
    return { value: value.trim(), end: start + 1 + value.length }
  }
  return null
}

/** Whether a cookie's name begins here: at the start, or after a separator and spaces. */
function isBoundary(header: string, at: number, ours: boolean): boolean {
  let before = at - 1
  while (before >= 0 && (header[before] === ' ' || header[before] === '\t')) before -= 1
  return before < 0 || header[before] === ';' || (ours && header[before] === ',')
}

const MARK = 'turnout-'
const OURS = /^(?:__Host-)?turnout-(?:id|preview)[ \t]*=/
const OURS_ON_A_SECOND_LINE = /,[ \t]*(?:__Host-)?turnout-(?:id|preview)[ \t]*=/

/** The header as an origin may see it: without Turnout's cookies; `null` if nothing is left. Linear in the header's length. */
export function withoutOurCookies(header: string): string | null {
  if (!header.includes(MARK)) return header
  let kept = ''
  let isCut = false
  const keep = (text: string): void => {
    const pair = text.trim()
    if (pair.includes(MARK) && OURS.test(pair)) isCut = true
    else if (pair !== '') kept = kept === '' ? pair : `${kept}; ${pair}`
  }
  for (let from = 0, end = 0; end < header.length; from = end + 1) {
    end = header.indexOf(';', from)
    if (end < 0) end = header.length
    const text = header.slice(from, end)
    if (text.includes(MARK) && OURS_ON_A_SECOND_LINE.test(text))
      for (const part of text.split(',')) keep(part)
    else keep(text)
  }
  return isCut ? kept || null : header
}
