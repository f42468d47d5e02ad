/** Change windows and freezes of an environment. Synchronous; inside the caller's transaction. */
import type { Freeze, Window } from '../governance/calendar.ts'
import { drop, recall } from './recall.ts'

export interface StoredWindow extends Window {
  readonly n: number
  readonly reason: string | null
}

export interface StoredFreeze extends Freeze {
  readonly n: number
  readonly actor: string
}

export const CALENDAR_TABLES = `
  CREATE TABLE windows (n INTEGER PRIMARY KEY, entry TEXT NOT NULL);
  CREATE TABLE freezes (n INTEGER PRIMARY KEY, entry TEXT NOT NULL);`

type Row = { n: number; entry: string }

const read = <T>(sql: SqlStorage, table: 'windows' | 'freezes'): T[] =>
  recall(sql, table, () =>
    [...sql.exec<Row>(`SELECT n, entry FROM ${table} ORDER BY n`)].map(({ n, entry }) => ({
      ...JSON.parse(entry),
      n,
    })),
  )

export const readWindows = (sql: SqlStorage): StoredWindow[] => read(sql, 'windows')
export const readFreezes = (sql: SqlStorage): StoredFreeze[] => read(sql, 'freezes')

/** Returns its number. */
export function addToCalendar(sql: SqlStorage, table: 'windows' | 'freezes', entry: object): number {
  drop(sql, table)
  return sql
    .exec<{ n: number }>(`INSERT INTO ${table} (entry) VALUES (?) RETURNING n`, JSON.stringify(entry))
    .one().n
}

/** Writes one under the number that it has. */
export function putInCalendar(
  sql: SqlStorage,
  table: 'windows' | 'freezes',
  { n, ...entry }: { readonly n: number },
): void {
  sql.exec(`INSERT INTO ${table} (n, entry) VALUES (?, ?)`, n, JSON.stringify(entry))
  drop(sql, table)
}

export function removeFromCalendar(sql: SqlStorage, table: 'windows' | 'freezes', n: number): void {
  sql.exec(`DELETE FROM ${table} WHERE n = ?`, n)
  drop(sql, table)
}

/** Freezes that ended before that time. */
export function forgetEnded(sql: SqlStorage, beforeMs: number): void {
  for (const { n, toMs } of readFreezes(sql))
    if (toMs !== null && toMs < beforeMs) removeFromCalendar(sql, 'freezes', n)
}
