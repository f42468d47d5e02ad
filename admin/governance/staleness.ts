/**
 * Which flags are past their use: those that expired, and those that have decided nothing for long. Flags of kind `ops` and
 * `permission` are there to stay: their age says nothing. Pure.
 */
import { type CanonicalFlag, canonicalFlag, type Flag, type Key, type ShortFlag } from '../../engine/index.ts'
import { packFlag } from '../../engine/pack.ts'
import { parseTime } from '../../engine/time.ts'
import { clausesOf, offOf, variantsOf } from './clauses.ts'
import { DAY_MS } from './local-time.ts'

export interface Stale {
  readonly reason: 'expired' | 'one-variant' | 'disabled'
  /** Since when it is stale. */
  readonly sinceMs: number
  /** The end of a sentence about the flag. */
  readonly detail: string
}

/** What the document does not say of a flag. */
export interface Life {
  /** When it last changed. */
  readonly changedAtMs: number
  /** A rollout runs on it. */
  readonly inRollout: boolean
}

/** How long an enabled flag may give everybody the same. */
const ONE_VARIANT_MS = 30 * DAY_MS
/** How long a flag may be disabled. */
const DISABLED_MS = 90 * DAY_MS

const PERMANENT: readonly (string | undefined)[] = ['ops', 'permission']

/** Why a flag is stale; `null` if it is not. Of a document that compiles. */
export function staleness(key: Key, written: Flag | ShortFlag, life: Life, nowMs: number): Stale | null {
  const flag = canonicalFlag(written)
  const expiresAtMs = flag.expiresAt === undefined ? null : parseTime(flag.expiresAt)
  if (expiresAtMs !== null && expiresAtMs <= nowMs)
    return { reason: 'expired', sinceMs: expiresAtMs, detail: `expired at ${flag.expiresAt}` }
  if (PERMANENT.includes(flag.kind) || life.inRollout) return null

  const since = `unchanged since ${new Date(life.changedAtMs).toISOString()}`
  const after = (limitMs: number): number | null =>
    life.changedAtMs + limitMs <= nowMs ? life.changedAtMs + limitMs : null
  if (!flag.enabled) {
    const sinceMs = after(DISABLED_MS)
    return sinceMs === null ? null : { reason: 'disabled', sinceMs, detail: `is disabled, ${since}` }
  }
  const sinceMs = after(ONE_VARIANT_MS)
  if (sinceMs === null) return null
  const variant = onlyVariant(key, flag)
  return variant === null
    ? null
    : { reason: 'one-variant', sinceMs, detail: `gives everybody ${variant}, ${since}` }
}

/** The variant that every context gets, whatever its key; `null` if there may be several. */
function onlyVariant(key: Key, flag: CanonicalFlag): string | null {
  const packed = packFlag(key, flag, {})
  const variants = variantsOf(clausesOf(packed))
  if (packed.requires) variants.add(offOf(packed))
  return variants.size === 1 ? [...variants][0]! : null
}
