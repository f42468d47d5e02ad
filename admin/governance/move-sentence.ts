/** Why contexts may move from one clause of a flag to another, as ends of sentences about the flag. Pure. */
import { HASH_SPACE } from '../../engine/index.ts'
import type { Clause } from './clauses.ts'
import type { Implication } from './implication.ts'
import type { Move } from './moves.ts'
import { type Served, servesLower } from './serve-order.ts'

/** One sentence for each clause that may get more, or for each that lets contexts go; `clauses`: those before the change. */
export function sentencesOf(
  moves: readonly Move[],
  clauses: readonly Clause[],
  off: string,
  implication: Implication,
): string[] {
  const byRule = new Map(clauses.map((clause) => [clause.rule, clause]))
  const left = new Map<Clause, Clause[]>()
  const direct: string[] = []
  for (const { before, after } of moves) {
    const sentence = ownChange(byRule.get(after.rule), after, off, implication)
    if (sentence !== null) direct.push(sentence)
    else left.set(before, [...(left.get(before) ?? []), after])
  }
  return [...direct, ...[...left].map(([before, clausesAfter]) => passedOn(before, clausesAfter))]
}

/** What changed in the clause itself; `null` if it only gets what others let go. */
function ownChange(
  earlier: Clause | undefined,
  after: Clause,
  off: string,
  implication: Implication,
): string | null {
  const name = nameOf(after)
  const serves = textOf(after.serves)
  if (earlier === undefined) return `${name} is added and serves ${serves}`
  if (after.below > earlier.below)
    return `percentage of ${name} rises from ${percent(earlier)} to ${percent(after)}`
  if (!servesLower(earlier.serves, after.serves, off))
    return `${name} serves ${serves} instead of ${textOf(earlier.serves)}`
  if (!implication.holds(after.when, 'after', earlier.when, 'before'))
    return `${name} may match more contexts, and serves ${serves}`
  return null
}

function passedOn(before: Clause, [first, ...others]: readonly Clause[]): string {
  const more = others.length === 0 ? '' : `, or by ${others.length} other rules`
  const gets = `${textOf(first!.serves)} by ${nameOf(first!)}`
  return `contexts that got ${textOf(before.serves)} by ${nameOf(before)} may get ${gets}${more}`
}

const nameOf = ({ rule }: Clause): string => (rule === null ? 'the fallthrough' : `rule ${rule}`)

/** As it is written: boundaries of steps of 0.001 are far apart. */
const percent = ({ below }: Clause): number => Math.round((below / HASH_SPACE) * 100_000) / 1000

const textOf = (served: Served): string =>
  typeof served === 'string' ? served : [...served].map(([name, weight]) => `${name} ${weight}`).join(' : ')
