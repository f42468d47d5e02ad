/** The one way by which anything of an environment changes: precondition, judgement, then at once, or with approval. */
import { ok } from '../../engine/index.ts'
import type { Change } from '../change/change.ts'
import { failed, invalid } from '../failure.ts'
import { checkPrecondition, type Precondition } from '../precondition.ts'
import type { Author } from '../settings.ts'
import { lastSeq } from '../storage/audit.ts'
import { type Review, readReview, writeReview } from '../storage/reviews.ts'
import { readSettings } from '../storage/settings.ts'
import type { State } from '../storage/state.ts'
import { type Answer, revisionOf } from './answers.ts'
import { askForApproval } from './approving.ts'
import { carryOut, type Made } from './carry-out.ts'
import { isGuarded, judge, mayRaise, weakening } from './judge.ts'
import { subjectOf } from './proposal.ts'
import { record } from './recording.ts'
import type { Room } from './room.ts'

/** What the caller says beside the change. */
export interface Manner {
  /** `null` where none is needed. */
  readonly precondition: Precondition | null
  /** In spite of approvals, freezes and windows. Needs a reason, and leaves a review to be closed. */
  readonly breakGlass: boolean
}

/** Inside the caller's transaction. */
export function submit(
  room: Room,
  state: State,
  change: Change,
  { precondition, breakGlass }: Manner,
  author: Author,
  nowMs: number,
): Answer<Made> {
  const allowed = precondition === null ? ok(null) : checked(room, state, change, precondition)
  if (!allowed.ok) return allowed
  if (breakGlass) return breakTheGlass(room, state, change, author, nowMs)
  if (mayHaveToWait(room, change)) {
    const judged = judge(room, state, change)
    if (!judged.ok) return judged
    if (judged.value.raising.length > 0) {
      // Nobody is asked to approve, or to wait for a window, what would be refused all the same.
      const would = room.ledger.outcomeOf(() => carryOut(room, state, change, author, nowMs))
      if (!would.ok) return would
      const open = mayRaise(room, change, nowMs)
      if (!open.ok) return open
      if (readSettings(room.sql).approvals > 0) {
        const asked = askForApproval(room, state, change, judged.value, author, nowMs)
        return asked.ok ? failed({ reason: 'approval-needed', approval: asked.value }) : asked
      }
    }
  }
  const made = carryOut(room, state, change, author, nowMs)
  // A kill is an emergency, whoever was on call: somebody looks at it afterwards.
  if (made.ok && change.do === 'place-kill') openReview(room, author, nowMs)
  return made
}

/** A plain kill asks nobody and reads nothing: it works whatever has become of settings and document. */
const mayHaveToWait = (room: Room, change: Change): boolean =>
  (change.do !== 'place-kill' || weakening(room, change).length > 0) && isGuarded(room)

function checked(room: Room, state: State, change: Change, precondition: Precondition): Answer<null> {
  if (change.do !== 'edit')
    return checkPrecondition(precondition, 'environment', state.name, revisionOf(room.sql))
  const subject = subjectOf(room.sql, state, change.edit)
  // Without the thing itself there is nothing to compare, but to create it: the edit answers that it is unknown.
  if (subject.version === null && change.edit.do !== 'put') return ok(null)
  return checkPrecondition(precondition, subject.what, subject.key, subject.version)
}

function breakTheGlass(
  room: Room,
  state: State,
  change: Change,
  author: Author,
  nowMs: number,
): Answer<Made> {
  if (author.reason === null) return invalid('request', 'reason', 'is required to break the glass')
  const made = carryOut(room, state, change, { ...author, details: { breakGlass: true } }, nowMs)
  if (made.ok) openReview(room, author, nowMs)
  return made
}

/** Of the newest entry in the audit log. */
export function openReview({ sql }: Pick<Room, 'sql'>, { actor, reason }: Author, nowMs: number): void {
  const seq = lastSeq(sql)
  const { action, subject } = sql
    .exec<{ action: string; subject: string }>('SELECT action, subject FROM audit WHERE seq = ?', seq)
    .one()
  const opened = { openedAtMs: nowMs, action, subject, actor, reason }
  writeReview(sql, { seq, ...opened, closedAtMs: null, closedBy: null, note: null })
}

/** Somebody has looked at an emergency act; `note` says what came of it. */
export function closeReview(
  { sql }: Room,
  state: State,
  seq: number,
  note: string,
  author: Author,
  nowMs: number,
): Answer<Review> {
  const review = readReview(sql, seq)
  if (review === null) return failed({ reason: 'unknown', what: 'review', key: String(seq), nearest: null })
  if (review.closedAtMs !== null)
    return failed({
      ...{ reason: 'conflict', kind: 'not-pending', retryAtMs: null },
      detail: `Review ${seq} was closed by ${review.closedBy}.`,
    })
  if (review.actor === author.actor && review.action !== 'kill.placed' && readSettings(sql).approvals > 0)
    return failed({ reason: 'refused', detail: `${review.actor} broke the glass; others must look at it.` })
  const closed: Review = { ...review, closedAtMs: nowMs, closedBy: author.actor, note }
  writeReview(sql, closed)
  const act = {
    action: 'review.closed',
    subject: `review:${seq}`,
    author: { ...author, reason: note },
  } as const
  record(sql, state.name, act, nowMs, { details: { of: review.subject } })
  return ok(closed)
}
