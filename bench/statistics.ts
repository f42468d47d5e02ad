/** The few statistics that benchmarks report. Pure. */

/** Middle value; of an even number of values, the mean of the two in the middle. Throws if there are none. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error('[bench] the median of nothing')
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Two figures that were measured side by side, round by round. */
export interface Ratio {
  /** Median of the rounds' ratios. */
  readonly median: number
  readonly min: number
  readonly max: number
}

/** Ratios within each round: what the machine did to one figure it did to the other. */
export function ratio(of: readonly number[], to: readonly number[]): Ratio {
  if (of.length !== to.length) throw new Error(`[bench] ${of.length} rounds against ${to.length}`)
  const ratios = of.map((value, round) => value / to[round]!)
  return { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) }
}
