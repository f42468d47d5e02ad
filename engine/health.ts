/** How an origin's health is checked from the control plane, and the defaults. Source: docs/traffic.md, "Health checks". Pure. */
import type { Member, Origin } from './document.ts'

export interface HealthSettings {
  /** Appended to the address's URL; may have a query. */
  readonly path: string
  /** From the beginning of one check to that of the next. */
  readonly periodMs: number
  /** To the response's headers. */
  readonly timeoutMs: number
  /** Checks in a row that failed, after which an address is unhealthy. */
  readonly failures: number
  /** Checks in a row that passed, after which it is healthy again. */
  readonly successes: number
  /** The only status that passes. Default: any from 200 to 299. */
  readonly expectedStatus?: number
}

export const HEALTH_DEFAULTS: HealthSettings = {
  path: '/health/ready',
  periodMs: 10_000,
  timeoutMs: 5_000,
  failures: 3,
  successes: 2,
}

/** Most addresses of a document whose health is checked. */
export const MAX_HEALTH_CHECKS = 256

/** What an origin and one member of its pool say, over the defaults; `null`: it is not checked. */
export function healthSettings({ health }: Origin, member?: Member): HealthSettings | null {
  const own = member?.health
  if (own === false || (own === undefined && (health === undefined || health === false))) return null
  return { ...HEALTH_DEFAULTS, ...(health || {}), ...own }
}
