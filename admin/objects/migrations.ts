/**
 * Numbered migrations of an object's SQLite database. Each runs once, in order, in one transaction with its number.
 * A released migration never changes; a change of the schema is a new one.
 */

import { APPROVAL_TABLES } from '../storage/approvals.ts'
import { AUDIT_TABLES, AUDIT_TEXT_COLUMN } from '../storage/audit.ts'
import { ASIDE_TABLES } from '../storage/audit-import.ts'
import { CACHE_EPOCH_TABLE } from '../storage/cache-epoch.ts'
import { CALENDAR_TABLES } from '../storage/calendar.ts'
import { CLOSING_TABLE } from '../storage/closings.ts'
import { DELIVERY_TABLES } from '../storage/deliveries.ts'
import { FLAG_COUNT_PARTS, FLAG_COUNT_TABLE } from '../storage/flag-counts.ts'
import { GRANT_TABLES } from '../storage/grants.ts'
import { HEALTH_EVENT_TABLES, HEALTH_TABLES } from '../storage/health.ts'
import { LABEL_TABLES } from '../storage/labels.ts'
import { LISTENER_TABLE } from '../storage/listeners.ts'
import { MIRROR_TABLES, MIRROR_TOTALS_TABLE } from '../storage/mirrors.ts'
import { PREVIEW_TABLES } from '../storage/previews.ts'
import { RECOVERY_TABLES } from '../storage/recovery.ts'
import { RESERVATION_TABLES } from '../storage/reservations.ts'
import { REVIEW_TABLES } from '../storage/reviews.ts'
import { SCHEDULE_BEFORE_TABLE, SCHEDULE_TABLES } from '../storage/schedules.ts'
import { moveSnapshots, SNAPSHOT_TABLES } from '../storage/snapshots.ts'
import { STORE_TABLES } from '../storage/store-state.ts'
import { WEBHOOK_TABLES } from '../storage/webhooks.ts'
import { STAGE_TABLES } from './backup/stage.ts'
import { HAND_OVER_TABLE } from './hand-over.ts'

export type Migration = (sql: SqlStorage) => void

export function migrate(storage: DurableObjectStorage, migrations: readonly Migration[]): void {
  const { sql } = storage
  sql.exec('CREATE TABLE IF NOT EXISTS migrations (n INTEGER PRIMARY KEY)')
  const { done } = sql.exec<{ done: number }>('SELECT COALESCE(MAX(n), 0) AS done FROM migrations').one()
  for (const [at, migration] of migrations.entries()) {
    const n = at + 1
    if (n <= done) continue
    storage.transactionSync(() => {
      migration(sql)
      sql.exec('INSERT INTO migrations (n) VALUES (?)', n)
    })
  }
}

/** Work owed to the outside after a commit (outbox.ts): owed while `wanted` is above `done`. Times in ms since 1970. */
const OUTBOX = `
  CREATE TABLE outbox (
    effect TEXT PRIMARY KEY, wanted INTEGER NOT NULL, done INTEGER NOT NULL,
    due_at INTEGER NOT NULL, done_at INTEGER NOT NULL, attempts INTEGER NOT NULL
  ) WITHOUT ROWID;`

/** Tables whose numbers people name, and what else is in them. */
const NUMBERED = [
  [
    'approvals',
    'created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, status TEXT NOT NULL, entry TEXT NOT NULL',
  ],
  ['schedules', 'due_at INTEGER, status TEXT NOT NULL, entry TEXT NOT NULL'],
  ['windows', 'entry TEXT NOT NULL'],
  ['freezes', 'entry TEXT NOT NULL'],
] as const

/** A number once given is never given again, whatever was deleted: who means an old one must not meet another. */
const numberedOnce = (table: string, columns: string): string => `
  ALTER TABLE ${table} RENAME TO old_${table};
  CREATE TABLE ${table} (n INTEGER PRIMARY KEY AUTOINCREMENT, ${columns});
  INSERT INTO ${table} SELECT * FROM old_${table};
  DROP TABLE old_${table};`

