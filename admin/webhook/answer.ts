/** What may be kept of a target's answer: little, printable, and none of our secrets. Pure. */

/** Characters of an answer that are kept. */
const MAX_ANSWER = 200
/** The start of a secret at the end of a text that was cut is cut off from this length on. */
const MIN_PART = 4

/** One line of printable text, at most 200 characters, with every secret cut out; `null`: nothing is left. */
export function sanitized(text: string, secrets: readonly string[]): string | null {
  const longestFirst = [...secrets].sort((a, b) => b.length - a.length)
  const whole = longestFirst.reduce((left, secret) => left.replaceAll(secret, '[secret]'), text)
  const clean = longestFirst
    .reduce(withoutStart, whole)
    // Control, format and surrogate characters could hide or turn round what a terminal shows.
    .replace(/[\p{C}\p{Z}]+/gu, ' ')
    .trim()
  const kept = [...clean].slice(0, MAX_ANSWER).join('')
  return kept === '' ? null : kept
}

/** A text that ends within a secret, without that part. */
function withoutStart(text: string, secret: string): string {
  for (let length = Math.min(secret.length - 1, text.length); length >= MIN_PART; length--)
    if (text.endsWith(secret.slice(0, length))) return `${text.slice(0, -length)}[secret]`
  return text
}
