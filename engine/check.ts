/**
 * Collects what is wrong with an authored document: every error at once, each with the JSONPath of the value and a
 * sentence. Pure; paths are only written out when something is wrong. Whatever a document holds, one sentence stays short:
 * names and lists in it are cut.
 */
import { type CompileIssue, Issues } from './issues.ts'

export type { CompileIssue } from './issues.ts'

/** Where a value stands: its parent's path and its own key or index; `null` is the document. */
export type Path = { readonly parent: Path; readonly key: string | number } | null

export const child = (parent: Path, key: string | number): Path => ({ parent, key })

/** Longest name in a path, in characters; the rest of one is left out. */
const MAX_SHOWN_KEY = 256

export function showPath(path: Path): string {
  if (path === null) return '$'
  const { parent } = path
  const key = typeof path.key === 'number' ? path.key : cut(path.key, MAX_SHOWN_KEY)
  if (typeof key === 'number') return `${showPath(parent)}[${key}]`
  if (/^[A-Za-z_]\w*$/.test(key)) return `${showPath(parent)}.${key}`
  return `${showPath(parent)}['${key.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}']`
}

export class Check {
  readonly #errors = new Issues()
  readonly #warnings = new Issues()

  get errors(): readonly CompileIssue[] {
    return this.#errors.list('errors')
  }

  get warnings(): readonly CompileIssue[] {
    return this.#warnings.list('warnings')
  }

  /** How many there are so far, listed or not. */
  get errorCount(): number {
    return this.#errors.count
  }

  error(path: Path, message: string): void {
    this.#errors.add(() => ({ path: showPath(path), message }))
  }

  warn(path: Path, message: string): void {
    this.#warnings.add(() => ({ path: showPath(path), message }))
  }

  /** Says what a value must be and what it is; returns the value typed, or undefined after noting the error. */
  string(path: Path, value: unknown): value is string {
    return this.is(path, typeof value === 'string', 'must be a string', value)
  }

  boolean(path: Path, value: unknown): value is boolean {
    return this.is(path, typeof value === 'boolean', 'must be true or false', value)
  }

  object(path: Path, value: unknown): value is Record<string, unknown> {
    return this.is(path, isObject(value), 'must be an object', value)
  }

  array(path: Path, value: unknown): value is unknown[] {
    return this.is(path, Array.isArray(value), 'must be an array', value)
  }

  strings(path: Path, value: unknown): void {
    if (this.array(path, value)) for (const [at, item] of value.entries()) this.string(child(path, at), item)
  }

  /** A number from `min` to `max`, both included. */
  number(path: Path, value: unknown, min: number, max: number): value is number {
    const inside = typeof value === 'number' && value >= min && value <= max
    return this.is(path, inside, `must be a number from ${min} to ${max}`, value)
  }

  integer(path: Path, value: unknown, min: number, max: number): value is number {
    const inside = Number.isInteger(value) && (value as number) >= min && (value as number) <= max
    return this.is(path, inside, `must be a whole number from ${min} to ${max}`, value)
  }

  oneOf(path: Path, value: unknown, list: readonly string[]): boolean {
    return this.is(path, list.includes(value as string), `must be one of ${list.join(', ')}`, value)
  }

  key(path: Path, value: unknown): value is string {
    return this.is(
      path,
      isKey(value),
      `must be a name of 1 to 128 letters, digits, ".", "_" or "-", beginning with a letter or digit`,
      value,
    )
  }

  is(path: Path, holds: boolean, must: string, value: unknown): boolean {
    if (!holds) this.error(path, `${must}, got ${show(value)}`)
    return holds
  }

  /** Checks the fields of an object by a table; a field that is not in it, or a required one that is missing, is an error. */
  fields(
    path: Path,
    value: unknown,
    table: Fields,
    required: readonly string[] = [],
  ): value is Record<string, unknown> {
    if (!this.object(path, value)) return false
    for (const name of Object.keys(value)) {
      const field = Object.hasOwn(table, name) ? table[name] : undefined
      if (field === undefined)
        this.error(
          child(path, name),
          `unknown field ${show(name)}; known are ${Object.keys(table).join(', ')}`,
        )
      else field(child(path, name), value[name])
    }
    for (const name of required)
      if (value[name] === undefined) this.error(child(path, name), `"${name}" is required`)
    return true
  }
}

/** Field name → check of its value. */
export type Fields = Readonly<Record<string, (path: Path, value: unknown) => unknown>>

const KEY = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/
export const isKey = (value: unknown): value is string => typeof value === 'string' && KEY.test(value)

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const cut = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, most - 1)}…` : text

/** Names as they may stand in a sentence: the first twenty. */
export function listed(names: readonly string[] | ReadonlySet<string>): string {
  const shown: string[] = []
  for (const name of names) {
    if (shown.length === MAX_NAMES) break
    shown.push(cut(name, MAX_NAME))
  }
  const more = ('size' in names ? names.size : names.length) - shown.length
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ')
}

const MAX_NAMES = 20
/** The longest that a valid one can be. */
const MAX_NAME = 128

const MAX_SHOWN = 80

/** A value as it may stand in a sentence: JSON, cut to 80 characters. */
export function show(value: unknown): string {
  if (typeof value === 'number') return String(value)
  let text: string | undefined
  try {
    // What is cut off need not be written first: each character becomes at least one.
    text = JSON.stringify(typeof value === 'string' ? value.slice(0, MAX_SHOWN) : value)
  } catch {
    text = `a ${typeof value} that is not JSON`
  }
  text ??= String(value)
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN - 3)}…` : text
}
