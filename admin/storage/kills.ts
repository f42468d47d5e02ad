/**
 * The kill list as stored: its own table, apart from documents and versions, so that a kill needs nothing of them.
 * Synchronous; callers raise the list's version in the same transaction as every change of what holds.
 */
import type { Kill, KillList, KillTarget } from '../../engine/index.ts'
import { readCacheEpoch } from './cache-epoch.ts'
import { drop, recall } from './recall.ts'
import { noteTarget } from './recovery.ts'
import type { State } from './state.ts'

/** What becomes of a kill whose time is over: it ends, or it holds for the same time again, and no less than `MIN_EXTENSION_MS`. */
export const ON_EXPIRY = ['restore', 'extend'] as const
export type OnExpiry = (typeof ON_EXPIRY)[number]

/** A kill of a shorter time is extended by this: each extension stands in the audit log, and may page somebody. */
const MIN_EXTENSION_MS = 60_000

export interface KillRecord {
  readonly target: KillTarget
  readonly variant: string | null
  readonly reason: string
  readonly actor: string
  /** ms since 1970 */
  readonly createdAtMs: number
  /** ms since 1970; `null`: until it is removed */
  readonly expiresAtMs: number | null
  readonly onExpiry: OnExpiry
}

type Row = {
  target: KillTarget
  variant: string | null
  reason: string
  actor: string
  created_at: number
  expires_at: number | null
  on_expiry: OnExpiry
}

const COLUMNS = 'target, variant, reason, actor, created_at, expires_at, on_expiry'

const fromRow = (row: Row): KillRecord => ({
  target: row.target,
  variant: row.variant,
  reason: row.reason,
  actor: row.actor,
  createdAtMs: row.created_at,
  expiresAtMs: row.expires_at,
  onExpiry: row.on_expiry,
})

/** The list as edges read it. */
export function killListForEdges(sql: SqlStorage, { epoch, kills: version }: State): KillList {
  return { epoch, version, cacheEpoch: readCacheEpoch(sql).kills, kills: killsForEdges(sql) }
}

/** What edges need to know of the kills, by target. */
export function killsForEdges(sql: SqlStorage): Kill[] {
  const rows = sql.exec<{ target: KillTarget; variant: string | null }>(
    'SELECT target, variant FROM kills ORDER BY target',
  )
  return [...rows].map(({ target, variant }) => (variant === null ? { target } : { target, variant }))
}

export function readKill(sql: SqlStorage, target: string): KillRecord | null {
  const [row] = sql.exec<Row>(`SELECT ${COLUMNS} FROM kills WHERE target = ?`, target)
  return row === undefined ? null : fromRow(row)
}

/** One page of kills, newest first, older than the one at `after` (`[createdAtMs, target]`). */
export function pageKills(
  sql: SqlStorage,
  after: readonly [number, string] | null,
  limit: number,
): KillRecord[] {
  const [createdAtMs, target] = after ?? [Number.MAX_SAFE_INTEGER, '']
  const rows = sql.exec<Row>(
    `SELECT ${COLUMNS} FROM kills WHERE created_at < ?1 OR (created_at = ?1 AND target > ?2)
     ORDER BY created_at DESC, target LIMIT ?3`,
    createdAtMs,
    target,
    limit,
  )
  return [...rows].map(fromRow)
}

export function killTargets(sql: SqlStorage): string[] {
  return [...sql.exec<{ target: string }>('SELECT target FROM kills')].map(({ target }) => target)
}

/** Those that hold an origin's breakers open. */
export function originKills(sql: SqlStorage): KillRecord[] {
  const rows = sql.exec<Row>(`SELECT ${COLUMNS} FROM kills WHERE target GLOB 'origin:*' ORDER BY target`)
  return [...rows].map(fromRow)
}

/** Adds a kill, or replaces the one of that target. */
export function writeKill(sql: SqlStorage, kill: KillRecord): void {
  sql.exec(
    `INSERT OR REPLACE INTO kills (${COLUMNS}, duration) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    kill.target,
    kill.variant,
    kill.reason,
    kill.actor,
    kill.createdAtMs,
    kill.expiresAtMs,
    kill.onExpiry,
    kill.expiresAtMs === null ? null : kill.expiresAtMs - kill.createdAtMs,
  )
  noteTarget(sql, kill.target)
  drop(sql, NEXT)
}

export function deleteKill(sql: SqlStorage, target: string): void {
  sql.exec('DELETE FROM kills WHERE target = ?', target)
  drop(sql, NEXT)
}

/** Targets of the kills whose time is over, and which end with it. */
export const killsThatEnd = (sql: SqlStorage, nowMs: number): string[] =>
  [
    ...sql.exec<{ target: string }>(
      "SELECT target FROM kills WHERE expires_at <= ? AND on_expiry = 'restore' ORDER BY target",
      nowMs,
    ),
  ].map(({ target }) => target)

/** From now on it is extended when its time is over. */
export function holdKill(sql: SqlStorage, target: string): void {
  sql.exec("UPDATE kills SET on_expiry = 'extend' WHERE target = ?", target)
}

/** Ends or extends every kill whose time is over, and says which. */
export function expireKills(
  sql: SqlStorage,
  nowMs: number,
): { ended: KillRecord[]; extended: { before: KillRecord; after: KillRecord }[] } {
  const over = [...sql.exec<Row>(`SELECT ${COLUMNS} FROM kills WHERE expires_at <= ?`, nowMs)].map(fromRow)
  sql.exec(
    `UPDATE kills SET expires_at = expires_at
       + MAX(duration, ?2) * (CAST((?1 - expires_at) / MAX(duration, ?2) AS INTEGER) + 1)
     WHERE on_expiry = 'extend' AND expires_at <= ?1`,
    nowMs,
    MIN_EXTENSION_MS,
  )
  sql.exec('DELETE FROM kills WHERE expires_at <= ?', nowMs)
  drop(sql, NEXT)
  return {
    ended: over.filter(({ onExpiry }) => onExpiry === 'restore'),
    extended: over
      .filter(({ onExpiry }) => onExpiry === 'extend')
      .map((before) => ({ before, after: readKill(sql, before.target)! })),
  }
}

const NEXT = 'next expiry'

/** When the next kill's time is over, ms since 1970. */
export const nextExpiryMs = (sql: SqlStorage): number | null =>
  recall(sql, NEXT, () => sql.exec<{ at: number | null }>('SELECT MIN(expires_at) AS at FROM kills').one().at)
