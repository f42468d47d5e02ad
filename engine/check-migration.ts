/** Publish checks of a flag that leads through a migration: where it may stand. Pure. */
import { type Check, child, type Path, show } from './check.ts'
import { checkNames, type Variants } from './check-names.ts'
import type { CanonicalFlag } from './document.ts'
import {
  isMigration,
  isStage,
  offStage,
  type ServedBy,
  STAGES,
  type Stage,
  served,
  stageOf,
  stagesOf,
} from './stages.ts'

/** `flag` is valid otherwise, and in canonical form. */
export function checkMigration(check: Check, path: Path, flag: CanonicalFlag): void {
  if (!isMigration(flag)) return checkOther(check, path, flag)
  const stages = stagesOf(flag)
  const { pointOfNoReturn, binds } = flag.migration ?? {}
  if (binds !== undefined && pointOfNoReturn === undefined)
    check.error(
      child(child(path, 'migration'), 'binds'),
      'needs a "pointOfNoReturn", from which on it binds flags',
    )
  if (pointOfNoReturn !== undefined && !stages.includes(pointOfNoReturn))
    return check.error(
      child(child(path, 'migration'), 'pointOfNoReturn'),
      `must be a stage that the flag has: ${stages.join(', ')}; got ${show(pointOfNoReturn)}`,
    )
  const at = (stage: Stage): number => stages.indexOf(stage)
  const places = Array.from(served(flag), ([variant, by]) => ({ stage: stageOf(flag, variant), by }))
  const sorted = places.sort((one, other) => at(one.stage) - at(other.stage))
  const [first, last] = [sorted[0]!, sorted.at(-1)!]
  if (at(last.stage) - at(first.stage) > 1)
    return check.error(
      pathOf(path, last.by),
      `serves ${last.stage}, while ${nameOf(flag, first.by)} serves ${first.stage}: contexts may be at one stage, or at two that are neighbours (${stages.join(', ')})`,
    )
  const off = offStage(flag)
  if (at(off) > at(first.stage))
    check.error(
      child(path, 'off'),
      `is worth ${off}, and ${nameOf(flag, first.by)} serves ${first.stage}, which is earlier: a kill would move the migration forward`,
    )
  if (pointOfNoReturn === undefined || at(last.stage) < at(pointOfNoReturn)) return
  if (at(first.stage) < at(pointOfNoReturn))
    check.error(
      pathOf(path, last.by),
      `serves ${last.stage}, while ${nameOf(flag, first.by)} serves ${first.stage}: the point of no return, ${pointOfNoReturn}, is passed by everybody at once`,
    )
  else if (at(off) < at(pointOfNoReturn))
    check.error(
      child(path, 'off'),
      `is worth ${off}, but must be at or after the point of no return, ${pointOfNoReturn}, as all that the flag serves is: a kill would go back past it`,
    )
}

/** That the flags that a migration binds are there, and have the variants that it leaves them. */
export function checkBonds(check: Check, path: Path, flag: CanonicalFlag, known: Variants): void {
  for (const [key, names] of Object.entries(flag.migration?.binds ?? {})) {
    const at = child(child(child(path, 'migration'), 'binds'), key)
    if (!known.has(key)) check.error(at, `unknown flag ${show(key)}`)
    else checkNames(check, at, names, key, known)
  }
}

/** A flag that leads through no migration, perhaps by mistake. */
function checkOther(check: Check, path: Path, flag: CanonicalFlag): void {
  if (flag.migration !== undefined)
    check.error(
      child(path, 'migration'),
      `is for flags of kind migration whose variants are all worth stages: ${STAGES.join(', ')}`,
    )
  else if (flag.kind === 'migration' && Object.values(flag.variants).some(isStage))
    for (const [variant, value] of Object.entries(flag.variants))
      if (!isStage(value))
        check.warn(
          child(child(path, 'variants'), variant),
          `is worth ${show(value)}, which is no stage (${STAGES.join(', ')}): the flag may go from any variant to any other`,
        )
}

/** Where a flag says that a variant is served. */
export function pathOf(path: Path, by: ServedBy): Path {
  if (by === 'fallthrough' || by === 'off') return child(path, by)
  return child(child(child(path, 'rules'), by), 'serve')
}

function nameOf({ rules }: CanonicalFlag, by: ServedBy): string {
  if (by === 'fallthrough') return 'the fallthrough'
  return by === 'off' ? '`off`, which contexts get whom no rule can take,' : `rule ${show(rules[by]!.id)}`
}
