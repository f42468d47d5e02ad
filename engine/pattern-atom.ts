/**
 * The atoms of a regular expression that match one character: which ones, and whether `\p{…}` exists. Pure; remembers each
 * class that has a name, of which there are only so many.
 */
import { ASCII, asciiBut, asciiRange, BEYOND, type CharSet, NOTHING, single, union } from './char-set.ts'

export interface Atom {
  readonly set: CharSet
  /** Where it ends in the source. */
  readonly end: number
}

/** Atoms that may match beyond ASCII: any text that says so, and `.`, negations and classes that hold nearly everything. */
const MAY_BE_BEYOND = /\P{ASCII}|^\.$|^\[\^|\\[uxpPWDSsc]/u

/** The atom that begins at a place of a valid pattern: a class, an escape or a character. */
export function readAtom(source: string, at: number): Atom {
  const unit = source[at]
  if (unit === '[') return readClass(source, at)
  if (unit === '.') return { set: named('.'), end: at + 1 }
  const { set, code, end } = readMember(source, at)
  const beyond = code !== null && unit === '\\' && MAY_BE_BEYOND.test(source.slice(at, end))
  return { set: beyond ? union(set, BEYOND) : set, end }
}

function readClass(source: string, start: number): Atom {
  const negated = source[start + 1] === '^'
  let at = start + (negated ? 2 : 1)
  let set = NOTHING
  while (source[at] !== ']') {
    const first = readMember(source, at)
    const isRange = source[first.end] === '-' && source[first.end + 1] !== ']'
    const last = isRange ? readMember(source, first.end + 1) : first
    set = union(set, isRange ? asciiRange(first.code!, last.code!) : first.set)
    at = last.end
  }
  const end = at + 1
  const ascii = negated ? asciiBut(set) : set
  return { set: MAY_BE_BEYOND.test(source.slice(start, end)) ? union(ascii, BEYOND) : ascii, end }
}

interface Member extends Atom {
  /** `null`: it stands for many. */
  readonly code: number | null
}

/** A character or an escape, of a class or alone. */
function readMember(source: string, at: number): Member {
  if (source[at] !== '\\') {
    const code = source.codePointAt(at)!
    return { set: single(code), code, end: at + (code > 0xffff ? 2 : 1) }
  }
  const end = escapeEnd(source, at)
  const text = source.slice(at, end)
  const code = codeOf(text)
  return { set: code === null ? named(text) : single(code), code, end }
}

/** `\u{1F680}`, `\p{L}`, `\xHH`, `\uHHHH`, `\cX`, or one character after the backslash. */
function escapeEnd(source: string, at: number): number {
  if (source[at + 2] === '{' && /[upP]/.test(source[at + 1]!)) return source.indexOf('}', at) + 1
  return at + (LENGTHS[source[at + 1]!] ?? 2)
}

const LENGTHS: Readonly<Record<string, number>> = { c: 3, x: 4, u: 6 }
const CONTROLS: Readonly<Record<string, number>> = { 0: 0, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13 }

/** The code point for which an escape stands; `null`: it stands for many. */
function codeOf(text: string): number | null {
  const letter = text[1]!
  if (/[dDsSwWpP]/.test(letter)) return null
  if (letter === 'c') return text.charCodeAt(2) % 32
  if (letter === 'x' || letter === 'u') return Number.parseInt(text.replace(/^..\{?/, ''), 16)
  return CONTROLS[letter] ?? text.charCodeAt(1)
}

const SETS = new Map<string, CharSet>()

/** The set of `.`, `\w`, `\p{L}` and their like; throws a SyntaxError for a property that does not exist. */
function named(atom: string): CharSet {
  const known = SETS.get(atom)
  if (known !== undefined) return known
  const one = new RegExp(`^${atom}$`, 'u')
  let set = MAY_BE_BEYOND.test(atom) ? BEYOND : NOTHING
  for (let code = 0; code < ASCII; code += 1)
    if (one.test(String.fromCharCode(code))) set = union(set, single(code))
  SETS.set(atom, set)
  return set
}

/** Whether `\p{…}` or `\P{…}` names a property of characters. */
export function isProperty(text: string): boolean {
  try {
    named(text)
    return true
  } catch {
    return false
  }
}
