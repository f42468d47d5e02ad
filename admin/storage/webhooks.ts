/** Webhooks as rows. Only `readCredentials` gives out what is secret. */
import type { Credentials, Format, Webhook } from '../webhook/definition.ts'
import { hostOf } from '../webhook/target.ts'

export const WEBHOOK_TABLES = `
  CREATE TABLE webhooks (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, format TEXT NOT NULL, events TEXT NOT NULL, environments TEXT NOT NULL,
    enabled INTEGER NOT NULL, disabled_reason TEXT, url TEXT NOT NULL, routing_key TEXT, secret TEXT NOT NULL,
    previous_secret TEXT, previous_until INTEGER, failing INTEGER NOT NULL, paused_until INTEGER NOT NULL,
    created_at INTEGER NOT NULL, created_by TEXT NOT NULL
  ) WITHOUT ROWID;`

type Row = {
  id: string
  name: string
  format: Format
  events: string
  environments: string
  enabled: number
  disabled_reason: string | null
  url: string
  routing_key: string | null
  secret: string
  previous_secret: string | null
  previous_until: number | null
  failing: number
  paused_until: number
  created_at: number
  created_by: string
}

export function readWebhook(sql: SqlStorage, id: string): Webhook | null {
  const [row] = sql.exec<Row>('SELECT * FROM webhooks WHERE id = ?', id)
  return row === undefined ? null : fromRow(row)
}

/** All of them, newest first. */
export const readWebhooks = (sql: SqlStorage): Webhook[] =>
  [...sql.exec<Row>('SELECT * FROM webhooks ORDER BY created_at DESC, id')].map(fromRow)

/** Of a webhook that exists. */
export function readCredentials(sql: SqlStorage, id: string): Credentials {
  const row = sql.exec<Row>('SELECT * FROM webhooks WHERE id = ?', id).one()
  const { url, routing_key, secret, previous_secret, previous_until } = row
  const previous = previous_secret === null ? null : { secret: previous_secret, untilMs: previous_until! }
  return { url, routingKey: routing_key, secret, previous }
}

export function writeWebhook(sql: SqlStorage, webhook: Webhook, credentials: Credentials): void {
  const { url, routingKey, secret, previous } = credentials
  sql.exec(
    `INSERT OR REPLACE INTO webhooks (id, name, format, events, environments, enabled, disabled_reason, url, routing_key,
       secret, previous_secret, previous_until, failing, paused_until, created_at, created_by)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    webhook.id,
    webhook.name,
    webhook.format,
    JSON.stringify(webhook.events),
    JSON.stringify(webhook.environments),
    webhook.enabled ? 1 : 0,
    webhook.disabledReason,
    url,
    routingKey,
    secret,
    previous?.secret ?? null,
    previous?.untilMs ?? null,
    webhook.failing ? 1 : 0,
    webhook.pausedUntilMs,
    webhook.createdAtMs,
    webhook.createdBy,
  )
}

/** How its target last answered, and until when it wants to be left alone. */
export function noteHealth(sql: SqlStorage, id: string, failing: boolean, pausedUntilMs: number): void {
  sql.exec(
    'UPDATE webhooks SET failing = ?, paused_until = ? WHERE id = ?',
    failing ? 1 : 0,
    pausedUntilMs,
    id,
  )
}

/** Forgets secrets that no longer sign. */
export function forgetOldSecrets(sql: SqlStorage, nowMs: number): void {
  sql.exec(
    'UPDATE webhooks SET previous_secret = NULL, previous_until = NULL WHERE previous_until <= ?',
    nowMs,
  )
}

/** When the next secret no longer signs. */
export const nextSecretEndMs = (sql: SqlStorage): number | null =>
  sql.exec<{ at: number | null }>('SELECT MIN(previous_until) AS at FROM webhooks').one().at

export function deleteWebhook(sql: SqlStorage, id: string): void {
  sql.exec('DELETE FROM webhooks WHERE id = ?', id)
}

const fromRow = (row: Row): Webhook => ({
  id: row.id,
  name: row.name,
  format: row.format,
  host: hostOf(row.url),
  events: JSON.parse(row.events),
  environments: JSON.parse(row.environments),
  enabled: row.enabled === 1,
  disabledReason: row.disabled_reason,
  failing: row.failing === 1,
  pausedUntilMs: row.paused_until,
  previousSecretUntilMs: row.previous_until,
  createdAtMs: row.created_at,
  createdBy: row.created_by,
})
