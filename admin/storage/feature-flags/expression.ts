/**
 * Reads the rule of a variant, an s-expression such as `(and (eq $country "DE") (split pct::10 by::$userId))`, into a tree
 * whose nodes know where they stand. What the operators mean is not decided here. Pure. Never throws.
 * https://docs.aws.amazon.com/appconfig/latest/userguide/appconfig-creating-multi-variant-feature-flags-rules-operators.html
 */
import { err, ok, type Result } from '../../../engine/index.ts'

/** From where to where in the rule's text, in UTF-16 units. */
export interface Span {
  readonly from: number
  readonly to: number
}

export type Operand =
  | { readonly kind: 'string'; readonly value: string; readonly span: Span }
  | { readonly kind: 'number'; readonly value: number; readonly span: Span }
  | { readonly kind: 'boolean'; readonly value: boolean; readonly span: Span }
  /** ms since 1970. */
  | { readonly kind: 'timestamp'; readonly value: number; readonly span: Span }
  /** `$name`: the context's value of that name. */
  | { readonly kind: 'context'; readonly value: string; readonly span: Span }
  | { readonly kind: 'list'; readonly items: readonly Operand[]; readonly span: Span }
  | Expression

export interface Expression {
  readonly kind: 'expression'
  readonly operator: string
  /** In order; `name` where it was written `name::operand`. */
  readonly operands: readonly { readonly name: string | null; readonly operand: Operand }[]
  readonly span: Span
}

export interface RuleProblem {
  readonly at: number
  readonly message: string
}

/** How deep expressions may nest. */
const MAX_DEPTH = 32

export function parseRule(text: string): Result<Expression, RuleProblem> {
  try {
    return ok(new Parser(text).rule())
  } catch (problem) {
    if (problem instanceof Problem) return err({ at: problem.at, message: problem.message })
    throw problem
  }
}

/** Where a position is, for people: `column 7`, or `line 2, column 3` in a rule of several lines. */
export function showPosition(text: string, at: number): string {
  const lines = text.slice(0, at).split('\n')
  const column = `column ${lines.at(-1)!.length + 1}`
  return text.includes('\n') ? `line ${lines.length}, ${column}` : column
}

class Problem extends Error {
  readonly at: number
  constructor(at: number, message: string) {
    super(message)
    this.at = at
  }
}

const SPACE = /[\s]*/y
const OPERATOR = /[A-Za-z_]\w*/y
const NAME = /([A-Za-z_]\w*)::/y
const CONTEXT = /\$([A-Za-z_][\w.-]*)/y
const NUMBER = /[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y
/** https://www.w3.org/TR/NOTE-datetime, beyond the bare year, which is a number. */
const TIMESTAMP =
  /(\d{4})-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d))?)?T?(?![\w:.])/y
const BOOLEAN = /(true|false)\b/y
const STRING = /"((?:[^"\\\n]|\\[\s\S])*)"/y
/** Where a number or word ends. */
const END = /[\s()[\],]|$/y

