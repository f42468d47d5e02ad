/** What the edges report in tests, as GET /propagation answers it. */
import type { Propagation } from '../../cli/landing.ts'

type Location = Propagation['locations'][number]

/** `FRA: 3 of 4` */
export function location(
  name: string,
  reached: number,
  isolates: number,
  maxMs: number | null = null,
): Location {
  const timed = maxMs === null ? 0 : reached
  const at = '2026-11-21T10:00:01.000Z'
  return {
    location: name,
    reached,
    isolates,
    requests: 100,
    timed,
    p50Ms: maxMs,
    p99Ms: maxMs,
    maxMs,
    lastSeenAt: at,
  }
}

export function propagation(locations: readonly Location[], more: Partial<Propagation> = {}): Propagation {
  const sum = (field: 'reached' | 'isolates' | 'timed') =>
    locations.reduce((total, each) => total + each[field], 0)
  const times = locations.flatMap(({ maxMs }) => maxMs ?? [])
  return {
    ...{ version: 14, kill: 14 },
    publishedAt: '2026-11-21T10:00:00.000Z',
    complete: sum('reached') === sum('isolates') && (more.settling ?? []).length === 0,
    isolates: sum('isolates'),
    reached: sum('reached'),
    timed: sum('timed'),
    p50Ms: times.length === 0 ? null : Math.min(...times),
    p99Ms: times.length === 0 ? null : Math.max(...times),
    maxMs: times.length === 0 ? null : Math.max(...times),
    locations: [...locations],
    laggards: [],
    lost: [],
    silent: [],
    settling: [],
    clockSkewMs: 0,
    ...more,
  }
}

export const laggard = (name: string, isolate: string) => ({
  isolate,
  location: name,
  serves: { epoch: 1, version: 12, kills: 13 },
  lastSeenAt: '2026-11-21T10:00:01.000Z',
})
