/** What the parts of the AppConfig store work with, and what it keeps between loads. */
import type { Calls } from '../aws/calls.ts'
import type { Timing } from '../aws/timing.ts'
import type { Memory } from '../open-store.ts'
import type { Revision } from '../store.ts'
import type { AppConfigApi } from './api.ts'
import type { Place } from './place.ts'
import { type DataPlane, NO_SESSION, type SessionState } from './session.ts'

export interface Opened {
  readonly api: AppConfigApi
  readonly place: Place
  readonly plane: DataPlane
  readonly memory: TypedMemory
}

/** One load or save. */
export interface Work {
  readonly calls: Calls
  readonly timing: Timing
}

/** Kept durably: there is one poller, and each value is delivered once. */
export interface Kept {
  readonly session: SessionState
  /** Something was delivered that was not read yet. */
  readonly news: boolean
  /** What was in force when we read last. */
  readonly inForce: Revision | null
  /** A deployment that is not complete yet. */
  readonly watching: number | null
  /** The newest version of the profile that we know of. */
  readonly newestVersion: number
}

const NOTHING_KEPT: Kept = {
  session: NO_SESSION,
  news: false,
  inForce: null,
  watching: null,
  newestVersion: 0,
}

export interface TypedMemory {
  read(): Kept
  write(kept: Kept): void
}

export const typedMemory = (memory: Memory): TypedMemory => ({
  read: () => ({ ...NOTHING_KEPT, ...JSON.parse(memory.read() ?? '{}') }),
  write: (kept) => memory.write(JSON.stringify(kept)),
})
