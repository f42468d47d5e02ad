/** Long texts in rows of at most 1 MB, whatever characters they hold. Pure. */

/** A UTF-16 code unit takes at most 3 bytes of UTF-8, so this many are never more than 1 MiB. */
export const CHUNK_LENGTH = Math.floor((1024 * 1024) / 3)

/** Cuts a text into parts; joined, they are the text. Never cuts a surrogate pair, whose halves SQLite could not keep. */
export function chunks(text: string): string[] {
  const parts: string[] = []
  for (let start = 0; start < text.length || parts.length === 0; ) {
    let end = Math.min(start + CHUNK_LENGTH, text.length)
    if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end--
    parts.push(text.slice(start, end))
    start = end
  }
  return parts
}

/** Whether a text that is the first of the parts is all of them. */
export const isOneChunk = (first: string): boolean => first.length < CHUNK_LENGTH - 1

const isHighSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdbff
