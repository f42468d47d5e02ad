/**
 * The time that this storage has lost: what was published then edges may hold, and nothing here knows of it. One row, and the
 * targets of kills that have been on the list since it was noticed. Synchronous; inside the caller's transaction.
 */
import { drop, recall } from './recall.ts'

export const RECOVERY_TABLES = `
  CREATE TABLE recovery (id INTEGER PRIMARY KEY CHECK (id = 1), epoch INTEGER NOT NULL, kills INTEGER NOT NULL);
  CREATE TABLE known_targets (target TEXT PRIMARY KEY) WITHOUT ROWID;`

/** The last kill list before the time that was lost. */
export interface LastKnown {
  readonly epoch: number
  readonly kills: number
}

const ROW = 'recovery'

/** `null`: nothing was ever lost. */
export const readRecovery = (sql: SqlStorage): LastKnown | null =>
  recall(
    sql,
    ROW,
    () => [...sql.exec<{ epoch: number; kills: number }>('SELECT epoch, kills FROM recovery')][0] ?? null,
  )

/** Whatever was published after `last` is lost, but for what is on the list now. */
export function beginRecovery(sql: SqlStorage, { epoch, kills }: LastKnown): void {
  sql.exec('INSERT OR REPLACE INTO recovery (id, epoch, kills) VALUES (1, ?, ?)', epoch, kills)
  drop(sql, ROW)
  sql.exec('DELETE FROM known_targets')
  sql.exec('INSERT INTO known_targets (target) SELECT target FROM kills')
}

/** A target is on the list: if an edge holds a kill of it from the time that was lost, that is no news any more. */
export function noteTarget(sql: SqlStorage, target: string): void {
  sql.exec('INSERT OR IGNORE INTO known_targets (target) VALUES (?)', target)
}

export function isKnownTarget(sql: SqlStorage, target: string): boolean {
  return [...sql.exec('SELECT 1 FROM known_targets WHERE target = ?', target)].length > 0
}
