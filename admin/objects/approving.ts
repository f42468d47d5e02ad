/** Changes that others must approve: asked for, voted on, applied. Inside the caller's transaction. */

import { ok } from '../../engine/index.ts'
import type { Action } from '../audit/actions.ts'
import { actOf, type Change } from '../change/change.ts'
import { conflict, type Failure, failed, invalid, sentenceOf } from '../failure.ts'
import type { Author } from '../settings.ts'
import {
  type Approval,
  addApproval,
  changeOfApproval,
  countPending,
  pruneApprovals,
  readApproval,
  updateApproval,
  type Vote,
} from '../storage/approvals.ts'
import { readSettings } from '../storage/settings.ts'
import type { State } from '../storage/state.ts'
import type { Answer } from './answers.ts'
import { carryOut, type Made } from './carry-out.ts'
import { isAsJudged, type Judgement, judge, mayRaise } from './judge.ts'
import { record } from './recording.ts'
import type { Room } from './room.ts'

const DAY_MS = 24 * 3600 * 1000
/** Nobody decided for so long: what was looked at then is not what there is now. */
const EXPIRES_AFTER_MS = 7 * DAY_MS
/** As long as versions. */
const KEPT_MS = 90 * DAY_MS
/** Most that wait in one environment: each holds its change, which may be a document. */
const MAX_PENDING = 100
/** Most flags, segments and routes that one is about, with those they depend on. */
const MAX_TOUCHED = 5_000
/** Most sentences that say why it has to wait. */
const MAX_RAISING = 100

export type Decision = 'approve' | 'reject' | 'cancel'

/** Keeps the change for others to decide on. */
export function askForApproval(
  { sql }: Room,
  state: State,
  change: Change,
  judgement: Judgement,
  author: Author,
  nowMs: number,
): Answer<Approval> {
  const touched = judgement.touched.length
  if (touched > MAX_TOUCHED)
    return invalid('change', '$', `is about ${touched} things; at most ${MAX_TOUCHED} are approved together`)
  if (countPending(sql, nowMs) >= MAX_PENDING)
    return invalid(
      'change',
      '$',
      `would wait behind ${MAX_PENDING} others, which is the most; decide some first`,
    )
  pruneApprovals(sql, nowMs - KEPT_MS)
  const { action, subject } = actOf(change, state.name, false)
  const { actor, maker = null, reason } = author
  const approval = addApproval(
    sql,
    {
      ...{ createdAtMs: nowMs, expiresAtMs: nowMs + EXPIRES_AFTER_MS, status: 'pending' },
      ...{ actor, maker, reason, action, subject },
      ...{ needed: readSettings(sql).approvals, votes: [] },
      ...{ touched: judgement.touched, raising: firstOf(judgement.raising) },
      ...{ decidedAtMs: null, decidedBy: null, note: null, version: null },
    },
    change,
  )
  recordDecision({ sql }, state, 'approval.requested', approval, author, nowMs)
  return ok(approval)
}

function firstOf(raising: readonly string[]): readonly string[] {
  if (raising.length <= MAX_RAISING) return raising
  return [...raising.slice(0, MAX_RAISING), `and ${raising.length - MAX_RAISING} more`]
}

/** One person's decision. The last approval that is needed carries the change out. */
export function decideApproval(
  room: Room,
  state: State,
  n: number,
  decision: Decision,
  author: Author,
  nowMs: number,
): Answer<Approval> {
  const approval = readApproval(room.sql, n, nowMs)
  if (approval === null)
    return failed({ reason: 'unknown', what: 'approval', key: `${state.name}:${n}`, nearest: null })
  if (approval.status !== 'pending')
    return conflict('not-pending', `Approval ${state.name}:${n} is ${approval.status} already.`)
  if (decision !== 'approve') return close(room, state, approval, decision, author, nowMs)
  return approve(room, state, approval, author, nowMs)
}

function approve(
  room: Room,
  state: State,
  approval: Approval,
  author: Author,
  nowMs: number,
): Answer<Approval> {
  const { actor, maker = null } = author
  if (isOneHand(approval, { actor, maker }))
    return failed({
      reason: 'refused',
      detail: `${approval.actor} asked for this change; others must approve it.`,
    })
  const before = approval.votes.find((vote) => isOneHand(vote, { actor, maker }))
  if (before !== undefined) return conflict('not-pending', `${before.actor} has approved this already.`)
  const vote: Vote = { actor, maker, at: new Date(nowMs).toISOString(), note: author.reason }
  // Whoever asked before the environment was protected better waits for as many as others do now.
  const needed = Math.max(approval.needed, readSettings(room.sql).approvals)
  const voted = { ...approval, needed, votes: [...approval.votes, vote] }
  if (voted.votes.length >= voted.needed) return apply(room, state, voted, author, nowMs)
  updateApproval(room.sql, voted)
  recordDecision(room, state, 'approval.approved', voted, author, nowMs)
  return ok(voted)
}

