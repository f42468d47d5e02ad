/**
 * Puts the history of a backup in the place of what is here: versions with their entities, and what waits. Inside the
 * caller's transaction.
 */
import { putApproval, putProposal } from '../../storage/approvals.ts'
import { addToCalendar, putInCalendar, readFreezes } from '../../storage/calendar.ts'
import { writeBody } from '../../storage/entities.ts'
import { mendBody, writeRow } from '../../storage/entity-rows.ts'
import { setLabel } from '../../storage/labels.ts'
import { putSchedule, type Schedule, writeBefore } from '../../storage/schedules.ts'
import type { Lineage } from '../../storage/state.ts'
import { clearHistory } from '../../storage/state.ts'
import { writeVersion } from '../../storage/versions.ts'
import { staged } from './stage.ts'

/** Answers which schedules are not carried out, because their time has passed. */
export function restoreHistory(sql: SqlStorage, before: Lineage | null, nowMs: number): { notRun: number[] } {
  // A freeze holds for a reason that the backup cannot know.
  const frozen = before?.live ? readFreezes(sql).filter(({ toMs }) => toMs === null || toMs > nowMs) : []
  clearHistory(sql)
  for (const row of staged(sql, 'environment', 'entity')) writeRow(sql, row)
  for (const { hash, text } of staged(sql, 'environment', 'body')) writeBody(sql, hash, text)
  for (const version of staged(sql, 'environment', 'version')) writeVersion(sql, version)
  for (const { label, version } of staged(sql, 'environment', 'label')) setLabel(sql, label, version)
  for (const approval of staged(sql, 'environment', 'approval')) putApproval(sql, approval)
  for (const { n, change } of staged(sql, 'environment', 'proposal')) putProposal(sql, n, change)
  for (const window of staged(sql, 'environment', 'window')) putInCalendar(sql, 'windows', window)
  for (const freeze of staged(sql, 'environment', 'freeze')) putInCalendar(sql, 'freezes', freeze)
  for (const { n: _, ...freeze } of frozen) addToCalendar(sql, 'freezes', freeze)
  return { notRun: restoreSchedules(sql, nowMs) }
}

/** Keeps the history that is here; of its texts those that are damaged become what the backup says. */
export function mendHistory(sql: SqlStorage): { notRun: number[] } {
  for (const { hash, text } of staged(sql, 'environment', 'body')) mendBody(sql, hash, text)
  return { notRun: [] }
}

/** Those whose time has passed are over: what they were for may have passed as well. */
function restoreSchedules(sql: SqlStorage, nowMs: number): number[] {
  const notRun: number[] = []
  for (const { before, ...schedule } of staged(sql, 'environment', 'schedule')) {
    const missed = isDue(schedule, nowMs)
    if (missed) notRun.push(schedule.n)
    putSchedule(sql, missed ? { ...schedule, status: 'failed', problem: MISSED } : schedule)
    if (before !== null && !missed) writeBefore(sql, schedule.n, before)
  }
  return notRun
}

const MISSED = 'its time had passed when the environment was restored from a backup'

const isDue = ({ status, atMs, untilMs }: Schedule, nowMs: number): boolean =>
  status === 'waiting'
    ? atMs <= nowMs
    : status === 'applied' && (untilMs ?? Number.POSITIVE_INFINITY) <= nowMs
