/** What is told of mirrors by several isolates or locations as one, by route and variant. Pure. */
import { MIRRORED, type MirrorCounts, type MirrorReport, type Name, NO_MIRRORED } from '../engine/index.ts'

/** Differences kept of each mirror: the newest. */
export const KEPT_DIFFERENCES = 50

/** Sums of one mirror that only grow. Plain data. */
export interface MirrorTotal {
  readonly route: string
  readonly variant: Name
  readonly counts: MirrorCounts
  /** Of the last report, to the minute; ms since 1970. */
  readonly heardAtMs: number
}

/** Those of several locations as one, of the mirrors that anybody told of since. */
export function mergedTotals(totals: readonly MirrorTotal[], sinceMs: number): MirrorTotal[] {
  const found = new Map<string, MirrorTotal>()
  for (const total of totals) {
    const key = `${total.route}/${total.variant}`
    const known = found.get(key)
    found.set(
      key,
      known === undefined
        ? total
        : {
            ...total,
            counts: sums(known.counts, total.counts),
            heardAtMs: Math.max(known.heardAtMs, total.heardAtMs),
          },
    )
  }
  return [...found.values()].filter(({ heardAtMs }) => heardAtMs >= sinceMs)
}

const sums = (one: MirrorCounts, other: MirrorCounts): MirrorCounts =>
  Object.fromEntries(MIRRORED.map((name) => [name, one[name] + other[name]])) as MirrorCounts

export function mergedMirrors(states: readonly MirrorReport[]): MirrorReport[] {
  const found = new Map<string, MirrorReport>()
  for (const state of states) {
    const { route, variant } = state
    const key = `${route}/${variant}`
    found.set(key, added(found.get(key) ?? { route, variant, counts: NO_MIRRORED, differences: [] }, state))
  }
  return [...found.entries()].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, state]) => state)
}

function added(one: MirrorReport, other: MirrorReport): MirrorReport {
  const differences = [...one.differences, ...other.differences].sort((a, b) => b.atMs - a.atMs)
  return {
    ...one,
    counts: sums(one.counts, other.counts),
    differences: differences.slice(0, KEPT_DIFFERENCES),
  }
}
