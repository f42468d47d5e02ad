/** Which addresses are to be checked, from the routes of a snapshot. Pure. */
import {
  type HealthSettings,
  healthSettings,
  type Member,
  type Origin,
  type Route,
  upstreamName,
} from '../../engine/index.ts'

/** One check, for everybody who asks for the same: routes often share an origin. */
export interface Check {
  /** Addresses as edges name them, sorted. */
  readonly names: readonly string[]
  /** As the document has it, without the path of the check. */
  readonly url: string
  /** What the origin is sent with every request. */
  readonly headers: Readonly<Record<string, string>>
  readonly settings: HealthSettings
}

export interface HealthPlan {
  readonly environment: string
  /** Of the document that it is from: a later one has the last word. */
  readonly epoch: number
  readonly version: number
  readonly checks: readonly Check[]
}

export function checksOf(routes: readonly Route[]): Check[] {
  const found = new Map<string, Check>()
  for (const { id, origins } of routes)
    for (const [variant, origin] of Object.entries(origins))
      for (const { name, ...one } of checkedAddresses(id, variant, origin)) {
        const key = checkKey(one)
        const names = [...(found.get(key)?.names ?? []), name].sort()
        found.set(key, { ...one, names })
      }
  return [...found.values()]
}

/** The same text for checks that are alike. */
export const checkKey = ({ url, headers, settings }: Omit<Check, 'names'>): string =>
  JSON.stringify([url, Object.entries(headers).sort(), Object.entries(settings).sort()])

/** The same text for checks that an address would answer alike, however often it is asked. */
export const questionOf = ({ url, headers, settings: { path, expectedStatus } }: Check): string =>
  JSON.stringify([url, Object.entries(headers).sort(), path, expectedStatus ?? null])

type Address = Omit<Check, 'names'> & { readonly name: string }

function checkedAddresses(route: string, variant: string, origin: Origin): Address[] {
  const { url, pool = [], headers = {} } = origin
  const address = (settings: HealthSettings | null, at: string, name: string): Address[] =>
    settings === null ? [] : [{ name, url: at.replace(/\/+$/, ''), headers, settings }]
  if (url !== undefined) return address(healthSettings(origin), url, upstreamName(route, variant))
  return pool.flatMap((member: Member) =>
    address(healthSettings(origin, member), member.url, upstreamName(route, variant, member.url)),
  )
}
