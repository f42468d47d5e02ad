/** How the variants of flags did, by what applications told: sums of all locations. Pure. */
import { type Counted, type FlagCount, FlagCounts, PARTS, type Part } from '../engine/index.ts'

export interface VariantOutcome extends Outcome {
  readonly variant: string
  /** Clients that were given it. */
  readonly exposures: number
  /** Of a migration, the sides' own, in milliseconds, and how often they agreed. Absent: nothing was told of any. */
  readonly parts?: readonly (Outcome & { readonly part: Part })[]
}

export interface Outcome {
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
  const byFlag = Map.groupBy(sums.take(), ({ flag }) => flag)
  return inOrder(byFlag).map(([flag, rows]) => ({
    flag,
    variants: inOrder(Map.groupBy(rows, ({ variant }) => variant)).map(([variant, own]) =>
      variantOf(variant, own),
    ),
  }))
}

const inOrder = <T>(map: ReadonlyMap<string, T>): [string, T][] =>
  [...map].toSorted(([one], [other]) => (one < other ? -1 : 1))

function variantOf(variant: string, rows: readonly FlagCount[]): VariantOutcome {
  const whole = rows.find(({ part }) => part === undefined)
  const parts = PARTS.flatMap((part) => {
    const row = rows.find((each) => each.part === part)
    return row === undefined ? [] : { part, ...outcomeOf(row) }
  })
  return {
    variant,
    exposures: whole?.exposures ?? 0,
    ...outcomeOf(whole ?? NOTHING),
    ...(parts.length > 0 && { parts }),
  }
}

type Counts = Readonly<Record<Counted, number>>

const NOTHING: Counts = { exposures: 0, ok: 0, errors: 0, values: 0, sum: 0, squares: 0 }

function outcomeOf({ ok, errors, values, sum, squares }: Counts): Outcome {
  const mean = values === 0 ? null : sum / values
  // Rounding may leave a variance a hair below 0.
  const deviation = values < 2 ? null : Math.sqrt(Math.max(0, (squares - sum ** 2 / values) / (values - 1)))
  const errorRate = ok + errors === 0 ? null : errors / (ok + errors)
  return { ok, errors, errorRate, values: { count: values, mean, deviation } }
}
