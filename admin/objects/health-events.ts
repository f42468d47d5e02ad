/**
 * Tells webhooks when an address becomes unhealthy and when it no longer is, once each, in order. An event is stored with the check
 * that it is about, and handed over afterwards until it is taken; one that is handed over twice `WebhooksObject` notices.
 */
import type { Env } from '../env.ts'
import { ailingAfter, eventOf, turnsOf } from '../health/turns.ts'
import { logWarn, messageOf } from '../log.ts'
import {
  addUntold,
  dropUntold,
  type HeldCheck,
  readAiling,
  readUntold,
  writeAiling,
} from '../storage/health.ts'
import { callWebhooks } from '../stubs.ts'

/** Events of one call. */
const BATCH = 50
/** After the webhooks could not be told. */
const RETRY_MS = 5_000
/** One that takes longer has died with an earlier instance. */
const GRACE_MS = 30_000

interface Circumstances {
  readonly env: Env
  /** Called when something was handed over, or could not be. */
  readonly moved: () => void
}

export class HealthEvents {
  readonly #ctx: DurableObjectState
  readonly #sql: SqlStorage
  readonly #circumstances: Circumstances
  #ailing: ReadonlySet<string>
  #hasUntold: boolean
  #isHanding = false
  #restsUntilMs = Number.NEGATIVE_INFINITY

  constructor(ctx: DurableObjectState, circumstances: Circumstances) {
    this.#ctx = ctx
    this.#sql = ctx.storage.sql
    this.#circumstances = circumstances
    this.#ailing = readAiling(this.#sql)
    this.#hasUntold = readUntold(this.#sql, 1).length > 0
  }

  /** Notes what has turned. In the transaction that stores the checks, and last. */
  note(environment: string, checks: Iterable<HeldCheck>, nowMs: number): void {
    const turns = turnsOf(this.#ailing, checks)
    if (turns.length === 0) return
    const ailing = ailingAfter(this.#ailing, turns)
    writeAiling(this.#sql, ailing)
    for (const turn of turns) addUntold(this.#sql, eventOf(turn, environment, nowMs))
    this.#ailing = ailing
    this.#hasUntold = true
  }

  /** Begins to hand over what is due; waits for nothing. */
  dispatch(nowMs: number): void {
    if (this.#hasUntold && !this.#isHanding && nowMs >= this.#restsUntilMs)
      this.#ctx.waitUntil(this.#handOver())
  }

  /** When to dispatch again, ms since 1970; `null`: there is nothing to tell. */
  dueMs(nowMs: number): number | null {
    if (!this.#hasUntold) return null
    return this.#isHanding ? nowMs + GRACE_MS : Math.max(this.#restsUntilMs, nowMs)
  }

  async #handOver(): Promise<void> {
    const { env, moved } = this.#circumstances
    this.#isHanding = true
    try {
      for (;;) {
        const untold = readUntold(this.#sql, BATCH)
        this.#hasUntold = untold.length > 0
        if (!this.#hasUntold) break
        await callWebhooks(env, (stub) => stub.enqueue(untold.map(({ event }) => event)))
        dropUntold(this.#sql, untold.at(-1)!.n)
      }
    } catch (thrown) {
      this.#restsUntilMs = Date.now() + RETRY_MS
      logWarn('health-events-untold', { cause: messageOf(thrown) })
    }
    this.#isHanding = false
    moved()
  }
}
