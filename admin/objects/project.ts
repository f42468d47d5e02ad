/**
 * The directory: which environments exist and which SDK key belongs to which. Environments report themselves after each
 * change; a report that is older than what is known is ignored, so late and repeated ones do no harm.
 */
import { DurableObject } from 'cloudflare:workers'
import type { Env } from '../env.ts'
import type { Description } from './answers.ts'
import type { DirectoryEntry, KeyEntry } from './directory.ts'
import { migrate, PROJECT_MIGRATIONS } from './migrations.ts'

/** An SDK key and where it belongs. */
export interface ListedKey extends KeyEntry {
  readonly environment: string
}

type KeyRow = { id: string; environment: string; kind: 'client' | 'server'; name: string; created_at: number }

const KEY_COLUMNS = 'id, environment, kind, name, created_at'

export class ProjectObject extends DurableObject<Env> {
  readonly #sql: SqlStorage

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#sql = ctx.storage.sql
    migrate(ctx.storage, PROJECT_MIGRATIONS)
  }

  /** Answers if this object's storage does. */
  ping(): boolean {
    return this.#sql.exec<{ one: number }>('SELECT 1 AS one').one().one === 1
  }

  /** An environment's report of itself. */
  record({ keys, ...entry }: DirectoryEntry): void {
    this.ctx.storage.transactionSync(() => {
      if (!this.#replace(entry.name, entry.epoch, entry.version, JSON.stringify(entry))) return
      for (const { id, kind, name, createdAtMs } of keys)
        this.#sql.exec(
          `INSERT INTO keys (${KEY_COLUMNS}) VALUES (?, ?, ?, ?, ?)`,
          id,
          entry.name,
          kind,
          name,
          createdAtMs,
        )
    })
  }

  /** An environment's last report: it was deleted. */
  forget(environment: string, epoch: number, version: number): void {
    this.ctx.storage.transactionSync(() => this.#replace(environment, epoch, version, null))
  }

  /** One page of environments, by name, after the name `after`. */
  environments(after: string, limit: number): Description[] {
    const rows = this.#sql.exec<{ entry: string }>(
      'SELECT entry FROM environments WHERE live = 1 AND name > ? ORDER BY name LIMIT ?',
      after,
      limit,
    )
    return [...rows].map(({ entry }) => JSON.parse(entry))
  }

  /** One page of SDK keys, newest first, after the one at `after` (`[createdAtMs, id]`); of one environment if named. */
  keys(environment: string | null, after: readonly [number, string] | null, limit: number): ListedKey[] {
    const [createdAtMs, id] = after ?? [Number.MAX_SAFE_INTEGER, '']
    const rows = this.#sql.exec<KeyRow>(
      `SELECT ${KEY_COLUMNS} FROM keys
       WHERE (?1 IS NULL OR environment = ?1) AND (created_at < ?2 OR (created_at = ?2 AND id > ?3))
       ORDER BY created_at DESC, id LIMIT ?4`,
      environment,
      createdAtMs,
      id,
      limit,
    )
    return [...rows].map(fromRow)
  }

  key(id: string): ListedKey | null {
    const [row] = this.#sql.exec<KeyRow>(`SELECT ${KEY_COLUMNS} FROM keys WHERE id = ?`, id)
    return row === undefined ? null : fromRow(row)
  }

  /** Puts a report in the place of the last one and drops that one's keys; false if the last one is newer. */
  #replace(name: string, epoch: number, version: number, entry: string | null): boolean {
    const [known] = this.#sql.exec<{ epoch: number; version: number }>(
      'SELECT epoch, version FROM environments WHERE name = ?',
      name,
    )
    if (known && (known.epoch > epoch || (known.epoch === epoch && known.version > version))) return false
    this.#sql.exec('DELETE FROM keys WHERE environment = ?', name)
    this.#sql.exec(
      'INSERT OR REPLACE INTO environments (name, epoch, version, live, entry) VALUES (?, ?, ?, ?, ?)',
      name,
      epoch,
      version,
      entry === null ? 0 : 1,
      entry ?? '',
    )
    return true
  }
}

const fromRow = ({ created_at, ...row }: KeyRow): ListedKey => ({ ...row, createdAtMs: created_at })
