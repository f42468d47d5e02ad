/** What a request to a route is decided to be, and which origin that means. Pure. */
import { type Decision, evaluate, type Prepared, type PreviewClaims } from '../engine/index.ts'
import type { RequestFacts } from './request-facts.ts'
import type { PreparedOrigin, PreparedRoute } from './routes.ts'

/** The decided variant's origin, or the fallback's where nothing could be decided. */
export function originOf(route: PreparedRoute, { variant }: Decision): PreparedOrigin {
  const origin = (variant !== null && route.origins.get(variant)) || route.origins.get(route.route.fallback)
  if (!origin) throw new Error(`[worker/decide] route ${route.route.id} has no origin for its fallback`)
  return origin
}

export function decide(
  prepared: Prepared,
  { route, context, headerOverrides }: PreparedRoute,
  facts: RequestFacts,
  key: string | undefined,
  preview: PreviewClaims | null,
): Decision {
  const at: { route: string; override?: string; headerOverride?: string } = { route: route.id }
  if (preview !== null && 'route' in preview && preview.route === route.id) at.override = preview.variant
  for (const [header, values] of headerOverrides) {
    const value = facts.header(header)
    if (value !== null && Object.hasOwn(values, value)) {
      at.headerOverride = values[value]!
      break
    }
  }
  return evaluate(prepared, route.flag, context(facts, key), at)
}
