/**
 * One flag of a document that compiled, changed alone: what it compiles to now, without a look at all the others. That is
 * possible where none of them can tell: flags and routes know of each other only which variants there are, and what a flag
 * requires. Pure. Never throws.
 */
import { Check, child, type Path } from './check.ts'
import { checkFlag } from './check-flag.ts'
import type { CanonicalFlag, Key } from './document.ts'
import { jsonBytes } from './json-bytes.ts'
import { packFlag } from './pack.ts'

export interface Recompiled {
  /** The flag as the snapshot holds it. */
  readonly packed: string
  /** By how much the document grows, as JSON in bytes. */
  readonly grows: number
}

/**
 * `before` and `after` as written, `segments`: the keys of all. `null`: others are concerned, or there is something to say
 * about the flag, so that the whole document must be compiled.
 */
export function recompile(
  key: Key,
  before: unknown,
  after: unknown,
  segments: ReadonlySet<string>,
): Recompiled | null {
  const [old, flag] = [faultless(key, before, segments), faultless(key, after, segments)]
  if (old === null || flag === null || interfaceOf(old) !== interfaceOf(flag)) return null
  return { packed: JSON.stringify(packFlag(key, flag, {})), grows: jsonBytes(after)! - jsonBytes(before)! }
}

/** The canonical form of a flag about which there is neither an error nor a warning. */
function faultless(key: Key, value: unknown, segments: ReadonlySet<string>): CanonicalFlag | null {
  const check = new Check()
  const path: Path = child(child(null, 'flags'), key)
  const flag = check.key(path, key) ? checkFlag(check, path, value, segments) : null
  return check.warnings.length === 0 ? flag : null
}

/** What others may rely on. */
const interfaceOf = ({ variants, prerequisites = [], migration }: CanonicalFlag): string =>
  JSON.stringify([Object.keys(variants), prerequisites, migration?.binds])
