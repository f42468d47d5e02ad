/**
 * The audit log of one object, append-only: no statement here updates or deletes. Synchronous, inside the caller's
 * transaction, so that a change and its entry are stored together or not at all.
 */
import {
  type AuditEntry,
  type AuditRecord,
  FIRST_HASH,
  hashOf,
  type SealedEntry,
  seal,
} from '../audit/entry.ts'
import { chunks } from './chunks.ts'

/** Which entries; every given field must match. */
export interface AuditFilter {
  /** An action, or the start of several before a `*`: `kill.*`. */
  readonly action?: string | undefined
  readonly subject?: string | undefined
  readonly actor?: string | undefined
  /** ms since 1970, inclusive */
  readonly fromMs?: number
  /** ms since 1970, exclusive */
  readonly toMs?: number
}

export interface StoredEntry extends SealedEntry {
  readonly seq: number
  /** ms since 1970 */
  readonly atMs: number
}

/** Outcome of a verification. */
export interface Verification {
  readonly valid: boolean
  readonly entries: number
  /** Hash of the last entry: whoever noted an earlier one can find it in the chain. */
  readonly head: string
  /** The first entry that does not fit, and how. */
  readonly broken?: { readonly seq: number; readonly problem: string }
}

export const AUDIT_TABLES = `
  CREATE TABLE audit (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL, actor TEXT NOT NULL,
    previous_hash TEXT NOT NULL, hash TEXT NOT NULL
  );
  CREATE INDEX audit_at ON audit (at);
  CREATE TABLE audit_texts (seq INTEGER NOT NULL, part INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (seq, part));`

type HeadRow = { seq: number; hash: string }

const head = (sql: SqlStorage): HeadRow =>
  [...sql.exec<HeadRow>('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1')][0] ?? {
    seq: 0,
    hash: FIRST_HASH,
  }

/** Number of the newest entry; 0: there is none. */
export const lastSeq = (sql: SqlStorage): number => head(sql).seq

/** Adds an entry at the end of the chain. */
export function appendAudit(
  sql: SqlStorage,
  environment: string | null,
  record: AuditRecord,
  nowMs: number,
): AuditEntry {
  const last = head(sql)
  const seq = last.seq + 1
  const entry: AuditEntry = { seq, at: new Date(nowMs).toISOString(), environment, ...record }
  const { text, previousHash, hash } = seal(entry, last.hash)
  sql.exec(
    'INSERT INTO audit (seq, at, action, subject, actor, previous_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?)',
    seq,
    nowMs,
    record.action,
    record.subject,
    record.actor,
    previousHash,
    hash,
  )
  for (const [part, piece] of chunks(text).entries())
    sql.exec('INSERT INTO audit_texts (seq, part, text) VALUES (?, ?, ?)', seq, part, piece)
  return entry
}

type Row = { seq: number; at: number; previous_hash: string; hash: string }

/** Below that entry, newest first; or after it, oldest first. */
export type AuditPosition = number | { readonly after: number }

/** One page of entries. */
export function pageAudit(
  sql: SqlStorage,
  filter: AuditFilter,
  position: AuditPosition,
  limit: number,
): StoredEntry[] {
  const { action, subject, actor, fromMs, toMs } = filter
  const newestFirst = typeof position === 'number'
  const conditions: string[] = [newestFirst ? 'seq < ?' : 'seq > ?']
  const values: (string | number)[] = [newestFirst ? position : position.after]
  const add = (condition: string, ...given: (string | number)[]) => {
    conditions.push(condition)
    values.push(...given)
  }
  if (action?.endsWith('*')) {
    const start = action.slice(0, -1)
    add('substr(action, 1, ?) = ?', start.length, start)
  } else if (action !== undefined) add('action = ?', action)
  if (subject !== undefined) add('subject = ?', subject)
  if (actor !== undefined) add('actor = ?', actor)
  if (fromMs !== undefined) add('at >= ?', fromMs)
  if (toMs !== undefined) add('at < ?', toMs)
  const rows = sql.exec<Row>(
    `SELECT seq, at, previous_hash, hash FROM audit WHERE ${conditions.join(' AND ')} ORDER BY seq ${newestFirst ? 'DESC' : 'ASC'} LIMIT ?`,
    ...values,
    limit,
  )
  return [...rows].map((row) => withText(sql, row))
}

function withText(sql: SqlStorage, { seq, at, previous_hash, hash }: Row): StoredEntry {
  const parts = sql.exec<{ text: string }>('SELECT text FROM audit_texts WHERE seq = ? ORDER BY part', seq)
  const text = [...parts].map((part) => part.text).join('')
  return { seq, atMs: at, text, previousHash: previous_hash, hash }
}

const PAGE = 500

/** Reads the whole chain and computes every hash anew. */
export function verifyAudit(sql: SqlStorage, environment: string | null): Verification {
  let seq = 0
  let hash = FIRST_HASH
  for (;;) {
    const page = pageAudit(sql, {}, { after: seq }, PAGE)
    for (const entry of page) {
      const problem = problemOf(entry, seq + 1, hash, environment)
      if (problem !== null)
        return { valid: false, entries: lastSeq(sql), head: hash, broken: { seq: entry.seq, problem } }
      seq = entry.seq
      hash = entry.hash
    }
    if (page.length < PAGE) return { valid: true, entries: seq, head: hash }
  }
}

function problemOf(
  entry: StoredEntry,
  seq: number,
  previousHash: string,
  environment: string | null,
): string | null {
  if (entry.seq !== seq) return `entry ${seq} is missing`
  if (entry.previousHash !== previousHash) return 'does not follow the entry before it'
  if (entry.hash !== hashOf(previousHash, entry.text)) return 'its text is not what was hashed'
  const said = JSON.parse(entry.text) as AuditEntry
  if (said.seq !== seq || said.environment !== environment)
    return 'its text belongs to another place in a chain'
  return null
}
