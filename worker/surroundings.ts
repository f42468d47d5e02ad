/** What endpoints know of the request and of the isolate that answers it. */
import type { FlagCounts, Known, Prepared } from '../engine/index.ts'
import type { Callers } from './access.ts'
import type { Release } from './env.ts'
import type { RequestFacts } from './request-facts.ts'
import type { Status } from './snapshots.ts'
import type { StreamTokens } from './stream-token.ts'

/** What an endpoint is told about the request and the isolate. */
export interface Surroundings {
  readonly facts: RequestFacts
  readonly callers: Callers
  /** Minted by the isolate's first request. */
  readonly isolate: string
  readonly release: Release | null
  readonly status: () => Status
  /** What to answer a request by. */
  readonly prepared: () => Promise<Prepared | null>
  /** What is newer than `prepared`, where that is behind what the client was told of; else `null`. */
  readonly caughtUp: (told: Known) => Promise<Prepared | null>
  /** Once `prepared` has answered: whether the request carries a preview that holds. */
  readonly isPreview: () => boolean
  /** What is in memory, for those who look again soon. */
  readonly glance: () => Prepared | null
  readonly streamTokens: StreamTokens
  /** Where what applications tell of flags is gathered for the next batch. */
  readonly counts: FlagCounts
}

/** Answers a request whose path and method are its own. */
export type Endpoint = (surroundings: Surroundings) => Response | Promise<Response>
