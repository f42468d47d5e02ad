/**
 * Webhooks: who is told of what, what was told, and what could not be. A shell: each public method is one RPC and decides
 * in one transaction, with an entry in the audit log of this object for every change. What signs and where it goes never
 * leaves this object, but for a new secret, once.
 */
import { ok } from '../../engine/index.ts'
import { randomId } from '../auth.ts'
import { type Env, parseConfig } from '../env.ts'
import { failed, invalid } from '../failure.ts'
import type { WebhooksVitals } from '../monitoring/vitals.ts'
import { nearest } from '../nearest.ts'
import { type Author, system } from '../settings.ts'
import {
  type AuditFilter,
  type AuditPosition,
  pageAudit,
  type StoredEntry,
  type Verification,
  verifyAudit,
} from '../storage/audit.ts'
import {
  countDeliveries,
  type Delivery,
  type DeliveryStatus,
  pageDeliveries,
  readDelivery,
} from '../storage/deliveries.ts'
import {
  forgetDeliveriesOf,
  forgetOld,
  giveUpAll,
  nextDueMs,
  nextForgetMs,
  queue,
  replay,
} from '../storage/delivery-queue.ts'
import { transact } from '../storage/recall.ts'
import {
  deleteWebhook,
  forgetOldSecrets,
  nextSecretEndMs,
  readCredentials,
  readWebhook,
  readWebhooks,
  writeWebhook,
} from '../storage/webhooks.ts'
import { MAX_WEBHOOKS, type Webhook } from '../webhook/definition.ts'
import { changedWebhook, newWebhook, type WebhookChange, type WebhookDraft } from '../webhook/draft.ts'
import { type AuditEvent, testEvent } from '../webhook/event.ts'
import { hears } from '../webhook/filter.ts'
import type { Attempt } from '../webhook/retry.ts'
import { send } from '../webhook/send.ts'
import { mintSigningSecret } from '../webhook/signature.ts'
import { AlarmClock } from './alarm-clock.ts'
import type { Answer } from './answers.ts'
import { RestorableObject } from './backup/restorable-object.ts'
import { restoreWebhooks } from './backup/restore-webhooks.ts'
import { webhookLines } from './backup/webhook-lines.ts'
import { Courier } from './courier.ts'
import { eventOf } from './hand-over.ts'
import { migrate, WEBHOOK_MIGRATIONS } from './migrations.ts'
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

