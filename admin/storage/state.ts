/** Where an environment stands: its one row. Kept, without its content, when the environment is deleted: epochs only grow. */
import { drop, forget, recall, remember } from './recall.ts'

export interface State {
  readonly name: string
  readonly epoch: number
  /** Version of the current snapshot. */
  readonly version: number
  /** Version of the kill list. */
  readonly kills: number
  /** ms since 1970 */
  readonly createdAtMs: number
}

type Row = { name: string; epoch: number; version: number; kills: number; created_at: number; live: number }

const ROW = 'environment'

const row = (sql: SqlStorage): Row | undefined =>
  recall(
    sql,
    ROW,
    () => [...sql.exec<Row>('SELECT name, epoch, version, kills, created_at, live FROM environment')][0],
  )

/** `null`: never created, or deleted. */
export function readState(sql: SqlStorage): State | null {
  const found = row(sql)
  if (found === undefined || found.live === 0) return null
  const { name, epoch, version, kills, created_at } = found
  return { name, epoch, version, kills, createdAtMs: created_at }
}

/** Where an environment stands or, deleted, last stood. */
export interface Lineage extends State {
  readonly live: boolean
}

/** The environment that is or was here; `null`: there never was one. */
export function readLineage(sql: SqlStorage): Lineage | null {
  const found = row(sql)
  if (found === undefined) return null
  const { created_at, live, ...rest } = found
  return { ...rest, createdAtMs: created_at, live: live === 1 }
}

export function writeState(sql: SqlStorage, { name, epoch, version, kills, createdAtMs }: State): void {
  sql.exec(
    `INSERT OR REPLACE INTO environment (id, name, epoch, version, kills, created_at, live) VALUES (1, ?, ?, ?, ?, ?, 1)`,
    name,
    epoch,
    version,
    kills,
    createdAtMs,
  )
  const row: Row = { name, epoch, version, kills, created_at: createdAtMs, live: 1 }
  remember(sql, ROW, row)
}

/** An environment that was deleted: only its log is left. */
export function writeDeleted(sql: SqlStorage, state: State): void {
  writeState(sql, state)
  sql.exec('UPDATE environment SET live = 0')
  drop(sql, ROW)
}

/** Everything of an environment but its row, its audit log, reviews of it, and what the outbox still has to say. */
const HISTORY = [
  ...['versions', 'entities', 'bodies', 'snapshot_lines', 'labels'],
  ...['approvals', 'approval_changes', 'schedules', 'schedule_before', 'windows', 'freezes'],
  ...['store', 'store_texts'],
]
const CONTENT = [
  ...HISTORY,
  ...['kills', 'kill_versions', 'locations', 'recovery', 'known_targets', 'previews', 'preview_keys'],
]

/** Makes room for another history: kills stay in force, and what edges were told is not forgotten. */
export function clearHistory(sql: SqlStorage): void {
  for (const table of HISTORY) sql.exec(`DELETE FROM ${table}`)
  forget(sql)
}

/** Deletes the content, as one version more. */
export function clearState(sql: SqlStorage): void {
  sql.exec('UPDATE environment SET live = 0, version = version + 1')
  for (const table of CONTENT) sql.exec(`DELETE FROM ${table}`)
  forget(sql)
}
