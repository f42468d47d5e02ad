/** What a restore is asked for, and what it says of each object: plain data, as it crosses RPC. */
import type { CompileIssue } from '../../../engine/index.ts'
import type { Begin } from '../../backup/format.ts'
import { pageAudit } from '../../storage/audit.ts'
import type { Joined } from '../../storage/audit-import.ts'

/** The part of a backup that is about one object. Its records are staged under `name`. */
export interface Source {
  /** Name of the stage. */
  readonly stage: string
  /** SHA-256 of the file, as its last line says. */
  readonly file: string
  /** RFC 3339 */
  readonly madeAt: string
  readonly begin: Begin
}

/** How the audit log of the backup was joined with the one here. */
export interface RestoredLog {
  /** Entries that were not here. */
  readonly imported: number
  /** Entries that only the log here had, and that now follow. */
  readonly carriedOver: number
}

export interface RestoredEnvironment {
  readonly is: 'environment'
  readonly log: RestoredLog
  /** `null`: of a deleted environment there is the log alone. */
  readonly now: {
    readonly epoch: number
    readonly version: number
    readonly killsVersion: number
    /** Its versions are those of the backup, or those that were here: they hold the backup's. */
    readonly history: 'of-backup' | 'kept'
    /** Kills that are in force again. */
    readonly recovered: readonly string[]
    /** Kills of the backup whose time is over. */
    readonly over: readonly string[]
    /** Schedules whose time has passed and that were not carried out, by number. */
    readonly notRun: readonly number[]
    /** SDK keys of the backup that were revoked since, by id. */
    readonly revoked: readonly string[]
    readonly warnings: readonly CompileIssue[]
  } | null
}

export interface RestoredAccess {
  readonly is: 'access'
  readonly log: RestoredLog
  /** Names. */
  readonly tokens: readonly string[]
  readonly people: readonly string[]
  /** What stays out, a sentence each. */
  readonly leftOut: readonly string[]
}

export interface RestoredWebhooks {
  readonly is: 'webhooks'
  readonly log: RestoredLog
  /** Names of those that are there again: disabled, without their secrets. */
  readonly webhooks: readonly string[]
}

/** `nothing`: this file was restored just before, or there is nothing in it that is not here. */
export type Restored =
  | RestoredEnvironment
  | RestoredAccess
  | RestoredWebhooks
  | { readonly is: 'nothing'; readonly why: 'restored-already' | 'all-here' }

export const RESTORED_ALREADY: Restored = { is: 'nothing', why: 'restored-already' }
export const ALL_HERE: Restored = { is: 'nothing', why: 'all-here' }

/** Whether the newest entry in the log says that this file was restored: the same call again then does nothing again. */
export function isRestored(sql: SqlStorage, { file }: Source): boolean {
  const [newest] = pageAudit(sql, {}, Number.MAX_SAFE_INTEGER, 1)
  if (newest === undefined) return false
  const { action, details } = JSON.parse(newest.text) as { action: string; details: { file?: unknown } }
  return action.endsWith('.restored-from-backup') && details.file === file
}

export const logOf = ({ imported, carriedOver }: Joined): RestoredLog => ({
  imported,
  carriedOver: carriedOver.count,
})

/** What the audit log says of where something came from. */
export const detailsOf = ({ file, madeAt }: Source, { imported, carriedOver }: Joined) => ({
  ...{ file, madeAt, entriesImported: imported, entriesCarriedOver: carriedOver.count },
})
