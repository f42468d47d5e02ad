/**
 * The health of one address: a state machine over checks that passed or failed. Pure; times are passed in, ms since 1970.
 * Source: docs/traffic.md, "Health checks".
 */
import type { HealthSettings } from '../../engine/index.ts'

/** `unknown`: not checked yet, or not often enough to say that it is unhealthy; traffic goes there. */
export const HEALTH_STATUSES = ['unknown', 'healthy', 'unhealthy'] as const
export type HealthStatus = (typeof HEALTH_STATUSES)[number]

export interface Health {
  readonly status: HealthStatus
  /** When it became so. */
  readonly sinceMs: number
  /** Of the last check; `null`: there was none. */
  readonly passed: boolean | null
  /** Checks in a row that ended as the last one. */
  readonly consecutive: number
}

export const unknownHealth = (nowMs: number): Health => ({
  ...{ status: 'unknown', sinceMs: nowMs, passed: null, consecutive: 0 },
})

type Limits = Pick<HealthSettings, 'failures' | 'successes'>

/** What an address is after one more check. */
export function next(before: Health, passed: boolean, limits: Limits, nowMs: number): Health {
  const consecutive = passed === before.passed ? before.consecutive + 1 : 1
  const status = statusAfter(before.status, passed, consecutive, limits)
  return { status, sinceMs: status === before.status ? before.sinceMs : nowMs, passed, consecutive }
}

/** What nobody has called unhealthy needs no proof of the contrary. */
function statusAfter(
  status: HealthStatus,
  passed: boolean,
  consecutive: number,
  { failures, successes }: Limits,
): HealthStatus {
  if (passed) return status !== 'unhealthy' || consecutive >= successes ? 'healthy' : 'unhealthy'
  return consecutive >= failures ? 'unhealthy' : status
}