export class WebhooksObject extends RestorableObject {
  protected override readonly restorable = {
    ...({ kind: 'webhooks', lines: webhookLines, restore: restoreWebhooks } as const),
    decide: <T>(work: (nowMs: number) => T) => this.#write(work),
  }
  readonly #sql: SqlStorage
  readonly #local: boolean
  readonly #clock: AlarmClock
  readonly #courier: Courier

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#sql = ctx.storage.sql
    migrate(ctx.storage, WEBHOOK_MIGRATIONS)
    this.#local = parseConfig(env).local
    this.#clock = new AlarmClock(ctx)
    this.#courier = new Courier(ctx, {
      local: this.#local,
      gone: (webhook, nowMs) => this.#disable(webhook, 'the target answered 410 Gone', nowMs),
      moved: () => this.#goOn(),
    })
  }

  /** Takes events over, for every webhook that hears of them. The same ones again change nothing. */
  enqueue(events: readonly AuditEvent[]): void {
    this.#write((nowMs) => this.#tell(events, nowMs))
  }

  vitals(): WebhooksVitals {
    const all = this.list()
    const sum = (of: (webhook: ListedWebhook) => number) =>
      all.reduce((total, webhook) => total + of(webhook), 0)
    return {
      webhooks: all.length,
      failing: all.filter(({ enabled, failing }) => enabled && failing).length,
      pending: sum(({ pending }) => pending),
      dead: sum(({ dead }) => dead),
    }
  }

  // Webhooks.

  /** All of them, newest first. */
  list(): ListedWebhook[] {
    return readWebhooks(this.#sql).map((webhook) => this.#listed(webhook))
  }

  get(id: string): Answer<ListedWebhook> {
    return this.#ask(id, (webhook) => ok(this.#listed(webhook)))
  }

  /** Answers the secret too, for the only time. */
  create(draft: WebhookDraft, author: Author): Answer<WebhookWithSecret> {
    return this.#write((nowMs) => {
      if (readWebhooks(this.#sql).length >= MAX_WEBHOOKS)
        return invalid(
          'webhook',
          '$',
          `there are ${MAX_WEBHOOKS} webhooks, which is the most; delete one first`,
        )
      const id = randomId('wh')
      const secret = mintSigningSecret()
      const made = newWebhook(draft, { id, secret, local: this.#local, actor: author.actor, nowMs })
      if (!made.ok) return failed({ reason: 'invalid', what: 'webhook', errors: made.error })
      const { webhook, credentials } = made.value
      writeWebhook(this.#sql, webhook, credentials)
      this.#record({ action: 'webhook.created', before: null, after: webhook, author }, nowMs)
      return ok({ webhook: this.#listed(webhook), secret })
    })
  }

  /** Disabling gives up what waits; enabling, or another URL, forgets what was wrong with it. */
  update(id: string, change: WebhookChange, author: Author): Answer<ListedWebhook> {
    return this.#decide(id, (before, nowMs) => {
      const changed = changedWebhook(before, readCredentials(this.#sql, id), change, this.#local)
      if (!changed.ok) return failed({ reason: 'invalid', what: 'webhook', errors: changed.error })
      const { webhook, credentials } = changed.value
      writeWebhook(this.#sql, webhook, credentials)
      if (!webhook.enabled) giveUpAll(this.#sql, id, 'the webhook was disabled', nowMs)
      // What is secret is named, not told.
      const details = { url: change.url !== undefined, routingKey: change.routingKey !== undefined }
      this.#record({ action: 'webhook.updated', before, after: webhook, author, details }, nowMs)
      return ok(this.#listed(webhook))
    })
  }

  /** Deletes it, and all its deliveries. */
  remove(id: string, author: Author): Answer<null> {
    return this.#decide(id, (before, nowMs) => {
      deleteWebhook(this.#sql, id)
      forgetDeliveriesOf(this.#sql, id)
      this.#record({ action: 'webhook.deleted', before, after: null, author }, nowMs)
      return ok(null)
    })
  }

  /** The secret until now signs for `overlapMs` more, beside the new one; one from an earlier rotation no longer does. */
  rotate(id: string, overlapMs: number, author: Author): Answer<WebhookWithSecret> {
    return this.#decide(id, (before, nowMs) => {
      const credentials = readCredentials(this.#sql, id)
      const secret = mintSigningSecret()
      const untilMs = overlapMs === 0 ? null : nowMs + overlapMs
      const previous = untilMs === null ? null : { secret: credentials.secret, untilMs }
      const after = { ...before, previousSecretUntilMs: untilMs }
      writeWebhook(this.#sql, after, { ...credentials, secret, previous })
      this.#record({ action: 'webhook.secret-rotated', before, after, author }, nowMs)
      return ok({ webhook: this.#listed(after), secret })
    })
  }

  /** Sends an event that tells of nothing, now and once, enabled or not. */
  async sendTest(id: string, author: Author): Promise<Answer<Attempt>> {
    const webhook = readWebhook(this.#sql, id)
    if (webhook === null) return this.#unknown(id)
    const event = testEvent(id, author, crypto.randomUUID(), new Date())
    return ok(await send(event, webhook.format, readCredentials(this.#sql, id), this.#local))
  }

  // Deliveries.

  /** Those below `before`, newest first; of one status if it is named. */
  deliveries(id: string, status: DeliveryStatus | null, before: number, limit: number): Answer<Delivery[]> {
    return this.#ask(id, () => ok(pageDeliveries(this.#sql, id, status, before, limit)))
  }

  /** A delivered or dead one goes out again, with all attempts. */
  replay(id: string, n: number, author: Author): Answer<Delivery> {
    return this.#decide(id, (webhook, nowMs) => {
      const delivery = readDelivery(this.#sql, id, n)
      if (delivery === null)
        return failed({ reason: 'unknown', what: 'delivery', key: String(n), nearest: null })
      if (delivery.status === 'pending')
        return invalid('delivery', 'delivery', 'is pending: it goes out by itself')
      if (!webhook.enabled) return invalid('delivery', 'id', 'is a disabled webhook; enable it first')
      replay(this.#sql, n, nowMs)
      const details = { delivery: n }
      this.#record({ action: 'webhook.replayed', before: webhook, after: webhook, author, details }, nowMs)
      return ok(readDelivery(this.#sql, id, n)!)
    })
  }

  // The audit log of the webhooks themselves.

  audit(filter: AuditFilter, position: AuditPosition, limit: number): StoredEntry[] {
    return pageAudit(this.#sql, filter, position, limit)
  }

  verifyAudit(): Verification {
    return verifyAudit(this.#sql, null)
  }

  /** Sends what is due and forgets what is old. Safe to run at any time, any number of times. */
  override async alarm(): Promise<void> {
    this.#clock.rang()
    this.#write((nowMs) => {
      forgetOld(this.#sql, nowMs)
      forgetOldSecrets(this.#sql, nowMs)
    })
  }

  #ask<T>(id: string, question: (webhook: Webhook) => Answer<T>): Answer<T> {
    const webhook = readWebhook(this.#sql, id)
    return webhook === null ? this.#unknown(id) : question(webhook)
  }

  #decide<T>(id: string, decision: (webhook: Webhook, nowMs: number) => Answer<T>): Answer<T> {
    return this.#write((nowMs) => this.#ask(id, (webhook) => decision(webhook, nowMs)))
  }

  #write<T>(work: (nowMs: number) => T): T {
    try {
      return transact(this.ctx.storage, () => work(Date.now()))
    } finally {
      this.#goOn()
    }
  }

  /** Starts what is due, and sets the alarm for what will be. */
  #goOn(): void {
    const nowMs = Date.now()
    try {
      this.#courier.dispatch(nowMs)
    } finally {
      const due = [nextDueMs(this.#sql, nowMs), nextForgetMs(this.#sql), nextSecretEndMs(this.#sql)]
      const times = due.filter((at) => at !== null)
      this.#clock.set(times.length === 0 ? null : Math.min(...times))
    }
  }

  #tell(events: readonly AuditEvent[], nowMs: number): void {
    const webhooks = readWebhooks(this.#sql)
    for (const event of events)
      for (const webhook of webhooks) if (hears(webhook, event)) queue(this.#sql, webhook.id, event, nowMs)
  }

  /** An entry in the audit log, of which other webhooks hear as of any. */
  #record(act: WebhookAct, nowMs: number): void {
    this.#tell([eventOf(recordWebhook(this.#sql, act, nowMs))], nowMs)
  }

  #disable(before: Webhook, reason: string, nowMs: number): void {
    const after = { ...before, enabled: false, disabledReason: reason }
    writeWebhook(this.#sql, after, readCredentials(this.#sql, before.id))
    giveUpAll(this.#sql, before.id, reason, nowMs)
    this.#record({ action: 'webhook.disabled', before, after, author: system(reason) }, nowMs)
  }

  #listed(webhook: Webhook): ListedWebhook {
    const count = (status: DeliveryStatus) => countDeliveries(this.#sql, webhook.id, status)
    return { ...webhook, pending: count('pending'), dead: count('dead') }
  }

  #unknown(id: string) {
    const known = readWebhooks(this.#sql).map((webhook) => webhook.id)
    return failed({ reason: 'unknown', what: 'webhook', key: id, nearest: nearest(id, known) })
  }
}
