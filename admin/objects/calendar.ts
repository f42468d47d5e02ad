/** Windows and freezes of an environment: added and ended, with an entry in the audit log. Inside the caller's transaction. */
import { ok } from '../../engine/index.ts'
import { failed, invalid } from '../failure.ts'
import type { Freeze, Window } from '../governance/calendar.ts'
import { MAX_WINDOWS, windowIssues } from '../governance/calendar-form.ts'
import type { Author } from '../settings.ts'
import {
  addToCalendar,
  forgetEnded,
  readFreezes,
  readWindows,
  removeFromCalendar,
  type StoredFreeze,
  type StoredWindow,
} from '../storage/calendar.ts'
import type { State } from '../storage/state.ts'
import type { Answer } from './answers.ts'
import { record } from './recording.ts'
import type { Room } from './room.ts'

/** Most that are in force or to come. */
const MAX_FREEZES = 100
/** Those that are over are listed for so long. */
const KEPT_MS = 90 * 24 * 3600 * 1000

export function addWindow(
  { sql }: Room,
  { name }: State,
  window: Window,
  author: Author,
  nowMs: number,
): Answer<StoredWindow> {
  const errors = windowIssues(window)
  if (errors.length > 0) return failed({ reason: 'invalid', what: 'window', errors })
  if (readWindows(sql).length >= MAX_WINDOWS)
    return invalid('window', '$', `there are ${MAX_WINDOWS} windows, which is the most`)
  const n = addToCalendar(sql, 'windows', { ...window, reason: author.reason })
  const { days, from, to, timeZone } = window
  const act = { action: 'window.added', subject: `window:${n}`, author } as const
  record(sql, name, act, nowMs, { details: { days, from, to, timeZone } })
  return ok({ ...window, n, reason: author.reason })
}

export function addFreeze(
  { sql }: Room,
  { name }: State,
  freeze: Freeze,
  author: Author,
  nowMs: number,
): Answer<StoredFreeze> {
  if (freeze.toMs !== null && freeze.toMs <= Math.max(nowMs, freeze.fromMs))
    return invalid('freeze', '$.to', 'must be after `from` and in the future')
  forgetEnded(sql, nowMs - KEPT_MS)
  if (readFreezes(sql).filter(({ toMs }) => toMs === null || toMs > nowMs).length >= MAX_FREEZES)
    return invalid('freeze', '$', `there are ${MAX_FREEZES} freezes, which is the most`)
  const n = addToCalendar(sql, 'freezes', { ...freeze, actor: author.actor })
  const from = new Date(freeze.fromMs).toISOString()
  const to = freeze.toMs === null ? null : new Date(freeze.toMs).toISOString()
  const act = {
    action: 'freeze.added',
    subject: `freeze:${n}`,
    author: { ...author, reason: freeze.reason },
  } as const
  record(sql, name, act, nowMs, { details: { from, to } })
  return ok({ ...freeze, n, actor: author.actor })
}

export function endInCalendar(
  { sql }: Room,
  { name }: State,
  table: 'windows' | 'freezes',
  n: number,
  author: Author,
  nowMs: number,
): Answer<null> {
  const what = table === 'windows' ? 'window' : 'freeze'
  const known = table === 'windows' ? readWindows(sql) : readFreezes(sql)
  if (!known.some((one) => one.n === n))
    return failed({ reason: 'unknown', what, key: `${name}:${n}`, nearest: null })
  removeFromCalendar(sql, table, n)
  record(sql, name, { action: `${what}.ended`, subject: `${what}:${n}`, author }, nowMs)
  return ok(null)
}
