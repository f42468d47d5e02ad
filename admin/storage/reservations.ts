/** Idempotency keys of one caller as rows, and the sealed answers to them, in parts. */
import { KEPT_MS, type Reservation } from '../idempotency/reservation.ts'

/** `size`: bytes of the answer; `NULL`: there is none yet. */
export const RESERVATION_TABLES = `
  CREATE TABLE reservations (
    key TEXT PRIMARY KEY, request_id TEXT NOT NULL, fingerprint TEXT NOT NULL, at INTEGER NOT NULL, size INTEGER
  ) WITHOUT ROWID;
  CREATE INDEX reservations_at ON reservations (at, size);
  CREATE TABLE kept_answers (
    key TEXT NOT NULL, part INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (key, part)
  );`

const PART_BYTES = 1024 * 1024

type Row = { request_id: string; fingerprint: string; at: number; size: number | null }

export function readReservation(sql: SqlStorage, key: string): Reservation | null {
  const [row] = sql.exec<Row>('SELECT request_id, fingerprint, at, size FROM reservations WHERE key = ?', key)
  if (row === undefined) return null
  const { request_id: requestId, fingerprint, at: atMs, size } = row
  return { requestId, fingerprint, atMs, answered: size !== null }
}

/** In the place of whatever was known of the key. */
export function reserve(
  sql: SqlStorage,
  key: string,
  { requestId, fingerprint, atMs }: Omit<Reservation, 'answered'>,
): void {
  forgetKey(sql, key)
  sql.exec(
    'INSERT INTO reservations (key, request_id, fingerprint, at, size) VALUES (?, ?, ?, ?, NULL)',
    key,
    requestId,
    fingerprint,
    atMs,
  )
}

/** Of a key that is reserved and not answered. */
export function keepAnswer(sql: SqlStorage, key: string, answer: Uint8Array): void {
  for (let at = 0, part = 0; at < answer.byteLength; at += PART_BYTES, part++)
    sql.exec(
      'INSERT INTO kept_answers (key, part, bytes) VALUES (?, ?, ?)',
      key,
      part,
      answer.slice(at, at + PART_BYTES).buffer as ArrayBuffer,
    )
  sql.exec('UPDATE reservations SET size = ? WHERE key = ?', answer.byteLength, key)
}

/** Of a key that is answered. */
export function readAnswer(sql: SqlStorage, key: string): Uint8Array {
  const { size } = sql.exec<{ size: number }>('SELECT size FROM reservations WHERE key = ?', key).one()
  const answer = new Uint8Array(size)
  let at = 0
  const parts = sql.exec<{ bytes: ArrayBuffer }>(
    'SELECT bytes FROM kept_answers WHERE key = ? ORDER BY part',
    key,
  )
  for (const { bytes } of parts) {
    answer.set(new Uint8Array(bytes), at)
    at += bytes.byteLength
  }
  return answer
}

export function forgetKey(sql: SqlStorage, key: string): void {
  sql.exec('DELETE FROM kept_answers WHERE key = ?', key)
  sql.exec('DELETE FROM reservations WHERE key = ?', key)
}

/** Forgets keys that nothing can be known of any more, answered or not. */
export function forgetOld(sql: SqlStorage, nowMs: number): void {
  const old = sql.exec<{ key: string }>('SELECT key FROM reservations WHERE at <= ?', nowMs - KEPT_MS)
  for (const { key } of old.toArray()) forgetKey(sql, key)
}

/** Forgets the oldest answers until at most so many bytes are kept, and so many answers. */
export function forgetBeyond(sql: SqlStorage, maxAnswers: number, maxBytes: number): void {
  const { answers, bytes } = sql
    .exec<{ answers: number; bytes: number }>(
      'SELECT COUNT(size) AS answers, COALESCE(SUM(size), 0) AS bytes FROM reservations',
    )
    .one()
  let [answersOver, bytesOver] = [answers - maxAnswers, bytes - maxBytes]
  if (answersOver <= 0 && bytesOver <= 0) return
  const oldest = sql.exec<{ key: string; size: number }>(
    'SELECT key, size FROM reservations WHERE size IS NOT NULL ORDER BY at',
  )
  for (const { key, size } of oldest.toArray()) {
    if (answersOver <= 0 && bytesOver <= 0) return
    forgetKey(sql, key)
    answersOver -= 1
    bytesOver -= size
  }
}

/** When there is something to forget next, ms since 1970; `null`: nothing is kept. */
export function nextForgetMs(sql: SqlStorage): number | null {
  const { at } = sql.exec<{ at: number | null }>('SELECT MIN(at) AS at FROM reservations').one()
  return at === null ? null : at + KEPT_MS
}
