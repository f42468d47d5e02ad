/** Publish checks of health checks. Pure. */
import { type Check, type Fields, isObject, type Path } from './check.ts'
import type { Member, Origin } from './document.ts'
import { HEALTH_DEFAULTS, healthSettings, MAX_HEALTH_CHECKS } from './health.ts'

const MAX_PATH = 1_024

export function checkHealth(check: Check, path: Path, value: unknown): void {
  if (value === false) return
  if (!isObject(value)) return check.error(path, 'must be an object of settings, or false for none')
  const whole =
    (least: number, most: number) =>
    (at: Path, number: unknown): unknown =>
      check.integer(at, number, least, most)
  const table: Fields = {
    path: (at, text) =>
      check.is(
        at,
        typeof text === 'string' &&
          text.length <= MAX_PATH &&
          /^\/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*$/.test(text) &&
          !/(^|\/)\.{1,2}(\/|\?|$)|%2e/i.test(text),
        `must be a path of at most ${MAX_PATH} characters that begins with /, perhaps with a query`,
        text,
      ),
    periodMs: whole(1_000, 3_600_000),
    timeoutMs: whole(100, 60_000),
    failures: whole(1, 100),
    successes: whole(1, 100),
    expectedStatus: whole(200, 599),
  }
  if (!check.fields(path, value, table)) return
  const { periodMs, timeoutMs } = { ...HEALTH_DEFAULTS, ...value }
  if (timeoutMs > periodMs)
    check.error(path, `timeoutMs (${timeoutMs}) must not be above periodMs (${periodMs})`)
}

/** How many addresses there are to be checked, of routes that may be anything. */
export function checkHealthChecks(check: Check, path: Path, routes: readonly unknown[]): void {
  const count = routes.filter(isObject).reduce((sum, { origins }) => sum + checkedOf(origins), 0)
  if (count > MAX_HEALTH_CHECKS)
    check.error(
      path,
      `a document has at most ${MAX_HEALTH_CHECKS} addresses whose health is checked, got ${count}`,
    )
}

const checkedOf = (origins: unknown): number =>
  Object.values(isObject(origins) ? origins : {})
    .filter(isObject)
    .reduce((sum, origin) => {
      const pool = Array.isArray(origin.pool) ? origin.pool.filter(isObject) : [undefined]
      const checked = pool.filter(
        (member) => healthSettings(origin as Origin, member as Member | undefined) !== null,
      )
      return sum + checked.length
    }, 0)
