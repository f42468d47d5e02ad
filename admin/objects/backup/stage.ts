/**
 * Records of a backup that is being restored, kept aside until all of it has come and was found whole. What a restore that
 * broke off has left behind is dropped by the next. Synchronous; inside the caller's transaction.
 */
import type { ObjectKind, RecordName, RecordOf } from '../../backup/records.ts'
import { chunks } from '../../storage/chunks.ts'

/** Records in their order, in parts; `stage` has one row or none. */
export const STAGE_TABLES = `
  CREATE TABLE stage (id INTEGER PRIMARY KEY CHECK (id = 1), name TEXT NOT NULL, records INTEGER NOT NULL);
  CREATE TABLE staged (n INTEGER NOT NULL, part INTEGER NOT NULL, record TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (n, part));
  CREATE INDEX staged_record ON staged (record, n);`

export interface StagedRecord {
  readonly record: string
  /** JSON of its fields. */
  readonly text: string
}

/** Adds records after the first `from`, which begins a new stage if it is 0. The same ones again change nothing. */
export function addToStage(
  sql: SqlStorage,
  name: string,
  from: number,
  records: readonly StagedRecord[],
): void {
  if (from === 0) {
    clearStage(sql)
    sql.exec('INSERT INTO stage (id, name, records) VALUES (1, ?, 0)', name)
  }
  const held = requireStage(sql, name)
  if (held < from)
    throw new Error(`[stage] ${from - held} records of ${name} are missing before record ${from}`)
  sql.exec('DELETE FROM staged WHERE n >= ?', from)
  for (const [at, { record, text }] of records.entries())
    for (const [part, piece] of chunks(text).entries())
      sql.exec(
        'INSERT INTO staged (n, part, record, text) VALUES (?, ?, ?, ?)',
        from + at,
        part,
        record,
        piece,
      )
  sql.exec('UPDATE stage SET records = ?', from + records.length)
}

/** How many records there are. Throws if the stage is not there, or is another's: two restores at once. */
export function requireStage(sql: SqlStorage, name: string): number {
  const [stage] = sql.exec<{ name: string; records: number }>('SELECT name, records FROM stage')
  if (stage?.name === name) return stage.records
  throw new Error(
    `[stage] ${name} is not here${stage === undefined ? '' : `, but ${stage.name}: another restore`}`,
  )
}

/** Unless it is another's by now. */
export function dropStage(sql: SqlStorage, name: string): void {
  const [stage] = sql.exec<{ name: string }>('SELECT name FROM stage')
  if (stage?.name === name) clearStage(sql)
}

export function clearStage(sql: SqlStorage): void {
  sql.exec('DELETE FROM stage')
  sql.exec('DELETE FROM staged')
}

/** Records of a name, in their order; read little by little, so that their tables may be written to meanwhile. */
export function* staged<K extends ObjectKind, N extends RecordName<K>>(
  sql: SqlStorage,
  _of: K,
  record: N,
): Generator<RecordOf<K, N>> {
  for (let last = -1; ; ) {
    const [next] = sql.exec<{ n: number }>(
      'SELECT n FROM staged WHERE record = ? AND n > ? ORDER BY n LIMIT 1',
      record,
      last,
    )
    if (next === undefined) return
    last = next.n
    const parts = sql.exec<{ text: string }>('SELECT text FROM staged WHERE n = ? ORDER BY part', last)
    yield JSON.parse([...parts].map(({ text }) => text).join(''))
  }
}
