/** What applications told of flags at one location, in windows of a minute, for a day. */
import { COUNTED, type FlagCount, type Part } from '../../engine/index.ts'

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

/** A row may be about a part of a migration; '': about the whole. */
export const FLAG_COUNT_PARTS = `
  ALTER TABLE flag_counts RENAME TO flag_counts_of_wholes;
  CREATE TABLE flag_counts (
    minute INTEGER NOT NULL, flag TEXT NOT NULL, variant TEXT NOT NULL, part TEXT NOT NULL,
    ${COLUMNS.map((name) => `${name} REAL NOT NULL`).join(', ')},
    PRIMARY KEY (minute, flag, variant, part)
  ) WITHOUT ROWID;
  INSERT INTO flag_counts SELECT minute, flag, variant, '', ${COLUMNS.join(', ')} FROM flag_counts_of_wholes;
  DROP TABLE flag_counts_of_wholes;`

const ADD = `
  INSERT INTO flag_counts (minute, flag, variant, part, ${COLUMNS.join(', ')})
  VALUES (?, ?, ?, ?, ${COLUMNS.map(() => '?').join(', ')})
  ON CONFLICT DO UPDATE SET ${COLUMNS.map((name) => `${name} = ${name} + excluded.${name}`).join(', ')}`

const minuteOf = (ms: number): number => Math.floor(ms / MINUTE_MS)

/** Adds to the window of a moment, and forgets windows that are too old. */
export function addFlagCounts(sql: SqlStorage, counts: readonly FlagCount[], nowMs: number): void {
  for (const count of counts) {
    const { flag, variant, part = '' } = count
    sql.exec(ADD, minuteOf(nowMs), flag, variant, part, ...COUNTED.map((name) => count[name]))
  }
  sql.exec('DELETE FROM flag_counts WHERE minute < ?', minuteOf(nowMs) - KEPT_MINUTES)
}

/** Sums over the windows from a moment on, of one flag or of all. */
export const readFlagCounts = (sql: SqlStorage, fromMs: number, flag: string | null): FlagCount[] =>
  sql
    .exec<Omit<FlagCount, 'part'> & { part: Part | '' } & Record<string, SqlStorageValue>>(
      `SELECT flag, variant, part, ${COLUMNS.map((name) => `sum(${name}) AS ${name}`).join(', ')}
       FROM flag_counts WHERE minute >= ? AND (? IS NULL OR flag = ?) GROUP BY flag, variant, part`,
      minuteOf(fromMs),
      flag,
      flag,
    )
    .toArray()
    .map(({ part, ...count }) => (part === '' ? count : { ...count, part }) as FlagCount)
