/** Small checks of JSON values that were written by a machine: what is wrong, and where. Pure. Never throws. */
import { isObject } from '../../engine/index.ts'

/** Says what is wrong with a value, by its path, such as `$.votes[0].at must be text`. */
export type Report = (path: string, message: string) => void

/** Reports what is wrong; `T` is what a value without complaint is. */
export interface Check<T> {
  (value: unknown, path: string, report: Report): void
  /** Of types only: no check has it. */
  readonly type?: T
}

/** What a check lets pass. */
export type Checked<C> = C extends Check<infer T> ? T : never

const when =
  <T>(passes: (value: unknown) => boolean, message: string): Check<T> =>
  (value, path, report) => {
    if (!passes(value)) report(path, message)
  }

export const text = when<string>((value) => typeof value === 'string', 'must be text')

export const flag = when<boolean>((value) => typeof value === 'boolean', 'must be true or false')

/** From 0, and small enough to count with. */
export const whole = when<number>(
  (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  'must be a whole number from 0',
)

/** From 1. */
export const counted = when<number>(
  (value) => Number.isSafeInteger(value) && (value as number) >= 1,
  'must be a whole number from 1',
)

export const sha256 = when<string>(
  (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value),
  'must be a SHA-256 in lower-case hex',
)

export const matching = <T extends string>(passes: (text: string) => boolean, message: string) =>
  when<T>((value) => typeof value === 'string' && passes(value), message)

export const oneOf = <const T extends readonly string[]>(names: T) =>
  when<T[number]>((value) => names.includes(value as string), `must be one of ${names.join(', ')}`)

/** An object of JSON, whatever is in it. */
export const anyObject = when<object>(isObject, 'must be an object')

export const nullable =
  <T>(check: Check<T>): Check<T | null> =>
  (value, path, report) => {
    if (value !== null) check(value, path, report)
  }

export const listOf =
  <T>(check: Check<T>): Check<readonly T[]> =>
  (value, path, report) => {
    if (!Array.isArray(value)) return report(path, 'must be a list')
    for (const [at, item] of value.entries()) check(item, `${path}[${at}]`, report)
  }

/** An object whose names are free. */
export const mapOf =
  <T>(check: Check<T>): Check<Readonly<Record<string, T>>> =>
  (value, path, report) => {
    if (!isObject(value)) return report(path, 'must be an object')
    for (const [name, item] of Object.entries(value)) check(item, `${path}[${JSON.stringify(name)}]`, report)
  }

type Shape = Readonly<Record<string, Check<unknown>>>
type Fields<S extends Shape> = { readonly [Name in keyof S]: Checked<S[Name]> }

/** An object with these fields and no others. */
export const fields =
  <S extends Shape>(shape: S): Check<Fields<S>> =>
  (value, path, report) => {
    if (!isObject(value)) return report(path, 'must be an object')
    for (const name of Object.keys(value))
      if (!Object.hasOwn(shape, name)) report(path, `has an unknown field ${JSON.stringify(name)}`)
    for (const [name, check] of Object.entries(shape)) {
      if (Object.hasOwn(value, name)) check(value[name], `${path}.${name}`, report)
      else report(path, `lacks the field ${name}`)
    }
  }

/** An object; of its fields those that are known here. */
export const known =
  <S extends Shape>(shape: S): Check<Partial<Fields<S>>> =>
  (value, path, report) => {
    if (!isObject(value)) return report(path, 'must be an object')
    for (const [name, check] of Object.entries(shape))
      if (Object.hasOwn(value, name)) check(value[name], `${path}.${name}`, report)
  }
