/**
 * Changes of webhooks, each with an entry in the audit log of their object, of which other webhooks hear as of any. What is secret is
 * answered once, where it is new, and told to nobody else. Inside the caller's transaction.
 */
import { ok } from '../../engine/index.ts'
import { randomId } from '../auth.ts'
import { failed, invalid } from '../failure.ts'
import { type Author, system } from '../settings.ts'
import { countDeliveries, type Delivery, type DeliveryStatus, readDelivery } from '../storage/deliveries.ts'
import { forgetDeliveriesOf, giveUpAll, queue, replay } from '../storage/delivery-queue.ts'
import { deleteWebhook, readCredentials, readWebhooks, writeWebhook } from '../storage/webhooks.ts'
import { MAX_WEBHOOKS, type Webhook } from '../webhook/definition.ts'
import { changedWebhook, newWebhook, type WebhookChange, type WebhookDraft } from '../webhook/draft.ts'
import type { AuditEvent } from '../webhook/event.ts'
import { hears } from '../webhook/filter.ts'
import { mintSigningSecret } from '../webhook/signature.ts'
import type { Answer } from './answers.ts'
import { eventOf } from './hand-over.ts'
import { recordWebhook, type WebhookAct } from './recording.ts'

/** A webhook, and what waits for it or failed. */
export interface ListedWebhook extends Webhook {
  readonly pending: number
  readonly dead: number
}

export interface WebhookWithSecret {
  readonly webhook: ListedWebhook
  readonly secret: string
}

export function listed(sql: SqlStorage, webhook: Webhook): ListedWebhook {
  const count = (status: DeliveryStatus) => countDeliveries(sql, webhook.id, status)
  return { ...webhook, pending: count('pending'), dead: count('dead') }
}

/** Puts events on their way to every webhook that hears of them. The same ones again change nothing. */
export function tell(sql: SqlStorage, events: readonly AuditEvent[], nowMs: number): void {
  const webhooks = readWebhooks(sql)
  for (const event of events)
    for (const webhook of webhooks) if (hears(webhook, event)) queue(sql, webhook.id, event, nowMs)
}

/** `local`: of a local run, whose targets may be on this machine. */
export function createWebhook(
  sql: SqlStorage,
  draft: WebhookDraft,
  local: boolean,
  author: Author,
  nowMs: number,
): Answer<WebhookWithSecret> {
  if (readWebhooks(sql).length >= MAX_WEBHOOKS)
    return invalid('webhook', '$', `there are ${MAX_WEBHOOKS} webhooks, which is the most; delete one first`)
  const id = randomId('wh')
  const secret = mintSigningSecret()
  const made = newWebhook(draft, { id, secret, local, actor: author.actor, nowMs })
  if (!made.ok) return failed({ reason: 'invalid', what: 'webhook', errors: made.error })
  const { webhook, credentials } = made.value
  writeWebhook(sql, webhook, credentials)
  record(sql, { action: 'webhook.created', before: null, after: webhook, author }, nowMs)
  return ok({ webhook: listed(sql, webhook), secret })
}

/** Disabling gives up what waits; enabling, or another URL, forgets what was wrong with it. */
export function updateWebhook(
  sql: SqlStorage,
  before: Webhook,
  change: WebhookChange,
  local: boolean,
  author: Author,
  nowMs: number,
): Answer<ListedWebhook> {
  const changed = changedWebhook(before, readCredentials(sql, before.id), change, local)
  if (!changed.ok) return failed({ reason: 'invalid', what: 'webhook', errors: changed.error })
  const { webhook, credentials } = changed.value
  writeWebhook(sql, webhook, credentials)
  if (!webhook.enabled) giveUpAll(sql, webhook.id, 'the webhook was disabled', nowMs)
  // What is secret is named, not told.
  const details = { url: change.url !== undefined, routingKey: change.routingKey !== undefined }
  record(sql, { action: 'webhook.updated', before, after: webhook, author, details }, nowMs)
  return ok(listed(sql, webhook))
}

/** With all its deliveries. */
export function removeWebhook(sql: SqlStorage, before: Webhook, author: Author, nowMs: number): Answer<null> {
  deleteWebhook(sql, before.id)
  forgetDeliveriesOf(sql, before.id)
  record(sql, { action: 'webhook.deleted', before, after: null, author }, nowMs)
  return ok(null)
}

/** Of a target that wants to hear no more: what waits is given up. */
export function disableWebhook(sql: SqlStorage, before: Webhook, reason: string, nowMs: number): void {
  const after = { ...before, enabled: false, disabledReason: reason }
  writeWebhook(sql, after, readCredentials(sql, before.id))
  giveUpAll(sql, before.id, reason, nowMs)
  record(sql, { action: 'webhook.disabled', before, after, author: system(reason) }, nowMs)
}

/** The secret until now signs for `overlapMs` more, beside the new one; one from an earlier rotation no longer does. */
export function rotateSecret(
  sql: SqlStorage,
  before: Webhook,
  overlapMs: number,
  author: Author,
  nowMs: number,
): Answer<WebhookWithSecret> {
  const credentials = readCredentials(sql, before.id)
  const secret = mintSigningSecret()
  const untilMs = overlapMs === 0 ? null : nowMs + overlapMs
  const previous = untilMs === null ? null : { secret: credentials.secret, untilMs }
  const after = { ...before, previousSecretUntilMs: untilMs }
  writeWebhook(sql, after, { ...credentials, secret, previous })
  record(sql, { action: 'webhook.secret-rotated', before, after, author }, nowMs)
  return ok({ webhook: listed(sql, after), secret })
}

/** A delivered or dead delivery goes out again, with all attempts. */
export function replayDelivery(
  sql: SqlStorage,
  webhook: Webhook,
  n: number,
  author: Author,
  nowMs: number,
): Answer<Delivery> {
  const delivery = readDelivery(sql, webhook.id, n)
  if (delivery === null) return failed({ reason: 'unknown', what: 'delivery', key: String(n), nearest: null })
  if (delivery.status === 'pending')
    return invalid('delivery', 'delivery', 'is pending: it goes out by itself')
  if (!webhook.enabled) return invalid('delivery', 'id', 'is a disabled webhook; enable it first')
  replay(sql, n, nowMs)
  const details = { delivery: n }
  record(sql, { action: 'webhook.replayed', before: webhook, after: webhook, author, details }, nowMs)
  return ok(readDelivery(sql, webhook.id, n)!)
}

function record(sql: SqlStorage, act: WebhookAct, nowMs: number): void {
  tell(sql, [eventOf(recordWebhook(sql, act, nowMs))], nowMs)
}
