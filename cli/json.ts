/**
 * JSON from outside. An error says where and why, and never repeats the text: it may be the value of a SecureString.
 */
import { err, ok, type Result } from '../engine/index.ts'
import { numberError } from '../engine/json-number.ts'

/**
 * The value, or one clause such as `is not JSON at line 2, column 8: expected ":" after property name`. A number that would
 * become another is an error too: what is sent on is not the text but the value.
 */
export function parseJson(text: string): Result<unknown, string> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    const { at, why } = explain((error as Error).message, text)
    return err(`is not JSON at ${placeOf(at, text)}: ${why}`)
  }
  for (const { 0: token, index } of text.matchAll(STRING_OR_NUMBER)) {
    const changed = token.startsWith('"') ? null : numberError(token)
    if (changed !== null) return err(`has at ${placeOf(index, text)} ${changed}`)
  }
  return ok(value)
}

/** In a text that is JSON. */
const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g

function placeOf(at: number, text: string): string {
  const lineStart = text.lastIndexOf('\n', at - 1) + 1
  const line = text.slice(0, lineStart).split('\n').length
  return `line ${line}, column ${at - lineStart + 1}`
}

/** V8 names the position, or that the text has ended, or, quoting the text, only the unexpected character. */
function explain(message: string, text: string): { at: number; why: string } {
  const [, why, position] = /^(.*?)(?: (?:in|after) JSON)? at position (\d+)/s.exec(message) ?? []
  if (why !== undefined) return { at: Number(position), why: why.charAt(0).toLowerCase() + why.slice(1) }
  if (message.startsWith(UNEXPECTED)) return { at: badCharacter(text), why: 'unexpected character' }
  return { at: text.length, why: 'the text ends too early' }
}

const UNEXPECTED = 'Unexpected token'

/** Offset of the unexpected character: every prefix that holds it fails because of it, and no shorter one does. */
function badCharacter(text: string): number {
  let [good, bad] = [0, text.length]
  while (bad - good > 1) {
    const middle = (good + bad) >>> 1
    if (failsUnexpectedly(text.slice(0, middle))) bad = middle
    else good = middle
  }
  return bad - 1
}

function failsUnexpectedly(text: string): boolean {
  try {
    JSON.parse(text)
    return false
  } catch (error) {
    return (error as Error).message.startsWith(UNEXPECTED)
  }
}
