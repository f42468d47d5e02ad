/**
 * Copies flags from one environment to another, and the segments that they need. What belongs to an environment stays
 * there: routes and their origins are never copied, and neither are the parts of a flag that the target calls its own
 * (local-parts.ts). Flags that only the target has stay. Pure.
 */
import { segmentsOf } from '../../engine/condition.ts'
import {
  type CompileIssue,
  err,
  type Flag,
  type FlagDocument,
  type Key,
  ok,
  type Result,
  type Rule,
  type ShortFlag,
} from '../../engine/index.ts'
import { withLocalParts } from './local-parts.ts'

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

/** Of two documents that compile. Fails if a flag is missing, chosen or required, or a local part cannot be kept. */
export function promote(
  source: FlagDocument,
  target: FlagDocument,
  chosen: Chosen,
): Result<Promoted, CompileIssue[]> {
  const from = new Map(Object.entries(source.flags))
  const flags = new Map<Key, Flag | ShortFlag>(Object.entries(target.flags))
  const places = new Map<Key, number>()
  for (const [at, key] of (chosen === 'all' ? [...from.keys()] : chosen).entries())
    if (!places.has(key)) places.set(key, at)
  const errors: CompileIssue[] = []
  const fail = (at: number, message: string): void => {
    errors.push({ path: chosen === 'all' ? '$.flags' : `$.flags[${at}]`, message })
  }

  const rules: Rule[] = []
  const kept: string[] = []
  for (const [key, at] of places) {
    const flag = from.get(key)
    if (flag === undefined) {
      fail(at, `the source has no flag "${key}"`)
      continue
    }
    const merged = withLocalParts(flag, flags.get(key))
    if (!merged.ok) {
      for (const problem of merged.error) fail(at, `flag "${key}": ${problem}`)
      continue
    }
    flags.set(key, merged.value.flag)
    rules.push(...merged.value.copied)
    kept.push(...merged.value.kept.map((part) => `flag ${key}: ${part}`))
  }
  for (const [key, at] of places)
    for (const needed of requiredBy(flags.get(key)))
      if (!flags.has(needed))
        fail(at, `"${key}" requires flag "${needed}", which the target does not have: promote it too`)
  if (errors.length > 0) return err(errors)

  const segments = neededBy(rules, source)
  const copied = segments.map((key) => [key, source.segments![key]!] as const)
  const document: FlagDocument = {
    ...target,
    flags: Object.fromEntries(flags),
    ...(copied.length > 0 ? { segments: { ...target.segments, ...Object.fromEntries(copied) } } : {}),
  }
  return ok({ document, flags: [...places.keys()], segments, kept })
}

/**
 * Of the source what may be copied, and nothing else: a promotion that waits for approval is shown to people of the target,
 * who may not be allowed to read the source.
 */
export function copyable(source: FlagDocument, chosen: Chosen): FlagDocument {
  const keys = new Set(chosen === 'all' ? Object.keys(source.flags) : chosen)
  const flags = Object.entries(source.flags).filter(([key]) => keys.has(key))
  const rules = flags.flatMap(([, flag]) =>
    typeof flag === 'object' && 'rules' in flag ? (flag.rules ?? []) : [],
  )
  const segments = neededBy(rules, source).map((key) => [key, source.segments![key]!] as const)
  return {
    flags: Object.fromEntries(flags),
    ...(segments.length > 0 ? { segments: Object.fromEntries(segments) } : {}),
  }
}

const requiredBy = (flag: Flag | ShortFlag | undefined): Key[] =>
  typeof flag === 'object' ? (flag.prerequisites ?? []).map(({ flag: key }) => key) : []

/** Segments that rules refer to, and those that these refer to, by key. */
function neededBy(rules: readonly Rule[], { segments = {} }: FlagDocument): Key[] {
  const found = new Set<Key>(rules.flatMap(({ when }) => segmentsOf(when)))
  // A set is walked through to what is added on the way.
  for (const key of found) for (const needed of segmentsOf(segments[key]?.when)) found.add(needed)
  return [...found].sort()
}
