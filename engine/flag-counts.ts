/**
 * What applications tell of the flags they check: how often a variant was in use, and how it went. Sums only, so that nobody
 * can be found in them, and so that sums of sums are the same. Pure.
 */
import type { Key, Name } from './document.ts'

/** What can be counted. A missing number is 0. */
export const COUNTED = ['exposures', 'ok', 'errors', 'values', 'sum', 'squares'] as const
export type Counted = (typeof COUNTED)[number]

/**
 * What of a migration an outcome is about, where it is not about the whole: one side's reads or writes, or the comparison of
 * both sides (`ok`: they agreed).
 */
export const PARTS = ['read-old', 'read-new', 'write-old', 'write-new', 'check'] as const
export type Part = (typeof PARTS)[number]

/**
 * `exposures`: clients that were given the variant; `ok` and `errors`: outcomes under it; `values`, `sum` and `squares`: how many
 * values were measured under it, their sum and the sum of their squares.
 */
export type FlagCount = CountOf & Readonly<Record<Counted, number>>

interface CountOf {
  readonly flag: Key
  readonly variant: Name
  readonly part?: Part | undefined
}

/** Most rows of one report, of an application as of an edge. */
export const MAX_FLAG_COUNTS = 200

export class FlagCounts {
  readonly #limit: number
  readonly #rows = new Map<string, CountOf & Record<Counted, number>>()

  /** `limit`: most rows; what has no row then is not taken. */
  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#rows.size
  }

  /** Adds to the row of its flag, variant and part; `false`: there is no room for another row. */
  add(count: Partial<FlagCount> & CountOf): boolean {
    const { flag, variant, part } = count
    // Keys hold no line feed: compile refuses it.
    const at = `${flag}\n${variant}\n${part}`
    const row = this.#rows.get(at) ?? { flag, variant, ...(part && { part }), ...NOTHING }
    if (!this.#rows.has(at) && this.#rows.size >= this.#limit) return false
    this.#rows.set(at, row)
    for (const name of COUNTED) row[name] += count[name] ?? 0
    return true
  }

  /** Takes rows out, the oldest first, at most so many. */
  take(most = Number.POSITIVE_INFINITY): FlagCount[] {
    const taken: FlagCount[] = []
    for (const [at, row] of this.#rows) {
      if (taken.length >= most) break
      this.#rows.delete(at)
      taken.push(row)
    }
    return taken
  }
}

const NOTHING = { exposures: 0, ok: 0, errors: 0, values: 0, sum: 0, squares: 0 }
