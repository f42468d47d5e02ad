/**
 * Signed previews as stored: who was given what until when, and the keys that sign them. A private key is nowhere else: neither
 * in backups nor in the audit log. Synchronous; inside the caller's transaction.
 */
import type { PreviewAccess, PreviewKey } from '../../engine/index.ts'

export interface StoredPreview {
  readonly id: string
  /** Whose decisions it is about; one of both. */
  readonly route: string | null
  readonly flag: string | null
  readonly variant: string
  readonly host: string
  readonly actor: string
  readonly reason: string | null
  /** ms since 1970, whole seconds */
  readonly createdAtMs: number
  readonly expiresAtMs: number
  /** ms since 1970; `null`: it was not */
  readonly revokedAtMs: number | null
}

/** The key that signs. */
export interface SigningKey {
  readonly id: string
  /** The public key's 32 bytes, base64url. */
  readonly publicKey: string
  /** PKCS #8, base64url. */
  readonly privateKey: string
}

/** `private`: `NULL` once it signs no more; then `until` says when its last token ends. Times in ms since 1970. */
export const PREVIEW_TABLES = `
  CREATE TABLE preview_keys (
    id TEXT PRIMARY KEY, public TEXT NOT NULL, private TEXT, until INTEGER
  ) WITHOUT ROWID;
  CREATE TABLE previews (
    id TEXT PRIMARY KEY, key TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, revoked_at INTEGER,
    entry TEXT NOT NULL
  ) WITHOUT ROWID;`

type KeyRow = { id: string; public: string; private: string }

/** `null`: there is none yet. */
export function readSigningKey(sql: SqlStorage): SigningKey | null {
  const [row] = sql.exec<KeyRow>('SELECT id, public, private FROM preview_keys WHERE private IS NOT NULL')
  if (row === undefined) return null
  return { id: row.id, publicKey: row.public, privateKey: row.private }
}

export function writeSigningKey(sql: SqlStorage, { id, publicKey, privateKey }: SigningKey): void {
  sql.exec(
    'INSERT INTO preview_keys (id, public, private, until) VALUES (?, ?, ?, NULL)',
    ...[id, publicKey, privateKey],
  )
}

/** Destroys the private key; the public one stays for as long as something that it signed holds. */
export function retireSigningKey(sql: SqlStorage): void {
  sql.exec(
    `UPDATE preview_keys SET private = NULL,
      until = (SELECT COALESCE(MAX(expires_at), 0) FROM previews WHERE key = preview_keys.id AND revoked_at IS NULL)
     WHERE private IS NOT NULL`,
  )
}

/** Ends everything that was ever signed: no key is left. */
export function endPreviews(sql: SqlStorage, nowMs: number): void {
  sql.exec('DELETE FROM preview_keys')
  sql.exec('UPDATE previews SET revoked_at = ? WHERE revoked_at IS NULL', nowMs)
}

/** Forgets what is over. */
export function prunePreviews(sql: SqlStorage, nowMs: number): void {
  sql.exec('DELETE FROM previews WHERE expires_at <= ?', nowMs)
  sql.exec('DELETE FROM preview_keys WHERE until <= ?', nowMs)
}

export const countPreviews = (sql: SqlStorage): number =>
  sql.exec<{ n: number }>('SELECT COUNT(*) AS n FROM previews').one().n

export function writePreview(sql: SqlStorage, preview: StoredPreview, key: string): void {
  const { id, createdAtMs, expiresAtMs, revokedAtMs, ...entry } = preview
  sql.exec(
    'INSERT INTO previews (id, key, created_at, expires_at, revoked_at, entry) VALUES (?, ?, ?, ?, ?, ?)',
    ...[id, key, createdAtMs, expiresAtMs, revokedAtMs, JSON.stringify(entry)],
  )
}

export const revokePreview = (sql: SqlStorage, id: string, nowMs: number): void => {
  sql.exec('UPDATE previews SET revoked_at = ? WHERE id = ?', nowMs, id)
}

type Row = { id: string; created_at: number; expires_at: number; revoked_at: number | null; entry: string }

const COLUMNS = 'id, created_at, expires_at, revoked_at, entry'

const fromRow = ({ id, created_at, expires_at, revoked_at, entry }: Row): StoredPreview => ({
  ...JSON.parse(entry),
  ...{ id, createdAtMs: created_at, expiresAtMs: expires_at, revokedAtMs: revoked_at },
})

export function readPreview(sql: SqlStorage, id: string): StoredPreview | null {
  const [row] = sql.exec<Row>(`SELECT ${COLUMNS} FROM previews WHERE id = ?`, id)
  return row === undefined ? null : fromRow(row)
}

/** One page of those that are not over, newest first, older than the one at `after` (`[createdAtMs, id]`). */
export function pagePreviews(
  sql: SqlStorage,
  after: readonly [number, string] | null,
  limit: number,
  nowMs: number,
): StoredPreview[] {
  const [createdAtMs, id] = after ?? [Number.MAX_SAFE_INTEGER, '']
  const rows = sql.exec<Row>(
    `SELECT ${COLUMNS} FROM previews
     WHERE expires_at > ?1 AND (created_at < ?2 OR (created_at = ?2 AND id < ?3))
     ORDER BY created_at DESC, id DESC LIMIT ?4`,
    ...[nowMs, createdAtMs, id, limit],
  )
  return [...rows].map(fromRow)
}

/** What edges are told; `null`: there never was a preview. */
export function previewAccess(sql: SqlStorage): PreviewAccess | null {
  const keys = sql
    .exec<{ id: string; public: string; until: number | null }>(
      'SELECT id, public, until FROM preview_keys ORDER BY id',
    )
    .toArray()
    .map(
      ({ id, public: key, until }): PreviewKey =>
        until === null ? { id, key } : { id, key, until: Math.floor(until / 1_000) },
    )
  if (keys.length === 0) return null
  const revoked = sql
    .exec<{ id: string }>('SELECT id FROM previews WHERE revoked_at IS NOT NULL ORDER BY id')
    .toArray()
  return { keys, revoked: revoked.map(({ id }) => id) }
}
