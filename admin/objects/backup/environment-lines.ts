/**
 * An environment as lines of a backup: as it is at one moment, though they are read little by little while it goes on
 * changing. What may change is read at once. The rest only grows, but for old versions, which are forgotten: their
 * entities are read first and the list of versions last, so that of every version in the list all is there.
 */
import { nameOfEnvironment } from '../../backup/format.ts'
import { type Approval, changeOfApproval, pageApprovals } from '../../storage/approvals.ts'
import { lastSeq } from '../../storage/audit.ts'
import { readFreezes, readWindows } from '../../storage/calendar.ts'
import { bodiesUpTo, rowsUpTo } from '../../storage/entity-rows.ts'
import { pageKills } from '../../storage/kills.ts'
import { readLabels } from '../../storage/labels.ts'
import { pageReviews } from '../../storage/reviews.ts'
import { pageSchedules, readBefore } from '../../storage/schedules.ts'
import type { Lineage } from '../../storage/state.ts'
import { pageVersions, readVersion } from '../../storage/versions.ts'
import { auditRecords, countedLines, type NamedRecord } from './counted-lines.ts'

const ALL = Number.MAX_SAFE_INTEGER

/** Call it in one go with reading `lineage`. Iterating throws if so much changed meanwhile that it cannot be told any more. */
export function environmentLines(sql: SqlStorage, lineage: Lineage, nowMs: number): Generator<string> {
  const { name, live, epoch, version, kills, createdAtMs } = lineage
  const begin = { begin: nameOfEnvironment(name), live, epoch, version, kills, createdAtMs }
  const now = [...changing(sql, nowMs)]
  return countedLines(
    begin,
    now,
    proposals(sql, now),
    auditRecords(sql, lastSeq(sql)),
    live ? growing(sql, lineage) : [],
  )
}

/** What approvals are about, which never changes; each may be as large as a document. */
function* proposals(sql: SqlStorage, now: readonly NamedRecord[]): Generator<NamedRecord> {
  for (const [record, value] of now) {
    if (record !== 'approval') continue
    const { n } = value as Approval
    yield ['proposal', { n, change: changeOfApproval(sql, n) }]
  }
}

/** What is only added to, and forgotten in the end. */
function* growing(sql: SqlStorage, { name, epoch, version }: Lineage): Generator<NamedRecord> {
  for (const row of rowsUpTo(sql, version)) yield ['entity', row]
  for (const body of bodiesUpTo(sql, version)) yield ['body', body]
  if (readVersion(sql, version)?.epoch !== epoch)
    throw new Error(
      `[backup] ${name} no longer has version ${version}: it changed too much while it was read`,
    )
  for (const kept of pageVersions(sql, version + 1, ALL)) yield ['version', kept]
}

/** What may be another at the next moment. */
function* changing(sql: SqlStorage, nowMs: number): Generator<NamedRecord> {
  for (const kill of pageKills(sql, null, ALL)) yield ['kill', kill]
  for (const label of readLabels(sql)) yield ['label', label]
  for (const approval of pageApprovals(sql, null, ALL, ALL, nowMs)) yield ['approval', approval]
  for (const schedule of pageSchedules(sql, null, ALL, ALL)) {
    const before = schedule.status === 'applied' ? readBefore(sql, schedule.n) : null
    yield ['schedule', { ...schedule, before }]
  }
  for (const window of readWindows(sql)) yield ['window', window]
  for (const freeze of readFreezes(sql)) yield ['freeze', freeze]
  for (const review of pageReviews(sql, 'all', ALL, ALL)) yield ['review', review]
}
