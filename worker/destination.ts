/**
 * Where a request goes: the decided variant, or the next of its fallback chain that is not broken. A breaker moves traffic; it
 * never refuses it: where nothing is left, breakers are ignored. Source: docs/traffic.md, "Circuit breaker".
 */
import type { Chooser } from './pool.ts'
import type { PreparedOrigin, PreparedRoute } from './routes.ts'
import type { Upstream } from './upstream.ts'

export interface Destination {
  readonly to: PreparedOrigin
  readonly upstream: Upstream
}

export function destination(route: PreparedRoute, decided: PreparedOrigin, by: Chooser): Destination {
  const upstream = decided.choose(by)
  if (upstream !== null) return { to: decided, upstream }
  return fallbackOf(route, decided, by) ?? lastResort(route, decided, by)
}

/** The next of a variant's fallback chain that can be asked; `null`: there is none. */
export function fallbackOf(route: PreparedRoute, from: PreparedOrigin, by: Chooser): Destination | null {
  const seen = new Set([from.variant])
  for (let name = from.fallback; name !== null && !seen.has(name); ) {
    seen.add(name)
    const to = originNamed(route, name)
    const upstream = to.choose(by)
    if (upstream !== null) return { to, upstream }
    name = to.fallback
  }
  return null
}

/** The route's fallback, or the variant itself where it has been said that nothing may stand in for it. */
function lastResort(route: PreparedRoute, decided: PreparedOrigin, by: Chooser): Destination {
  const to = decided.fallback === null ? decided : originNamed(route, route.route.fallback)
  const upstream = to.choose({ ...by, anyhow: true })
  if (upstream === null)
    throw new Error(`[worker/destination] ${to.variant} of route ${route.route.id} has no address`)
  return { to, upstream }
}

/** A compiled route names only origins that it has. */
function originNamed({ route, origins }: PreparedRoute, name: string): PreparedOrigin {
  const origin = origins.get(name)
  if (!origin) throw new Error(`[worker/destination] route ${route.id} has no origin ${name}`)
  return origin
}
