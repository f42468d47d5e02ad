/** Wall clocks: what a clock on the wall of a time zone shows, and when it is set. Pure; the zones are those of `Intl`. */

export const MINUTE_MS = 60_000
export const DAY_MS = 86_400_000

/** A time on the wall, as the milliseconds since 1970 at which a clock in UTC shows the same. */
export type WallMs = number

/** A stretch in which a clock runs without being set: `wall = instant + offsetMs`. */
export interface Stretch {
  readonly startMs: number
  /** The first instant that is not of it. */
  readonly endMs: number
  readonly offsetMs: number
}

/** Whether `Intl` knows a zone of this name, e.g. `Europe/Berlin`. */
export function isTimeZone(name: string): boolean {
  try {
    clock(name)
    return true
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

/** From `startMs` to `endMs`, cut where the clock is set (to a second). Two settings are always half a day apart. */
export function* stretches(timeZone: string, startMs: number, endMs: number): Iterable<Stretch> {
  const offsetAt = offsetOf(timeZone)
  let begun = startMs
  let offsetMs = offsetAt(startMs)
  for (let at = startMs; at < endMs; at += DAY_MS / 2) {
    const next = Math.min(at + DAY_MS / 2, endMs)
    if (offsetAt(next) === offsetMs) continue
    const set = firstInstant(at, next, (instant) => offsetAt(instant) !== offsetMs)
    yield { startMs: begun, endMs: set, offsetMs }
    begun = set
    offsetMs = offsetAt(set)
  }
  yield { startMs: begun, endMs, offsetMs }
}

/** By how much a wall clock of the zone is ahead of UTC, in whole seconds as milliseconds. */
export function offsetOf(timeZone: string): (instantMs: number) => number {
  const format = clock(timeZone)
  return (instantMs) => {
    const shown = new Map(format.formatToParts(instantMs).map(({ type, value }) => [type, Number(value)]))
    const [year, month, day] = [shown.get('year')!, shown.get('month')!, shown.get('day')!]
    const [hour, minute, second] = [shown.get('hour')!, shown.get('minute')!, shown.get('second')!]
    const wall = Date.UTC(year, month - 1, day, hour, minute, second)
    return wall - Math.floor(instantMs / 1000) * 1000
  }
}

const clock = (timeZone: string): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })

/** The first whole second in (`before`, `after`] for which `holds`, which it does from some second on. */
function firstInstant(before: number, after: number, holds: (instantMs: number) => boolean): number {
  let [low, high] = [Math.floor(before / 1000), Math.ceil(after / 1000)]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (holds(middle * 1000)) high = middle
    else low = middle
  }
  return high * 1000
}
