/**
 * Copies flags from one environment to another. What belongs to an environment stays there: routes and their origins are
 * never copied, and neither are the parts of a flag that the target marks as its own. Pure.
 */
import {
  type CompileIssue,
  type Condition,
  err,
  type Flag,
  type FlagDocument,
  ok,
  type Result,
  type Rule,
  type Segment,
  type ShortFlag,
} from '../../engine/index.ts'

/** Which flags: their keys, or all that the source has. */
export type Chosen = readonly string[] | 'all'

export interface Promoted {
  /** The target's document with the flags in it, not yet compiled. */
  readonly document: FlagDocument
  readonly flags: readonly string[]
  /** Segments that came along, because flags need them. */
  readonly segments: readonly string[]
  /** What the target kept as its own: `flag new-feature: allowlist`. */
  readonly kept: readonly string[]
}

/** Metadata of a flag in the target: comma-separated fields that promotion leaves alone, or `rules.ID`. */
export const LOCAL_PARTS = 'local'

/** Fails if a chosen flag, or a flag that one of them requires, is in neither document. */
export function promote(
  source: FlagDocument,
  target: FlagDocument,
  chosen: Chosen,
): Result<Promoted, CompileIssue[]> {
  const keys = chosen === 'all' ? Object.keys(source.flags) : [...new Set(chosen)]
  const errors = keys.flatMap((key, at) => missing(source, target, new Set(keys), key, at))
  if (errors.length > 0) return err(errors)

  const flags = new Map<string, Flag | ShortFlag>(Object.entries(target.flags))
  const kept: string[] = []
  for (const key of keys) {
    const merged = withLocalParts(source.flags[key]!, flags.get(key))
    flags.set(key, merged.flag)
    kept.push(...merged.kept.map((part) => `flag ${key}: ${part}`))
  }
  const segments = segmentsOf(
    source,
    keys.map((key) => flags.get(key)!),
  )
  const copied = segments.map((key): [string, Segment] => [key, source.segments![key]!])
  const document: FlagDocument = {
    ...target,
    flags: Object.fromEntries(flags),
    ...(copied.length > 0 ? { segments: { ...target.segments, ...Object.fromEntries(copied) } } : {}),
  }
  return ok({ document, flags: keys, segments, kept })
}

function missing(
  source: FlagDocument,
  target: FlagDocument,
  chosen: ReadonlySet<string>,
  key: string,
  at: number,
): CompileIssue[] {
  const path = `$.flags[${at}]`
  if (!Object.hasOwn(source.flags, key)) return [{ path, message: `the source has no flag "${key}"` }]
  const flag = source.flags[key]!
  const required = isObject(flag) ? (flag.prerequisites ?? []) : []
  return required
    .filter(({ flag: needed }) => !chosen.has(needed) && !Object.hasOwn(target.flags, needed))
    .map(({ flag: needed }) => ({
      path,
      message: `"${key}" requires flag "${needed}", which the target does not have: promote it too`,
    }))
}

/** The source's flag, with the parts that the target's flag names as its own. */
function withLocalParts(
  source: Flag | ShortFlag,
  target: Flag | ShortFlag | undefined,
): { flag: Flag | ShortFlag; kept: string[] } {
  const parts = isObject(target) ? localParts(target) : []
  if (!isObject(target) || !isObject(source) || parts.length === 0) return { flag: source, kept: [] }
  // The mark itself stays too, or the next promotion would take what this one kept.
  const metadata = { ...source.metadata, [LOCAL_PARTS]: parts.join(', ') }
  const flag: Fields = { ...(source as Fields), metadata }
  for (const part of parts) {
    if (part.startsWith('rules.')) {
      const rules = withLocalRule(flag, target, part.slice('rules.'.length))
      if (rules !== undefined) flag.rules = rules
    } else if (Object.hasOwn(target, part)) flag[part] = (target as Fields)[part]
    else delete flag[part]
  }
  return { flag: flag as unknown as Flag, kept: parts }
}

type Fields = Record<string, unknown>

/** The rules with one as the target has it: in the source's place if it stands there, else first. */
function withLocalRule(flag: Fields, target: Flag | ShortFlag, id: string): Rule[] | undefined {
  const rules = (flag.rules as Rule[] | undefined) ?? []
  const own = ((target as Partial<Flag>).rules ?? []).find((rule) => rule.id === id)
  const at = rules.findIndex((rule) => rule.id === id)
  if (own === undefined)
    return at < 0 ? (flag.rules as Rule[] | undefined) : rules.filter((rule) => rule.id !== id)
  return at < 0 ? [own, ...rules] : rules.with(at, own)
}

function localParts({ metadata }: { metadata?: Record<string, string | number | boolean> }): string[] {
  const named = metadata !== undefined && Object.hasOwn(metadata, LOCAL_PARTS) ? metadata[LOCAL_PARTS] : ''
  return typeof named === 'string'
    ? named
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '')
    : []
}

/** The source's segments that flags refer to, and those that these refer to. */
function segmentsOf(source: FlagDocument, flags: readonly (Flag | ShortFlag)[]): string[] {
  const found = new Set<string>()
  const visit = (condition: Condition | undefined): void => {
    if (condition === undefined) return
    if ('all' in condition) condition.all.forEach(visit)
    else if ('any' in condition) condition.any.forEach(visit)
    else if ('not' in condition) visit(condition.not)
    else if ('segment' in condition) {
      const { segment } = condition
      if (found.has(segment) || !Object.hasOwn(source.segments ?? {}, segment)) return
      found.add(segment)
      visit(source.segments![segment]!.when)
    }
  }
  for (const flag of flags)
    if (isObject(flag) && 'rules' in flag) for (const rule of flag.rules ?? []) visit(rule.when)
  return [...found].sort()
}

const isObject = (
  value: Flag | ShortFlag | undefined,
): value is Exclude<Flag | ShortFlag, boolean | 'true' | 'false'> =>
  typeof value === 'object' && value !== null
