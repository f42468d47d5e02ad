/** Environments whose objects remember who may call, and have to hear when somebody may no longer. In the project's object. */
import { drop, recall } from './recall.ts'

/** None is ever taken out: one that was deleted may come back under its name. */
export const LISTENER_TABLE = 'CREATE TABLE listeners (environment TEXT PRIMARY KEY) WITHOUT ROWID;'

/** By name. */
export const listeners = (sql: SqlStorage): readonly string[] =>
  recall(sql, LISTENERS, () =>
    sql
      .exec<{ environment: string }>('SELECT environment FROM listeners ORDER BY environment')
      .toArray()
      .map(({ environment }) => environment),
  )

/** Belongs before the answer that is remembered. */
export function addListener(sql: SqlStorage, environment: string): void {
  if (listeners(sql).includes(environment)) return
  sql.exec('INSERT INTO listeners (environment) VALUES (?)', environment)
  drop(sql, LISTENERS)
}

const LISTENERS = 'listeners'
