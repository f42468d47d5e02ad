/**
 * The versions of snapshot and kill list that last took traffic back, or purged: edges use nothing that they keep of responses
 * from before them. One row. Synchronous; inside the caller's transaction.
 */
import { drop, recall } from './recall.ts'

export const CACHE_EPOCH_TABLE = `
  CREATE TABLE cache_epoch (id INTEGER PRIMARY KEY CHECK (id = 1), snapshot INTEGER NOT NULL, kills INTEGER NOT NULL);
  INSERT INTO cache_epoch (id, snapshot, kills) VALUES (1, 0, 0);`

/** 0: none has. */
export interface CacheEpoch {
  readonly snapshot: number
  readonly kills: number
}

const ROW = 'cache epoch'

export const readCacheEpoch = (sql: SqlStorage): CacheEpoch =>
  recall(sql, ROW, () =>
    sql.exec<{ snapshot: number; kills: number }>('SELECT snapshot, kills FROM cache_epoch').one(),
  )

export function raiseCacheEpoch(sql: SqlStorage, of: keyof CacheEpoch, version: number): void {
  sql.exec(`UPDATE cache_epoch SET ${of} = ?`, version)
  drop(sql, ROW)
}
