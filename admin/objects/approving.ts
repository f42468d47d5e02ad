/** Changes that others must approve: asked for, voted on, applied. Inside the caller's transaction. */
import { ok } from '../../engine/index.ts'
import { actOf, type Change } from '../change/change.ts'
import { conflict, failed } from '../failure.ts'
import type { Author } from '../settings.ts'
import {
  type Approval,
  addApproval,
  changeOfApproval,
  readApproval,
  updateApproval,
  type Vote,
} from '../storage/approvals.ts'
import { readSettings } from '../storage/settings.ts'
import type { State } from '../storage/state.ts'
import type { Answer } from './answers.ts'
import { carryOut } from './carry-out.ts'
import { isAsJudged, type Judgement, judge, mayRaiseNow } from './judge.ts'
import { record } from './recording.ts'
import type { Room } from './room.ts'

/** Nobody decided for so long: what was looked at then is not what there is now. */
const EXPIRES_AFTER_MS = 7 * 24 * 3600 * 1000

export type Decision = 'approve' | 'reject' | 'cancel'

/** Keeps the change for others to decide on. */
export function askForApproval(
  { sql }: Room,
  state: State,
  change: Change,
  judgement: Judgement,
  author: Author,
  nowMs: number,
): Approval {
  const { action, subject } = actOf(change, state.name, false)
  const approval = addApproval(
    sql,
    {
      ...{ createdAtMs: nowMs, expiresAtMs: nowMs + EXPIRES_AFTER_MS, status: 'pending' },
      ...{ actor: author.actor, reason: author.reason, action, subject },
      ...{ needed: readSettings(sql).approvals, votes: [], ...judgement },
      ...{ decidedAtMs: null, decidedBy: null, note: null, version: null },
    },
    change,
  )
  recordDecision({ sql }, state, 'approval.requested', approval, author, nowMs)
  return approval
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
  const { actor } = author
  if (actor === approval.actor)
    return failed({ reason: 'refused', detail: `${actor} asked for this change; others must approve it.` })
  if (approval.votes.some((vote) => vote.actor === actor))
    return conflict('not-pending', `${actor} has approved this already.`)
  const vote: Vote = { actor, at: new Date(nowMs).toISOString(), note: author.reason }
  const voted = { ...approval, votes: [...approval.votes, vote] }
  if (voted.votes.length >= voted.needed) return apply(room, state, voted, author, nowMs)
  updateApproval(room.sql, voted)
  recordDecision(room, state, 'approval.approved', voted, author, nowMs)
  return ok(voted)
}

function apply(
  room: Room,
  state: State,
  approval: Approval,
  author: Author,
  nowMs: number,
): Answer<Approval> {
  const { sql } = room
  const change = changeOfApproval(sql, approval.n)
  const judged = judge(room, state, change)
  if (!judged.ok) return judged
  if (!isAsJudged(room, approval.touched, judged.value.touched)) {
    const stale: Approval = { ...approval, status: 'stale', decidedAtMs: nowMs, decidedBy: author.actor }
    updateApproval(sql, stale)
    recordDecision(room, state, 'approval.stale', stale, author, nowMs)
    return ok(stale)
  }
  const open = mayRaiseNow(room, nowMs)
  if (!open.ok) return open
  recordDecision(room, state, 'approval.approved', approval, author, nowMs)
  const approvedBy = approval.votes.map((vote) => vote.actor)
  const details = { approval: approval.n, approvedBy }
  const asked: Author = { ...author, actor: approval.actor, reason: approval.reason, details }
  const made = carryOut(room, state, change, asked, nowMs)
  if (!made.ok) return made
  const { version } = made.value.state
  const applied: Approval = {
    ...approval,
    status: 'applied',
    decidedAtMs: nowMs,
    decidedBy: author.actor,
    version,
  }
  updateApproval(sql, applied)
  return ok(applied)
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
  action: string,
  { n, action: what, subject, raising }: Approval,
  author: Author,
  nowMs: number,
): void {
  const details = { change: what, of: subject, raising }
  record(sql, name, { action, subject: `approval:${n}`, author }, nowMs, { details })
}
