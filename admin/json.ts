/**
 * JSON from outside: parsed once, and an error says where. Pure, never throws. What `JSON.parse` would let pass in silence
 * is refused, found in one scan: values nested too deep, names that an object holds twice, of which it keeps the last
 * (RFC 8259 §4), and numbers that it would change (engine/json-number.ts). Where `JSON.parse` refuses, engine/json-error.ts
 * finds the position.
 */
import { err, ok, type Result } from '../engine/index.ts'
import { type Found, type JsonError, jsonError, placed, stringEnd } from '../engine/json-error.ts'
import { numberError } from '../engine/json-number.ts'

/** Deeper values are refused, so that nothing behind this may overflow its stack. */
const MAX_DEPTH = 100

export function parseJson(text: string): Result<unknown, JsonError> {
  const { tooDeep, changed } = scan(text)
  if (tooDeep !== null) return err(placed(text, tooDeep))
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return err(jsonError(text))
  }
  return changed === null ? ok(value) : err(placed(text, changed))
}

/**
 * The first bracket that opens level MAX_DEPTH + 1, and the first name or number that would not be kept. The text need not
 * be JSON.
 */
function scan(text: string): { tooDeep: Found | null; changed: Found | null } {
  /** Names so far of each open object; `null` for a list. */
  const open: (Set<string> | null)[] = []
  let names: Set<string> | null = null
  let atName = false
  let changed: Found | null = null
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      const end = stringEnd(text, at)
      if (atName && names !== null) {
        const name = nameIn(text.slice(at, end + 1))
        if (names.has(name)) changed ??= { at, message: `the name ${shown(name)} is there twice` }
        names.add(name)
        atName = false
      }
      at = end
    } else if (code === COMMA) {
      atName = true
    } else if (code === OPEN_OBJECT || code === OPEN_LIST) {
      if (open.length === MAX_DEPTH)
        return { tooDeep: { at, message: `nested deeper than ${MAX_DEPTH} levels` }, changed }
      names = code === OPEN_OBJECT ? new Set() : null
      open.push(names)
      atName = true
    } else if (code === CLOSE_OBJECT || code === CLOSE_LIST) {
      open.pop()
      names = open.at(-1) ?? null
    } else if (code === MINUS || (code >= ZERO && code <= NINE)) {
      const end = numberEnd(text, at)
      const message: string | null = changed === null ? numberError(text.slice(at, end)) : null
      if (message !== null) changed = { at, message }
      at = end - 1
    }
  }
  return { tooDeep: null, changed }
}

const QUOTE = 0x22
const COMMA = 0x2c
const OPEN_OBJECT = 0x7b
const OPEN_LIST = 0x5b
const CLOSE_OBJECT = 0x7d
const CLOSE_LIST = 0x5d
const MINUS = 0x2d
const ZERO = 0x30
const NINE = 0x39

/** The name that a literal in quotes stands for: `"\u0061"` is `a`. In a text that is no JSON, the literal itself. */
function nameIn(literal: string): string {
  if (!literal.includes('\\')) return literal.slice(1, -1)
  try {
    return JSON.parse(literal)
  } catch {
    return literal
  }
}

/** In quotes, and never longer than a sentence bears. */
const shown = (name: string): string => JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name)

/** Offset behind the number that begins at `start`. */
function numberEnd(text: string, start: number): number {
  let at = start + 1
  while (at < text.length && isOfNumber(text.charCodeAt(at))) at++
  return at
}

/** A digit, or one of `.`, `+`, `-`, `e`, `E`. */
const isOfNumber = (code: number): boolean =>
  (code >= ZERO && code <= NINE) || code === 0x2e || code === 0x2b || code === MINUS || (code | 0x20) === 0x65
