/** Change windows and freezes as people write them: every error with its path. Pure. */
import { Check, type CompileIssue, child, type Path } from '../../engine/check.ts'
import { err, ok, type Result } from '../../engine/index.ts'
import { parseTime } from '../../engine/time.ts'
import { DAYS, type Freeze, type Window } from './calendar.ts'
import { isTimeZone } from './local-time.ts'

/** Of one environment. */
export const MAX_WINDOWS = 50
const MAX_REASON = 1000

/** A list of windows; an empty one: changes may be made at any time. */
export function readWindows(value: unknown): Result<readonly Window[], readonly CompileIssue[]> {
  const check = new Check()
  if (check.array(null, value)) {
    check.is(null, value.length <= MAX_WINDOWS, `must be at most ${MAX_WINDOWS} windows`, value.length)
    for (const [at, window] of value.entries()) checkWindow(check, child(null, at), window)
  }
  return check.errors.length === 0 ? ok(value as Window[]) : err(check.errors)
}

function checkWindow(check: Check, path: Path, value: unknown): void {
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
  check.fields(path, value, table, ['days', 'from', 'to', 'timeZone'])
}

/** `{ from, to, reason }` with RFC 3339 times; `to` may be left out or `null`: until the freeze is lifted. */
export function readFreeze(value: unknown): Result<Freeze, readonly CompileIssue[]> {
  const check = new Check()
  const time = (at: Path, text: unknown): unknown =>
    check.is(
      at,
      typeof text === 'string' && parseTime(text) !== null,
      'must be an RFC 3339 date-time, such as 2026-12-20T00:00:00Z',
      text,
    )
  const table = {
    from: time,
    to: (at: Path, text: unknown): unknown => text === null || time(at, text),
    reason: (at: Path, text: unknown): unknown =>
      check.is(
        at,
        typeof text === 'string' && text.trim() !== '' && text.length <= MAX_REASON,
        `must be a text of 1 to ${MAX_REASON} characters`,
        text,
      ),
  }
  if (!check.fields(null, value, table, ['from', 'reason']) || check.errors.length > 0)
    return err(check.errors)
  const { from, to = null, reason } = value as { from: string; to?: string | null; reason: string }
  const [fromMs, toMs] = [parseTime(from)!, to === null ? null : parseTime(to)]
  if (toMs !== null) check.is(child(null, 'to'), fromMs < toMs, `must be later than ${from}`, to)
  return check.errors.length === 0 ? ok({ fromMs, toMs, reason }) : err(check.errors)
}
