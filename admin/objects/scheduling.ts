/** Carries out schedules that are due, each in a transaction of its own: made and noted as made, or neither. */

import { ok } from '../../engine/index.ts'
import type { Action } from '../audit/actions.ts'
import type { Change } from '../change/change.ts'
import { outcomeOf } from '../change/outcome.ts'
import { takeBack } from '../change/take-back.ts'
import { completeDocument } from '../document.ts'
import { conflict, failed, sentenceOf } from '../failure.ts'
import { logError, messageOf } from '../log.ts'
import type { Author } from '../settings.ts'
import { readEntity } from '../storage/entities.ts'
import {
  dueSchedule,
  readBefore,
  readSchedule,
  type Schedule,
  updateSchedule,
  writeBefore,
} from '../storage/schedules.ts'
import { readSettings } from '../storage/settings.ts'
import { readState, type State } from '../storage/state.ts'
import type { Answer } from './answers.ts'
import { carryOut, flagsIn } from './carry-out.ts'
import { isGuarded, judge, mayRaiseNow } from './judge.ts'
import type { Decision } from './ledger.ts'
import { proposalOf } from './proposal.ts'
import { record } from './recording.ts'
import type { Room } from './room.ts'

/**
 * Everything that is due, oldest first. Each runs once: its row moves on in the transaction of the change. Fails where AWS,
 * in which the document lives, does not take the change of one now.
 */
export async function runDueSchedules(
  room: Room,
  sync: { decide<T>(decision: Decision<T>): Promise<Answer<T>> },
): Promise<Answer<null>> {
  for (;;) {
    try {
      const ran = await sync.decide((state, nowMs) => ok(runNext(room, state, nowMs)))
      if (ran.ok && !ran.value) return ok(null)
      if (!ran.ok && ran.error.reason === 'environment-unknown') return ok(null)
      if (!ran.ok && ran.error.reason === 'unreadable') throw new Error(ran.error.detail)
      if (!ran.ok && ran.error.reason !== 'invalid') return ran
      // It does not fit into AWS, and never will.
      if (!ran.ok) giveUp(room, sentenceOf(ran.error))
    } catch (thrown) {
      // A fault, such as a document that cannot be read: it must not keep the others from their time.
      const n = giveUp(room, 'a fault of the control plane, noted in its log')
      logError('schedule-broken', { schedule: n, cause: messageOf(thrown) })
    }
  }
}

/** Whether there was one. */
function runNext(room: Room, state: State, nowMs: number): boolean {
  const schedule = dueSchedule(room.sql, nowMs)
  if (schedule === null) return false
  if (schedule.status === 'waiting') make(room, state, schedule, nowMs)
  else end(room, state, schedule, nowMs)
  return true
}

/** Number of the schedule that cannot be carried out. */
function giveUp(room: Room, problem: string): number {
  return room.ledger.write((nowMs) => {
    const schedule = dueSchedule(room.sql, nowMs)!
    fail(room, readState(room.sql)!, schedule, problem, nowMs)
    return schedule.n
  })
}

function make(room: Room, state: State, schedule: Schedule, nowMs: number): void {
  const { sql } = room
  const change = { do: 'edit', edit: { do: 'patch-flags', text: schedule.text } } as const
  const allowed = mayBeMade(room, state, schedule, change, nowMs)
  if (!allowed.ok) return fail(room, state, schedule, sentenceOf(allowed.error), nowMs)
  const before = Object.fromEntries(
    flagsIn(schedule.text).map((key) => [key, readEntity(sql, 'flag', key)?.text ?? null] as const),
  )
  const made = carryOut(room, state, change, authorOf(schedule, 'made'), nowMs)
  if (!made.ok) return fail(room, state, schedule, sentenceOf(made.error), nowMs)
  const status = schedule.untilMs === null ? 'done' : 'applied'
  if (status === 'applied') writeBefore(sql, schedule.n, before)
  updateSchedule(sql, { ...schedule, status, version: made.value.state.version })
}

type FlagChange = Extract<Change, { do: 'edit' }>

/**
 * What lowers exposure always may. What raises it is stopped by a freeze that came after it was planned; in a protected
 * environment also if nobody approved it, or if it would make of the flags what was not approved.
 */
