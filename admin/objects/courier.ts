/**
 * Carries out deliveries. What is due is taken with a lease and sent beside everything else, so that a slow target holds up
 * nobody; if this object dies meanwhile, the lease ends and it is sent again: at least once, never silently not at all.
 */
import { logError, logWarn, messageOf } from '../log.ts'
import { type Delivery, readDelivery, readEvent } from '../storage/deliveries.ts'
import { claim, delivered, dueWebhooks, giveUp, putOff } from '../storage/delivery-queue.ts'
import { transact } from '../storage/recall.ts'
import { noteHealth, readCredentials, readWebhook } from '../storage/webhooks.ts'
import type { Webhook } from '../webhook/definition.ts'
import { type Attempt, verdictOf } from '../webhook/retry.ts'
import { ATTEMPT_TIMEOUT_MS, send } from '../webhook/send.ts'
import { type Slot, Slots } from '../webhook/slots.ts'

/** Longer than any attempt that this object lives to see the end of. */
const LEASE_MS = ATTEMPT_TIMEOUT_MS + 5_000

export interface CourierParts {
  readonly local: boolean
  /** In the transaction that notes it: the target wants nothing more. */
  readonly gone: (webhook: Webhook, nowMs: number) => void
  /** After that transaction: something else may be due now. */
  readonly moved: () => void
}

export class Courier {
  readonly #ctx: DurableObjectState
  readonly #sql: SqlStorage
  readonly #parts: CourierParts
  readonly #slots = new Slots()

  constructor(ctx: DurableObjectState, parts: CourierParts) {
    this.#ctx = ctx
    this.#sql = ctx.storage.sql
    this.#parts = parts
  }

  /** Starts what is due and has a slot, and waits for nothing. */
  dispatch(nowMs: number): void {
    for (const { id, failing } of dueWebhooks(this.#sql, nowMs)) {
      for (;;) {
        const slot = this.#slots.take(id, failing)
        const delivery = slot === null ? null : claim(this.#sql, id, nowMs, LEASE_MS)
        if (slot === null) break
        if (delivery === null) {
          this.#slots.giveBack(slot)
          break
        }
        this.#ctx.waitUntil(this.#deliver(delivery, slot))
      }
    }
  }

  async #deliver(delivery: Delivery, slot: Slot): Promise<void> {
    try {
      const { format } = readWebhook(this.#sql, delivery.webhook)!
      const event = readEvent(this.#sql, delivery.eventId)
      const credentials = readCredentials(this.#sql, delivery.webhook)
      const attempt = await send(event, format, credentials, this.#parts.local)
      transact(this.#ctx.storage, () => this.#note(delivery, attempt, Date.now()))
    } catch (thrown) {
      const { webhook, n } = delivery
      logError('delivery-broken', { webhook, delivery: n, cause: messageOf(thrown), retryInMs: LEASE_MS })
    } finally {
      this.#slots.giveBack(slot)
      this.#parts.moved()
    }
  }

  #note({ n, webhook: id }: Delivery, attempt: Attempt, nowMs: number): void {
    const webhook = readWebhook(this.#sql, id)
    const now = readDelivery(this.#sql, id, n)
    // Deleted, or given up with its webhook, while the target was answering.
    if (webhook === null || now?.status !== 'pending') return
    const { problem, retryAfterMs } = attempt
    const made = { attempts: now.attempts + 1, sinceMs: now.sinceMs ?? nowMs }
    const verdict = verdictOf(attempt, made, nowMs, Math.random())
    noteHealth(this.#sql, id, problem !== null, retryAfterMs === null ? 0 : nowMs + retryAfterMs)
    const fields = { webhook: id, delivery: n, attempts: made.attempts, problem }
    switch (verdict.outcome) {
      case 'delivered':
        return delivered(this.#sql, n, attempt, nowMs)
      case 'retry':
        if (!webhook.failing) logWarn('webhook-failing', fields)
        return putOff(this.#sql, n, attempt, verdict.dueMs)
      case 'dead':
        logError('webhook-dead-letter', fields)
        return giveUp(this.#sql, n, problem!, attempt, nowMs)
      case 'gone':
        logError('webhook-gone', fields)
        giveUp(this.#sql, n, problem!, attempt, nowMs)
        return this.#parts.gone(webhook, nowMs)
    }
  }
}
