/** Changes of flags that are to be made at a time. Synchronous; inside the caller's transaction. */
import { chunks } from './chunks.ts'
import { drop, recall } from './recall.ts'

export const SCHEDULE_STATUSES = ['waiting', 'applied', 'done', 'reverted', 'failed', 'cancelled'] as const
/** `applied`: made, and to be taken back later; `done`: made for good; `reverted`: taken back. */
export type ScheduleStatus = (typeof SCHEDULE_STATUSES)[number]

export interface Schedule {
  readonly n: number
  readonly status: ScheduleStatus
  /** Times in ms since 1970. */
  readonly createdAtMs: number
  readonly atMs: number
  readonly untilMs: number | null
  readonly actor: string
  readonly reason: string | null
  /** The approval that allowed it. */
  readonly approval: number | null
  /** JSON Merge Patch by flag key. */
  readonly text: string
  /** Version that holds the change. */
  readonly version: number | null
  /** What it was allowed to make of the flags although that raises exposure (change/outcome.ts); `null`: it may not raise any. */
  readonly outcome: string | null
  readonly revertedVersion: number | null
  /** Why it failed, or what was not taken back. */
  readonly problem: string | null
}

/** `due_at`: when something is to be done next; NULL: never again. */
export const SCHEDULE_TABLES = `
  CREATE TABLE schedules (n INTEGER PRIMARY KEY, due_at INTEGER, status TEXT NOT NULL, entry TEXT NOT NULL);
  CREATE INDEX schedules_due ON schedules (due_at) WHERE due_at IS NOT NULL;`

/** What flags were before a schedule was made, in parts: they may be many. */
export const SCHEDULE_BEFORE_TABLE =
  'CREATE TABLE schedule_before (n INTEGER NOT NULL, part INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (n, part));'

/** Most schedules of one environment that something is still to be done for. */
export const MAX_OPEN_SCHEDULES = 1_000
/** Those that are over are forgotten so long after they were planned; the audit log is not. */
const KEPT_MS = 90 * 24 * 3600 * 1000

type Row = { n: number; status: ScheduleStatus; entry: string }

const fromRow = ({ n, status, entry }: Row): Schedule => ({ ...JSON.parse(entry), n, status })

const dueOf = ({ status, atMs, untilMs }: Omit<Schedule, 'n'>): number | null =>
  status === 'waiting' ? atMs : status === 'applied' ? untilMs : null

export function addSchedule(sql: SqlStorage, schedule: Omit<Schedule, 'n'>): Schedule {
  const { status, ...entry } = schedule
  drop(sql, NEXT)
  const { n } = sql
    .exec<{ n: number }>(
      'INSERT INTO schedules (due_at, status, entry) VALUES (?, ?, ?) RETURNING n',
      dueOf(schedule),
      status,
      JSON.stringify(entry),
    )
    .one()
  return { n, ...schedule }
}

/** Writes one under the number that it has. */
export function putSchedule(sql: SqlStorage, { n, ...schedule }: Schedule): void {
  const { status, ...entry } = schedule
  sql.exec(
    'INSERT INTO schedules (n, due_at, status, entry) VALUES (?, ?, ?, ?)',
    ...[n, dueOf(schedule), status, JSON.stringify(entry)],
  )
  drop(sql, NEXT)
}

export const countOpenSchedules = (sql: SqlStorage): number =>
  sql.exec<{ n: number }>('SELECT COUNT(*) AS n FROM schedules WHERE due_at IS NOT NULL').one().n

export function pruneSchedules(sql: SqlStorage, nowMs: number): void {
  sql.exec(
    "DELETE FROM schedules WHERE due_at IS NULL AND json_extract(entry, '$.createdAtMs') < ?",
    nowMs - KEPT_MS,
  )
  sql.exec('DELETE FROM schedule_before WHERE n NOT IN (SELECT n FROM schedules WHERE due_at IS NOT NULL)')
}

/** JSON texts by flag key; `null`: the flag did not exist. */
export type FlagsBefore = Readonly<Record<string, string | null>>

export function writeBefore(sql: SqlStorage, n: number, flags: FlagsBefore): void {
  for (const [part, text] of chunks(JSON.stringify(flags)).entries())
    sql.exec('INSERT INTO schedule_before (n, part, text) VALUES (?, ?, ?)', n, part, text)
}

export function readBefore(sql: SqlStorage, n: number): FlagsBefore {
  const parts = sql.exec<{ text: string }>('SELECT text FROM schedule_before WHERE n = ? ORDER BY part', n)
  return JSON.parse([...parts].map(({ text }) => text).join(''))
}

export function updateSchedule(sql: SqlStorage, schedule: Schedule): void {
  const { n, status, ...entry } = schedule
  const text = JSON.stringify(entry)
  sql.exec(
    'UPDATE schedules SET due_at = ?, status = ?, entry = ? WHERE n = ?',
    dueOf(schedule),
    status,
    text,
    n,
  )
  drop(sql, NEXT)
}

export function readSchedule(sql: SqlStorage, n: number): Schedule | null {
  const [row] = sql.exec<Row>('SELECT n, status, entry FROM schedules WHERE n = ?', n)
  return row === undefined ? null : fromRow(row)
}

/** Below `before`, newest first. */
export function pageSchedules(
  sql: SqlStorage,
  status: ScheduleStatus | null,
  before: number,
  limit: number,
): Schedule[] {
  const rows = sql.exec<Row>(
    'SELECT n, status, entry FROM schedules WHERE n < ?1 AND (?2 IS NULL OR status = ?2) ORDER BY n DESC LIMIT ?3',
    before,
    status,
    limit,
  )
  return [...rows].map(fromRow)
}

/** The first that is due, or `null`. */
export function dueSchedule(sql: SqlStorage, nowMs: number): Schedule | null {
  const [row] = sql.exec<Row>(
    'SELECT n, status, entry FROM schedules WHERE due_at <= ? ORDER BY due_at, n LIMIT 1',
    nowMs,
  )
  return row === undefined ? null : fromRow(row)
}

const NEXT = 'next schedule'

/** When the next one is due, ms since 1970. */
export const nextScheduleMs = (sql: SqlStorage): number | null =>
  recall(sql, NEXT, () => sql.exec<{ at: number | null }>('SELECT MIN(due_at) AS at FROM schedules').one().at)
