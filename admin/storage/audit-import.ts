/**
 * Joins the audit log of a backup with the one that is here. The backup's is kept hash by hash. What only the log here has
 * follows it, each entry anew, with what it was: nothing that was written down is lost. The only place where entries move.
 * Synchronous, inside the caller's transaction.
 */
import type { SealedEntry } from '../audit/chain.ts'
import type { AuditEntry } from '../audit/entry.ts'
import { appendAudit, writeEntry } from './audit.ts'
import { forget } from './recall.ts'

export interface Joined {
  /** Entries that both logs begin with. */
  readonly common: number
  /** Entries of the backup that were not here. */
  readonly imported: number
  /** Entries that only the log here had: where they were, and where they follow now. */
  readonly carriedOver: { readonly from: number; readonly to: number; readonly count: number }
}

/** Where entries wait that are to follow others; empty but for that moment. */
export const ASIDE_TABLES = `
  CREATE TABLE audit_aside (seq INTEGER PRIMARY KEY, hash TEXT NOT NULL);
  CREATE TABLE audit_aside_texts (
    seq INTEGER NOT NULL, part INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (seq, part)
  );`

/** `entries`: all of the backup's, a valid chain from its beginning. `environment`: as in the log. */
export function joinAudit(
  sql: SqlStorage,
  environment: string | null,
  entries: Iterable<SealedEntry>,
  nowMs: number,
): Joined {
  let seq = 0
  let common = 0
  for (const entry of entries) {
    seq++
    if (seq === common + 1 && hashAt(sql, seq) === entry.hash) {
      common = seq
      continue
    }
    if (seq === common + 1) setAside(sql, common)
    importEntry(sql, seq, entry)
  }
  const count = carryOver(sql, environment, nowMs)
  return { common, imported: seq - common, carriedOver: { from: common + 1, to: seq + 1, count } }
}

function hashAt(sql: SqlStorage, seq: number): string | null {
  const [row] = sql.exec<{ hash: string }>('SELECT hash FROM audit WHERE seq = ?', seq)
  return row?.hash ?? null
}

function setAside(sql: SqlStorage, common: number): void {
  sql.exec('INSERT INTO audit_aside (seq, hash) SELECT seq, hash FROM audit WHERE seq > ?', common)
  sql.exec(
    `INSERT INTO audit_aside_texts (seq, part, text)
       SELECT seq, 0, text FROM audit WHERE seq > ?1 AND text IS NOT NULL
       UNION ALL SELECT seq, part, text FROM audit_texts WHERE seq > ?1`,
    common,
  )
  sql.exec('DELETE FROM audit WHERE seq > ?', common)
  sql.exec('DELETE FROM audit_texts WHERE seq > ?', common)
  forget(sql)
}

function importEntry(sql: SqlStorage, seq: number, sealed: SealedEntry): void {
  const entry = JSON.parse(sealed.text) as AuditEntry
  writeEntry(sql, { seq, atMs: Date.parse(entry.at), ...sealed }, entry)
}

/** Adds what was set aside at the end of the chain, each entry with where it was. Returns how many there were. */
function carryOver(sql: SqlStorage, environment: string | null, nowMs: number): number {
  const waiting = sql
    .exec<{ seq: number; hash: string }>('SELECT seq, hash FROM audit_aside ORDER BY seq')
    .toArray()
  for (const { seq, hash } of waiting) {
    const parts = sql.exec<{ text: string }>(
      'SELECT text FROM audit_aside_texts WHERE seq = ? ORDER BY part',
      seq,
    )
    const text = [...parts].map((part) => part.text).join('')
    const { seq: _, at, environment: __, ...record } = JSON.parse(text) as AuditEntry
    const details = { ...record.details, carriedOver: seq, carriedAt: at, carriedHash: hash }
    appendAudit(sql, environment, { ...record, details }, nowMs)
  }
  sql.exec('DELETE FROM audit_aside')
  sql.exec('DELETE FROM audit_aside_texts')
  return waiting.length
}
