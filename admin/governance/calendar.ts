/**
 * When changes may be made: in any of the change windows, if there are some, and in no freeze. Windows are told by the clock
 * on the wall: an hour that a clock skips is in none, an hour that it shows twice is in them twice. Pure.
 */
import { err, ok, type Result } from '../../engine/index.ts'
import { DAY_MS, MINUTE_MS, offsetOf, stretches, type WallMs } from './local-time.ts'

export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export type Day = (typeof DAYS)[number]

export interface Window {
  /** Days on which it opens. */
  readonly days: readonly Day[]
  /** `09:00`: the first minute. */
  readonly from: string
  /** `17:00`: the first minute after it; at or before `from` it is that of the next day. */
  readonly to: string
  /** As `Intl` knows it, e.g. `Europe/Berlin`. */
  readonly timeZone: string
}

export interface Freeze {
  readonly fromMs: number
  /** The first instant after it; `null`: until it is lifted. */
  readonly toMs: number | null
  readonly reason: string
}

export interface Closed {
  readonly reason: 'frozen' | 'outside-window'
  /** A sentence. */
  readonly detail: string
  /** When changes may be made next; `null` if not within two weeks of now, or of the freeze's end. */
  readonly opensAtMs: number | null
}

const SEARCH_MS = 14 * DAY_MS

export function mayChange(
  windows: readonly Window[],
  freezes: readonly Freeze[],
  nowMs: number,
): Result<null, Closed> {
  const freeze = freezeAt(freezes, nowMs)
  const opensAtMs = opening(windows, freezes, nowMs)
  if (freeze !== undefined) return err({ reason: 'frozen', detail: frozen(freeze), opensAtMs })
  if (opensAtMs === nowMs) return ok(null)
  return err({
    reason: 'outside-window',
    detail: `changes are made ${windows.map(shown).join('; ')}`,
    opensAtMs,
  })
}

const frozen = ({ toMs, reason }: Freeze): string =>
  `changes are frozen ${toMs === null ? 'until the freeze is lifted' : `until ${new Date(toMs).toISOString()}`}: ${reason}`

const shown = ({ days, from, to, timeZone }: Window): string => `${days.join(', ')} ${from}–${to} ${timeZone}`

/** The freeze in force that ends last. */
function freezeAt(freezes: readonly Freeze[], atMs: number): Freeze | undefined {
  const end = ({ toMs }: Freeze): number => toMs ?? Number.POSITIVE_INFINITY
  return freezes
    .filter((freeze) => freeze.fromMs <= atMs && atMs < end(freeze))
    .sort((one, other) => end(other) - end(one))[0]
}

/** The first instant from `nowMs` on at which changes may be made. Each turn passes the end of a freeze or a closed time. */
function opening(windows: readonly Window[], freezes: readonly Freeze[], nowMs: number): number | null {
  let at = nowMs
  let untilMs = nowMs + SEARCH_MS
  for (;;) {
    const freeze = freezeAt(freezes, at)
    if (freeze?.toMs === null) return null
    if (freeze !== undefined) {
      at = freeze.toMs!
      untilMs = at + SEARCH_MS
    } else {
      const next = firstOpening(windows, at, untilMs)
      if (next === null || next === at) return next
      at = next
    }
  }
}

function firstOpening(windows: readonly Window[], fromMs: number, untilMs: number): number | null {
  if (windows.length === 0 || windows.some((window) => isOpen(window, fromMs))) return fromMs
  const openings = windows.map((window) => nextOpening(window, fromMs, untilMs)).filter((at) => at !== null)
  return openings.length === 0 ? null : Math.min(...openings)
}

const isOpen = (window: Window, atMs: number): boolean =>
  isOpenOnTheWall(window, atMs + offsetOf(window.timeZone)(atMs))

/** A window opens at its first minute, or when the clock is set into it. */
function nextOpening(window: Window, fromMs: number, untilMs: number): number | null {
  for (const { startMs, endMs, offsetMs } of stretches(window.timeZone, fromMs, untilMs)) {
    if (startMs > fromMs && isOpenOnTheWall(window, startMs + offsetMs)) return startMs
    const firstDay = Math.floor((startMs + offsetMs) / DAY_MS) * DAY_MS
    for (let day = firstDay; ; day += DAY_MS) {
      const at = day + minuteOf(window.from) * MINUTE_MS - offsetMs
      if (at >= endMs) break
      if (at > startMs && isOpenOnTheWall(window, at + offsetMs)) return at
    }
  }
  return null
}

function isOpenOnTheWall({ days, from, to }: Window, wall: WallMs): boolean {
  const [opens, closes] = [minuteOf(from), minuteOf(to)]
  const day = Math.floor(wall / DAY_MS)
  const minute = Math.floor((wall - day * DAY_MS) / MINUTE_MS)
  if (opens < closes) return opens <= minute && minute < closes && days.includes(dayOf(day))
  return (minute >= opens && days.includes(dayOf(day))) || (minute < closes && days.includes(dayOf(day - 1)))
}

/** Of a day counted from 1970, which began on a Thursday. */
const dayOf = (day: number): Day => DAYS[(((day + 3) % 7) + 7) % 7]!

const minuteOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3))
