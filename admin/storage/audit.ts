/**
 * The audit log of one object, append-only: no statement here updates or deletes (a restore from a
 * backup is in audit-import.ts). Synchronous, inside the caller's
 * transaction, so that a change and its entry are stored together or not at all.
 */
import { EMPTY_CHAIN, type Head, misfit, type SealedEntry } from '../audit/chain.ts'
import { type AuditEntry, type AuditRecord, seal } from '../audit/entry.ts'
import { chunks, isOneChunk } from './chunks.ts'
import { recall, remember } from './recall.ts'

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

/**
 * The beginning of an entry's text, which is nearly always all of it; what follows is in `audit_texts`. `NULL`: written before
 * this column, so that all of it is there.
 */
export const AUDIT_TEXT_COLUMN = 'ALTER TABLE audit ADD COLUMN text TEXT'

/** Number and hash of the newest entry. */
export const auditHead = (sql: SqlStorage): Head =>
  recall(
    sql,
    HEAD,
    () =>
      [
        ...sql.exec<{ seq: number; hash: string }>('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1'),
      ][0] ?? EMPTY_CHAIN,
  )

const HEAD = 'head of the audit log'

/** Number of the newest entry; 0: there is none. */
export const lastSeq = (sql: SqlStorage): number => auditHead(sql).seq

/** Adds an entry at the end of the chain. */
export function appendAudit(
  sql: SqlStorage,
  environment: string | null,
  record: AuditRecord,
  nowMs: number,
): AuditEntry {
  const last = auditHead(sql)
  const seq = last.seq + 1
  const entry: AuditEntry = { seq, at: new Date(nowMs).toISOString(), environment, ...record }
  writeEntry(sql, { seq, atMs: nowMs, ...seal(entry, last.hash) }, record)
  return entry
}

/** Writes an entry that fits the end of the chain. */
export function writeEntry(
  sql: SqlStorage,
  { seq, atMs, text, previousHash, hash }: StoredEntry,
  { action, subject, actor }: Pick<AuditRecord, 'action' | 'subject' | 'actor'>,
): void {
  const [first, ...more] = chunks(text)
  sql.exec(
    'INSERT INTO audit (seq, at, action, subject, actor, previous_hash, hash, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    ...[seq, atMs, action, subject, actor, previousHash, hash, first!],
  )
  for (const [at, piece] of more.entries())
    sql.exec('INSERT INTO audit_texts (seq, part, text) VALUES (?, ?, ?)', seq, at + 1, piece)
  remember(sql, HEAD, { seq, hash })
}

type Row = { seq: number; at: number; previous_hash: string; hash: string; text: string | null }

/** Below that entry, newest first; or after it, oldest first. */
export type AuditPosition = number | { readonly after: number }

/** A page ends with the entry that reaches so many characters: entries may be large, and a page crosses RPC whole. */
export const MAX_PAGE_LENGTH = 4 * 1024 * 1024

/** One page of entries: at most `limit`, fewer if they are large, and none only if there are none. */
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
    `SELECT seq, at, previous_hash, hash, text FROM audit WHERE ${conditions.join(' AND ')} ORDER BY seq ${newestFirst ? 'DESC' : 'ASC'} LIMIT ?`,
    ...values,
    limit,
  )
  const page: StoredEntry[] = []
  let length = 0
  for (const row of rows) {
    const entry = withText(sql, row)
    page.push(entry)
    length += entry.text.length
    if (length >= MAX_PAGE_LENGTH) break
  }
  return page
}

function withText(sql: SqlStorage, { seq, at, previous_hash, hash, text }: Row): StoredEntry {
  const whole = text !== null && isOneChunk(text) ? text : (text ?? '') + furtherText(sql, seq)
  return { seq, atMs: at, text: whole, previousHash: previous_hash, hash }
}

function furtherText(sql: SqlStorage, seq: number): string {
  const parts = sql.exec<{ text: string }>('SELECT text FROM audit_texts WHERE seq = ? ORDER BY part', seq)
  return [...parts].map((part) => part.text).join('')
}

/** Action of the newest entry about a subject; `null`: there is none. */
export function saidLast(sql: SqlStorage, subject: string): string | null {
  const [row] = sql.exec<{ action: string }>(
    'SELECT action FROM audit WHERE subject = ? ORDER BY seq DESC LIMIT 1',
    subject,
  )
  return row?.action ?? null
}

const PAGE = 500

/** Reads the whole chain and computes every hash anew. */
export function verifyAudit(sql: SqlStorage, environment: string | null): Verification {
  let head: Head = EMPTY_CHAIN
  for (;;) {
    const page = pageAudit(sql, {}, { after: head.seq }, PAGE)
    for (const entry of page) {
      const missing = entry.seq === head.seq + 1 ? null : `entry ${head.seq + 1} is missing`
      const problem = missing ?? misfit(entry, head, environment)
      if (problem !== null)
        return { valid: false, entries: lastSeq(sql), head: head.hash, broken: { seq: entry.seq, problem } }
      head = entry
    }
    if (page.length === 0) return { valid: true, entries: head.seq, head: head.hash }
  }
}
