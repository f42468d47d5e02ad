/** Publish checks of a circuit breaker's settings. Pure. */

import { BREAKER_DEFAULTS, type BreakerSettings } from './breaker.ts'
import { type Check, type Fields, isObject, type Path } from './check.ts'

/** Least and most of each. */
const RANGES: Record<keyof BreakerSettings, { whole: boolean; least: number; most: number }> = {
  windowSeconds: { whole: true, least: 1, most: 600 },
  minimumRequests: { whole: true, least: 1, most: 100_000 },
  failureRate: { whole: false, least: 0.01, most: 1 },
  consecutiveFailures: { whole: true, least: 1, most: 1_000 },
  openMs: { whole: true, least: 100, most: 3_600_000 },
  maxOpenMs: { whole: true, least: 100, most: 3_600_000 },
  recoveryMs: { whole: true, least: 100, most: 600_000 },
  recoveryFailures: { whole: true, least: 1, most: 1_000 },
  alertFailureRate: { whole: false, least: 0, most: 1 },
  alertLatencyMs: { whole: true, least: 1, most: 600_000 },
}

export function checkBreaker(check: Check, path: Path, value: unknown): void {
  if (value === false) return
  if (!isObject(value)) return check.error(path, 'must be an object of settings, or false for none')
  const table: Fields = Object.fromEntries(
    Object.entries(RANGES).map(([name, { whole, least, most }]) => [
      name,
      (at: Path, number: unknown) =>
        whole ? check.integer(at, number, least, most) : check.number(at, number, least, most),
    ]),
  )
  if (!check.fields(path, value, table)) return
  const { openMs, maxOpenMs } = { ...BREAKER_DEFAULTS, ...value }
  if (openMs > maxOpenMs) check.error(path, `openMs (${openMs}) must not be above maxOpenMs (${maxOpenMs})`)
}
