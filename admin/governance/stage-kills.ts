/**
 * What kills may do to migrations: they go back, to wherever they lead, and are not lifted in a leap. Where a killed flag stands
 * is the stage that the kill serves. Pure.
 */
import { type CompileIssue, child, showPath } from '../../engine/check.ts'
import {
  type CanonicalFlag,
  type Flag,
  isPast,
  type Key,
  type Kill,
  killOfFlag,
  type Name,
  offStage,
  type Stage,
  stageOf,
  stagesOf,
  standing,
} from '../../engine/index.ts'
import type { Flags } from './bonds.ts'
import { areNeighbours, type FlagMove, list, migrationOf, order } from './stage-moves.ts'

/**
 * Why a kill that serves this variant of a flag, as written, may not be placed: it would lead a migration on by more than one
 * stage, or past its point of no return in either direction. `null`: it may. `kills`: those in force.
 */
export function forbiddenKill(
  key: Key,
  written: unknown,
  variant: Name,
  kills: readonly Kill[],
): string | null {
  const flag = migrationOf(written)
  if (flag === null || !Object.hasOwn(flag.variants, variant)) return null
  const stage = stageOf(flag, variant)
  const point = flag.migration?.pointOfNoReturn
  const back = returningKill(key, written, variant)
  if (back !== null) return back
  if (point !== undefined && isPast([stage], point) && !isPast(standing(flag), point))
    return `flag ${key} would go on to ${stage}, past its point of no return, ${point}; a kill does not`
  const at = underKills(key, flag, kills)
  if (
    [...at].some((each) => order(each) >= order(stage)) ||
    areNeighbours(new Set([...at, stage]), stagesOf(flag))
  )
    return null
  return `flag ${key} would move forward from ${list(at)} to ${stage}; a kill goes back`
}

/** Why a kill would lead a migration back before the point of no return that it has passed; `null`: it would not. */
export function returningKill(key: Key, written: unknown, variant: Name): string | null {
  const flag = migrationOf(written)
  const point = flag?.migration?.pointOfNoReturn
  if (flag === null || point === undefined || !Object.hasOwn(flag.variants, variant)) return null
  const stage = stageOf(flag, variant)
  if (!isPast(standing(flag), point) || isPast([stage], point)) return null
  return `flag ${key} would go back to ${stage}, but has passed its point of no return, ${point}`
}

/** Migrations that would leap if these kills were what is in force, and not those before. */
export function leaps(flags: Flags, before: readonly Kill[], after: readonly Kill[]): CompileIssue[] {
  return Object.keys(flags).flatMap((key) => {
    const flag = migrationOf(flags[key])
    if (flag === null) return []
    const [was, is] = [underKills(key, flag, before), underKills(key, flag, after)]
    const stages = stagesOf(flag)
    if (areNeighbours(new Set([...was, ...is]), stages)) return []
    const message = `would move from ${list(was)} to ${list(is)}; a migration moves by one stage at a time (${stages.join(', ')}): lead the flag back first, or kill flag:${key} with a variant, stage by stage`
    return { path: showPath(child(child(null, 'flags'), key)), message }
  })
}

/** Killed migrations that would leap by a change of the flag: by another `off`, which the kill serves, or by losing the tag that is killed. */
export const leapsUnderKills = (moves: readonly FlagMove[], kills: readonly Kill[]): CompileIssue[] =>
  moves.flatMap(({ key, before, after }) => {
    const [was, is] = [migrationOf(before), migrationOf(after)]
    if (was === null || is === null || killOf(key, was, kills) === undefined) return []
    const [from, to] = [underKills(key, was, kills), underKills(key, is, kills)]
    if (areNeighbours(new Set([...from, ...to]), stagesOf(is))) return []
    const message = `is killed, and would move from ${list(from)} to ${list(to)} all the same; a migration moves by one stage at a time (${stagesOf(is).join(', ')})`
    return { path: showPath(child(child(null, 'flags'), key)), message }
  })

const killOf = (key: Key, { tags }: Flag, kills: readonly Kill[]): Kill | undefined =>
  killOfFlag({ epoch: 0, version: 0, kills }, key, tags)

/** The stages that contexts get under these kills. */
function underKills(key: Key, flag: CanonicalFlag, kills: readonly Kill[]): Set<Stage> {
  const kill = killOf(key, flag, kills)
  if (kill === undefined) return standing(flag)
  const { variant } = kill
  return new Set([
    variant !== undefined && Object.hasOwn(flag.variants, variant) ? stageOf(flag, variant) : offStage(flag),
  ])
}
