/**
 * What must not go back either once a migration has passed its point of no return: flags, of routes or others, that it binds to
 * some of their variants, because what stands behind the others needs the side that was left. Pure.
 */
import { type CompileIssue, child, showPath } from '../../engine/check.ts'
import { pathOf } from '../../engine/check-migration.ts'
import {
  canonicalFlag,
  type Flag,
  isMigration,
  isPast,
  type Key,
  type Name,
  type ServedBy,
  type ShortFlag,
  served,
  standing,
} from '../../engine/index.ts'

export type Flags = Readonly<Record<Key, unknown>>

/** Flags that some migration binds, or will. */
export const boundFlags = (flags: Flags): ReadonlySet<Key> =>
  new Set(migrationsIn(flags).flatMap(([, { migration }]) => Object.keys(migration?.binds ?? {})))

/** Where flags of a document that compiles serve what a migration has left behind; only what has changed is looked at. */
export function brokenBonds(flags: Flags, changed: ReadonlySet<Key>): CompileIssue[] {
  return bondsIn(flags).flatMap((bond) => {
    if (!changed.has(bond.flag) && !changed.has(bond.migration)) return []
    const path = child(child(null, 'flags'), bond.flag)
    const flag = canonicalFlag(bond.flag, flags[bond.flag] as Flag | ShortFlag)
    const broken = new Map<Name, ServedBy>()
    for (const [variant, by] of everywhere(flag))
      if (!bond.variants.includes(variant) && !broken.has(variant)) broken.set(variant, by)
    return Array.from(broken, ([variant, by]) => ({
      path: showPath(pathOf(path, by)),
      message: `serves ${variant}, ${because(bond)}`,
    }))
  })
}

/** Why a kill may not have these flags serve this variant: a sentence for each that may not; the others have none of that name, or may. */
export const brokenByKill = (flags: Flags, keys: ReadonlySet<Key>, variant: Name): string[] =>
  bondsIn(flags)
    .filter(({ flag, variants }) => keys.has(flag) && !variants.includes(variant))
    .filter(({ flag }) =>
      Object.hasOwn(canonicalFlag(flag, flags[flag] as Flag | ShortFlag).variants!, variant),
    )
    .map((bond) => `flag ${bond.flag} would serve ${variant}, ${because(bond)}`)

/** That a flag may serve these variants only. */
interface Bond {
  readonly migration: Key
  readonly point: string
  readonly flag: Key
  readonly variants: readonly Name[]
}

/** Those in force: of migrations that have passed their point of no return. */
const bondsIn = (flags: Flags): Bond[] =>
  migrationsIn(flags).flatMap(([migration, flag]) => {
    const { pointOfNoReturn: point, binds = {} } = flag.migration ?? {}
    if (point === undefined || !isPast(standing(flag), point)) return []
    return Object.entries(binds).map(([bound, variants]) => ({ migration, point, flag: bound, variants }))
  })

const migrationsIn = (flags: Flags): [Key, Flag][] =>
  Object.entries(flags).flatMap(([key, written]): [Key, Flag][] => {
    if ((written as Flag | undefined)?.kind !== 'migration') return []
    const flag = canonicalFlag(key, written as Flag | ShortFlag)
    return isMigration(flag) ? [[key, flag]] : []
  })

/** What is served by the rules, and what a kill or switching off would serve. */
function* everywhere(flag: Flag): Generator<readonly [Name, ServedBy]> {
  if (flag.enabled) yield* served(flag)
  yield [flag.off!, 'off']
}

const because = ({ migration, point, variants }: Bond): string =>
  `but migration ${migration} has passed its point of no return, ${point}, and leaves it ${variants.join(', ')} only`
