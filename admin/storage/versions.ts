/**
 * Published versions and their snapshots. At most 1 000 versions are kept, and each for 90 days after the next one
 * replaced it; the current one always. Snapshots are kept for the last few, for edges that are just fetching one.
 */
import { chunks } from './chunks.ts'

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
const KEPT_SNAPSHOTS = 3

type Row = { n: number; epoch: number; created_at: number; actor: string; reason: string | null }

const fromRow = ({ n, epoch, created_at, actor, reason }: Row): Version => ({
  version: n,
  epoch,
  createdAtMs: created_at,
  actor,
  reason,
})

/** Adds a version with its snapshot in wire form. */
export function writeVersion(sql: SqlStorage, version: Version, snapshot: string): void {
  const { version: n, epoch, createdAtMs, actor, reason } = version
  sql.exec(
    'INSERT INTO versions (n, epoch, created_at, actor, reason) VALUES (?, ?, ?, ?, ?)',
    n,
    epoch,
    createdAtMs,
    actor,
    reason,
  )
  for (const [part, text] of chunks(snapshot).entries())
    sql.exec('INSERT INTO snapshots (version, part, text) VALUES (?, ?, ?)', n, part, text)
  sql.exec(
    'DELETE FROM snapshots WHERE version NOT IN (SELECT n FROM versions ORDER BY n DESC LIMIT ?)',
    KEPT_SNAPSHOTS,
  )
}

/** Wire form of the snapshot of `(epoch, version)`, or `null` if it is not kept. */
export function readSnapshot(sql: SqlStorage, epoch: number, version: number): string | null {
  const rows = sql.exec<{ text: string }>(
    `SELECT s.text FROM snapshots s JOIN versions v ON v.n = s.version
     WHERE v.n = ? AND v.epoch = ? ORDER BY s.part`,
    version,
    epoch,
  )
  const parts = [...rows].map(({ text }) => text)
  return parts.length === 0 ? null : parts.join('')
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

/** Forgets versions that are no longer kept; returns the oldest that is. */
export function pruneVersions(sql: SqlStorage, nowMs: number): number {
  sql.exec(
    'DELETE FROM versions WHERE n NOT IN (SELECT n FROM versions ORDER BY n DESC LIMIT ?)',
    KEPT_VERSIONS,
  )
  // Replaced in time: a version whose successor is old enough.
  sql.exec(
    'DELETE FROM versions WHERE n < (SELECT MAX(n) FROM versions WHERE created_at < ?)',
    nowMs - KEPT_AFTER_REPLACED_MS,
  )
  const { oldest } = sql.exec<{ oldest: number }>('SELECT MIN(n) AS oldest FROM versions').one()
  return oldest
}
