/**
 * The value of `Idempotency-Key`: a string of Structured Fields (RFC 9651 §3.3.3), as the draft of the header asks, or the
 * same without its quotes, as many clients send it. Pure.
 * https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 */

const MAX_KEY_LENGTH = 255

export const KEY_GRAMMAR = `must be 1 to ${MAX_KEY_LENGTH} characters: visible ASCII without double quotes, or a string in double quotes, which may hold spaces too`

const QUOTED = /^"(?:[ !#-[\]-~]|\\["\\])*"$/
const BARE = /^[!#-~]+$/

/** The key that a header names; `null`: it names none. With and without quotes it is the same key. */
export function parseKey(header: string): string | null {
  const key = QUOTED.test(header)
    ? header.slice(1, -1).replaceAll(/\\(["\\])/g, '$1')
    : BARE.test(header)
      ? header
      : ''
  return key.length >= 1 && key.length <= MAX_KEY_LENGTH ? key : null
}
