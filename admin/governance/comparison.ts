/** What differs between two documents, entity by entity. Pure. */
import type { FlagDocument } from '../../engine/index.ts'
import { type Operation, patchBetween } from './json-patch.ts'
import { sameJson } from './same-json.ts'

export interface Difference {
  readonly kind: 'flag' | 'segment' | 'route'
  readonly key: string
  readonly change: 'added' | 'changed' | 'removed'
  /** Leads from the one to the other (RFC 6902); `null`: too large to show. */
  readonly patch: readonly Operation[] | null
}

export interface Comparison {
  readonly differences: readonly Difference[]
  /** How many flags, segments and routes are the same. */
  readonly same: number
  /** The routes that both have stand in another order. */
  readonly reordered: boolean
}

/** From `one` to `other`; flags, then segments, then routes, by key. Both as written: two ways of saying the same differ. */
export function compare(one: FlagDocument, other: FlagDocument): Comparison {
  const parts = [
    differencesOf('flag', new Map(Object.entries(one.flags)), new Map(Object.entries(other.flags))),
    differencesOf(
      'segment',
      new Map(Object.entries(one.segments ?? {})),
      new Map(Object.entries(other.segments ?? {})),
    ),
    differencesOf('route', routesOf(one), routesOf(other)),
  ]
  return {
    differences: parts.flatMap(({ differences }) => differences),
    same: parts.reduce((sum, { same }) => sum + same, 0),
    reordered: isReordered([...routesOf(one).keys()], [...routesOf(other).keys()]),
  }
}

type Entities = ReadonlyMap<string, unknown>

const routesOf = ({ routes = [] }: FlagDocument): Entities =>
  new Map(routes.map((route) => [route.id, route]))

function differencesOf(
  kind: Difference['kind'],
  one: Entities,
  other: Entities,
): { differences: Difference[]; same: number } {
  const differences: Difference[] = []
  let same = 0
  for (const key of [...new Set([...one.keys(), ...other.keys()])].sort()) {
    const change = !one.has(key) ? 'added' : !other.has(key) ? 'removed' : 'changed'
    if (change === 'changed' && sameJson(one.get(key), other.get(key))) same += 1
    else differences.push({ kind, key, change, patch: patchBetween(one.get(key), other.get(key)) })
  }
  return { differences, same }
}

function isReordered(one: readonly string[], other: readonly string[]): boolean {
  const [mine, theirs] = [one.filter((id) => other.includes(id)), other.filter((id) => one.includes(id))]
  return mine.some((id, at) => theirs[at] !== id)
}