type Hand = Pick<Vote, 'actor' | 'maker'>

/** Whether one person may be behind both: a caller and a token of this caller's, or two tokens of the same one's. */
const isOneHand = (one: Hand, other: Hand): boolean =>
  one.actor === other.actor ||
  one.maker === other.actor ||
  other.maker === one.actor ||
  (one.maker !== null && one.maker === other.maker)

/** The last vote. Nothing is noted of one that came at a bad time; it may be given again. */
function apply(
  room: Room,
  state: State,
  approval: Approval,
  author: Author,
  nowMs: number,
): Answer<Approval> {
  const change = changeOfApproval(room.sql, approval.n)
  const judged = judge(room, state, change)
  const now = judged.ok ? judged.value.touched : approval.touched
  if (!isAsJudged(room, approval.touched, now)) return ok(end(room, state, approval, 'stale', author, nowMs))
  const made = judged.ok ? makeApproved(room, state, change, judged.value, approval, author, nowMs) : judged
  if (made.ok) {
    const { version } = made.value.state
    const decided = { status: 'applied', decidedAtMs: nowMs, decidedBy: author.actor, version } as const
    const applied: Approval = { ...approval, ...decided }
    updateApproval(room.sql, applied)
    return ok(applied)
  }
  if (mayPass(made.error)) return made
  return ok(end(room, state, approval, 'failed', author, nowMs, sentenceOf(made.error)))
}

/** Carries it out as its author's, or leaves everything as it is, the audit log too. */
function makeApproved(
  room: Room,
  state: State,
  change: Change,
  { raising }: Judgement,
  approval: Approval,
  author: Author,
  nowMs: number,
): Answer<Made> {
  const open = raising.length === 0 ? ok(null) : mayRaise(room, change, nowMs)
  if (!open.ok) return open
  const approvedBy = approval.votes.map((vote) => vote.actor)
  const details = { approval: approval.n, approvedBy }
  const asked: Author = { ...author, actor: approval.actor, reason: approval.reason, details }
  return room.ledger.attempt(() => {
    recordDecision(room, state, 'approval.approved', approval, author, nowMs)
    return carryOut(room, state, change, asked, nowMs)
  })
}

/** Whether the same change may be made later, as it is; all else it was approved for in vain. */
const mayPass = ({ reason }: Failure): boolean =>
  ['conflict', 'store-unavailable', 'unreadable', 'environment-unknown'].includes(reason)

/** Closes an approval whose change AWS, where the document lives, will never take. */
export function failApproval(
  room: Room,
  state: State,
  n: number,
  failure: Failure,
  author: Author,
  nowMs: number,
): Answer<Approval> {
  const approval = readApproval(room.sql, n, nowMs)
  // Somebody else has decided it meanwhile, or it is gone.
  if (approval?.status !== 'pending') return failed(failure)
  return ok(end(room, state, approval, 'failed', author, nowMs, sentenceOf(failure)))
}

/** Everybody agrees, and all the same the change is not made. */
function end(
  room: Room,
  state: State,
  approval: Approval,
  status: 'stale' | 'failed',
  author: Author,
  nowMs: number,
  problem: string | null = null,
): Approval {
  const ended: Approval = {
    ...approval,
    ...{ status, decidedAtMs: nowMs, decidedBy: author.actor, note: problem },
  }
  updateApproval(room.sql, ended)
  const more = problem === null ? {} : { problem }
  recordDecision(room, state, `approval.${status}`, ended, author, nowMs, more)
  return ended
}

function close(
  room: Room,
  state: State,
  approval: Approval,
  decision: 'reject' | 'cancel',
  author: Author,
  nowMs: number,
): Answer<Approval> {
  const own = author.actor === approval.actor
  if (decision === 'cancel' && !own)
    return failed({ reason: 'refused', detail: `Only ${approval.actor} may cancel this; others reject it.` })
  const status = decision === 'reject' ? 'rejected' : 'cancelled'
  const closed: Approval = {
    ...approval,
    ...{ status, decidedAtMs: nowMs, decidedBy: author.actor, note: author.reason },
  }
  updateApproval(room.sql, closed)
  recordDecision(room, state, `approval.${status}`, closed, author, nowMs)
  return ok(closed)
}

function recordDecision(
  { sql }: Pick<Room, 'sql'>,
  { name }: State,
  action: Action,
  { n, action: what, subject, raising }: Approval,
  author: Author,
  nowMs: number,
  more: { readonly problem?: string } = {},
): void {
  const details = { change: what, of: subject, raising, ...more }
  record(sql, name, { action, subject: `approval:${n}`, author }, nowMs, { details })
}
