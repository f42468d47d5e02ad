/**
 * A Durable Object of the whole control plane, with an audit log of its own, that a backup holds and that is restored from one: what
 * these have in common.
 */
import { DurableObject } from 'cloudflare:workers'
import { ok } from '../../../engine/index.ts'
import type { Env } from '../../env.ts'
import type { Author } from '../../settings.ts'
import {
  type AuditFilter,
  type AuditPosition,
  pageAudit,
  type StoredEntry,
  type Verification,
  verifyAudit,
} from '../../storage/audit.ts'
import { type Joined, joinAudit } from '../../storage/audit-import.ts'
import { transact } from '../../storage/recall.ts'
import type { Answer } from '../answers.ts'
import { allOrNothing } from './all-or-nothing.ts'
import { lineStream } from './line-stream.ts'
import { isRestored, RESTORED_ALREADY, type Restored, type Source } from './restored.ts'
import { addToStage, clearStage, dropStage, requireStage, type StagedRecord, staged } from './stage.ts'

/** Restores what is staged, once the audit log of the backup is joined with the one here. Inside the caller's transaction. */
export type Restore = (
  sql: SqlStorage,
  source: Source,
  joined: Joined,
  author: Author,
  nowMs: number,
) => Answer<Restored>

export interface Restorable {
  readonly kind: 'access' | 'webhooks'
  /** Of a backup, without what is secret. */
  readonly lines: (sql: SqlStorage) => Parameters<typeof lineStream>[0]
  readonly restore: Restore
  /** A change, with whatever follows one here. */
  readonly decide: <T>(work: (nowMs: number) => T) => T
}

export abstract class RestorableObject extends DurableObject<Env> {
  /** A field, since every method can be called over RPC. */
  protected abstract readonly restorable: Restorable

  /** Entries of its own audit log. */
  audit(filter: AuditFilter, position: AuditPosition, limit: number): StoredEntry[] {
    return pageAudit(this.ctx.storage.sql, filter, position, limit)
  }

  verifyAudit(): Verification {
    return verifyAudit(this.ctx.storage.sql, null)
  }

  /** All of it as lines of a backup. */
  backup(): ReadableStream<Uint8Array> {
    return lineStream(this.restorable.lines(this.ctx.storage.sql))
  }

  /** Takes records of a backup that is to be restored here. */
  stageBackup(stage: string, from: number, records: readonly StagedRecord[]): void {
    transact(this.ctx.storage, () => addToStage(this.ctx.storage.sql, stage, from, records))
  }

  /** Forgets them, if they are still there. */
  dropBackup(stage: string): void {
    transact(this.ctx.storage, () => dropStage(this.ctx.storage.sql, stage))
  }

  /** Restores the staged backup, or says what that would do. */
  restoreBackup(source: Source, dryRun: boolean, author: Author): Promise<Answer<Restored>> {
    const { sql } = this.ctx.storage
    const { kind, restore, decide } = this.restorable
    return allOrNothing(decide, dryRun, (nowMs): Answer<Restored> => {
      requireStage(sql, source.stage)
      const restored = isRestored(sql, source)
        ? ok(RESTORED_ALREADY)
        : restore(sql, source, joinAudit(sql, null, staged(sql, kind, 'audit'), nowMs), author, nowMs)
      clearStage(sql)
      return restored
    })
  }
}
