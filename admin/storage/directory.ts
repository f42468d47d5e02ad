/**
 * The directory of the control plane: which environments exist, as each reported itself last, and which SDK key belongs to which. In
 * the project's object. Synchronous; inside the caller's transaction.
 */
import { covers, type Scope } from '../access/principal.ts'
import type { Description, SdkKey } from '../settings.ts'
import { picked } from './picked.ts'

/** Everything but the hash: the directory has no use for it. */
type KeyEntry = Omit<SdkKey, 'hash'>

/** An environment and its keys at the time of the report; epoch and version order reports. */
export interface DirectoryEntry extends Description {
  readonly keys: readonly KeyEntry[]
}

/** An SDK key and where it belongs. */
export interface ListedKey extends KeyEntry {
  readonly environment: string
}

type KeyRow = { id: string; environment: string; kind: 'client' | 'server'; name: string; created_at: number }

const KEY_COLUMNS = 'id, environment, kind, name, created_at'

/** An environment's report of itself. Nothing happens if a newer one is here. */
export function writeReport(sql: SqlStorage, { keys, ...entry }: DirectoryEntry): void {
  if (!replace(sql, entry.name, entry.epoch, entry.version, JSON.stringify(entry))) return
  for (const { id, kind, name, createdAtMs } of keys)
    sql.exec(
      `INSERT INTO keys (${KEY_COLUMNS}) VALUES (?, ?, ?, ?, ?)`,
      id,
      entry.name,
      kind,
      name,
      createdAtMs,
    )
}

/** An environment's last report: it was deleted. */
export function writeEnd(sql: SqlStorage, environment: string, epoch: number, version: number): void {
  replace(sql, environment, epoch, version, null)
}

/** Puts a report in the place of the last one and drops that one's keys; false if the last one is newer. */
function replace(
  sql: SqlStorage,
  name: string,
  epoch: number,
  version: number,
  entry: string | null,
): boolean {
  const [known] = sql.exec<{ epoch: number; version: number }>(
    'SELECT epoch, version FROM environments WHERE name = ?',
    name,
  )
  if (known && (known.epoch > epoch || (known.epoch === epoch && known.version > version))) return false
  sql.exec('DELETE FROM keys WHERE environment = ?', name)
  sql.exec(
    'INSERT OR REPLACE INTO environments (name, epoch, version, live, entry) VALUES (?, ?, ?, ?, ?)',
    name,
    epoch,
    version,
    entry === null ? 0 : 1,
    entry ?? '',
  )
  return true
}

/** Those that exist and are in scope, by name. */
export const liveEnvironments = (
  sql: SqlStorage,
  scope: Scope,
): { name: string; epoch: number; version: number }[] =>
  sql
    .exec<{ name: string; epoch: number; version: number }>(
      'SELECT name, epoch, version FROM environments WHERE live = 1 ORDER BY name',
    )
    .toArray()
    .filter(({ name }) => covers(scope, name))

/** One page of those that exist and are in scope, by name, after the name `after`. */
export function pageEnvironments(sql: SqlStorage, scope: Scope, after: string, limit: number): Description[] {
  const rows = sql.exec<{ name: string; entry: string }>(
    'SELECT name, entry FROM environments WHERE live = 1 AND name > ? ORDER BY name',
    after,
  )
  return picked(rows, limit, ({ name, entry }) => (covers(scope, name) ? JSON.parse(entry) : null))
}

/** By name: those that exist, or `all` that ever did. */
export const environmentNames = (sql: SqlStorage, which: 'live' | 'all'): string[] =>
  sql
    .exec<{ name: string }>(
      'SELECT name FROM environments WHERE live = 1 OR ? ORDER BY name',
      which === 'all' ? 1 : 0,
    )
    .toArray()
    .map(({ name }) => name)

/** One page of SDK keys in scope, newest first, after the one at `after` (`[createdAtMs, id]`); of one environment if named. */
export function pageListedKeys(
  sql: SqlStorage,
  scope: Scope,
  environment: string | null,
  after: readonly [number, string] | null,
  limit: number,
): ListedKey[] {
  const [createdAtMs, id] = after ?? [Number.MAX_SAFE_INTEGER, '']
  const rows = sql.exec<KeyRow>(
    `SELECT ${KEY_COLUMNS} FROM keys
     WHERE (?1 IS NULL OR environment = ?1) AND (created_at < ?2 OR (created_at = ?2 AND id > ?3))
     ORDER BY created_at DESC, id`,
    environment,
    createdAtMs,
    id,
  )
  return picked(rows, limit, (row) => (covers(scope, row.environment) ? listedKeyOf(row) : null))
}

export function readListedKey(sql: SqlStorage, id: string): ListedKey | null {
  const [row] = sql.exec<KeyRow>(`SELECT ${KEY_COLUMNS} FROM keys WHERE id = ?`, id)
  return row === undefined ? null : listedKeyOf(row)
}

const listedKeyOf = ({ created_at, ...row }: KeyRow): ListedKey => ({ ...row, createdAtMs: created_at })
