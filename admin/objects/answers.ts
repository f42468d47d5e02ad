/** What `EnvironmentObject` answers: plain data, as it crosses RPC. */
import type { CompileIssue, Result } from '../../engine/index.ts'
import type { StoreKind } from '../config/store-config.ts'
import type { Failure } from '../failure.ts'
import type { Description } from '../settings.ts'
import { changesOf, type EntityChange, type Stored, sinceOf } from '../storage/entities.ts'
import { labelsOf } from '../storage/labels.ts'
import { readSettings, SETTINGS_KEY } from '../storage/settings.ts'
import type { State } from '../storage/state.ts'
import type { Trouble } from '../storage/store-state.ts'
import type { Version } from '../storage/versions.ts'

export type Answer<T> = Result<T, Failure>

/** How the store is in which the document lives. */
export interface StoreStatus {
  readonly kind: StoreKind
  /** Where in AWS; `null`: it is embedded. */
  readonly place: string | null
  readonly trouble: Trouble | null
  readonly warnings: readonly CompileIssue[]
  /** When it was looked at last, and when all was well, ms since 1970. */
  readonly checkedAtMs: number | null
  readonly okAtMs: number | null
}

export interface Described extends Description {
  readonly store: StoreStatus
}

export interface Edited {
  /** The environment's version now; the one before if nothing changed. */
  readonly version: number
  /** The entity was not there before. */
  readonly created: boolean
  readonly warnings: readonly CompileIssue[]
  /** New state of what was put, patched or toggled. */
  readonly entities: readonly Stored[]
}

/** A version and what it changed: the first of `changeCount` changes. */
export interface VersionSummary extends Version {
  readonly changeCount: number
  readonly changes: readonly EntityChange[]
  readonly labels: readonly string[]
}

export function describe(sql: SqlStorage, state: State): Description {
  const { name, epoch, version, kills, createdAtMs } = state
  return {
    name,
    ...readSettings(sql),
    epoch,
    version,
    killsVersion: kills,
    revision: revisionOf(sql)!,
    createdAtMs,
  }
}

/** Version in which the settings last changed; `null`: there is no environment. */
export const revisionOf = (sql: SqlStorage): number | null => sinceOf(sql, 'settings', SETTINGS_KEY)

export function summarize(sql: SqlStorage, version: Version, limit: number): VersionSummary {
  const { count, changes } = changesOf(sql, version.version, limit)
  return { ...version, changeCount: count, changes, labels: labelsOf(sql, version.version) }
}
