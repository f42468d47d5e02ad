/** JSON of any length as the strings that an attribute may hold. Pure. */
import { err, ok, type Result } from '../../../engine/index.ts'
import { MAX_TEXT } from './profile.ts'

/** Cut so that no character is. */
export function chunksOf(value: unknown): string[] {
  const text = JSON.stringify(value)
  const chunks: string[] = []
  for (let from = 0; from < text.length; ) {
    const end = Math.min(from + MAX_TEXT, text.length)
    const to = end < text.length && isHighSurrogate(text, end - 1) ? end - 1 : end
    chunks.push(text.slice(from, to))
    from = to
  }
  return chunks
}

/** The error is a sentence that completes the value's path. */
export function joined(chunks: unknown): Result<unknown, string> {
  if (!Array.isArray(chunks) || chunks.some((chunk) => typeof chunk !== 'string'))
    return err('must be a list of strings, which together are JSON')
  try {
    return ok(JSON.parse(chunks.join('')))
  } catch (cause) {
    return err(`its strings together must be JSON: ${(cause as Error).message}`)
  }
}

const isHighSurrogate = (text: string, at: number): boolean => {
  const code = text.charCodeAt(at)
  return code >= 0xd800 && code < 0xdc00
}
