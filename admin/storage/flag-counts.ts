/** What applications told of flags at one location, in windows of a minute, for a day. */
import { COUNTED, type FlagCount } from '../../engine/index.ts'

export const MINUTE_MS = 60_000
/** How long windows are kept. */
export const KEPT_MINUTES = 24 * 60

/** In quotes: `values` is a word of SQL. */
const COLUMNS = COUNTED.map((name) => `"${name}"`)

export const FLAG_COUNT_TABLE = `
  CREATE TABLE flag_counts (
    minute INTEGER NOT NULL, flag TEXT NOT NULL, variant TEXT NOT NULL,
    ${COLUMNS.map((name) => `${name} REAL NOT NULL`).join(', ')},
    PRIMARY KEY (minute, flag, variant)
  ) WITHOUT ROWID;`

const ADD = `
  INSERT INTO flag_counts (minute, flag, variant, ${COLUMNS.join(', ')})
  VALUES (?, ?, ?, ${COLUMNS.map(() => '?').join(', ')})
  ON CONFLICT DO UPDATE SET ${COLUMNS.map((name) => `${name} = ${name} + excluded.${name}`).join(', ')}`

const minuteOf = (ms: number): number => Math.floor(ms / MINUTE_MS)

/** Adds to the window of a moment, and forgets windows that are too old. */
export function addFlagCounts(sql: SqlStorage, counts: readonly FlagCount[], nowMs: number): void {
  for (const count of counts)
    sql.exec(ADD, minuteOf(nowMs), count.flag, count.variant, ...COUNTED.map((name) => count[name]))
  sql.exec('DELETE FROM flag_counts WHERE minute < ?', minuteOf(nowMs) - KEPT_MINUTES)
}

/** Sums over the windows from a moment on, of one flag or of all. */
export const readFlagCounts = (sql: SqlStorage, fromMs: number, flag: string | null): FlagCount[] =>
  sql
    .exec<FlagCount & Record<string, SqlStorageValue>>(
      `SELECT flag, variant, ${COLUMNS.map((name) => `sum(${name}) AS ${name}`).join(', ')}
       FROM flag_counts WHERE minute >= ? AND (? IS NULL OR flag = ?) GROUP BY flag, variant`,
      minuteOf(fromMs),
      flag,
      flag,
    )
    .toArray()
