/**
 * What an object owes the outside after a commit: copies elsewhere of its current state. An effect is marked in the
 * transaction that makes it necessary and carried out afterwards, with what is true then, so that several changes become
 * one; until it has succeeded it is tried again, ever more slowly. Effects are idempotent.
 */

import { logError, logWarn, messageOf } from '../log.ts'
import type { Owed } from '../monitoring/vitals.ts'

/** Carries the current state outside; throws if it could not. */
export type Effect = () => Promise<void>

/** Two copies of one thing are at least this far apart: KV takes one write a second for each key. */
const MIN_GAP_MS = 1_000
const MAX_BACKOFF_MS = 60_000
/** An attempt that takes longer has failed; it must not keep the object's one alarm from others. */
const ATTEMPT_TIMEOUT_MS = 10_000
/** From this many failures on a person should look. */
const ALERT_ATTEMPTS = 5

type Row = { effect: string; wanted: number; attempts: number }

export class Outbox<Name extends string> {
  readonly #sql: SqlStorage
  readonly #effects: Record<Name, Effect>

  constructor(sql: SqlStorage, effects: Record<Name, Effect>) {
    this.#sql = sql
    this.#effects = effects
  }

  /** Notes that an effect is needed. Belongs in the transaction that makes it so. */
  mark(effect: Name, nowMs: number): void {
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
    const rows = this.#sql.exec<{ effect: string; attempts: number; due_at: number }>(
      'SELECT effect, attempts, due_at FROM outbox WHERE wanted > done ORDER BY effect',
    )
    return [...rows].map(({ effect, attempts, due_at }) => ({ effect, attempts, dueAtMs: due_at }))
  }

  /** When the next effect is due, ms since 1970; `null`: nothing is owed. */
  nextDueMs(): number | null {
    return this.#sql
      .exec<{ at: number | null }>('SELECT MIN(due_at) AS at FROM outbox WHERE wanted > done')
      .one().at
  }

  /** Carries out the effects that are due, all at once. Never throws: a failure is logged and stays owed. */
  async flush(nowMs: () => number, log: Record<string, string>): Promise<void> {
    const due = this.#sql.exec<Row>(
      'SELECT effect, wanted, attempts FROM outbox WHERE wanted > done AND due_at <= ?',
      nowMs(),
    )
    await Promise.all([...due].map((row) => this.#carryOut(row, nowMs, log)))
  }

  /** Carries out one effect at once, due or not, if it is owed. Never throws. */
  async flushNow(effect: Name, nowMs: () => number, log: Record<string, string>): Promise<void> {
    const owed = this.#sql.exec<Row>(
      'SELECT effect, wanted, attempts FROM outbox WHERE wanted > done AND effect = ?',
      effect,
    )
    await Promise.all([...owed].map((row) => this.#carryOut(row, nowMs, log)))
  }

  async #carryOut(
    { effect, wanted, attempts }: Row,
    nowMs: () => number,
    log: Record<string, string>,
  ): Promise<void> {
    try {
      await inTime(this.#effects[effect as Name](), ATTEMPT_TIMEOUT_MS)
    } catch (thrown) {
      const backoffMs = Math.min(MIN_GAP_MS * 2 ** attempts, MAX_BACKOFF_MS)
      this.#sql.exec(
        'UPDATE outbox SET attempts = attempts + 1, due_at = ? WHERE effect = ?',
        nowMs() + backoffMs,
        effect,
      )
      const fields = {
        ...log,
        effect,
        attempts: attempts + 1,
        retryInMs: backoffMs,
        cause: messageOf(thrown),
      }
      if (attempts + 1 < ALERT_ATTEMPTS) logWarn('effect-failed', fields)
      else logError('effect-failed', fields)
      return
    }
    // Marks that came in the meantime stay owed: `done` is what was wanted when this attempt began.
    this.#sql.exec(
      `UPDATE outbox SET done = MAX(done, ?1), done_at = ?2, due_at = ?2 + ${MIN_GAP_MS}, attempts = 0 WHERE effect = ?3`,
      wanted,
      nowMs(),
      effect,
    )
  }
}

async function inTime(work: Promise<void>, timeoutMs: number): Promise<void> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
  try {
    await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
