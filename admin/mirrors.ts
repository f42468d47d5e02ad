/** What is told of mirrors by several isolates or locations as one, by route and variant. Pure. */
import { MIRRORED, type MirrorReport, NO_MIRRORED } from '../engine/index.ts'

/** Differences kept of each mirror: the newest. */
export const KEPT_DIFFERENCES = 50

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
  const counts = Object.fromEntries(MIRRORED.map((name) => [name, one.counts[name] + other.counts[name]]))
  const differences = [...one.differences, ...other.differences].sort((a, b) => b.atMs - a.atMs)
  return {
    ...one,
    counts: counts as MirrorReport['counts'],
    differences: differences.slice(0, KEPT_DIFFERENCES),
  }
}
