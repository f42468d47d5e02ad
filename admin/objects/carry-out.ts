/** Carries out a change, whoever decided that it may be: a caller, those who approved it, or a schedule. Inside the caller's transaction. */
import { type CompileIssue, ok } from '../../engine/index.ts'
import { actOf, type Change, type ScheduleRequest } from '../change/change.ts'
import { outcomeOf } from '../change/outcome.ts'
import { killsTraffic, takesBack } from '../change/takes-back.ts'
import { completeDocument } from '../document.ts'
import { editedFlag, isFlagEdit } from '../edit.ts'
import { failed, invalid } from '../failure.ts'
import { type Act, type Author, system } from '../settings.ts'
import { raiseCacheEpoch } from '../storage/cache-epoch.ts'
import { readEntity, type Stored } from '../storage/entities.ts'
import { expireKills, holdKill, type KillRecord, killsThatEnd } from '../storage/kills.ts'
import {
  addSchedule,
  countOpenSchedules,
  MAX_OPEN_SCHEDULES,
  pruneSchedules,
  type Schedule,
} from '../storage/schedules.ts'
import { clearState, type State } from '../storage/state.ts'
import type { Answer } from './answers.ts'
import { liftKill, placeKill } from './kill-switch.ts'
import { leapingAfter, misleading } from './kill-target.ts'
import { type DocumentChange, isDocumentChange, proposalOf } from './proposal.ts'
import { record, recordKill } from './recording.ts'
import { releaseBreaker } from './releasing.ts'
import { type Room, raiseKills } from './room.ts'

/** What has come of a change. */
export interface Made {
  /** The environment afterwards; as it was if nothing changed, or as it last was if it is gone. */
  readonly state: State
  /** What the change is about was not there before. */
  readonly created: boolean
  readonly warnings: readonly CompileIssue[]
  /** New state of the flags, segments or routes that were put, patched or toggled. */
  readonly entities: readonly Stored[]
  readonly kill: KillRecord | null
  readonly schedule: Schedule | null
}

const made = (state: State, more: Partial<Made> = {}): Answer<Made> =>
  ok({ state, created: false, warnings: [], entities: [], kill: null, schedule: null, ...more })

export function carryOut(
  room: Room,
  state: State,
  change: Change,
  author: Author,
  nowMs: number,
): Answer<Made> {
  if (isDocumentChange(change)) return changeDocument(room, state, change, author, nowMs)
  const { sql, ledger } = room
  const { name } = state
  switch (change.do) {
    case 'place-kill': {
      const document = () => room.publisher.document(state)
      const breaksGlass = author.details?.breakGlass === true
      const refused = breaksGlass ? null : misleading(sql, document, change.target, change.request.variant)
      if (refused !== null) return refused
      const placed = placeKill(sql, document, change.target, change.request, author.actor, nowMs)
      if (!placed.ok) return placed
      const { before, kill } = placed.value
      const next = raiseKills(room, state, nowMs)
      if (killsTraffic(change.target, () => room.publisher.routes(state)))
        raiseCacheEpoch(sql, 'kills', next.kills)
      recordKill(sql, name, next.kills, { action: 'kill.placed', before, after: kill, author }, nowMs)
      return made(next, { created: before === null, kill })
    }
    case 'lift-kill': {
      const leaping = author.details?.breakGlass === true ? [] : leapingIf(room, state, [change.target])
      if (leaping.length > 0) return failed({ reason: 'stage-order', errors: leaping })
      const lifted = liftKill(sql, change.target)
      if (!lifted.ok) return lifted
      const next = raiseKills(room, state, nowMs)
      const kill = { action: 'kill.lifted', before: lifted.value, after: null, author } as const
      recordKill(sql, name, next.kills, kill, nowMs)
      return made(next)
    }
    case 'release-breaker': {
      const released = releaseBreaker(room, state, change, author, nowMs)
      return released.ok ? made(released.value) : released
    }
    case 'settings': {
      const act = { ...actOf(change, name, false), author }
      const published = room.publisher.publishSettings(state, change.settings, act, nowMs)
      if (!published.ok) return published
      ledger.mark(nowMs, 'last-known-good', 'directory')
      return made(published.value.state, { warnings: published.value.warnings })
    }
    case 'remove-environment':
      record(sql, name, { ...actOf(change, name, false), author }, nowMs)
      clearState(sql)
      ledger.mark(nowMs, 'last-known-good', 'directory', 'health')
      return made(state)
    case 'schedule':
      return plan(room, state, change.schedule, author, nowMs)
  }
}

