/** Change windows as people write them: every error with its path. Pure. */
import { Check, type CompileIssue, child, type Path } from '../../engine/check.ts'
import { DAYS } from './calendar.ts'
import { isTimeZone } from './local-time.ts'

/** Of one environment. */
export const MAX_WINDOWS = 50

/** What is wrong with a window; empty: nothing. */
export function windowIssues(value: unknown): readonly CompileIssue[] {
  const check = new Check()
  const time = (at: Path, text: unknown): unknown =>
    check.is(
      at,
      typeof text === 'string' && /^(?:[01]\d|2[0-3]):[0-5]\d$/.test(text),
      'must be a time from 00:00 to 23:59',
      text,
    )
  const table = {
    days: (at: Path, days: unknown): void => {
      if (!check.array(at, days)) return
      if (days.length === 0) check.error(at, 'must name at least one day')
      for (const [index, day] of days.entries())
        if (check.oneOf(child(at, index), day, DAYS) && days.indexOf(day) < index)
          check.error(child(at, index), `${day} is named twice`)
    },
    from: time,
    to: time,
    timeZone: (at: Path, zone: unknown): unknown =>
      check.is(
        at,
        typeof zone === 'string' && isTimeZone(zone),
        'must be a time zone such as Europe/Berlin or UTC',
        zone,
      ),
  }
  check.fields(null, value, table, ['days', 'from', 'to', 'timeZone'])
  return check.errors
}
