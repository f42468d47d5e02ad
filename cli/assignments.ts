/** Arguments of the form NAME=VALUE. Pure. Throws `UsageError`. */
import { UsageError } from './failure.ts'

/** Values that are JSON are what they say, all others are texts. */
export function assignments(words: readonly string[]): Record<string, unknown> {
  const values = new Map<string, unknown>()
  for (const word of words) {
    const at = word.indexOf('=')
    if (at < 1) throw new UsageError(`${JSON.stringify(word)} must be NAME=VALUE`)
    const name = word.slice(0, at)
    if (values.has(name)) throw new UsageError(`${name} is given twice`)
    values.set(name, jsonOrText(word.slice(at + 1)))
  }
  return Object.fromEntries(values)
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
