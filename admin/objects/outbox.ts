/**
 * What an object owes the outside after a commit: copies elsewhere of its current state. An effect is marked in the
 * transaction that makes it necessary and carried out afterwards, with what is true then, so that several changes become
 * one; until it has succeeded it is tried again, ever more slowly. Effects are idempotent.
 */

import { logError, logWarn, messageOf } from '../log.ts'
import type { Owed } from '../monitoring/vitals.ts'
import { drop, recall } from '../storage/recall.ts'

/** Carries the current state outside; throws if it could not. */
export type Effect = () => Promise<void>

/** Two copies of one thing are at least this far apart: KV takes one write a second for each key. */
const MIN_GAP_MS = 1_000
const MAX_BACKOFF_MS = 60_000
/** An attempt that takes longer has failed; it must not keep the object's one alarm from others. */
const ATTEMPT_TIMEOUT_MS = 10_000
/** From this many failures on a person should look. */
const ALERT_ATTEMPTS = 5

type Row = { effect: string; wanted: number; done: number; due_at: number; attempts: number }

export class Outbox<Name extends string> {
  readonly #sql: SqlStorage
  readonly #effects: Record<Name, Effect>
  /** How often each effect is being carried out now. */
  readonly #underWay = new Map<string, number>()

  constructor(sql: SqlStorage, effects: Record<Name, Effect>) {
    this.#sql = sql
    this.#effects = effects
  }

  /** Notes that an effect is needed. Belongs in the transaction that makes it so. */
  mark(effect: Name, nowMs: number): void {
    const row = this.#rows().find((row) => row.effect === effect)
    // Owed already, by nobody who may have looked before this change.
    if (row !== undefined && row.wanted > row.done && !this.#underWay.has(effect)) return
    drop(this.#sql, ROWS)
    this.#sql.exec(
      `INSERT INTO outbox (effect, wanted, done, due_at, done_at, attempts) VALUES (?1, 1, 0, ?2, 0, 0)
       ON CONFLICT (effect) DO UPDATE SET
         due_at = CASE WHEN wanted > done THEN due_at ELSE MAX(?2, done_at + ${MIN_GAP_MS}) END, wanted = wanted + 1`,
      effect,
      nowMs,
    )
  }

  /** What is owed, by name. */
  owed(): Owed[] {
    return this.#rows()
      .filter(isOwed)
      .map(({ effect, attempts, due_at }) => ({ effect, attempts, dueAtMs: due_at }))
  }

  /** When the next effect is due, ms since 1970; `null`: nothing is owed. */
  nextDueMs(nowMs: number): number | null {
    const times = this.#rows()
      .filter(isOwed)
      .map((row) => dueMs(row, nowMs))
    return times.length === 0 ? null : Math.min(...times)
  }

  /** Carries out the effects that are due, all at once. Never throws: a failure is logged and stays owed. */
  async flush(nowMs: () => number, log: Record<string, string>): Promise<void> {
    const now = nowMs()
    const due = this.#rows().filter((row) => isOwed(row) && dueMs(row, now) <= now)
    await Promise.all(due.map((row) => this.#carryOut(row, nowMs, log)))
  }

  /** Carries out one effect at once, due or not, if it is owed; whether that succeeded. Never throws. */
  async flushNow(effect: Name, nowMs: () => number, log: Record<string, string>): Promise<boolean> {
    const owed = this.#rows().find((row) => isOwed(row) && row.effect === effect)
    return owed === undefined || (await this.#carryOut(owed, nowMs, log))
  }

  async #carryOut(
    { effect, wanted, attempts }: Row,
    nowMs: () => number,
    log: Record<string, string>,
  ): Promise<boolean> {
    try {
      await this.#attempt(effect as Name)
    } catch (thrown) {
      const backoffMs = Math.min(MIN_GAP_MS * 2 ** attempts, MAX_BACKOFF_MS)
      this.#sql.exec(
        'UPDATE outbox SET attempts = attempts + 1, due_at = ? WHERE effect = ?',
        nowMs() + backoffMs,
        effect,
      )
      drop(this.#sql, ROWS)
      const fields = {
        ...log,
        effect,
        attempts: attempts + 1,
        retryInMs: backoffMs,
        cause: messageOf(thrown),
      }
      if (attempts + 1 < ALERT_ATTEMPTS) logWarn('effect-failed', fields)
      else logError('effect-failed', fields)
      return false
    }
    // Marks that came in the meantime stay owed: `done` is what was wanted when this attempt began.
    this.#sql.exec(
      `UPDATE outbox SET done = MAX(done, ?1), done_at = ?2, due_at = ?2 + ${MIN_GAP_MS}, attempts = 0 WHERE effect = ?3`,
      wanted,
      nowMs(),
      effect,
    )
    drop(this.#sql, ROWS)
    return true
  }

  async #attempt(effect: Name): Promise<void> {
    this.#underWay.set(effect, (this.#underWay.get(effect) ?? 0) + 1)
    try {
      await inTime(this.#effects[effect](), ATTEMPT_TIMEOUT_MS)
    } finally {
      const left = this.#underWay.get(effect)! - 1
      if (left === 0) this.#underWay.delete(effect)
      else this.#underWay.set(effect, left)
    }
  }

  /** By name. */
  #rows(): readonly Row[] {
    return recall(this.#sql, ROWS, () => [
      ...this.#sql.exec<Row>('SELECT effect, wanted, done, due_at, attempts FROM outbox ORDER BY effect'),
    ])
  }
}

const ROWS = 'outbox'

/** A time further away than any wait that is ever given means that the clock was set back: it is due now. */
const dueMs = ({ due_at }: Row, nowMs: number): number => (due_at > nowMs + MAX_BACKOFF_MS ? nowMs : due_at)

const isOwed = ({ wanted, done }: Row): boolean => wanted > done

async function inTime(work: Promise<void>, timeoutMs: number): Promise<void> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
  try {
    await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
