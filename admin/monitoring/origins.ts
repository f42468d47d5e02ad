/** What edges and health checks find of the origins, and of copies that mirrors send there, as metrics. Every name: docs/operations.md, "Metrics". */
import { BREAKER_PHASES } from '../../engine/index.ts'
import type { Env } from '../env.ts'
import { type MirrorTotal, mergedTotals } from '../mirrors.ts'
import type { AddressHealth } from '../objects/health.ts'
import { callHealth, callMetrics } from '../stubs.ts'
import { merged, type UpstreamState } from '../upstreams.ts'
import { gauge, type Metric, type Sample } from './prometheus.ts'
import type { Vitals } from './vitals.ts'

/** A mirror that nobody has told of for so long is not shown any more. */
const MIRROR_SHOWN_MS = 24 * 60 * 60_000

export interface OriginsFound {
  readonly environment: string
  readonly upstreams: readonly UpstreamState[]
  readonly mirrors: readonly MirrorTotal[]
  readonly health: readonly AddressHealth[]
}

/** Addresses as the isolates of an environment find them. A location that does not answer throws. */
export async function upstreamsOf(
  env: Env,
  environment: string,
  locations: readonly string[],
): Promise<UpstreamState[]> {
  const states = await Promise.all(
    locations.map((name) => callMetrics(env, environment, name, (stub) => stub.upstreams())),
  )
  return merged(states.flat())
}

/** Of the environments that were heard. One whose parts do not all answer is left out. Never throws. */
export async function gatherOrigins(
  env: Env,
  { environments }: Vitals,
  nowMs: number,
): Promise<OriginsFound[]> {
  const found: OriginsFound[] = []
  for (const { listed, heard } of environments) {
    if (!heard.ok) continue
    const { name: environment } = listed
    const asked = [
      Promise.all(
        heard.value.locations.map((name) => callMetrics(env, environment, name, (stub) => stub.scraped())),
      ),
      callHealth(env, environment, (stub) => stub.list()),
    ] as const
    const [told, health] = await Promise.allSettled(asked)
    if (told.status === 'rejected' || health.status === 'rejected') continue
    found.push({
      environment,
      upstreams: merged(told.value.flatMap(({ upstreams }) => upstreams)),
      mirrors: mergedTotals(
        told.value.flatMap(({ mirrors }) => mirrors),
        nowMs - MIRROR_SHOWN_MS,
      ),
      health: health.value,
    })
  }
  return found
}

export function originMetrics(found: readonly OriginsFound[]): Metric[] {
  const traffic = (samplesOf: (state: UpstreamState) => Sample[]): Sample[] =>
    found.flatMap(({ environment, upstreams }) =>
      upstreams.flatMap((state) =>
        samplesOf(state).map(({ labels, value }) => ({
          labels: { environment, origin: state.name, ...labels },
          value,
        })),
      ),
    )
  return [
    gauge(
      'turnout_origin_healthy',
      '1 if health checks find an address healthy, or do not know yet; 0 if they find it unhealthy.',
      found.flatMap(({ environment, health }) =>
        health.map(({ name: origin, status }) => ({
          labels: { environment, origin },
          value: status === 'unhealthy' ? 0 : 1,
        })),
      ),
    ),
    gauge(
      'turnout_origin_breakers',
      'Isolates by the state of their circuit breaker for an address.',
      traffic(({ isolates }) =>
        BREAKER_PHASES.map((state) => ({ labels: { state }, value: isolates[state] })),
      ),
    ),
    gauge(
      'turnout_origin_attempts',
      'Attempts of the last minute at an address, by how they ended.',
      traffic(({ ok, failed, unreached }) =>
        Object.entries({ ok, failed, unreached }).map(([outcome, value]) => ({ labels: { outcome }, value })),
      ),
    ),
    gauge(
      'turnout_origin_aborted_connections',
      'WebSockets and event streams of routes with drain that an address broke off in the last minute.',
      traffic(({ aborted }) => [{ labels: {}, value: aborted }]),
    ),
    gauge(
      'turnout_origin_p95_seconds',
      'Time to the response headers of an address, P95 of the slowest isolate.',
      traffic(({ p95Ms }) => (p95Ms === null ? [] : [{ labels: {}, value: p95Ms / 1_000 }])),
    ),
  ]
}