class Parser {
  readonly #text: string
  #at = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
  }

  rule(): Expression {
    this.#space()
    if (this.#text[this.#at] !== '(') throw this.#expected('"(", with which a rule begins')
    const expression = this.#expression()
    this.#space()
    if (this.#at < this.#text.length) throw this.#expected('the end of the rule')
    return expression
  }

  #expression(): Expression {
    const from = this.#at
    this.#depth += 1
    if (this.#depth > MAX_DEPTH) throw new Problem(from, `expressions nest deeper than ${MAX_DEPTH}`)
    this.#at += 1
    this.#space()
    const operator = this.#match(OPERATOR)?.[0]
    if (operator === undefined) throw this.#expected('an operator')
    const operands: { name: string | null; operand: Operand }[] = []
    for (this.#space(); this.#text[this.#at] !== ')'; this.#space()) {
      if (this.#at >= this.#text.length) throw new Problem(from, 'this "(" is never closed')
      const name = this.#match(NAME)?.[1] ?? null
      if (name !== null) this.#space()
      operands.push({ name, operand: this.#operand() })
    }
    this.#at += 1
    this.#depth -= 1
    return { kind: 'expression', operator, operands, span: { from, to: this.#at } }
  }

  #operand(): Operand {
    const from = this.#at
    const char = this.#text[from]
    if (char === '(') return this.#expression()
    if (char === '[') return this.#list()
    if (char === '"') return this.#string()
    const context = this.#match(CONTEXT)
    if (context !== null) return { kind: 'context', value: context[1]!, span: this.#ended(from) }
    const timestamp = this.#match(TIMESTAMP)
    if (timestamp !== null) {
      const value = instantOf(timestamp)
      if (value === null) throw new Problem(from, `${timestamp[0]} is no date that exists`)
      return { kind: 'timestamp', value, span: this.#ended(from) }
    }
    const number = this.#match(NUMBER)
    if (number !== null) {
      const value = Number(number[0])
      if (!Number.isFinite(value)) throw new Problem(from, `${number[0]} is too large`)
      return { kind: 'number', value, span: this.#ended(from) }
    }
    const boolean = this.#match(BOOLEAN)
    if (boolean !== null) return { kind: 'boolean', value: boolean[1] === 'true', span: this.#ended(from) }
    throw this.#expected('a value')
  }

  #list(): Operand {
    const from = this.#at
    const items: Operand[] = []
    this.#at += 1
    for (this.#space(); this.#text[this.#at] !== ']'; this.#space()) {
      if (this.#at >= this.#text.length) throw new Problem(from, 'this "[" is never closed')
      if (items.length > 0) {
        if (this.#text[this.#at] !== ',') throw this.#expected('"," or "]"')
        this.#at += 1
        this.#space()
      }
      items.push(this.#operand())
    }
    this.#at += 1
    return { kind: 'list', items, span: { from, to: this.#at } }
  }

  #string(): Operand {
    const from = this.#at
    const match = this.#match(STRING)
    if (match === null) throw new Problem(from, 'this string is never closed')
    return { kind: 'string', value: unescaped(match[1]!, from + 1), span: { from, to: this.#at } }
  }

  #space(): void {
    this.#match(SPACE)
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)
    if (match !== null) this.#at = pattern.lastIndex
    return match
  }

  /** A word must end where it was read to: `12abc` is no number. */
  #ended(from: number): Span {
    END.lastIndex = this.#at
    if (!END.test(this.#text)) throw this.#expected('a space or ")"')
    return { from, to: this.#at }
  }

  #expected(what: string): Problem {
    const char = this.#text[this.#at]
    return new Problem(
      this.#at,
      `expected ${what}, got ${char === undefined ? 'the end of the rule' : `"${char}"`}`,
    )
  }
}

/** https://amazon-ion.github.io/ion-docs/docs/spec.html#escapes */
const ESCAPES: Readonly<Record<string, string>> = {
  '0': '\0',
  a: '\x07',
  b: '\b',
  t: '\t',
  n: '\n',
  f: '\f',
  r: '\r',
  v: '\v',
  '"': '"',
  "'": "'",
  '?': '?',
  '\\': '\\',
  '/': '/',
  '\n': '',
}

function unescaped(text: string, at: number): string {
  return text.replace(
    /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([\s\S]))/g,
    (
      _,
      x: string | undefined,
      u: string | undefined,
      long: string | undefined,
      char: string,
      index: number,
    ) => {
      const code = x ?? u ?? long
      if (code !== undefined) {
        const point = Number.parseInt(code, 16)
        if (point > 0x10ffff) throw new Problem(at + index, `\\U${code} is no character`)
        return u === undefined ? String.fromCodePoint(point) : String.fromCharCode(point)
      }
      const plain = ESCAPES[char]
      if (plain === undefined) throw new Problem(at + index, `unknown escape "\\${char}"`)
      return plain
    },
  )
}

function instantOf([
  ,
  year,
  month,
  day = '01',
  hour = '00',
  minute = '00',
  second = '00',
  fraction = '0',
  zone = 'Z',
]: RegExpExecArray): number | null {
  const date = new Date(`${year}-${month}-${day}T00:00:00Z`)
  if (Number.isNaN(date.getTime()) || date.getUTCDate() !== Number(day)) return null
  const at = Date.parse(
    `${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.padEnd(3, '0').slice(0, 3)}${zone}`,
  )
  return Number.isNaN(at) ? null : at
}
