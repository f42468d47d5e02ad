/** Which checks are made now, and what of an earlier plan holds for the next. Pure; times are passed in, ms since 1970. */
import type { HeldCheck } from '../storage/health.ts'
import { unknownHealth } from './machine.ts'
import { type Check, checkKey, questionOf } from './plan.ts'

/**
 * The platform opens six connections at a time, and an address that does not answer keeps one for its whole time limit: those
 * that failed last get no more than half of them.
 * Source: https://developers.cloudflare.com/workers/platform/limits/#simultaneous-open-connections
 */
const AT_ONCE = 6
const AT_ONCE_FAILING = 3

/** Keys of the checks to begin now, those that are due longest first. */
export function startable(
  checks: ReadonlyMap<string, HeldCheck>,
  running: ReadonlySet<string>,
  nowMs: number,
): string[] {
  const isFailing = (key: string) => checks.get(key)?.health.passed === false
  let free = AT_ONCE - running.size
  let freeForFailing = AT_ONCE_FAILING - [...running].filter(isFailing).length
  const due = [...checks].filter(([key, held]) => !running.has(key) && isDue(held, nowMs))
  const chosen: string[] = []
  for (const [key] of due.sort(([, a], [, b]) => a.dueAtMs - b.dueAtMs)) {
    if (free === 0) break
    if (isFailing(key) && freeForFailing === 0) continue
    if (isFailing(key)) freeForFailing -= 1
    free -= 1
    chosen.push(key)
  }
  return chosen
}

/** One that is further away than its period was set by a clock that has been set back since. */
const isDue = ({ dueAtMs, check }: HeldCheck, nowMs: number): boolean =>
  dueAtMs <= nowMs || dueAtMs > nowMs + check.settings.periodMs

/** A new plan's checks. What was found holds on where the same is asked, whoever asks for it now and however often. */
export function replanned(
  held: ReadonlyMap<string, HeldCheck>,
  checks: readonly Check[],
  nowMs: number,
): Map<string, HeldCheck> {
  const answered = new Map([...held.values()].map((one) => [questionOf(one.check), one]))
  return new Map(
    checks.map((check) => {
      const key = checkKey(check)
      const before = held.get(key) ?? answered.get(questionOf(check))
      const fresh = { health: unknownHealth(nowMs), last: null, dueAtMs: nowMs }
      const { health, last, dueAtMs } = before ?? fresh
      return [key, { check, health, last, dueAtMs: Math.min(dueAtMs, nowMs + check.settings.periodMs) }]
    }),
  )
}

/** Names of all addresses that are unhealthy, sorted. */
export const unhealthyOf = (checks: ReadonlyMap<string, HeldCheck>): string[] =>
  [...checks.values()]
    .flatMap(({ check, health }) => (health.status === 'unhealthy' ? check.names : []))
    .sort()
