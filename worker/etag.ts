/** If-None-Match. Pure. */

/** `*`, or any of the tags, compared weakly. Source: RFC 9110, section 13.1.2. */
export function matchesTag(header: string | null, etag: string): boolean {
  if (header === null) return false
  return header.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag)
}
