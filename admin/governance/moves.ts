/**
 * Which contexts may get more than before: pairs of clauses that one context can meet, one of the list before a change and
 * one of the list after it. No pair is missed; one that no context can meet may be listed. Pure.
 */
import type { Clause } from './clauses.ts'
import type { Implication } from './implication.ts'
import { textOf } from './same-json.ts'
import { servesLower } from './serve-order.ts'

/** Contexts that may go from what one clause served before to what another serves after, which is not `off`. */
export interface Move {
  readonly before: Clause
  readonly after: Clause
}

/**
 * For every clause by which a context may get something that is neither `off` nor what it got before: one example. None:
 * whoever's answer changes gets `off`. Both lists cut by the same salt and bucket key.
 *
 * A context that meets `before[i]` and `after[j]` was refused by every clause before them. Where its conditions imply that
 * of such a clause, its hash must be at or above that clause's boundary: that leaves an interval, which may be empty.
 */
export function movesUp(
  before: readonly Clause[],
  after: readonly Clause[],
  off: string,
  implication: Implication,
): Move[] {
  const moves = new Map<number, Move>()
  const [earlier, later] = [byCondition(before), byCondition(after)]
  const columns = after.map(
    ({ when }) =>
      new Refused(before, earlier.get(textOf(when)), (clause) =>
        implication.holds(when, 'after', clause.when, 'before'),
      ),
  )
  for (const [i, was] of before.entries()) {
    const row = new Refused(after, later.get(textOf(was.when)), (clause) =>
      implication.holds(was.when, 'before', clause.when, 'after'),
    )
    for (const [j, is] of after.entries()) {
      if (moves.has(j)) continue
      const column = columns[j]!
      const keyed = !servesLower(was.serves, is.serves, off)
      const bothKeyless = was.keyless !== null && is.keyless !== null
      const keyless = bothKeyless && !servesLower(was.keyless, is.keyless, off)
      if (!(keyed || keyless)) continue
      const end = Math.min(was.below, is.below)
      const isOpen = (): boolean =>
        (keyed && Math.max(row.below, column.below) < end) || (keyless && !row.keyless && !column.keyless)
      row.ask('alike', j)
      column.ask('alike', i)
      if (!isOpen()) continue
      row.ask('all', j)
      column.ask('all', i)
      if (isOpen()) moves.set(j, { before: was, after: is })
    }
  }
  return [...moves].sort(([one], [other]) => one - other).map(([, move]) => move)
}

/** Indices of clauses by the text of their condition: those surely have much to say about each other. */
function byCondition(clauses: readonly Clause[]): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>()
  for (const [at, { when }] of clauses.entries()) {
    const text = textOf(when)
    const known = found.get(text)
    if (known) known.push(at)
    else found.set(text, [at])
  }
  return found
}

/** What is left for a context that the first clauses of a list refused, though their conditions hold for it. */
class Refused {
  /** Only hashes at or above this one are left. */
  below = 0
  /** No context without a bucket key is left. */
  keyless = false
  readonly #clauses: readonly Clause[]
  readonly #alike: readonly number[]
  readonly #holds: (clause: Clause) => boolean
  readonly #asked = { alike: 0, all: 0 }

  constructor(clauses: readonly Clause[], alike: readonly number[] = [], holds: (clause: Clause) => boolean) {
    this.#clauses = clauses
    this.#alike = alike
    this.#holds = holds
  }

  /** Counts the clauses before `end`, which never goes back; only those with the same condition first, which is cheap. */
  ask(which: 'alike' | 'all', end: number): void {
    for (;;) {
      const next = this.#asked[which]
      const at = which === 'all' ? next : this.#alike[next]
      if (at === undefined || at >= end) return
      this.#asked[which] += 1
      const clause = this.#clauses[at]!
      const counts = clause.below > this.below || (clause.keyless !== null && !this.keyless)
      if (!counts || !this.#holds(clause)) continue
      this.below = Math.max(this.below, clause.below)
      this.keyless ||= clause.keyless !== null
    }
  }
}
