/** Entries of the audit log for what makes no version of the document. Inside the caller's transaction. */
import { changedEntities } from '../audit/change.ts'
import type { AuditRecord } from '../audit/entry.ts'
import type { Act, Author } from '../settings.ts'
import { appendAudit, pageAudit, type StoredEntry } from '../storage/audit.ts'
import type { KillRecord } from '../storage/kills.ts'
import type { Webhook } from '../webhook/definition.ts'

type More = Partial<Pick<AuditRecord, 'version' | 'kills' | 'changes' | 'details'>>

/** `environment`: `null` for the control plane itself. Returns the entry's number. */
export function record(
  sql: SqlStorage,
  environment: string | null,
  { action, subject, author }: Act,
  nowMs: number,
  { version = null, kills = null, changes = [], details = {} }: More = {},
): number {
  const { actor, reason, requestId, address } = author
  const what = { action, subject, actor, reason, requestId, address, version, kills }
  return appendAudit(
    sql,
    environment,
    { ...what, changes, changeCount: changes.length, details: { ...author.details, ...details } },
    nowMs,
  ).seq
}

export interface KillChange {
  readonly action: `kill.${'placed' | 'lifted' | 'expired' | 'extended' | 'recovered'}`
  /** At least one is not `null`. */
  readonly before: KillRecord | null
  readonly after: KillRecord | null
  readonly author: Author
}

/** `kills`: the version of the list that holds the change; `null`: what holds did not change. */
export function recordKill(
  sql: SqlStorage,
  environment: string,
  kills: number | null,
  { action, before, after, author }: KillChange,
  nowMs: number,
): number {
  const subject = `kill:${(after ?? before)!.target}`
  const changes = changedEntities([{ subject, before: killText(before), after: killText(after) }])
  const reason = author.reason ?? after?.reason ?? null
  return record(sql, environment, { action, subject, author: { ...author, reason } }, nowMs, {
    kills,
    changes,
  })
}

function killText(kill: KillRecord | null): string | null {
  if (kill === null) return null
  const { target, variant, reason, actor, createdAtMs, expiresAtMs, onExpiry } = kill
  const createdAt = new Date(createdAtMs).toISOString()
  const expiresAt = expiresAtMs === null ? null : new Date(expiresAtMs).toISOString()
  return JSON.stringify({ target, variant, reason, actor, createdAt, expiresAt, onExpiry })
}

export interface WebhookAct {
  readonly action: `webhook.${'created' | 'updated' | 'deleted' | 'disabled' | 'secret-rotated' | 'replayed'}`
  /** At least one is not `null`. */
  readonly before: Webhook | null
  readonly after: Webhook | null
  readonly author: Author
  readonly details?: AuditRecord['details']
}

/** Returns the entry as stored. */
export function recordWebhook(sql: SqlStorage, act: WebhookAct, nowMs: number): StoredEntry {
  const { action, before, after, author, details = {} } = act
  const subject = `webhook:${(after ?? before)!.id}`
  const texts = { before: webhookText(before), after: webhookText(after) }
  const changes = texts.before === texts.after ? [] : changedEntities([{ subject, ...texts }])
  const seq = record(sql, null, { action, subject, author }, nowMs, { changes, details })
  return pageAudit(sql, {}, { after: seq - 1 }, 1)[0]!
}

/** What an operator decided about it; how its target fares is no change. A `Webhook` holds no secret. */
function webhookText(webhook: Webhook | null): string | null {
  if (webhook === null) return null
  const { name, format, host, events, environments, enabled, disabledReason } = webhook
  return JSON.stringify({ name, format, host, events, environments, enabled, disabledReason })
}
