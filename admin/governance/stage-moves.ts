/**
 * How a migration may move: to a neighbour of where it stands, and never back before a point of no return that it has passed.
 * Where a flag stands is the set of stages that some context can get. Pure.
 */
import type { CompileIssue } from '../../engine/check.ts'
import { child, showPath } from '../../engine/check.ts'
import {
  type CanonicalFlag,
  canonicalFlag,
  type Flag,
  isMigration,
  isPast,
  type Key,
  offStage,
  type ShortFlag,
  STAGES,
  type Stage,
  stagesOf,
  standing,
} from '../../engine/index.ts'

/** A flag as written before and after a change; `undefined`: there is, or was, none. */
export interface FlagMove {
  readonly key: Key
  readonly before: unknown
  readonly after: unknown
}

/** Every move that may not be made. Both sides are valid. `anywhere`: what was not there before may begin at any stage. */
export const forbiddenMoves = (moves: readonly FlagMove[], anywhere: boolean): CompileIssue[] =>
  issuesOf(moves, (before, after) => problemOf(before, after, anywhere))

/** Moves back past a point of no return, of those that need not go stage by stage. */
export const forbiddenReturns = (moves: readonly FlagMove[]): CompileIssue[] =>
  issuesOf(moves, (before, after) => (before === null ? null : returns(before, after)))

const issuesOf = (
  moves: readonly FlagMove[],
  problemOf: (before: CanonicalFlag | null, after: CanonicalFlag | null) => Problem | null,
): CompileIssue[] =>
  moves.flatMap(({ key, before, after }) => {
    const problem = problemOf(migrationOf(before), migrationOf(after))
    if (problem === null) return []
    const path = child(child(null, 'flags'), key)
    return {
      path: showPath(problem.at === null ? path : problem.at.reduce(child, path)),
      message: problem.why,
    }
  })

interface Problem {
  /** Field of the flag; `null`: the flag itself. */
  readonly at: readonly string[] | null
  readonly why: string
}

function problemOf(
  before: CanonicalFlag | null,
  after: CanonicalFlag | null,
  anywhere: boolean,
): Problem | null {
  if (before !== null) return after === null ? ends(before) : goes(before, after)
  return after === null || anywhere ? null : begins(after)
}

/** Cheap for the flags of other kinds, which are nearly all. */
export function migrationOf(written: unknown): CanonicalFlag | null {
  if ((written as Flag | undefined)?.kind !== 'migration') return null
  const flag = canonicalFlag(written as Flag | ShortFlag)
  return isMigration(flag) ? flag : null
}

/** Programs that find no flag are at their own default, which is where a migration begins. */
function begins(flag: CanonicalFlag): Problem | null {
  const [first] = stagesOf(flag)
  const at = standing(flag)
  if (areNeighbours(new Set([first!, ...at]), stagesOf(flag))) return null
  return {
    at: null,
    why: `begins at ${list(at)}, but a migration begins at its first stage, ${first}, or the next`,
  }
}

/** Programs then go on with their own default: that is safe where a migration has not begun, or is over. */
function ends(flag: CanonicalFlag): Problem | null {
  const stages = stagesOf(flag)
  const at = standing(flag)
  const [first, last] = [stages[0]!, stages.at(-1)!]
  if (at.size === 1 && (at.has(first) || at.has(last))) return null
  const why = `is at ${list(at)}, and may stop being a migration at ${first} or at ${last} only: programs would go on with their own default`
  return { at: null, why }
}

/** Nobody has decided that the migration is over where it goes because another document comes. */
function returns(before: CanonicalFlag, after: CanonicalFlag | null): Problem | null {
  if (after !== null) return goesBack(before, after, standing(before), standing(after))
  const point = before.migration?.pointOfNoReturn
  if (point === undefined || !isPast(standing(before), point)) return null
  const why = `would be no migration any more, but has passed its point of no return, ${point}: programs would go on with their own default`
  return { at: null, why }
}

function goes(before: CanonicalFlag, after: CanonicalFlag): Problem | null {
  const [was, is] = [standing(before), standing(after)]
  const back = goesBack(before, after, was, is)
  if (back !== null) return back
  // Switching off is what a kill does: it leads to `off` from wherever the flag stands.
  if (!after.enabled && offStage(before) === offStage(after)) return null
  const stages = STAGES.filter((stage) => stagesOf(before).includes(stage) || stagesOf(after).includes(stage))
  if (areNeighbours(new Set([...was, ...is]), stages)) return null
  const why = `would move from ${list(was)} to ${list(is)}; a migration moves by one stage at a time (${stages.join(', ')})`
  return { at: null, why }
}

/** Past the point of no return nobody goes back before it, and it stays where it is. */
function goesBack(
  before: CanonicalFlag,
  after: CanonicalFlag,
  was: Set<Stage>,
  is: Set<Stage>,
): Problem | null {
  const point = before.migration?.pointOfNoReturn
  if (point === undefined || !isPast(was, point)) return null
  const earlier = [...is].filter((stage) => order(stage) < order(point))
  if (earlier.length > 0)
    return {
      at: null,
      why: `would go back to ${list(earlier)}, but has passed its point of no return, ${point}`,
    }
  const next = after.migration?.pointOfNoReturn
  if (next !== undefined && order(next) <= order(point)) return null
  return { at: ['migration', 'pointOfNoReturn'], why: `must stay ${point}: the migration has passed it` }
}

export const order = (stage: Stage): number => STAGES.indexOf(stage)

/** Whether these are one of the stages, or two that follow each other. */
export function areNeighbours(at: ReadonlySet<Stage>, stages: readonly Stage[]): boolean {
  const places = Array.from(at, (stage) => stages.indexOf(stage))
  return Math.max(...places) - Math.min(...places) <= 1
}

export const list = (stages: Iterable<Stage>): string =>
  [...stages].sort((one, other) => order(one) - order(other)).join(' and ')
