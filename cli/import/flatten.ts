/**
 * From values as they were found to flags by key: nested objects of booleans, such as
 * `patterns: { cqrs: { enabled: true } }`, become one flag for each boolean, `patterns.cqrs.enabled`. Only import does
 * this. Pure.
 */
import { child, isObject, type Path, showPath } from '../../engine/check.ts'
import { bareBoolean } from '../../engine/index.ts'
import type { Finding } from '../failure.ts'
import type { Entry } from './sources/source.ts'

/** Deeper nesting is a mistake, and would not fit into a key. */
const MAX_DEPTH = 32

export interface Flattened {
  /** By key; no two entries have the same. */
  readonly flags: ReadonlyMap<string, Entry>
  readonly findings: readonly Finding[]
}

export function flatten(entries: readonly Entry[]): Flattened {
  const flags = new Map<string, Entry>()
  const findings: Finding[] = []
  for (const entry of entries) {
    const flat = isGroup(entry.value) ? leavesOf(entry, findings) : [entry]
    for (const flag of flat) {
      const other = flags.get(flag.key)
      if (other === undefined) flags.set(flag.key, flag)
      else findings.push(twice(flag, other))
    }
  }
  return { flags, findings }
}

/** An object that does not even begin to be a flag. Which objects do: see "Short forms" in the specification. */
function isGroup(value: unknown): value is Record<string, unknown> {
  if (!isObject(value)) return false
  const switched = Object.hasOwn(value, 'enabled') && !isObject(value.enabled)
  return !switched && !['rules', 'fallthrough', 'variants'].some((field) => Object.hasOwn(value, field))
}

/** One flag for each boolean below a group, or, if anything else is below it, findings. */
function leavesOf(entry: Entry, findings: Finding[]): Entry[] {
  const leaves: Entry[] = []
  let whole = true
  const visit = (value: unknown, key: string, path: Path, depth: number): void => {
    const members = isObject(value) && depth < MAX_DEPTH ? Object.entries(value) : []
    if (bareBoolean(value) !== null) leaves.push({ ...entry, key, value })
    else if (members.length === 0) {
      whole = false
      findings.push(finding(entry, path, `must be true or false: ${NEITHER}`))
    }
    for (const [name, inner] of members) visit(inner, `${key}.${name}`, child(path, name), depth + 1)
  }
  visit(entry.value, entry.key, flagPath(entry.key), 0)
  return whole ? leaves : []
}

const NEITHER = 'what holds it is not a flag, having no "enabled" and no "fallthrough", but nested booleans'

function twice(flag: Entry, other: Entry): Finding {
  const where = other.from === undefined || other.from === flag.from ? '' : ` as ${other.from}`
  return finding(flag, flagPath(flag.key), `is there twice${where}: nested, and by its full dotted name`)
}

function finding({ from }: Entry, path: Path, message: string): Finding {
  return { path: showPath(path), message, ...(from === undefined ? {} : { from }) }
}

const flagPath = (key: string): Path => child(child(null, 'flags'), key)
