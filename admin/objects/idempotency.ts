/**
 * The idempotency keys of one caller: which are taken, by what, and how it was answered. Answers come and go sealed; this
 * object cannot read them. Nobody who sends no key ever waits for it.
 */
import { DurableObject } from 'cloudflare:workers'
import type { Env } from '../env.ts'
import { type Asked, judge, type Verdict } from '../idempotency/reservation.ts'
import {
  forgetBeyond,
  forgetKey,
  forgetOld,
  keepAnswer,
  nextForgetMs,
  readAnswer,
  readReservation,
  reserve,
} from '../storage/reservations.ts'
import { AlarmClock } from './alarm-clock.ts'
import { IDEMPOTENCY_MIGRATIONS, migrate } from './migrations.ts'

/** Of one caller: more than that, and the oldest answers are forgotten before their time. */
const MAX_ANSWERS = 10_000
const MAX_BYTES = 256 * 1024 * 1024

export type Begun =
  | Exclude<Verdict, { verdict: 'replay' }>
  | { readonly verdict: 'replay'; readonly answer: Uint8Array }

export class IdempotencyObject extends DurableObject<Env> {
  readonly #sql: SqlStorage
  readonly #clock: AlarmClock

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#sql = ctx.storage.sql
    migrate(ctx.storage, IDEMPOTENCY_MIGRATIONS)
    this.#clock = new AlarmClock(ctx)
  }

  /** Whether a request may be carried out, which reserves its key. The reservation is on disk before the caller hears it. */
  begin(key: string, asked: Asked): Begun {
    return this.#write((nowMs) => {
      const judged = judge(readReservation(this.#sql, key), asked, nowMs)
      if (judged.verdict === 'replay') return { ...judged, answer: readAnswer(this.#sql, key) }
      if (judged.verdict === 'begin') reserve(this.#sql, key, { ...asked, atMs: nowMs })
      return judged
    })
  }

  /** Keeps the answer of a request that began. Does nothing if the key has become another's since, or if it has one. */
  keep(key: string, requestId: string, answer: Uint8Array): void {
    this.#write(() => {
      if (!this.#isOpen(key, requestId)) return
      keepAnswer(this.#sql, key, answer)
      forgetBeyond(this.#sql, MAX_ANSWERS, MAX_BYTES)
    })
  }

  /** Frees the key of a request that began, and whose answer is not kept. */
  release(key: string, requestId: string): void {
    this.#write(() => {
      if (this.#isOpen(key, requestId)) forgetKey(this.#sql, key)
    })
  }

  override async alarm(): Promise<void> {
    this.#clock.rang()
    this.#write((nowMs) => forgetOld(this.#sql, nowMs))
  }

  #isOpen(key: string, requestId: string): boolean {
    const known = readReservation(this.#sql, key)
    return known !== null && known.requestId === requestId && !known.answered
  }

  #write<T>(work: (nowMs: number) => T): T {
    try {
      return this.ctx.storage.transactionSync(() => work(Date.now()))
    } finally {
      this.#clock.set(nextForgetMs(this.#sql))
    }
  }
}
