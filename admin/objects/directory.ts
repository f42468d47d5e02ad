/** What the directory knows of an environment: a copy, reported by the environment after each change. Plain data. */
import type { SdkKey } from '../settings.ts'
import type { Description } from './answers.ts'

/** Everything but the hash: the directory has no use for it. */
export type KeyEntry = Omit<SdkKey, 'hash'>

/** An environment and its keys at the time of the report; epoch and version order reports. */
export interface DirectoryEntry extends Description {
  readonly keys: readonly KeyEntry[]
}

/** There is one project object, by this name. */
export const PROJECT_NAME = 'project'

/** There is one webhooks object, by this name. */
export const WEBHOOKS_NAME = 'webhooks'
