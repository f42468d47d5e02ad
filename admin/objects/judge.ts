/**
 * Whether a change may be made now, as it is. Lowering exposure always may; raising it needs an open window, no freeze, and
 * in a protected environment the approval of others. Inside the caller's transaction; writes nothing.
 */
import { type KillTarget, ok } from '../../engine/index.ts'
import type { Change, ScheduleRequest } from '../change/change.ts'
import { completeDocument, type Document } from '../document.ts'
import { conflict, failed } from '../failure.ts'
import { mayChange } from '../governance/calendar.ts'
import { type Part, withDependencies } from '../governance/dependencies.ts'
import { lowers } from '../governance/exposure.ts'
import type { Touched } from '../storage/approvals.ts'
import { readFreezes, readWindows } from '../storage/calendar.ts'
import { changesBetween } from '../storage/document.ts'
import { effective, sinceOf } from '../storage/entities.ts'
import { killsForEdges, readKill } from '../storage/kills.ts'
import { readSettings, settingsChange } from '../storage/settings.ts'
import type { State } from '../storage/state.ts'
import type { Answer } from './answers.ts'
import { divertedBy, leapingAfter, servesOff } from './kill-target.ts'
import { proposalOf } from './proposal.ts'
import type { Room } from './room.ts'

export interface Judgement {
  /** A sentence for each thing that raises exposure; empty: it may be made at once. */
  readonly raising: readonly string[]
  /** What it changes and what that depends on, in the versions that it was judged by. */
  readonly touched: readonly Touched[]
}

const HARMLESS: Judgement = { raising: [], touched: [] }

/** Whether anything at all may stand in the way of a change here. */
export const isGuarded = ({ sql }: Room): boolean =>
  readSettings(sql).approvals > 0 || readFreezes(sql).length > 0 || readWindows(sql).length > 0

/** What a change raises. Fails as the change itself would. */
export function judge(room: Room, state: State, change: Change): Answer<Judgement> {
  switch (change.do) {
    case 'edit':
    case 'restore':
    case 'promote': {
      // The operator's emergency act, whatever depends on the flag.
      if (change.do === 'edit' && change.edit.do === 'toggle' && !change.edit.enabled) return ok(HARMLESS)
      const proposal = proposalOf(room, state, change)
      if (!proposal.ok) return proposal
      const judged = judgeDocument(room, state, proposal.value.value)
      if (!judged.ok) return judged
      // Nobody is asked to approve what would be refused all the same.
      const unknown = room.publisher.damage(state) !== null
      const errors = unknown ? [] : room.publisher.forbiddenMoves(state, proposal.value.value)
      return errors.length > 0 ? failed({ reason: 'stage-order', errors }) : judged
    }
    case 'schedule':
      return judgeSchedule(room, state, change.schedule)
    case 'place-kill':
      return ok({ raising: weakening(room, change), touched: [killTouched(room, change.target)] })
    case 'lift-kill': {
      const document = () => room.publisher.document(state)
      const errors = leapingAfter(room.sql, document, new Set([change.target]))
      if (errors.length > 0) return failed({ reason: 'stage-order', errors })
      const raising = [`kill ${change.target} is lifted`]
      return ok({ raising, touched: [killTouched(room, change.target)] })
    }
    case 'release-breaker': {
      const target: KillTarget = `origin:${change.origin}`
      return readKill(room.sql, target) === null
        ? ok(HARMLESS)
        : judge(room, state, { do: 'lift-kill', target })
    }
    case 'settings':
      if (effective(room.sql, [settingsChange(change.settings)]).length === 0) return ok(HARMLESS)
      return ok({ raising: ['the settings of the environment change'], touched: [settingsTouched(room)] })
    case 'remove-environment':
      return ok({ raising: ['the environment is deleted'], touched: [settingsTouched(room)] })
  }
}

/** Whether a change that raises exposure comes at a good time: a scheduled one at the time for which it is planned. */
export function mayRaise(room: Room, change: Change, nowMs: number): Answer<null> {
  if (change.do !== 'schedule') return mayRaiseNow(room, nowMs)
  const then = mayRaiseNow(room, change.schedule.atMs)
  // It can be asked for again at once, with another time.
  return then.ok || then.error.reason !== 'conflict' ? then : conflict(then.error.kind, then.error.detail)
}

