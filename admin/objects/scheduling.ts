/** Carries out schedules that are due, each in a transaction of its own: made and noted as made, or neither. */
import { ok } from '../../engine/index.ts'
import { conflict, type Failure, failed } from '../failure.ts'
import type { Author } from '../settings.ts'
import { readEntity, sinceOf } from '../storage/entities.ts'
import { dueSchedule, readSchedule, type Schedule, updateSchedule } from '../storage/schedules.ts'
import { readState, type State } from '../storage/state.ts'
import type { Answer } from './answers.ts'
import { carryOut } from './carry-out.ts'
import { isGuarded, judge, mayRaiseNow } from './judge.ts'
import { record } from './recording.ts'
import type { Room } from './room.ts'

/** Everything that is due, oldest first. Each runs once: its row moves on in the transaction of the change. */
export function runDueSchedules(room: Room): void {
  while (room.ledger.write((nowMs) => runNext(room, nowMs)));
}

/** Whether there was one. */
function runNext(room: Room, nowMs: number): boolean {
  const schedule = dueSchedule(room.sql, nowMs)
  const state = readState(room.sql)
  if (schedule === null || state === null) return false
  if (schedule.status === 'waiting') make(room, state, schedule, nowMs)
  else takeBack(room, state, schedule, nowMs)
  return true
}

function make(room: Room, state: State, schedule: Schedule, nowMs: number): void {
  const { sql } = room
  const change = { do: 'edit', edit: { do: 'patch-flags', text: schedule.text } } as const
  const allowed = mayMake(room, state, change, nowMs)
  if (!allowed.ok) return fail(room, state, schedule, allowed.error, nowMs)
  const keys = Object.keys(JSON.parse(schedule.text) as object)
  const before = Object.fromEntries(keys.map((key) => [key, readEntity(sql, 'flag', key)?.text ?? null]))
  const made = carryOut(room, state, change, authorOf(schedule, 'made'), nowMs)
  if (!made.ok) return fail(room, state, schedule, made.error, nowMs)
  const status = schedule.untilMs === null ? 'done' : 'applied'
  updateSchedule(sql, { ...schedule, status, before, version: made.value.state.version })
}

/** A freeze that came after it was planned stops it too, unless it lowers exposure. */
function mayMake(room: Room, state: State, change: Parameters<typeof judge>[2], nowMs: number): Answer<null> {
  if (!isGuarded(room)) return ok(null)
  const judged = judge(room, state, change)
  if (!judged.ok) return judged
  return judged.value.raising.length === 0 ? ok(null) : mayRaiseNow(room, nowMs)
}

/** Gives flags back what they were, but for those that somebody has changed since. */
function takeBack(room: Room, state: State, schedule: Schedule, nowMs: number): void {
  const { sql } = room
  const { version, before } = schedule
  const keys = Object.keys(before ?? {})
  const changedSince = keys.filter((key) => (sinceOf(sql, 'flag', key) ?? version!) > version!)
  const patch = Object.fromEntries(
    keys
      .filter((key) => !changedSince.includes(key))
      .map((key) => [key, before![key] === null ? null : JSON.parse(before![key]!)]),
  )
  const edit = { do: 'set-flags', text: JSON.stringify(patch) } as const
  const made = carryOut(room, state, { do: 'edit', edit }, authorOf(schedule, 'taken-back'), nowMs)
  if (!made.ok) return fail(room, state, schedule, made.error, nowMs)
  const problem =
    changedSince.length === 0 ? null : `changed since, and left as they are: ${changedSince.join(', ')}`
  const revertedVersion = made.value.state.version
  updateSchedule(sql, { ...schedule, status: 'reverted', revertedVersion, problem })
  if (problem !== null) note(room, state, 'schedule.partly-reverted', schedule, problem, nowMs)
}

export function cancelSchedule(
  room: Room,
  state: State,
  n: number,
  author: Author,
  nowMs: number,
): Answer<Schedule> {
  const schedule = readSchedule(room.sql, n)
  if (schedule === null)
    return failed({ reason: 'unknown', what: 'schedule', key: `${state.name}:${n}`, nearest: null })
  if (schedule.status !== 'waiting' && schedule.status !== 'applied')
    return conflict(
      'not-pending',
      `Schedule ${state.name}:${n} is ${schedule.status}; there is nothing to cancel.`,
    )
  const cancelled: Schedule = { ...schedule, status: schedule.status === 'waiting' ? 'cancelled' : 'done' }
  updateSchedule(room.sql, cancelled)
  record(room.sql, state.name, { action: 'schedule.cancelled', subject: `schedule:${n}`, author }, nowMs)
  return ok(cancelled)
}

function fail(room: Room, state: State, schedule: Schedule, failure: Failure, nowMs: number): void {
  const problem = sentenceOf(failure)
  updateSchedule(room.sql, { ...schedule, status: 'failed', problem })
  note(room, state, 'schedule.failed', schedule, problem, nowMs)
}

function note(
  { sql }: Room,
  { name }: State,
  action: string,
  schedule: Schedule,
  problem: string,
  nowMs: number,
): void {
  const act = { action, subject: `schedule:${schedule.n}`, author: authorOf(schedule, 'made') }
  record(sql, name, act, nowMs, { details: { problem } })
}

const authorOf = ({ n, actor, reason, approval }: Schedule, phase: 'made' | 'taken-back'): Author => ({
  ...{ actor, reason, requestId: null, address: null },
  details: { schedule: n, phase, ...(approval === null ? {} : { approval }) },
})

function sentenceOf(failure: Failure): string {
  switch (failure.reason) {
    case 'invalid':
      return failure.errors.map(({ path, message }) => `${path} ${message}`).join('; ')
    case 'conflict':
    case 'refused':
      return failure.detail
    default:
      return failure.reason
  }
}
