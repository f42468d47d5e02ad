/**
 * Numbers of a JSON text that a double does not hold, and `JSON.parse` changes in silence. Pure, never throws, linear in the
 * length of the literal.
 */

/** Shorter literals without an exponent are below 2^53 and hold what they say. */
const SAFE_LENGTH = 15

/**
 * What is wrong with a number as it is written, or `null`. Refused are numbers above 2^53 that would become others, as large
 * ids do, those above the largest double, and those so small that they would become 0. A fraction is rounded to the nearest
 * double everywhere, and is fine.
 */
export function numberError(literal: string): string | null {
  if (literal.length <= SAFE_LENGTH && !/e/i.test(literal)) return null
  const value = Number(literal)
  if (!Number.isFinite(value)) return 'a number that is too large to be kept; write it as a string'
  if (value !== 0 && Math.abs(value) <= Number.MAX_SAFE_INTEGER) return null
  const [written, kept] = [decimal(literal), decimal(String(value))]
  if (written.digits === kept.digits && (written.digits === '' || written.exponent === kept.exponent))
    return null
  return `a number that would become ${value}; write it as a string`
}

/** `0.digits × 10^exponent` without the sign, and without zeros at either end: `1.50e3` is `15` and 4, and 0 has no digits. */
function decimal(literal: string): { digits: string; exponent: number } {
  const [mantissa, power = '0'] = literal.replace('-', '').toLowerCase().split('e') as [string, string?]
  const point = mantissa.indexOf('.')
  const all = point < 0 ? mantissa : mantissa.slice(0, point) + mantissa.slice(point + 1)
  let [start, end] = [0, all.length]
  while (start < end && all[start] === '0') start++
  while (end > start && all[end - 1] === '0') end--
  const before = point < 0 ? mantissa.length : point
  return { digits: all.slice(start, end), exponent: before - start + Number(power) }
}
