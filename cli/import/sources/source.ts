/** What every source of flags gives: values as they were found, before anything is flattened or checked. */

import type { Finding } from '../../failure.ts'
import type { World } from '../../world.ts'

/** One value under the name that it has at its source. */
export interface Entry {
  /** Key of a flag, or of a group of nested booleans. */
  readonly key: string
  readonly value: unknown
  /** The parameter that holds it; absent where all come from one document. */
  readonly from?: string
  /** It was encrypted (SecureString): its value is never printed. */
  readonly secret?: boolean
}

export interface Reading {
  /** What was read, as people name it: `SSM parameters under /flags/prod (eu-west-1)`. */
  readonly origin: string
  readonly entries: readonly Entry[]
  /** Values that could not be read as anything. */
  readonly findings: readonly Finding[]
  /** Sentences on what was left out. */
  readonly notes: readonly string[]
}

/** Reads everything. Throws `Failure`. */
export type Source = (world: World) => Promise<Reading>
