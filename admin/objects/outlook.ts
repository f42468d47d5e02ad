/** What a change that waits would do if it were carried out now, for who is to approve it. Nothing is left of the trial. */
import { ok } from '../../engine/index.ts'
import type { Change } from '../change/change.ts'
import { completeDocument, type Document, EMPTY_DOCUMENT } from '../document.ts'
import { sentenceOf } from '../failure.ts'
import { type Comparison, compare, type Difference } from '../governance/comparison.ts'
import { patchBetween } from '../governance/json-patch.ts'
import { sameJson } from '../governance/same-json.ts'
import type { Author } from '../settings.ts'
import type { Approval } from '../storage/approvals.ts'
import { readKill } from '../storage/kills.ts'
import { readSettings } from '../storage/settings.ts'
import type { State } from '../storage/state.ts'
import type { Answer } from './answers.ts'
import { carryOut } from './carry-out.ts'
import { isAsJudged, judge, mayRaise } from './judge.ts'
import { proposalOf } from './proposal.ts'
import type { Room } from './room.ts'

/** A difference of the document, or of a kill or the settings. */
export type Foreseen = Omit<Difference, 'kind'> & { readonly kind: Difference['kind'] | 'kill' | 'settings' }

export interface Outlook extends Omit<Comparison, 'differences'> {
  readonly differences: readonly Foreseen[]
  /** Why it cannot be carried out now; `null`: it can. */
  readonly problem: string | null
}

export const NOTHING_FORESEEN: Comparison = { differences: [], same: 0, reordered: false }

export function outlookOf(
  room: Room,
  state: State,
  approval: Approval,
  change: Change,
  nowMs: number,
): Answer<Outlook> {
  const author: Author = {
    ...{ actor: approval.actor, reason: approval.reason, requestId: null, address: null },
    details: { approval: approval.n },
  }
  const before = heldOf(room, state, change)
  const { answer, seen } = room.ledger.rehearse(
    (current, atMs) => carryOut(room, current, change, author, atMs),
    (after) => heldOf(room, after, change),
    nowMs,
  )
  const problem = standsInTheWay(room, state, approval, change, nowMs)
  if (!answer.ok) return ok({ ...NOTHING_FORESEEN, problem: problem ?? sentenceOf(answer.error) })
  const planned = change.do === 'schedule' ? plannedBy(room, state, change.schedule.text) : null
  const after = seen === null ? before : planned === null ? seen : { ...seen, document: planned }
  return ok({ ...differencesOf(before, after), problem })
}

/** Why it would end as stale, or is refused for now; `null`: neither. */
function standsInTheWay(
  room: Room,
  state: State,
  { touched }: Approval,
  change: Change,
  nowMs: number,
): string | null {
  const judged = judge(room, state, change)
  if (!isAsJudged(room, touched, judged.ok ? judged.value.touched : touched))
    return 'what it is about has changed since it was asked for: approved now, it becomes stale'
  if (!judged.ok) return sentenceOf(judged.error)
  const open = judged.value.raising.length === 0 ? ok(null) : mayRaise(room, change, nowMs)
  return open.ok ? null : sentenceOf(open.error)
}

/** What a change may be about, as it stands. */
interface Held {
  readonly document: Document
  readonly target: string | null
  readonly kill: unknown
  readonly settings: unknown
}

function heldOf({ sql, publisher }: Room, state: State, change: Change): Held {
  const target = targetOf(change)
  const isOfDocument = target === null && change.do !== 'settings' && change.do !== 'remove-environment'
  return {
    document: isOfDocument ? publisher.document(state) : EMPTY_DOCUMENT,
    target,
    kill: target === null ? undefined : killOf(sql, target),
    settings: change.do === 'settings' ? readSettings(sql) : undefined,
  }
}

function targetOf(change: Change): string | null {
  if (change.do === 'place-kill' || change.do === 'lift-kill') return change.target
  return change.do === 'release-breaker' ? `origin:${change.origin}` : null
}

function killOf(sql: SqlStorage, target: string): unknown {
  const kill = readKill(sql, target)
  if (kill === null) return undefined
  const { variant, reason, expiresAtMs, onExpiry } = kill
  const expiresAt = expiresAtMs === null ? null : new Date(expiresAtMs).toISOString()
  return { variant, reason, expiresAt, onExpiry }
}

/** What the flags of a schedule would be, if its time were now; `null`: it could not be told. */
function plannedBy(room: Room, state: State, text: string): Document | null {
  const proposal = proposalOf(room, state, { do: 'edit', edit: { do: 'patch-flags', text } })
  return proposal.ok ? completeDocument(proposal.value.value) : null
}

function differencesOf(before: Held, after: Held): Omit<Outlook, 'problem'> {
  const { differences, ...rest } = compare(before.document, after.document)
  const others = [
    ...differenceOf('kill', before.target ?? '', before.kill, after.kill),
    ...differenceOf('settings', 'environment', before.settings, after.settings),
  ]
  return { ...rest, differences: [...differences, ...others] }
}

function differenceOf(kind: Foreseen['kind'], key: string, before: unknown, after: unknown): Foreseen[] {
  if (sameJson(before, after)) return []
  const change = before === undefined ? 'added' : after === undefined ? 'removed' : 'changed'
  return [{ kind, key, change, patch: patchBetween(before, after) }]
}
