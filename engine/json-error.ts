/**
 * Where a text stops being JSON, and why: the messages of `JSON.parse` do not always say where. Pure, never throws, linear in
 * the length of the text. For the answer to a text that was refused, never for one that is good.
 */

/** Line and column count from 1, in UTF-16 code units. */
export interface JsonError {
  line: number
  column: number
  message: string
}

/** `at`: offset in UTF-16 code units. */
export interface Found {
  at: number
  message: string
}

/** Of a text that `JSON.parse` refuses. */
export const jsonError = (text: string): JsonError => placed(text, firstError(text))

export function placed(text: string, { at, message }: Found): JsonError {
  const before = text.slice(0, at)
  const lineStart = before.lastIndexOf('\n') + 1
  return { line: before.split('\n').length, column: at - lineStart + 1, message }
}

const QUOTE = 0x22
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
    if (code === QUOTE) return null
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

/** Offset of the closing quote of the string that opens at `start`, or the end of the text. */
export function stringEnd(text: string, start: number): number {
  let at = start + 1
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === 0x5c ? 2 : 1
  return at
}
