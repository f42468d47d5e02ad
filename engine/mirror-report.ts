/** What isolates tell of the copies of requests that a mirror's variant got: sums, and a few differences without any value. Pure. */
import type { Name } from './document.ts'

/**
 * `sent`: copies; `matched`: answered alike in all that was compared; `status`, `latency` and `body`: not alike in that, so a copy
 * may count in several; `bodies`: whose bodies were compared; `failed`: no answer in time; `skipped`: not sent.
 */
export const MIRRORED = [
  'sent',
  'matched',
  'status',
  'latency',
  'body',
  'bodies',
  'failed',
  'skipped',
] as const
export type Mirrored = (typeof MIRRORED)[number]
export type MirrorCounts = Readonly<Record<Mirrored, number>>

/** One copy that was not answered alike. Pairs are of the variant that answered the visitor, then of the mirror's. */
export interface MirrorDifference {
  /** By the edge's clock, ms since 1970. */
  readonly atMs: number
  readonly method: string
  /** Of the request, without its query. */
  readonly path: string
  /** Variant that answered the visitor. */
  readonly served: Name
  readonly status: readonly [number, number]
  /** To response headers. */
  readonly latencyMs: readonly [number, number]
  /** Of the normalised bodies; `null`: they were not compared, or are alike. */
  readonly hashes: readonly [string, string] | null
  /** JSON pointer of the first value that differs, where both are JSON; parts that are no plain name are `*`. */
  readonly pointer: string | null
}

export interface MirrorReport {
  readonly route: string
  /** Variant that gets the copies. */
  readonly variant: Name
  readonly counts: MirrorCounts
  readonly differences: readonly MirrorDifference[]
}

/** Most mirrors that a batch tells of, most differences of each, and the longest path and pointer. */
export const MAX_MIRRORS = 64
export const MAX_DIFFERENCES = 4
export const MAX_DIFFERENCE_TEXT = 256

export const NO_MIRRORED: MirrorCounts = {
  ...{ sent: 0, matched: 0, status: 0, latency: 0, body: 0, bodies: 0, failed: 0, skipped: 0 },
}
