/**
 * What an environment knows of its store in AWS: the state that it was last at, when it looks next, and what is wrong.
 * One row and a few texts. Inside the caller's transaction.
 */
import type { CompileIssue } from '../../engine/index.ts'
import type { Revision, StoreError } from './store.ts'

export const STORE_TABLES = `
  CREATE TABLE store (
    id INTEGER PRIMARY KEY CHECK (id = 1), place TEXT NOT NULL, poll_at INTEGER NOT NULL, polled_at INTEGER NOT NULL,
    pushed INTEGER NOT NULL, ok_at INTEGER, reported INTEGER NOT NULL
  );
  CREATE TABLE store_texts (name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;`

/** What is wrong, and since when. */
export interface Trouble {
  readonly reason: StoreError['reason']
  readonly detail: string
  readonly errors: readonly CompileIssue[]
  /** ms since 1970 */
  readonly sinceMs: number
}

export interface StoreState {
  /** Another place is another store, of which nothing is known. */
  readonly place: string
  /** When it is to be looked at next, ms since 1970. */
  readonly pollAtMs: number
  /** When it was looked at last; 0: never. */
  readonly polledAtMs: number
  /** Somebody said that it has changed. */
  readonly pushed: boolean
  /** When all was well the last time, ms since 1970. */
  readonly okAtMs: number | null
  /** Others have been told of the trouble. */
  readonly reported: boolean
}

type Row = {
  place: string
  poll_at: number
  polled_at: number
  pushed: number
  ok_at: number | null
  reported: number
}

/** `null`: it was never looked at. */
export function readStoreState(sql: SqlStorage): StoreState | null {
  const [row] = sql.exec<Row>('SELECT place, poll_at, polled_at, pushed, ok_at, reported FROM store')
  if (row === undefined) return null
  const { place, poll_at, polled_at, pushed, ok_at, reported } = row
  return {
    ...{ place, pollAtMs: poll_at, polledAtMs: polled_at, okAtMs: ok_at },
    ...{ pushed: pushed === 1, reported: reported === 1 },
  }
}

export function writeStoreState(sql: SqlStorage, state: StoreState): void {
  const { place, pollAtMs, polledAtMs, pushed, okAtMs, reported } = state
  sql.exec(
    `INSERT OR REPLACE INTO store (id, place, poll_at, polled_at, pushed, ok_at, reported) VALUES (1, ?, ?, ?, ?, ?, ?)`,
    ...[place, pollAtMs, polledAtMs, pushed ? 1 : 0, okAtMs, reported ? 1 : 0],
  )
}

/** The state of the store that this environment's document is from. */
export const readRevision = (sql: SqlStorage): Revision | null => readText(sql, 'revision')
export const writeRevision = (sql: SqlStorage, revision: Revision): void =>
  writeText(sql, 'revision', revision)

export const readMemory = (sql: SqlStorage): string | null => readText(sql, 'memory')
export const writeMemory = (sql: SqlStorage, text: string): void => writeText(sql, 'memory', text)

export function readTrouble(sql: SqlStorage): Trouble | null {
  const text = readText(sql, 'trouble')
  return text === null ? null : JSON.parse(text)
}

export const writeTrouble = (sql: SqlStorage, trouble: Trouble | null): void =>
  writeText(sql, 'trouble', trouble === null ? null : JSON.stringify(trouble))

export function readWarnings(sql: SqlStorage): CompileIssue[] {
  const text = readText(sql, 'warnings')
  return text === null ? [] : JSON.parse(text)
}

export const writeWarnings = (sql: SqlStorage, warnings: readonly CompileIssue[]): void =>
  writeText(sql, 'warnings', warnings.length === 0 ? null : JSON.stringify(warnings))

/** Forgets all of another place. */
export function clearStore(sql: SqlStorage): void {
  sql.exec('DELETE FROM store')
  sql.exec('DELETE FROM store_texts')
}

type Name = 'revision' | 'memory' | 'trouble' | 'warnings'

function readText(sql: SqlStorage, name: Name): string | null {
  const [row] = sql.exec<{ text: string }>('SELECT text FROM store_texts WHERE name = ?', name)
  return row?.text ?? null
}

function writeText(sql: SqlStorage, name: Name, text: string | null): void {
  if (text === null) sql.exec('DELETE FROM store_texts WHERE name = ?', name)
  else sql.exec('INSERT OR REPLACE INTO store_texts (name, text) VALUES (?, ?)', name, text)
}