/** Tables of `EnvironmentObject`; what their columns mean stands where they are used, in storage/. */
export const ENVIRONMENT_MIGRATIONS: readonly Migration[] = [
  (sql) =>
    sql.exec(`
      CREATE TABLE environment (
        id INTEGER PRIMARY KEY CHECK (id = 1), name TEXT NOT NULL, epoch INTEGER NOT NULL, version INTEGER NOT NULL,
        kills INTEGER NOT NULL, created_at INTEGER NOT NULL, live INTEGER NOT NULL
      );
      CREATE TABLE versions (
        n INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, created_at INTEGER NOT NULL, actor TEXT NOT NULL, reason TEXT
      );
      CREATE TABLE entities (
        kind TEXT NOT NULL, key TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER, hash TEXT NOT NULL,
        PRIMARY KEY (kind, key, since)
      ) WITHOUT ROWID;
      CREATE UNIQUE INDEX entities_current ON entities (kind, key) WHERE until IS NULL;
      CREATE INDEX entities_since ON entities (since);
      CREATE INDEX entities_until ON entities (until) WHERE until IS NOT NULL;
      CREATE INDEX entities_hash ON entities (hash);
      CREATE TABLE bodies (hash TEXT NOT NULL, part INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (hash, part));
      CREATE TABLE snapshots (
        version INTEGER NOT NULL, part INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (version, part)
      );
      CREATE TABLE kills (
        target TEXT PRIMARY KEY, variant TEXT, reason TEXT NOT NULL, actor TEXT NOT NULL, created_at INTEGER NOT NULL,
        expires_at INTEGER, duration INTEGER, on_expiry TEXT NOT NULL
      ) WITHOUT ROWID;
      ${OUTBOX}`),
  (sql) => sql.exec(AUDIT_TABLES),
  (sql) =>
    sql.exec(`
      CREATE TABLE kill_versions (n INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, created_at INTEGER NOT NULL);
      CREATE TABLE locations (name TEXT PRIMARY KEY) WITHOUT ROWID;`),
  (sql) => sql.exec(HAND_OVER_TABLE),
  (sql) =>
    sql.exec(`${APPROVAL_TABLES} ${SCHEDULE_TABLES} ${CALENDAR_TABLES} ${REVIEW_TABLES} ${LABEL_TABLES}`),
  // When it last changed, ms since 1970, also where its version is not kept any more; `NULL`: written before this column.
  (sql) => sql.exec('ALTER TABLE entities ADD COLUMN changed_at INTEGER'),
  (sql) => sql.exec(SCHEDULE_BEFORE_TABLE),
  (sql) => sql.exec(STORE_TABLES),
  (sql) => {
    for (const [table, columns] of NUMBERED) sql.exec(numberedOnce(table, columns))
    sql.exec('CREATE INDEX schedules_due ON schedules (due_at) WHERE due_at IS NOT NULL')
  },
  (sql) => {
    sql.exec(SNAPSHOT_TABLES)
    moveSnapshots(sql)
  },
  (sql) => sql.exec(`${STAGE_TABLES} ${ASIDE_TABLES}`),
  (sql) => sql.exec(RECOVERY_TABLES),
  (sql) => sql.exec(PREVIEW_TABLES),
  (sql) => sql.exec(CACHE_EPOCH_TABLE),
  (sql) => sql.exec(CLOSING_TABLE),
  (sql) => sql.exec(AUDIT_TEXT_COLUMN),
]

/** Tables of `ProjectObject`. A deleted environment keeps its row, so that a late report cannot bring it back. */
export const PROJECT_MIGRATIONS: readonly Migration[] = [
  (sql) =>
    sql.exec(`
      CREATE TABLE environments (
        name TEXT PRIMARY KEY, epoch INTEGER NOT NULL, version INTEGER NOT NULL, live INTEGER NOT NULL, entry TEXT NOT NULL
      ) WITHOUT ROWID;
      CREATE TABLE keys (
        id TEXT PRIMARY KEY, environment TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, created_at INTEGER NOT NULL
      ) WITHOUT ROWID;
      CREATE INDEX keys_environment ON keys (environment);`),
  (sql) => sql.exec(`${AUDIT_TABLES} ${GRANT_TABLES}`),
  (sql) => sql.exec(`${OUTBOX} ${HAND_OVER_TABLE}`),
  (sql) => sql.exec(`${STAGE_TABLES} ${ASIDE_TABLES}`),
  (sql) => sql.exec(LISTENER_TABLE),
  (sql) => sql.exec(AUDIT_TEXT_COLUMN),
]

/** Tables of `WebhooksObject`. */
export const WEBHOOK_MIGRATIONS: readonly Migration[] = [
  (sql) => sql.exec(`${AUDIT_TABLES} ${WEBHOOK_TABLES} ${DELIVERY_TABLES}`),
  (sql) => sql.exec(`${STAGE_TABLES} ${ASIDE_TABLES}`),
  (sql) => sql.exec(AUDIT_TEXT_COLUMN),
]

/** Tables of `IdempotencyObject`. */
export const IDEMPOTENCY_MIGRATIONS: readonly Migration[] = [(sql) => sql.exec(RESERVATION_TABLES)]

/** Tables of `HealthObject`. */
export const HEALTH_MIGRATIONS: readonly Migration[] = [
  (sql) => sql.exec(HEALTH_TABLES),
  (sql) => sql.exec(HEALTH_EVENT_TABLES),
]

/** The one row of `MetricsObject`, where a new location is silent until it is heard, and what applications told of flags. */
export const METRICS_MIGRATIONS: readonly Migration[] = [
  (sql) =>
    sql.exec(`
      CREATE TABLE location (
        id INTEGER PRIMARY KEY CHECK (id = 1), told_epoch INTEGER NOT NULL, seen_at INTEGER, silent INTEGER NOT NULL
      );
      INSERT INTO location (id, told_epoch, seen_at, silent) VALUES (1, 0, NULL, 1);`),
  (sql) => sql.exec(FLAG_COUNT_TABLE),
  (sql) => sql.exec(FLAG_COUNT_PARTS),
  (sql) => sql.exec(MIRROR_TABLES),
  (sql) => sql.exec(MIRROR_TOTALS_TABLE),
]
