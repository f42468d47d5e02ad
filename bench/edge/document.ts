/** What the edge of the benchmark serves: a thousand flags and twenty routes, of which the twelfth is asked for. */
import type { FlagDocument, Route } from '../../engine/index.ts'
import { document, keyOf, users } from '../flags.ts'

const FLAGS = 1_000
const ROUTES = 20
const ASKED = 12

export const ENVIRONMENT = 'bench'
/** Path and query of every request. */
export const TARGET = `/service-${ASKED}/articles/4711?colour=blue&size=m`

/**
 * `plain`: only what is on by itself, such as breakers and failover. `idle`: all that a route may ask for and that has nothing to do
 * with a request that goes well. `context`: the origin is told, signed, what was decided.
 */
export type Kind = 'plain' | 'idle' | 'context'

const IDLE: Partial<Route> = {
  maintenance: { flag: 'closed' },
  idempotent: true,
  drain: { mode: 'graceful' },
  cache: {},
}

/** `origin`: URL of the only origin, behind every variant of every route. */
export function edgeDocument(origin: string, kind: Kind): FlagDocument {
  const { flags } = document(users(), FLAGS - 2)
  const release = {
    enabled: true,
    variants: { stable: 'v1', canary: 'v2' },
    off: 'stable',
    rules: [
      { id: 'places', when: { attribute: 'geo.country', op: 'in', value: ['DE', 'FR'] }, serve: 'canary' },
      { id: 'fifth', percentage: 20, serve: 'canary' },
    ],
    fallthrough: 'stable',
  } as const
  return {
    flags: { ...flags, closed: false, release: structuredClone(release) as never },
    routes: Array.from({ length: ROUTES }, (_, at) => route(at + 1, origin, kind)),
  }
}

function route(number: number, origin: string, kind: Kind): Route {
  const asked = number === ASKED
  const variants = asked ? (['stable', 'canary'] as const) : (['off', 'on'] as const)
  const match: Route['match'] = { path: `/service-${number}/*` }
  // Some routes look at more than the path, as real ones do.
  if (number % 5 === 0) match.methods = ['POST']
  if (number % 7 === 0) match.host = '*.example.com'
  return {
    id: `service-${number}`,
    match,
    flag: asked ? 'release' : keyOf('percentage', number),
    origins: Object.fromEntries(
      variants.map((variant) => [
        variant,
        { url: origin, ...(kind === 'context' && { context: true }), ...(kind === 'idle' && { health: {} }) },
      ]),
    ),
    fallback: variants[0],
    ...(kind === 'idle' && IDLE),
  }
}
