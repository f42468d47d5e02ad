/** What one call of a function costs in this process. */

const CALLS = 1_000_000
const TIMED_CALLS = 100_000

export interface Cost {
  readonly meanNs: number
  /** Of calls timed one by one; reading the clock is in it. */
  readonly p95Ns: number
}

/** What was answered last: an engine that saw nobody look would leave the call out. */
let sink: unknown

export function costOf(act: () => unknown): Cost {
  for (let n = 0; n < CALLS; n += 1) sink = act()
  const startedMs = performance.now()
  for (let n = 0; n < CALLS; n += 1) sink = act()
  const meanNs = ((performance.now() - startedMs) * 1e6) / CALLS
  const times = new Float64Array(TIMED_CALLS)
  for (let n = 0; n < TIMED_CALLS; n += 1) {
    const before = process.hrtime.bigint()
    sink = act()
    times[n] = Number(process.hrtime.bigint() - before)
  }
  if (sink === undefined) throw new Error('[bench] a call answered nothing')
  return { meanNs, p95Ns: times.sort()[Math.floor(0.95 * TIMED_CALLS)]! }
}
