/**
 * Webhooks: who is told of what, what was told, and what could not be. A shell: each public method is one RPC and decides
 * in one transaction, with an entry in the audit log of this object for every change. What signs and where it goes never
 * leaves this object, but for a new secret, once.
 */
import { ok } from '../../engine/index.ts'
import { type Env, parseConfig } from '../env.ts'
import { failed } from '../failure.ts'
import type { WebhooksVitals } from '../monitoring/vitals.ts'
import { nearest } from '../nearest.ts'
import type { Author } from '../settings.ts'
import { type Delivery, type DeliveryStatus, pageDeliveries } from '../storage/deliveries.ts'
import { forgetOld, nextDueMs, nextForgetMs } from '../storage/delivery-queue.ts'
import { transact } from '../storage/recall.ts'
import {
  forgetOldSecrets,
  nextSecretEndMs,
  readCredentials,
  readWebhook,
  readWebhooks,
} from '../storage/webhooks.ts'
import type { Webhook } from '../webhook/definition.ts'
import type { WebhookChange, WebhookDraft } from '../webhook/draft.ts'
import { type AuditEvent, testEvent } from '../webhook/event.ts'
import type { Attempt } from '../webhook/retry.ts'
import { send } from '../webhook/send.ts'
import { AlarmClock } from './alarm-clock.ts'
import type { Answer } from './answers.ts'
import { RestorableObject } from './backup/restorable-object.ts'
import { restoreWebhooks } from './backup/restore-webhooks.ts'
import { webhookLines } from './backup/webhook-lines.ts'
import { Courier } from './courier.ts'
import { migrate, WEBHOOK_MIGRATIONS } from './migrations.ts'
import {
  createWebhook,
  disableWebhook,
  type ListedWebhook,
  listed,
  removeWebhook,
  replayDelivery,
  rotateSecret,
  tell,
  updateWebhook,
  type WebhookWithSecret,
} from './webhook-changes.ts'

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
      gone: (webhook, nowMs) => disableWebhook(this.#sql, webhook, 'the target answered 410 Gone', nowMs),
      moved: () => this.#goOn(),
    })
  }

  /** Takes events over, for every webhook that hears of them. The same ones again change nothing. */
  enqueue(events: readonly AuditEvent[]): void {
    this.#write((nowMs) => tell(this.#sql, events, nowMs))
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
    return readWebhooks(this.#sql).map((webhook) => listed(this.#sql, webhook))
  }

  get(id: string): Answer<ListedWebhook> {
    return this.#ask(id, (webhook) => ok(listed(this.#sql, webhook)))
  }

  /** Answers the secret too, for the only time. */
  create(draft: WebhookDraft, author: Author): Answer<WebhookWithSecret> {
    return this.#write((nowMs) => createWebhook(this.#sql, draft, this.#local, author, nowMs))
  }

  /** Disabling gives up what waits; enabling, or another URL, forgets what was wrong with it. */
  update(id: string, change: WebhookChange, author: Author): Answer<ListedWebhook> {
    return this.#decide(id, (before, nowMs) =>
      updateWebhook(this.#sql, before, change, this.#local, author, nowMs),
    )
  }

  /** Deletes it, and all its deliveries. */
  remove(id: string, author: Author): Answer<null> {
    return this.#decide(id, (before, nowMs) => removeWebhook(this.#sql, before, author, nowMs))
  }

  /** The secret until now signs for `overlapMs` more, beside the new one; one from an earlier rotation no longer does. */
  rotate(id: string, overlapMs: number, author: Author): Answer<WebhookWithSecret> {
    return this.#decide(id, (before, nowMs) => rotateSecret(this.#sql, before, overlapMs, author, nowMs))
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
    return this.#decide(id, (webhook, nowMs) => replayDelivery(this.#sql, webhook, n, author, nowMs))
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

  #unknown(id: string) {
    const known = readWebhooks(this.#sql).map((webhook) => webhook.id)
    return failed({ reason: 'unknown', what: 'webhook', key: id, nearest: nearest(id, known) })
  }
}
