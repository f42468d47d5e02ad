/** How the variants of flags did, by what applications told: sums of all locations. Pure. */
import { type FlagCount, FlagCounts } from '../engine/index.ts'

export interface VariantOutcome {
  readonly variant: string
  /** Clients that were given it. */
  readonly exposures: number
  readonly ok: number
  readonly errors: number
  /** Of all outcomes; `null` where there is none. */
  readonly errorRate: number | null
  readonly values: { readonly count: number; readonly mean: number | null; readonly deviation: number | null }
}

export interface FlagOutcome {
  readonly flag: string
  readonly variants: readonly VariantOutcome[]
}

/** By flag and variant, in the order of their names. */
export function outcomesOf(counts: readonly FlagCount[]): FlagOutcome[] {
  const sums = new FlagCounts(Number.POSITIVE_INFINITY)
  for (const count of counts) sums.add(count)
  const byFlag = Map.groupBy(sums.take().toSorted(byVariant), ({ flag }) => flag)
  return [...byFlag]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([flag, rows]) => ({ flag, variants: rows.map(outcomeOf) }))
}

const byVariant = (one: FlagCount, other: FlagCount): number => (one.variant < other.variant ? -1 : 1)

function outcomeOf({ variant, exposures, ok, errors, values, sum, squares }: FlagCount): VariantOutcome {
  const mean = values === 0 ? null : sum / values
  // Rounding may leave a variance a hair below 0.
  const deviation = values < 2 ? null : Math.sqrt(Math.max(0, (squares - sum ** 2 / values) / (values - 1)))
  const errorRate = ok + errors === 0 ? null : errors / (ok + errors)
  return { variant, exposures, ok, errors, errorRate, values: { count: values, mean, deviation } }
}
