/** What came of the copies of requests that mirrors got, as metrics. Pure. Every name: docs/operations.md, "Metrics". */
import type { MirrorCounts } from '../../engine/index.ts'
import type { MirrorTotal } from '../mirrors.ts'
import { counter, type Metric, type Sample } from './prometheus.ts'

interface MirrorsFound {
  readonly environment: string
  readonly mirrors: readonly MirrorTotal[]
}

export function mirrorMetrics(found: readonly MirrorsFound[]): Metric[] {
  const each = (
    label: string,
    values: (counts: MirrorCounts) => Readonly<Record<string, number>>,
  ): Sample[] =>
    found.flatMap(({ environment, mirrors }) =>
      mirrors.flatMap(({ route, variant, counts }) =>
        Object.entries(values(counts)).map(([name, value]) => ({
          labels: { environment, route, variant, [label]: name },
          value,
        })),
      ),
    )
  return [
    counter(
      'turnout_mirror_copies_total',
      'Copies of requests for a mirror, by what came of them; those skipped were not sent.',
      each('outcome', ({ sent, matched, failed, skipped }) => ({
        ...{ matched, differed: sent - matched - failed, failed, skipped },
      })),
    ),
    counter(
      'turnout_mirror_differences_total',
      'Copies that were not answered alike in a part; one may count in several.',
      each('part', ({ status, latency, body }) => ({ status, latency, body })),
    ),
    counter(
      'turnout_mirror_bodies_compared_total',
      'Copies whose bodies were compared.',
      found.flatMap(({ environment, mirrors }) =>
        mirrors.map(({ route, variant, counts }) => ({
          labels: { environment, route, variant },
          value: counts.bodies,
        })),
      ),
    ),
  ]
}
