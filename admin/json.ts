/**
 * JSON from outside: parsed once, and an error says where. Pure, never throws. What `JSON.parse` would let pass in silence
 * is refused, found in one scan: values nested too deep, names that an object holds twice, of which it keeps the last
 * (RFC 8259 §4), and numbers that it would change (engine/json-number.ts). Where `JSON.parse` refuses, a second scanner finds the position, which its messages do not always carry.
 */
import { err, ok, type Result } from '../engine/index.ts'
import { numberError } from '../engine/json-number.ts'

/** Line and column count from 1, in UTF-16 code units. */
export interface JsonError {
  line: number
  column: number
  message: string
}

/** Deeper values are refused, so that nothing behind this may overflow its stack. */
export const MAX_DEPTH = 100

export function parseJson(text: string): Result<unknown, JsonError> {
  const { tooDeep, changed } = scan(text)
  if (tooDeep !== null) return err(errorAt(text, tooDeep))
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return err(errorAt(text, firstError(text)))
  }
  return changed === null ? ok(value) : err(errorAt(text, changed))
}

interface Found {
  at: number
  message: string
}

function errorAt(text: string, { at, message }: Found): JsonError {
  const before = text.slice(0, at)
  const lineStart = before.lastIndexOf('\n') + 1
  return { line: before.split('\n').length, column: at - lineStart + 1, message }
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

/** Offset of the closing quote of the string that opens at `start`, or the end of the text. */
function stringEnd(text: string, start: number): number {
  let at = start + 1
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === 0x5c ? 2 : 1
  return at
}

/** Offset behind the number that begins at `start`. */
function numberEnd(text: string, start: number): number {
  let at = start + 1
  while (at < text.length && isOfNumber(text.charCodeAt(at))) at++
  return at
}

/** A digit, or one of `.`, `+`, `-`, `e`, `E`. */
const isOfNumber = (code: number): boolean =>
  (code >= ZERO && code <= NINE) || code === 0x2e || code === 0x2b || code === MINUS || (code | 0x20) === 0x65

const SPACE = /[ \t\n\r]*/y
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y

/** What a reader may meet next. */
type Expect = 'value' | 'value or ]' | 'name or }' | 'name' | 'colon' | 'comma or end'

const WORDS: Record<Expect, string> = {
  value: 'a value',
  'value or ]': 'a value or "]"',
  'name or }': 'a property name in double quotes or "}"',
  name: 'a property name in double quotes',
  colon: '":" after the property name',
  'comma or end': '"," or the end',
}

function firstError(text: string): Found {
  const open: string[] = []
  let expect: Expect = 'value'
  let at = skip(SPACE, text, 0)
  for (;;) {
    const char = text[at]
    if (expect === 'comma or end' && open.length === 0)
      return { at, message: `unexpected ${name(char)} after the end of the value` }
    const end: string | undefined = open.at(-1) === '{' ? '}' : ']'
    if (char === end && (expect === 'comma or end' || expect.endsWith(`or ${end}`))) {
      open.pop()
      expect = 'comma or end'
    } else if (char === ',' && expect === 'comma or end') {
      expect = open.at(-1) === '{' ? 'name' : 'value'
    } else if (char === ':' && expect === 'colon') {
      expect = 'value'
    } else if ((char === '{' || char === '[') && expect.startsWith('value')) {
      open.push(char)
      expect = char === '{' ? 'name or }' : 'value or ]'
    } else if (char === '"' && (expect.startsWith('value') || expect.startsWith('name'))) {
      const bad = badString(text, at)
      if (bad) return bad
      at = stringEnd(text, at)
      expect = expect.startsWith('value') ? 'comma or end' : 'colon'
    } else {
      const after = expect.startsWith('value') ? skip(SCALAR, text, at) : at
      if (after === at) return { at, message: `expected ${words(expect, end)}, got ${name(char)}` }
      at = after - 1
      expect = 'comma or end'
    }
    at = skip(SPACE, text, at + 1)
  }
}

const words = (expect: Expect, end: string): string =>
  expect === 'comma or end' ? `"," or "${end}"` : WORDS[expect]

const name = (char: string | undefined): string =>
  char === undefined ? 'the end of the text' : JSON.stringify(char)

function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : at
}

function badString(text: string, start: number): Found | null {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x22) return null
    if (code < 0x20)
      return { at, message: `a string must not hold the raw control character ${name(text[at])}` }
    if (code !== 0x5c) continue
    const after = skip(ESCAPE, text, at)
    if (after === at)
      return { at, message: `bad escape sequence ${JSON.stringify(text.slice(at, at + 2))} in a string` }
    at = after - 1
  }
  return { at: text.length, message: 'the text ends inside a string' }
}
