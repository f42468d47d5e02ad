/** Options of commands, and how their values are read. Each reader throws `UsageError` with the option's name. */
import { Option } from 'commander'
import { UsageError } from './failure.ts'

/** Turns the text of an option into its value; `name` is for complaints. */
export type Read<T> = (text: string, name: string) => T

/** An option with a value: never empty, never twice, and never the next option in place of a forgotten value. */
export function option<T = string>(flags: string, description: string, read?: Read<T>): Option {
  const made = new Option(flags, description)
  const name = `--${made.name()}`
  return made.argParser<unknown>((text, previous) => {
    if (previous !== undefined) throw new UsageError(`${name} is given twice`)
    if (text === '') throw new UsageError(`${name} must not be empty`)
    if (text.startsWith('--')) throw new UsageError(`${name} needs a value`)
    return read === undefined ? text : read(text, name)
  })
}

/** Longest reason that the control plane takes, in characters. */
export const MAX_REASON = 500

/** `--reason`, which every change takes. */
export const reasonOption = (description = 'kept with the change'): Option =>
  option('--reason <text>', description, (text, name) => {
    if (text.length <= MAX_REASON) return text
    throw new UsageError(`${name} may have ${MAX_REASON} characters, has ${text.length}`)
  })

const UNITS_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** `30s`, `30m`, `4h` or `2d`, in milliseconds. */
export const duration: Read<number> = (text, name) => {
  const [, number, unit] = /^([1-9]\d{0,5})([smhd])$/.exec(text) ?? []
  if (number === undefined)
    throw new UsageError(`${name} must be a time such as 30s, 30m, 4h or 2d, got ${JSON.stringify(text)}`)
  return Number(number) * UNITS_MS[unit as keyof typeof UNITS_MS]
}

/** A whole number from 1. */
export const positive: Read<number> = (text, name) => {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new UsageError(`${name} must be a whole number from 1, got ${JSON.stringify(text)}`)
}

/** A time that has been: RFC 3339, a day in UTC, or how long ago it was. Gives RFC 3339, by what time it is now. */
export const pastTime: Read<(nowMs: number) => string> = (text, name) => {
  if (/^\d{4}-\d\d-\d\d(T\d\d:\d\d.*)?$/.test(text) && !Number.isNaN(Date.parse(text)))
    return () => (text.length === 10 ? `${text}T00:00:00Z` : text)
  if (!/^\d+[smhd]$/.test(text))
    throw new UsageError(
      `${name} must be a time such as 2026-11-21T10:00:00Z, a day such as 2026-11-21, or 24h for a day ago, got ${JSON.stringify(text)}`,
    )
  const agoMs = duration(text, name)
  return (nowMs) => new Date(nowMs - agoMs).toISOString()
}
