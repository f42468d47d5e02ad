/** What the directory knows of an environment: a copy, reported by the environment after each change. Plain data. */
import type { SdkKey, Settings } from '../settings.ts'

/** Everything but the hash: the directory has no use for it. */
export type KeyEntry = Omit<SdkKey, 'hash'>

export interface DirectoryEntry extends Settings {
  readonly name: string
  readonly epoch: number
  /** Version at the time of the report; with the epoch it orders reports. */
  readonly version: number
  /** Version in which the settings last changed. */
  readonly revision: number
  /** ms since 1970 */
  readonly createdAtMs: number
  readonly keys: readonly KeyEntry[]
}

/** There is one project object, by this name. */
export const PROJECT_NAME = 'project'
