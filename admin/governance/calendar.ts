/** When changes may be made: weekly windows, where there are any, outside of freezes. Pure. */
import type { CompileIssue } from '../../engine/index.ts'

export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export type Day = (typeof DAYS)[number]

/** Changes may be made on these days from `from` up to, not including, `to`; a `to` no later than `from` is on the next day. */
export interface Window {
  readonly days: readonly Day[]
  /** `HH:MM`, local time of the zone. */
  readonly from: string
  readonly to: string
  /** IANA name, such as `Europe/Berlin`. */
  readonly timeZone: string
}

export interface Freeze {
  /** ms since 1970 */
  readonly fromMs: number
  /** ms since 1970; `null`: until it is removed */
  readonly toMs: number | null
  readonly reason: string
}

export type Refusal = {
  readonly why: 'frozen' | 'outside-window'
  readonly detail: string
  /** When changes may be made next, ms since 1970; `null`: not within two weeks, as far as can be told. */
  readonly opensAtMs: number | null
}

const MINUTE_MS = 60_000
/** How far ahead the next opening is looked for. */
const HORIZON_MS = 14 * 24 * 60 * MINUTE_MS

/** `null`: changes may be made now. Without windows they may at any time that is not frozen. */
export function refusalAt(
  windows: readonly Window[],
  freezes: readonly Freeze[],
  nowMs: number,
): Refusal | null {
  const frozen = freezes.find((freeze) => holds(freeze, nowMs))
  if (frozen !== undefined) {
    const until = frozen.toMs === null ? 'until it is lifted' : `until ${new Date(frozen.toMs).toISOString()}`
    const opensAtMs = nextOpeningMs(windows, freezes, nowMs)
    return { why: 'frozen', detail: `changes are frozen ${until}: ${frozen.reason}`, opensAtMs }
  }
  if (windows.length === 0 || isOpen(windows, nowMs)) return null
  const detail = `changes are made in ${windows.map(sentence).join(' or ')}`
  return { why: 'outside-window', detail, opensAtMs: nextOpeningMs(windows, freezes, nowMs) }
}

const holds = ({ fromMs, toMs }: Freeze, atMs: number): boolean =>
  fromMs <= atMs && (toMs === null || atMs < toMs)

const sentence = ({ days, from, to, timeZone }: Window): string =>
  `${days.join(', ')} ${from}–${to} ${timeZone}`

const isOpen = (windows: readonly Window[], atMs: number): boolean =>
  windows.length === 0 || windows.some((window) => contains(window, atMs))

function contains({ days, from, to, timeZone }: Window, atMs: number): boolean {
  const { day, time } = localTime(timeZone, atMs)
  const today = days.includes(day)
  if (from < to) return today && from <= time && time < to
  const yesterday = DAYS[(DAYS.indexOf(day) + DAYS.length - 1) % DAYS.length]!
  return (today && time >= from) || (days.includes(yesterday) && time < to)
}

/** Windows open, and freezes end, at whole minutes or at a freeze's own end: only these are looked at. */
function nextOpeningMs(windows: readonly Window[], freezes: readonly Freeze[], nowMs: number): number | null {
  const endMs = nowMs + HORIZON_MS
  let atMs = nowMs
  while (atMs <= endMs) {
    const frozen = freezes.find((freeze) => holds(freeze, atMs))
    if (frozen !== undefined) {
      if (frozen.toMs === null) return null
      atMs = frozen.toMs
    } else if (isOpen(windows, atMs)) return atMs
    else atMs = (Math.floor(atMs / MINUTE_MS) + 1) * MINUTE_MS
  }
  return null
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** Day and `HH:MM` of a moment in a zone. Throws a RangeError for a zone that does not exist. */
function localTime(timeZone: string, atMs: number): { day: Day; time: string } {
  let format = formats.get(timeZone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    })
    formats.set(timeZone, format)
  }
  const parts = Object.fromEntries(format.formatToParts(atMs).map(({ type, value }) => [type, value]))
  return { day: parts.weekday!.toLowerCase() as Day, time: `${parts.hour}:${parts.minute}` }
}

const TIME = /^(?:[01]\d|2[0-3]):[0-5]\d$/

/** What is wrong with a window, by path; empty: nothing. */
export function windowIssues({ days, from, to, timeZone }: Window): CompileIssue[] {
  const issues: CompileIssue[] = []
  const clock = (path: string, time: string) => {
    if (!TIME.test(time)) issues.push({ path, message: `must be HH:MM, got ${JSON.stringify(time)}` })
  }
  if (new Set(days).size !== days.length) issues.push({ path: '$.days', message: 'names a day twice' })
  clock('$.from', from)
  clock('$.to', to)
  try {
    localTime(timeZone, 0)
  } catch {
    const message = `must be the name of a time zone such as "Europe/Berlin", got ${JSON.stringify(timeZone)}`
    issues.push({ path: '$.timeZone', message })
  }
  return issues
}
