/**
 * When a copy of the snapshot is too old: the freshness rule as pure decisions over a few timestamps.
 * Source: docs/architecture.md, "Edge freshness".
 */
import type { Config } from './env.ts'

export type FreshnessLimits = Pick<
  Config,
  'maxAgeMs' | 'maxStaleMs' | 'refreshTimeoutMs' | 'coldLoadTimeoutMs'
>

export interface Freshness {
  /** When the copy was last known to be the newest, ms since 1970; `-Infinity`: never. */
  readonly currentAtMs: number
  /** When the next read is due. */
  readonly dueAtMs: number
  /** Until when a read under way keeps others from reading; expires by itself. */
  readonly leaseUntilMs: number
  /** Whether the last attempt failed: then nobody waits for the next one. */
  readonly failing: boolean
}

export type Verdict = 'serve' | 'serve-and-refresh' | 'wait'

/** A loop that lives reads when due; a request takes over this much later, so that the two do not race. */
const TAKEOVER_MS = 100

export function judge(state: Freshness, limits: FreshnessLimits, nowMs: number): Verdict {
  if (nowMs - state.currentAtMs > limits.maxStaleMs && !state.failing) return 'wait'
  return lacksReader(state, limits, nowMs) ? 'serve-and-refresh' : 'serve'
}

/** What a request knows that waits for something newer than it found. */
export interface Pursuit {
  /** Whether the control plane has said lately what is the newest. */
  readonly isTold: boolean
  /** Whether that is missing here. */
  readonly isMissing: boolean
  readonly isReading: boolean
  readonly isLoading: boolean
  readonly readFailed: boolean
  readonly loadFailed: boolean
  /** Whether the next read is not due yet. */
  readonly isResting: boolean
}

/** What it does itself now, if it does not just wait for others; `give-up`: they have failed, and it is too early to try again. */
export function nextAct(known: Pursuit): 'wait' | 'read' | 'load' | 'give-up' {
  const isForBody = known.isTold && known.isMissing
  if (isForBody && known.isLoading) return 'wait'
  if (isForBody && !known.loadFailed) return 'load'
  if (known.isReading) return 'wait'
  return known.isResting && (isForBody || known.readFailed) ? 'give-up' : 'read'
}

/** Whether a read is due that nobody makes. */
export const lacksReader = (state: Freshness, limits: FreshnessLimits, nowMs: number): boolean =>
  isOver(state.dueAtMs + TAKEOVER_MS, nowMs, limits) && isOver(state.leaseUntilMs, nowMs, limits)

/**
 * Whether a lease or due time has passed. One further away than any that is ever given means that the clock was set back:
 * it counts as passed, or nothing would be read until the clock has caught up.
 */
export const isOver = (untilMs: number, nowMs: number, limits: FreshnessLimits): boolean =>
  nowMs >= untilMs ||
  untilMs - nowMs > 2 * (limits.maxAgeMs + limits.refreshTimeoutMs + limits.coldLoadTimeoutMs)

/** The interval to the next read: `SNAPSHOT_MAX_AGE_MS` ±20 %, so that isolates do not read in step. `random` in [0, 1). */
export const nextReadMs = (limits: FreshnessLimits, random: number): number =>
  limits.maxAgeMs * (0.8 + 0.4 * random)
