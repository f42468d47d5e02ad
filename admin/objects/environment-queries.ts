import { ok } from '../../engine/index.ts'
import type { Change } from '../change/change.ts'
import { failed, sentenceOf } from '../failure.ts'
import type { EnvironmentVitals } from '../monitoring/vitals.ts'
import {
  type Approval,
  type ApprovalStatus,
  changeOfApproval,
  pageApprovals,
  readApproval,
} from '../storage/approvals.ts'
import {
  type AuditFilter,
  type AuditPosition,
  pageAudit,
  type StoredEntry,
  type Verification,
  verifyAudit,
} from '../storage/audit.ts'
import { readFreezes, readWindows, type StoredFreeze, type StoredWindow } from '../storage/calendar.ts'
import { type KillRecord, originKills, pageKills } from '../storage/kills.ts'
import { readLocations } from '../storage/locations.ts'
import { pagePreviews, type StoredPreview } from '../storage/previews.ts'
import { pageReviews, type Review } from '../storage/reviews.ts'
import { pageSchedules, readSchedule, type Schedule, type ScheduleStatus } from '../storage/schedules.ts'
import { readLineage } from '../storage/state.ts'
import type { Answer, Described } from './answers.ts'
import { environmentLines } from './backup/environment-lines.ts'
import { lineStream } from './backup/line-stream.ts'
import { DocumentQueries } from './document-queries.ts'
import { findKill } from './kill-switch.ts'
import { misnamedOrigin } from './kill-target.ts'
import { NOTHING_FORESEEN, type Outlook, outlookOf } from './outlook.ts'

interface ShownApproval {
  readonly approval: Approval
  readonly change: Change
  readonly now: Outlook | null
}

export abstract class EnvironmentQueries extends DocumentQueries {
  vitals(): Answer<EnvironmentVitals> {
    const live = this.room.ledger.live()
    if (live === null) return failed({ reason: 'environment-unknown' })
    const { epoch, version, kills: killsVersion } = live.state
    const { kind, trouble, okAtMs } = this.sync.status(live.state.name)
    const store = { kind, problem: trouble?.detail ?? null, okAtMs }
    return ok({
      epoch,
      version,
      killsVersion,
      kills: live.kills.kills.length,
      owed: this.room.ledger.owed(),
      locations: readLocations(this.room.sql),
      store,
      damage: this.room.publisher.inspected(live.state),
    })
  }

  // Settings and SDK keys.

  describe(): Answer<Described> {
    return this.room.ledger.ask((state) => ok(this.described(state)))
  }

  /** Resolves when no look at AWS is under way. */
  looked(): Promise<void> {
    return this.sync.looked()
  }

  // Kills.

  kill(target: string): Answer<KillRecord> {
    return this.room.ledger.ask(() => findKill(this.room.sql, target))
  }

  /** One page, newest first, after the one at `after`; with the list's version. */
  kills(
    after: readonly [number, string] | null,
    limit: number,
  ): Answer<{ version: number; items: KillRecord[] }> {
    return this.room.ledger.ask((state) =>
      ok({ version: state.kills, items: pageKills(this.room.sql, after, limit) }),
    )
  }

  /** Fails if there is no such origin. */
  origin(name: string): Answer<null> {
    return this.room.ledger.ask(() => misnamedOrigin(this.room.sql, name) ?? ok(null))
  }

  /** Kills that hold breakers open, with the list's version. */
  originKills(): Answer<{ version: number; items: KillRecord[] }> {
    return this.room.ledger.ask((state) => ok({ version: state.kills, items: originKills(this.room.sql) }))
  }

  // What waits: approvals, schedules, reviews; and when changes may be made.

  approvals(status: ApprovalStatus | null, before: number, limit: number): Answer<Approval[]> {
    return this.room.ledger.ask(() => ok(pageApprovals(this.room.sql, status, before, limit, Date.now())))
  }

  /** With what it is about, as it was asked for, and what that would do now; `null`: it is decided. */
  approval(n: number): Answer<ShownApproval> {
    const { ledger, sql } = this.room
    const nowMs = Date.now()
    return ledger.ask(({ name }): Answer<ShownApproval> => {
      const approval = readApproval(sql, n, nowMs)
      if (approval === null) return unknown('approval', `${name}:${n}`)
      const change = changeOfApproval(sql, n)
      if (approval.status !== 'pending') return ok({ approval, change, now: null })
      // Shown whatever has become of the document.
      const foreseen = ledger.ask((state) => outlookOf(this.room, state, approval, change, nowMs))
      const problem = foreseen.ok ? null : sentenceOf(foreseen.error)
      return ok({ approval, change, now: foreseen.ok ? foreseen.value : { ...NOTHING_FORESEEN, problem } })
    })
  }

  schedules(status: ScheduleStatus | null, before: number, limit: number): Answer<Schedule[]> {
    return this.room.ledger.ask(() => ok(pageSchedules(this.room.sql, status, before, limit)))
  }

  schedule(n: number): Answer<Schedule> {
    return this.room.ledger.ask(({ name }) => {
      const schedule = readSchedule(this.room.sql, n)
      return schedule === null ? unknown('schedule', `${name}:${n}`) : ok(schedule)
    })
  }

  /** Signed previews that are not over: one page, newest first, after the one at `after`. */
  previews(after: readonly [number, string] | null, limit: number): Answer<StoredPreview[]> {
    return this.room.ledger.ask(() => ok(pagePreviews(this.room.sql, after, limit, Date.now())))
  }

  reviews(which: 'open' | 'closed' | 'all', before: number, limit: number): Answer<Review[]> {
    return this.room.ledger.ask(() => ok(pageReviews(this.room.sql, which, before, limit)))
  }

  windows(): Answer<StoredWindow[]> {
    return this.room.ledger.ask(() => ok(readWindows(this.room.sql)))
  }

  freezes(): Answer<StoredFreeze[]> {
    return this.room.ledger.ask(() => ok(readFreezes(this.room.sql)))
  }

  // Backups.

  /** Everything that is or was here, as lines of a backup. */
  backup(): Answer<ReadableStream<Uint8Array>> {
    const lineage = readLineage(this.room.sql)
    if (lineage === null) return failed({ reason: 'environment-unknown' })
    return ok(lineStream(environmentLines(this.room.sql, lineage, Date.now())))
  }

  // The audit log, which outlives its environment.

  audit(filter: AuditFilter, position: AuditPosition, limit: number): Answer<StoredEntry[]> {
    return this.#askOfOnce(() => ok(pageAudit(this.room.sql, filter, position, limit)))
  }

  verifyAudit(): Answer<Verification> {
    return this.#askOfOnce((name) => ok(verifyAudit(this.room.sql, name)))
  }

  /** About an environment that is or was here. */
  #askOfOnce<T>(question: (name: string) => Answer<T>): Answer<T> {
    const lineage = readLineage(this.room.sql)
    return lineage === null ? failed({ reason: 'environment-unknown' }) : question(lineage.name)
  }
}

const unknown = (what: string, key: string) => failed({ reason: 'unknown', what, key, nearest: null })
