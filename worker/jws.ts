/** The parts of a compact JWS, read strictly: each sequence of bytes has one text. Pure. Never throws. */
import { base64url } from './secret-key.ts'

/** What a part of base64url says in JSON; `null`: nothing. */
export function jsonOf(text: string): unknown {
  const bytes = bytesOf(text)
  if (bytes === null) return null
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch {
    // Not UTF-8, or not JSON: no part of a token.
    return null
  }
}

/** `null`: not base64url as it is written, where each sequence of bytes has one text. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0))
    return base64url(bytes) === text ? bytes : null
  } catch {
    return null
  }
}