function mayBeMade(
  room: Room,
  state: State,
  schedule: Schedule,
  change: FlagChange,
  nowMs: number,
): Answer<null> {
  const raising = raisedBy(room, state, change)
  if (!raising.ok) return raising
  if (raising.value.length === 0) return ok(null)
  const open = mayRaiseNow(room, nowMs)
  if (!open.ok || readSettings(room.sql).approvals === 0) return open
  if (schedule.outcome === null) return unapproved(raising.value)
  // A change that is taken back was approved as that: back is what there was.
  if (schedule.status === 'applied') return ok(null)
  const proposal = proposalOf(room, state, change)
  if (!proposal.ok) return proposal
  const outcome = outcomeOf(completeDocument(proposal.value.value), flagsIn(schedule.text))
  if (outcome === schedule.outcome) return ok(null)
  const detail = 'the flags, or what they depend on, have changed: this is no longer what was approved'
  return failed({ reason: 'refused', detail })
}

const unapproved = ([first]: readonly string[]) =>
  failed({ reason: 'refused', detail: `it raises exposure now, which nobody approved: ${first}` })

/** Nothing is said to be raised where nothing could stand in the way. */
function raisedBy(room: Room, state: State, change: FlagChange): Answer<readonly string[]> {
  if (!isGuarded(room)) return ok([])
  const judged = judge(room, state, change)
  return judged.ok ? ok(judged.value.raising) : judged
}

/** Gives flags back what they were, but for what somebody has changed since. */
function end(room: Room, state: State, schedule: Schedule, nowMs: number): void {
  const { change, kept } = backwards(room.sql, schedule)
  const allowed = mayBeMade(room, state, schedule, change, nowMs)
  if (!allowed.ok) return fail(room, state, schedule, sentenceOf(allowed.error), nowMs)
  const made = carryOut(room, state, change, authorOf(schedule, 'taken-back'), nowMs)
  if (!made.ok) return fail(room, state, schedule, sentenceOf(made.error), nowMs)
  const problem = kept.length === 0 ? null : `changed since, and left as it is: ${kept.join(', ')}`
  const revertedVersion = made.value.state.version
  updateSchedule(room.sql, { ...schedule, status: 'reverted', revertedVersion, problem })
  if (problem !== null) note(room, state, 'schedule.partly-reverted', schedule, problem, nowMs)
}

/** The change that takes a schedule back, and what that leaves alone: `FLAG` or `FLAG.FIELD`. */
function backwards(sql: SqlStorage, { n, text }: Schedule): { change: FlagChange; kept: string[] } {
  const patches = JSON.parse(text) as Record<string, unknown>
  const kept: string[] = []
  const flags = Object.entries(readBefore(sql, n)).map(([key, before]) => {
    const back = takeBack(patches[key], flagOf(before), flagOf(readEntity(sql, 'flag', key)?.text))
    kept.push(...back.kept.map((field) => (field === null ? key : `${key}.${field}`)))
    return [key, back.flag ?? null] as const
  })
  const edit = { do: 'set-flags', text: JSON.stringify(Object.fromEntries(flags)) } as const
  return { change: { do: 'edit', edit }, kept }
}

/** `undefined`: there is none. */
const flagOf = (text: string | null | undefined): unknown =>
  text === null || text === undefined ? undefined : JSON.parse(text)

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
  if (schedule.status === 'applied' && lowersLater(room, state, schedule))
    return failed({
      reason: 'refused',
      detail:
        'Taking it back lowers exposure, and others approved it with that end: let it end, then ask for what is to stay.',
    })
  const cancelled: Schedule = { ...schedule, status: schedule.status === 'waiting' ? 'cancelled' : 'done' }
  updateSchedule(room.sql, cancelled)
  record(room.sql, state.name, { action: 'schedule.cancelled', subject: `schedule:${n}`, author }, nowMs)
  return ok(cancelled)
}

/** Whether, in a protected environment, a change would stay that was approved for a time. */
function lowersLater(room: Room, state: State, schedule: Schedule): boolean {
  if (readSettings(room.sql).approvals === 0) return false
  const judged = judge(room, state, backwards(room.sql, schedule).change)
  return judged.ok && judged.value.raising.length === 0 && judged.value.touched.length > 0
}

function fail(room: Room, state: State, schedule: Schedule, problem: string, nowMs: number): void {
  updateSchedule(room.sql, { ...schedule, status: 'failed', problem })
  note(room, state, 'schedule.failed', schedule, problem, nowMs)
}

function note(
  { sql }: Room,
  { name }: State,
  action: Action,
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
