/** Which flags of a list somebody wants to see: every given word must hold. Pure. */
import { canonicalFlag, type Flag, type FlagKind, type Key, type ShortFlag } from '../../engine/index.ts'
import { type Stale, staleness } from './staleness.ts'

export interface FlagFilter {
  readonly tag?: string | undefined
  readonly owner?: string | undefined
  readonly kind?: FlagKind | undefined
  readonly enabled?: boolean | undefined
  readonly stale?: boolean | undefined
  /** Part of the key or of the description, in small or capital letters. */
  readonly q?: string | undefined
}

export interface Match {
  /** Why it is stale, if it is; `null` too where the filter does not ask. */
  readonly stale: Stale | null
}

/** `null`: the filter does not let it through. Of a document that compiles. */
export function matchFlag(
  filter: FlagFilter,
  key: Key,
  written: Flag | ShortFlag,
  changedAtMs: number,
  nowMs: number,
): Match | null {
  const flag = canonicalFlag(written)
  const { tag, owner, kind, enabled, q } = filter
  if (tag !== undefined && !(flag.tags?.includes(tag) ?? false)) return null
  if (owner !== undefined && flag.owner !== owner) return null
  if (kind !== undefined && flag.kind !== kind) return null
  if (enabled !== undefined && flag.enabled !== enabled) return null
  if (q !== undefined && !contains(key, q) && !contains(flag.description ?? '', q)) return null
  if (filter.stale === undefined) return { stale: null }
  const stale = staleness(key, flag, { changedAtMs, inRollout: isInRollout(flag) }, nowMs)
  return (stale !== null) === filter.stale ? { stale } : null
}

const contains = (text: string, part: string): boolean => text.toLowerCase().includes(part.toLowerCase())

const isInRollout = ({ rules }: Flag): boolean =>
  rules?.some(({ percentage }) => typeof percentage === 'object') ?? false
