/** What a document that takes the place of another, whole and at once, may not bring back of what migrations have left behind. Pure. */
import type { CompileIssue } from '../../engine/check.ts'
import type { Key, Name } from '../../engine/index.ts'
import { type Bindable, brokenBonds, brokenByKill, type Flags } from './bonds.ts'
import { sameJson } from './same-json.ts'
import { returningKill } from './stage-kills.ts'
import { forbiddenReturns } from './stage-moves.ts'

/** Both compile. `before`: what is in force, whose points of no return count. */
export function forbiddenReplacement(before: Bindable, after: Bindable): CompileIssue[] {
  const keys = new Set([...Object.keys(before.flags), ...Object.keys(after.flags)])
  const changed = [...keys]
    .map((key) => ({ key, before: own(before.flags, key), after: own(after.flags, key) }))
    .filter((move) => !sameJson(move.before, move.after))
  const routes = new Map(before.routes.map((route) => [route.id, route]))
  return [
    ...forbiddenReturns(changed),
    ...brokenBonds(
      after,
      {
        flags: new Set(changed.map(({ key }) => key)),
        routes: new Set(
          after.routes.filter((route) => !sameJson(routes.get(route.id), route)).map(({ id }) => id),
        ),
      },
      before.flags,
    ),
  ]
}

/** The same of a kill that comes with it and has these flags serve a variant: a sentence each. */
export const forbiddenComeback = (before: Flags, keys: ReadonlySet<Key>, variant: Name): string[] => [
  ...[...keys].flatMap((key) => returningKill(key, own(before, key), variant) ?? []),
  ...brokenByKill(before, keys, variant),
]

const own = (flags: Flags, key: string): unknown => (Object.hasOwn(flags, key) ? flags[key] : undefined)