/** Fails while changes that raise exposure are frozen, or outside of the windows. */
export function mayRaiseNow({ sql }: Room, nowMs: number): Answer<null> {
  const allowed = mayChange(readWindows(sql), readFreezes(sql), nowMs)
  if (allowed.ok) return allowed
  const { reason, detail, opensAtMs } = allowed.error
  const next = opensAtMs === null ? '' : `; the next opening is ${new Date(opensAtMs).toISOString()}`
  return conflict(
    reason,
    `${detail}${next}. What lowers exposure, toggles off and kills go through.`,
    opensAtMs,
  )
}

function judgeDocument(room: Room, state: State, value: unknown): Answer<Judgement> {
  const checked = room.publisher.check(state, value)
  if (!checked.ok) return { ok: false, error: { reason: 'invalid', what: 'document', errors: checked.error } }
  const damage = room.publisher.damage(state)
  if (damage !== null) return ok({ raising: [`nobody can tell what it raises: ${damage}`], touched: [] })
  const before = room.publisher.document(state)
  const after = completeDocument(value)
  return ok({ raising: raised(room, state, before, after), touched: touchedBetween(room, before, after) })
}

/** A change that is taken back later raises what it lowers: both ways are judged. */
function judgeSchedule(room: Room, state: State, { text, untilMs }: ScheduleRequest): Answer<Judgement> {
  const proposal = proposalOf(room, state, { do: 'edit', edit: { do: 'patch-flags', text } })
  if (!proposal.ok) return proposal
  const judged = judgeDocument(room, state, proposal.value.value)
  if (!judged.ok || untilMs === null) return judged
  const before = room.publisher.document(state)
  const back = raised(room, state, completeDocument(proposal.value.value), before)
  const raising = [...judged.value.raising, ...back.map((sentence) => `when it is taken back, ${sentence}`)]
  return ok({ raising, touched: judged.value.touched })
}

function raised({ sql }: Room, state: State, before: Document, after: Document): readonly string[] {
  const kills = { epoch: state.epoch, version: state.kills, kills: killsForEdges(sql) }
  return lowers(before, after, { kills }).raising
}

/** What changes, and what its new answers depend on: a segment that nothing used yet could be widened unseen. */
function touchedBetween({ sql }: Room, before: Document, after: Document): Touched[] {
  const changed = effective(sql, changesBetween(before, after)).flatMap(({ kind, key }): Part[] =>
    kind === 'flag' || kind === 'segment' || kind === 'route' ? [{ kind, key }] : [],
  )
  return withDependencies(after, changed).map(({ kind, key }) => ({
    kind,
    key,
    since: sinceOf(sql, kind, key),
  }))
}

const settingsTouched = ({ sql }: Room): Touched => ({
  kind: 'settings',
  key: 'environment',
  since: sinceOf(sql, 'settings', 'environment'),
})

/** A kill has no version: the time at which it was placed tells it from another. */
const killTouched = ({ sql }: Room, target: string): Touched => ({
  kind: 'kill',
  key: target,
  since: readKill(sql, target)?.createdAtMs ?? null,
})

/**
 * How a kill could raise exposure: by serving something else than `off`, by sending an origin's requests to another than
 * that of `off`, or by ending sooner than the one it replaces.
 */
export function weakening(
  { sql }: Room,
  { target, request }: Extract<Change, { do: 'place-kill' }>,
): string[] {
  const raising: string[] = []
  if (request.variant !== null && !servesOff(sql, target, request.variant))
    raising.push(`kill ${target} serves ${request.variant}, which is not \`off\``)
  if (target.startsWith('origin:'))
    for (const { from, to } of divertedBy(sql, target))
      raising.push(`kill ${target} sends the requests of ${from} to ${to}, which is not \`off\``)
  const held = readKill(sql, target)
  const endMs = request.onExpiry === 'extend' ? null : request.expiresAtMs
  const heldEndMs = held === null || held.onExpiry === 'extend' ? null : held.expiresAtMs
  if (held !== null && endMs !== null && (heldEndMs === null || endMs < heldEndMs))
    raising.push(`kill ${target} ends sooner than it would`)
  return raising
}

/** Whether what an approval is about is still what its approvers looked at. */
export function isAsJudged(room: Room, touched: readonly Touched[], now: readonly Touched[]): boolean {
  const same = ({ kind, key, since }: Touched) =>
    (kind === 'kill' ? killTouched(room, key).since : sinceOf(room.sql, kind, key)) === since
  const known = new Set(touched.map(({ kind, key }) => `${kind} ${key}`))
  return touched.every(same) && now.every(({ kind, key }) => known.has(`${kind} ${key}`))
}
