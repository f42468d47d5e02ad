/**
 * What an import would do to a document: which flags it adds and changes, and the merge patch that does it. Nothing is
 * planned unless the outcome compiles. Pure.
 */
import { isDeepStrictEqual } from 'node:util'
import { child, isObject, type Path, showPath } from '../../engine/check.ts'
import {
  bareBoolean,
  type CompileIssue,
  canonicalFlag,
  compile,
  err,
  type Flag,
  type FlagDocument,
  ok,
  type Result,
  type ShortFlag,
} from '../../engine/index.ts'
import type { Finding } from '../failure.ts'
import type { Entry } from './sources/source.ts'

export interface Plan {
  readonly added: readonly Added[]
  readonly changed: readonly Changed[]
  /** Keys of flags that already are as the source has them. */
  readonly unchanged: readonly string[]
  /** How many flags of the document the source does not have; they stay. */
  readonly untouched: number
  readonly warnings: readonly Finding[]
  /** JSON Merge Patch (RFC 7396) of the document's flags. */
  readonly patch: Readonly<Record<string, unknown>>
}

export interface Added {
  readonly key: string
  readonly flag: unknown
  readonly secret: boolean
}

export interface Changed {
  readonly key: string
  readonly before: unknown
  readonly after: unknown
  readonly secret: boolean
}

type Written = Flag | ShortFlag

/**
 * What describes a flag and what its users hang on to: kept where the source says nothing of it. Everything else, what
 * decides, is the source's alone.
 */
const KEPT = ['description', 'owner', 'tags', 'kind', 'expiresAt', 'metadata', 'client', 'bucketBy', 'salt']

/** The plan, or everything that is wrong with the document that would come of it. */
export function planImport(
  environment: string,
  document: FlagDocument,
  flags: ReadonlyMap<string, Entry>,
): Result<Plan, readonly Finding[]> {
  const held = new Map(Object.entries(document.flags))
  const next = new Map([...flags].map(([key, { value }]) => [key, keeping(held.get(key), value)]))
  const outcome = { ...document, flags: Object.fromEntries([...held, ...next]) }
  // Whether origins may be private, the control plane knows; its routes were checked when they were written.
  const compiled = compile(outcome, { environment, epoch: 1, version: 1, allowPrivateOrigins: true })
  if (!compiled.ok) return err(compiled.error.map((issue) => sourced(issue, flags)))

  const added: Added[] = []
  const changed: Changed[] = []
  const unchanged: string[] = []
  for (const [key, after] of [...next].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const before = held.get(key)
    const secret = flags.get(key)?.secret ?? false
    if (before === undefined) added.push({ key, flag: after, secret })
    else if (isSame(before, after as Written)) unchanged.push(key)
    else changed.push({ key, before, after, secret })
  }
  const patch = new Map([
    ...added.map(({ key, flag }) => [key, flag] as const),
    ...changed.map(({ key, before, after }) => [key, patchFrom(before, after)] as const),
  ])
  const unwritable = [...patch.keys()].flatMap((key) => nullsIn(next.get(key), child(FLAGS, key)))
  if (unwritable.length > 0) return err(unwritable.map((issue) => sourced(issue, flags)))

  const warnings = compiled.value.warnings.map((issue) => sourced(issue, flags))
  return ok({
    added,
    changed,
    unchanged,
    untouched: held.size - changed.length - unchanged.length,
    warnings: warnings.filter(({ path }) => flags.has(keyIn(path) ?? '')),
    patch: Object.fromEntries(patch),
  })
}

/** The value with what is kept of the flag that is there. */
function keeping(before: Written | undefined, value: unknown): unknown {
  if (!isObject(before)) return value
  const kept = Object.fromEntries(Object.entries(before).filter(([field]) => KEPT.includes(field)))
  const state = bareBoolean(value)
  if (state === null) return isObject(value) ? { ...kept, ...value } : value
  if (Object.keys(kept).length === 0) return value
  // A flag that is only switched goes on being written as it is.
  const [switched, bare] = [{ ...before, enabled: state } as Written, { ...kept, enabled: state } as Written]
  return isSame(switched, bare) ? switched : bare
}

/** Whether both mean the same, however they are written. */
const isSame = (before: Written, after: Written): boolean =>
  isDeepStrictEqual(canonicalFlag(before), canonicalFlag(after))

/** The merge patch that makes `after` of `before`. The control plane first reads a bare boolean as `{ enabled }`. */
function patchFrom(before: unknown, after: unknown): unknown {
  const state = bareBoolean(before)
  const base = state === null ? before : { enabled: state }
  if (!isObject(base) || !isObject(after)) return after
  const patch = new Map<string, unknown>(Object.keys(base).map((field) => [field, null]))
  for (const [field, value] of Object.entries(after)) {
    const old = Object.hasOwn(base, field) ? base[field] : undefined
    if (old !== undefined && isDeepStrictEqual(old, value)) patch.delete(field)
    else patch.set(field, isObject(old) ? patchFrom(old, value) : value)
  }
  return Object.fromEntries(patch)
}

/** In a merge patch `null` means "remove", so that a null inside an object cannot be written; one in an array can. */
function nullsIn(value: unknown, path: Path): CompileIssue[] {
  if (value === null) return [{ path: showPath(path), message: UNWRITABLE }]
  return isObject(value)
    ? Object.entries(value).flatMap(([name, inner]) => nullsIn(inner, child(path, name)))
    : []
}

const UNWRITABLE = 'is null, which a merge patch cannot write; PUT this flag through the API instead'

const FLAGS = child(null, 'flags')

/** The key that a path such as `$.flags['new-feature'].percentage` names. */
function keyIn(path: string): string | undefined {
  const [, plain, quoted] = /^\$\.flags(?:\.(\w+)|\['((?:[^'\\]|\\.)*)'\])/.exec(path) ?? []
  return plain ?? quoted?.replace(/\\(.)/g, '$1')
}

/** The issue with the parameter it comes from; without anything that an encrypted one holds. */
function sourced({ path, message }: CompileIssue, flags: ReadonlyMap<string, Entry>): Finding {
  const entry = flags.get(keyIn(path) ?? '')
  if (entry?.from === undefined) return { path, message }
  return { path, message: entry.secret ? withoutValues(message) : message, from: entry.from }
}

const withoutValues = (message: string): string =>
  message.replace(/, got .*$/s, '').replace(/"(?:[^"\\]|\\.)*"/g, '"…"')