function plan(
  room: Room,
  state: State,
  { atMs, untilMs, text }: ScheduleRequest,
  author: Author,
  nowMs: number,
): Answer<Made> {
  const { sql } = room
  // It may have waited for approval until its time was over.
  if (atMs <= nowMs) return invalid('schedule', '$.at', 'must be in the future')
  if (countOpenSchedules(sql) >= MAX_OPEN_SCHEDULES)
    return invalid(
      'schedule',
      '$',
      `there are ${MAX_OPEN_SCHEDULES} schedules, which is the most; cancel some`,
    )
  const proposal = proposalOf(room, state, { do: 'edit', edit: { do: 'patch-flags', text } })
  if (!proposal.ok) return proposal
  const checked = room.publisher.check(state, proposal.value.value)
  if (!checked.ok) return failed({ reason: 'invalid', what: 'document', errors: checked.error })
  const approval = typeof author.details?.approval === 'number' ? author.details.approval : null
  const allowed = approval !== null || author.details?.breakGlass === true
  const outcome = allowed ? outcomeOf(completeDocument(proposal.value.value), flagsIn(text)) : null
  pruneSchedules(sql, nowMs)
  const schedule = addSchedule(sql, {
    ...{ status: 'waiting', createdAtMs: nowMs, atMs, untilMs, text, approval, outcome },
    ...{ actor: author.actor, reason: author.reason },
    ...{ version: null, revertedVersion: null, problem: null },
  })
  const act = { action: 'schedule.created', subject: `schedule:${schedule.n}`, author } as const
  record(sql, state.name, act, nowMs, { details: whenOf(schedule) })
  return made(state, { created: true, schedule })
}

/** Keys of the flags that a patch names. */
export const flagsIn = (text: string): string[] => Object.keys(JSON.parse(text) as object)

const whenOf = ({ atMs, untilMs, text }: Pick<Schedule, 'atMs' | 'untilMs' | 'text'>) => ({
  at: new Date(atMs).toISOString(),
  until: untilMs === null ? null : new Date(untilMs).toISOString(),
  flags: text,
})

function changeDocument(
  room: Room,
  state: State,
  change: DocumentChange,
  author: Author,
  nowMs: number,
): Answer<Made> {
  const alone = changeFlag(room, state, change, author, nowMs)
  if (alone !== null) return alone
  const proposal = proposalOf(room, state, change)
  if (!proposal.ok) return proposal
  const { value, kind, keys, creates } = proposal.value
  const act: Act = {
    ...actOf(change, state.name, creates),
    author: withSource(change, author),
    takesBack: takesBack(change, () => room.publisher.routes(state)),
  }
  const published = room.publisher.publishDocument(state, value, act, nowMs)
  if (!published.ok) return published
  const { state: next, warnings } = published.value
  if (next.version !== state.version) room.ledger.mark(nowMs, 'last-known-good')
  const entities = keys.flatMap((key) => readEntity(room.sql, kind, key) ?? [])
  return made(next, { created: creates, warnings, entities })
}

/** The short way for what is changed most: one flag, as far as it concerns no other. `null`: it takes the long one. */
function changeFlag(
  { sql, publisher, ledger }: Room,
  state: State,
  change: DocumentChange,
  author: Author,
  nowMs: number,
): Answer<Made> | null {
  if (change.do !== 'edit' || !isFlagEdit(change.edit)) return null
  const { key } = change.edit
  const flag = publisher.flag(state, key)
  if (flag === undefined) return null
  const edited = editedFlag(flag, change.edit)
  if (!edited.ok) return edited
  const act: Act = {
    ...actOf(change, state.name, false),
    author,
    takesBack: takesBack(change, () => publisher.routes(state)),
  }
  const published = publisher.publishFlag(state, key, edited.value, act, nowMs)
  if (published === null) return null
  const { state: next, warnings, text } = published
  if (text === null) return made(next, { warnings, entities: [readEntity(sql, 'flag', key)!] })
  ledger.mark(nowMs, 'last-known-good')
  return made(next, { warnings, entities: [{ key, since: next.version, text }] })
}

/** A promotion says in the audit log where it came from. */
function withSource(change: DocumentChange, author: Author): Author {
  if (change.do !== 'promote') return author
  const { from, fromVersion } = change.promotion
  return { ...author, details: { ...author.details, from, fromVersion } }
}

const LEAPS = 'its end would have a migration leap'

/** What would leap if these kills ended now. */
const leapingIf = ({ sql, publisher }: Room, state: State, ended: readonly string[]) =>
  leapingAfter(sql, () => publisher.document(state), new Set(ended))

function killsToHold(room: Room, state: State, nowMs: number): string[] {
  const [ended, held]: [string[], string[]] = [[], []]
  for (const target of killsThatEnd(room.sql, nowMs))
    if (leapingIf(room, state, [...ended, target]).length > 0) held.push(target)
    else ended.push(target)
  return held
}

/** Ends or extends the kills whose time is over. One whose end would have a migration leap holds until somebody lifts it. */
export function carryOutExpiries(room: Room, state: State, nowMs: number): void {
  const held = killsToHold(room, state, nowMs)
  for (const target of held) holdKill(room.sql, target)
  const { ended, extended } = expireKills(room.sql, nowMs)
  const kills = ended.length > 0 ? raiseKills(room, state, nowMs).kills : null
  for (const before of ended) {
    const change = { action: 'kill.expired', before, after: null, author: system(null) } as const
    recordKill(room.sql, state.name, kills, change, nowMs)
  }
  for (const { before, after } of extended) {
    const reason = held.includes(before.target) ? LEAPS : null
    const change = { action: 'kill.extended', before, after, author: system(reason) } as const
    recordKill(room.sql, state.name, null, change, nowMs)
  }
}
