/** How long a value is as JSON in UTF-8. Pure. Never throws. */

/** In bytes; `null`: it cannot be written as JSON. */
export function jsonBytes(value: unknown): number | null {
  try {
    return utf8Length(JSON.stringify(value))
  } catch {
    return null
  }
}

function utf8Length(text: string): number {
  let bytes = text.length
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    // A surrogate pair is four bytes: two units and one more for each.
    if (unit > 0x7f) bytes += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1
  }
  return bytes
}
