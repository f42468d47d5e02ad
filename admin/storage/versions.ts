/**
 * Published versions. At most 1 000 are kept, and each for 90 days after the next one replaced it; the current one always.
 */
import { drop, recall, remember } from './recall.ts'

/** Who published a version, when and why. */
export interface Version {
  readonly version: number
  readonly epoch: number
  /** ms since 1970 */
  readonly createdAtMs: number
  readonly actor: string
  readonly reason: string | null
}

const KEPT_VERSIONS = 1_000
const KEPT_AFTER_REPLACED_MS = 90 * 24 * 3600 * 1000

type Row = { n: number; epoch: number; created_at: number; actor: string; reason: string | null }

const fromRow = ({ n, epoch, created_at, actor, reason }: Row): Version => ({
  version: n,
  epoch,
  createdAtMs: created_at,
  actor,
  reason,
})

/** Adds a version. */
export function writeVersion(sql: SqlStorage, version: Version): void {
  const { version: n, epoch, createdAtMs, actor, reason } = version
  const count = countVersions(sql)
  sql.exec(
    'INSERT INTO versions (n, epoch, created_at, actor, reason) VALUES (?, ?, ?, ?, ?)',
    n,
    epoch,
    createdAtMs,
    actor,
    reason,
  )
  remember(sql, COUNT, count + 1)
}

export function readVersion(sql: SqlStorage, version: number): Version | null {
  const [row] = sql.exec<Row>('SELECT n, epoch, created_at, actor, reason FROM versions WHERE n = ?', version)
  return row === undefined ? null : fromRow(row)
}

/** Versions below `before`, newest first. */
export function pageVersions(sql: SqlStorage, before: number, limit: number): Version[] {
  const rows = sql.exec<Row>(
    'SELECT n, epoch, created_at, actor, reason FROM versions WHERE n < ? ORDER BY n DESC LIMIT ?',
    before,
    limit,
  )
  return [...rows].map(fromRow)
}

/** Forgets versions that are no longer kept. Returns the oldest that is, or `null` if none was forgotten. */
export function pruneVersions(sql: SqlStorage, nowMs: number): number | null {
  const extra = countVersions(sql) - KEPT_VERSIONS
  if (extra > 0) {
    sql.exec('DELETE FROM versions WHERE n IN (SELECT n FROM versions ORDER BY n LIMIT ?)', extra)
    remember(sql, COUNT, KEPT_VERSIONS)
  }
  // A version whose successor is old enough was replaced in time. The second tells whether there is any.
  const oldMs = nowMs - KEPT_AFTER_REPLACED_MS
  const [, second] = sql.exec<{ created_at: number }>('SELECT created_at FROM versions ORDER BY n LIMIT 2')
  if (second !== undefined && second.created_at < oldMs) {
    sql.exec('DELETE FROM versions WHERE n < (SELECT MAX(n) FROM versions WHERE created_at < ?)', oldMs)
    drop(sql, COUNT)
  } else if (extra <= 0) return null
  return sql.exec<{ oldest: number }>('SELECT MIN(n) AS oldest FROM versions').one().oldest
}

const COUNT = 'count of versions'

const countVersions = (sql: SqlStorage): number =>
  recall(sql, COUNT, () => sql.exec<{ n: number }>('SELECT COUNT(*) AS n FROM versions').one().n)
