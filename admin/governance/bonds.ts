/**
 * What must not go back either once a migration has passed its point of no return: flags that it binds to some of their variants,
 * and the routes that they decide, because what stands behind the others needs the side that was left. Pure.
 */
import { type CompileIssue, child, listed, type Path, showPath } from '../../engine/check.ts'
import { pathOf } from '../../engine/check-migration.ts'
import {
  type CanonicalFlag,
  canonicalFlag,
  type Flag,
  isMigration,
  isPast,
  type Key,
  type Name,
  nextInChain,
  type Route,
  type ServedBy,
  type ShortFlag,
  served,
  standing,
} from '../../engine/index.ts'

export type Flags = Readonly<Record<Key, unknown>>

/** Flags that some migration binds, or will. */
export const boundFlags = (flags: Flags): ReadonlySet<Key> =>
  new Set(migrationsIn(flags).flatMap(([, { migration }]) => Object.keys(migration?.binds ?? {})))

/** What of a document can be bound. */
export interface Bindable {
  readonly flags: Flags
  readonly routes: readonly Route[]
}

/** Flags by key and routes by id that are not as they were. */
export interface Changed {
  readonly flags: ReadonlySet<Key>
  readonly routes: ReadonlySet<string>
}

/**
 * Where a document that compiles serves what a migration has left behind, or its routes send requests there; only what has
 * changed is looked at. `migrations`: the flags whose migrations bind it.
 */
export function brokenBonds(
  { flags, routes }: Bindable,
  changed: Changed,
  migrations: Flags = flags,
): CompileIssue[] {
  return bondsIn(migrations).flatMap((bond) => {
    if (!Object.hasOwn(flags, bond.flag)) return []
    const isChanged = changed.flags.has(bond.flag) || changed.flags.has(bond.migration)
    return [
      ...(isChanged ? servedElsewhere(bond, flags[bond.flag]) : []),
      ...routes.flatMap((route, at) =>
        route.flag === bond.flag && (isChanged || changed.routes.has(route.id))
          ? sentElsewhere(bond, route, child(child(null, 'routes'), at))
          : [],
      ),
    ]
  })
}

function servedElsewhere(bond: Bond, written: unknown): CompileIssue[] {
  const path = child(child(null, 'flags'), bond.flag)
  const broken = new Map<Name, ServedBy>()
  for (const [variant, by] of everywhere(canonicalFlag(written as Flag | ShortFlag)))
    if (!bond.variants.has(variant) && !broken.has(variant)) broken.set(variant, by)
  return Array.from(broken, ([variant, by]) => ({
    path: showPath(pathOf(path, by)),
    message: `serves ${variant}, ${because(bond)}`,
  }))
}

function sentElsewhere(bond: Bond, route: Route, path: Path): CompileIssue[] {
  return Array.from(besideTheFlag(route, bond.variants)).flatMap(([variant, ...at]) =>
    bond.variants.has(variant)
      ? []
      : {
          path: showPath(at.reduce(child, path)),
          message: `sends requests to ${variant}, ${because(bond)}`,
        },
  )
}

/** Variants that requests of a route can get though the flag serves others, and where the route says so. */
function* besideTheFlag(
  route: Route,
  flagServes: ReadonlySet<Name>,
): Generator<readonly [variant: Name, ...at: string[]]> {
  const { origins, fallback, overrides } = route
  yield [fallback, 'fallback']
  for (const name of flagServes) {
    if (!Object.hasOwn(origins, name)) continue
    const { fallback: own } = origins[name]!
    const next = nextInChain(route, name)
    // What goes on to the route's fallback was said above.
    if (next !== null && (own !== undefined || next !== fallback))
      yield [next, 'origins', name, own === undefined ? 'priority' : 'fallback']
  }
  for (const [header, variants] of Object.entries(overrides?.header ?? {}))
    for (const [value, variant] of Object.entries(variants))
      yield [variant, 'overrides', 'header', header, value]
}

/** Why a kill may not have these flags serve this variant: a sentence for each that may not; the others have none of that name, or may. */
export const brokenByKill = (flags: Flags, keys: ReadonlySet<Key>, variant: Name): string[] =>
  bondsIn(flags)
    .filter(({ flag, variants }) => keys.has(flag) && !variants.has(variant))
    .filter(({ flag }) => Object.hasOwn(canonicalFlag(flags[flag] as Flag | ShortFlag).variants, variant))
    .map((bond) => `flag ${bond.flag} would serve ${variant}, ${because(bond)}`)

/** That a flag may serve these variants only. */
interface Bond {
  readonly migration: Key
  readonly point: string
  readonly flag: Key
  readonly variants: ReadonlySet<Name>
}

/** Those in force: of migrations that have passed their point of no return. */
const bondsIn = (flags: Flags): Bond[] =>
  migrationsIn(flags).flatMap(([migration, flag]) => {
    const { pointOfNoReturn: point, binds = {} } = flag.migration ?? {}
    if (point === undefined || !isPast(standing(flag), point)) return []
    return Object.entries(binds).map(([bound, names]) => ({
      migration,
      point,
      flag: bound,
      variants: new Set(names),
    }))
  })

const migrationsIn = (flags: Flags): [Key, CanonicalFlag][] =>
  Object.entries(flags).flatMap(([key, written]): [Key, CanonicalFlag][] => {
    if ((written as Flag | undefined)?.kind !== 'migration') return []
    const flag = canonicalFlag(written as Flag | ShortFlag)
    return isMigration(flag) ? [[key, flag]] : []
  })

/** What is served by the rules, and what a kill or switching off would serve. */
function* everywhere(flag: CanonicalFlag): Generator<readonly [Name, ServedBy]> {
  if (flag.enabled) yield* served(flag)
  yield [flag.off, 'off']
}

const because = ({ migration, point, variants }: Bond): string =>
  `but migration ${migration} has passed its point of no return, ${point}, and leaves it ${listed(variants)} only`
