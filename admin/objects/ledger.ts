/**
 * How an environment's object writes: one transaction for each decision, no change of state without an entry in the audit
 * log, memory that never runs ahead of storage, and the alarm set for whatever is due next.
 */
import type { KillList } from '../../engine/index.ts'
import { failed } from '../failure.ts'
import type { Owed } from '../monitoring/vitals.ts'
import { lastSeq } from '../storage/audit.ts'
import { readClosings } from '../storage/closings.ts'
import { Unreadable } from '../storage/document.ts'
import { killListForEdges } from '../storage/kills.ts'
import { transact } from '../storage/recall.ts'
import { readLineage, readState, type State } from '../storage/state.ts'
import { AlarmClock } from './alarm-clock.ts'
import type { Answer } from './answers.ts'
import type { Outbox } from './outbox.ts'

/** What edges read, answered from without a query. */
export interface Live {
  readonly state: State
  readonly kills: KillList
}

export type EffectName = 'last-known-good' | 'directory' | 'webhooks' | 'store-kills' | 'health'

export type Decision<T> = (state: State, nowMs: number) => Answer<T>

export interface LedgerParts {
  readonly outbox: Outbox<EffectName>
  /** When each kind of work is due next, ms since 1970; `null`: none is. */
  readonly due: readonly ((sql: SqlStorage) => number | null)[]
  /** A transaction failed: what was remembered of it is void. */
  readonly forget: () => void
}

export class Ledger {
  readonly #ctx: DurableObjectState
  readonly #sql: SqlStorage
  readonly #parts: LedgerParts
  readonly #clock: AlarmClock
  /** Dropped by every write. */
  #live: Live | null = null

  constructor(ctx: DurableObjectState, parts: LedgerParts) {
    this.#ctx = ctx
    this.#sql = ctx.storage.sql
    this.#parts = parts
    this.#clock = new AlarmClock(ctx)
  }

  /** `null`: there is no environment here. */
  live(): Live | null {
    if (this.#live === null) {
      const state = readState(this.#sql)
      if (state === null) return null
      const kills = killListForEdges(this.#sql, state)
      const closings = readClosings(this.#sql)
      this.#live = { state, kills: closings.length === 0 ? kills : { ...kills, closings } }
      this.#clock.recall(this.#nextDueMs())
    }
    return this.#live
  }

  ask<T>(question: (state: State) => Answer<T>): Answer<T> {
    return readable(() => this.#about(question))
  }

  /** A decision about an environment that exists. */
  decide<T>(decision: Decision<T>, nowMs: number = Date.now()): Answer<T> {
    return readable(() => this.write(() => this.#about((state) => decision(state, nowMs)), nowMs))
  }

  /** What the decision would do: `look` sees the environment afterwards, and nothing is changed. */
  rehearse<T, Seen>(
    decision: Decision<T>,
    look: (state: State) => Seen,
    nowMs: number,
  ): { answer: Answer<T>; seen: Seen | null } {
    const rehearse = () => {
      const answer = this.#about((state) => decision(state, nowMs))
      const after = readState(this.#sql)
      return { answer, seen: after === null ? null : look(after) }
    }
    return this.#undoing(rehearse, () => true)
  }

  /** Part of a decision, of which nothing is left if it fails. Inside the caller's transaction. */
  attempt<T>(work: () => Answer<T>): Answer<T> {
    return this.#undoing(work, (answer) => !answer.ok)
  }

  /** What part of a decision would come to; nothing is left of it. Inside the caller's transaction. */
  outcomeOf<T>(work: () => Answer<T>): Answer<T> {
    return this.#undoing(work, () => true)
  }

  /** A transaction, perhaps inside of another, that is taken back if `isUndone` says so of what came of it. */
  #undoing<T>(work: () => T, isUndone: (result: T) => boolean): T {
    class Undone {
      readonly result: T
      constructor(result: T) {
        this.result = result
      }
    }
    try {
      return transact(this.#ctx.storage, () => {
        const result = work()
        if (isUndone(result)) throw new Undone(result)
        return result
      })
    } catch (thrown) {
      this.#parts.forget()
      if (thrown instanceof Undone) return thrown.result
      throw thrown
    }
  }

  /** One transaction. Throws, and changes nothing, if `work` throws or changes state without an entry in the audit log. */
  write<T>(work: (nowMs: number) => T, nowMs: number = Date.now()): T {
    this.#live = null
    try {
      return transact(this.#ctx.storage, () => {
        const before = this.#fingerprint()
        const result = work(nowMs)
        this.#requireEntry(before)
        if (lastSeq(this.#sql) !== before.seq) this.mark(nowMs, 'webhooks')
        return result
      })
    } catch (thrown) {
      this.#parts.forget()
      throw thrown
    } finally {
      this.arm()
    }
  }

  /** Notes, in the transaction that makes it so, who needs to hear of it. */
  mark(nowMs: number, ...effects: EffectName[]): void {
    for (const effect of effects) this.#parts.outbox.mark(effect, nowMs)
  }

  /** What others have yet to hear. */
  owed(): Owed[] {
    return this.#parts.outbox.owed()
  }

  /** Carries out what is owed and due. */
  async flush(): Promise<void> {
    await this.#parts.outbox.flush(Date.now, this.#logFields())
  }

  /** Tells the directory at once, so that lists show what was just done; the alarm tries again if this fails. */
  async toldToDirectory<T>(answer: T): Promise<T> {
    await this.#parts.outbox.flushNow('directory', Date.now, this.#logFields())
    this.arm()
    return answer
  }

  /** Sets the alarm for what is due next. */
  arm(): void {
    this.#clock.set(this.#nextDueMs())
  }

  /** An alarm that never came is set again. */
  rearmIfLate(): void {
    if (!this.#clock.isLate(Date.now())) return
    this.#clock.rang()
    this.arm()
  }

  /** The alarm is ringing. */
  rang(): void {
    this.#clock.rang()
  }

  #about<T>(question: (state: State) => Answer<T>): Answer<T> {
    const state = readState(this.#sql)
    return state === null ? failed({ reason: 'environment-unknown' }) : question(state)
  }

  #nextDueMs(): number | null {
    const due = [...this.#parts.due.map((ask) => ask(this.#sql)), this.#parts.outbox.nextDueMs(Date.now())]
    const times = due.filter((at) => at !== null)
    return times.length === 0 ? null : Math.min(...times)
  }

  #fingerprint(): { state: string; seq: number } {
    return { state: JSON.stringify(readState(this.#sql)), seq: lastSeq(this.#sql) }
  }

  #requireEntry(before: { state: string; seq: number }): void {
    const after = this.#fingerprint()
    if (after.state !== before.state && after.seq === before.seq)
      throw new Error(
        `[ledger] a change from ${before.state} to ${after.state} left no entry in the audit log`,
      )
  }

  #logFields(): { environment: string } {
    return { environment: readLineage(this.#sql)?.name ?? '' }
  }
}

/** A damaged document is a failure that callers can do something about, once nothing of what was begun is left. */
function readable<T>(work: () => Answer<T>): Answer<T> {
  try {
    return work()
  } catch (thrown) {
    if (thrown instanceof Unreadable) return failed({ reason: 'unreadable', detail: thrown.message })
    throw thrown
  }
}
