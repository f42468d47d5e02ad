/**
 * Breakers that somebody closed by hand in the last minutes, as edges are told with the kills. No part of what holds: an edge that
 * is told late, or never, finds out by itself.
 */
import type { Closing } from '../../engine/index.ts'

/** Longer than an isolate with traffic goes without a read. */
const KEPT_MS = 10 * 60_000

export const CLOSING_TABLE = `
  CREATE TABLE closings (origin TEXT PRIMARY KEY, version INTEGER NOT NULL, closed_at INTEGER NOT NULL) WITHOUT ROWID;`

/** `version`: of the kill list that tells of it. */
export function writeClosing(sql: SqlStorage, { origin, version }: Closing, nowMs: number): void {
  sql.exec('DELETE FROM closings WHERE closed_at <= ?', nowMs - KEPT_MS)
  sql.exec(
    'INSERT OR REPLACE INTO closings (origin, version, closed_at) VALUES (?, ?, ?)',
    origin,
    version,
    nowMs,
  )
}

export function readClosings(sql: SqlStorage): Closing[] {
  return [
    ...sql.exec<{ origin: string; version: number }>('SELECT origin, version FROM closings ORDER BY origin'),
  ]
}
