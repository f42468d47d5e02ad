/** What a part of a document depends on: the other flags and segments that decide its answers with it. Pure. */
import { segmentsOf } from '../../engine/condition.ts'
import type { FlagDocument, Key, Route } from '../../engine/index.ts'

/** A flag, segment or route; a route's key is its id. */
export interface Part {
  readonly kind: 'flag' | 'segment' | 'route'
  readonly key: Key
}

/** These parts and all that they depend on, directly or not, each once. The document must be one that compiles. */
export function withDependencies(document: FlagDocument, parts: Iterable<Part>): Part[] {
  const routes = new Map((document.routes ?? []).map((route) => [route.id, route]))
  const found = new Map<string, Part>()
  const wanted = [...parts]
  for (let part = wanted.pop(); part !== undefined; part = wanted.pop()) {
    const name = `${part.kind} ${part.key}`
    if (found.has(name)) continue
    found.set(name, part)
    if (part.kind === 'flag') wanted.push(...neededByFlag(own(document.flags, part.key)))
    else if (part.kind === 'segment') wanted.push(...segments(own(document.segments, part.key)?.when))
    else wanted.push(...neededByRoute(routes.get(part.key)))
  }
  return [...found.values()]
}

function neededByFlag(flag: FlagDocument['flags'][Key] | undefined): Part[] {
  if (typeof flag !== 'object') return []
  const required = (flag.prerequisites ?? []).map((each): Part => ({ kind: 'flag', key: each.flag }))
  const rules = 'rules' in flag ? (flag.rules ?? []) : []
  return [...required, ...rules.flatMap(({ when }) => segments(when))]
}

const neededByRoute = (route: Route | undefined): Part[] =>
  [route?.flag, route?.maintenance?.flag].flatMap((key): Part[] =>
    key === undefined ? [] : [{ kind: 'flag', key }],
  )

const segments = (condition: unknown): Part[] =>
  segmentsOf(condition).map((key): Part => ({ kind: 'segment', key }))

const own = <T>(map: Readonly<Record<Key, T>> | undefined, key: Key): T | undefined =>
  map !== undefined && Object.hasOwn(map, key) ? map[key] : undefined
