/**
 * Whether one condition implies another: a proof, not a search for examples. `true` is certain for every context; `false`
 * only says that this file found no proof. The two conditions may stand in two documents, whose segments differ. Pure.
 */
import type { JsonValue, Key, PackedCondition, PackedSegment } from '../../engine/index.ts'
import { sameJson } from './same-json.ts'

/** Of which document a condition's segments are. */
export type Side = 'before' | 'after'
export type Segments = ReadonlyMap<Key, PackedSegment>

/** Holds for every context. */
export const ALWAYS: PackedCondition = ['all']

/** Comparisons that one proof may cost: conditions can be written that take longer than anybody waits. */
const MAX_STEPS = 2_000_000

export class Implication {
  readonly #segments: Readonly<Record<Side, Segments>>
  readonly #members = new Map<Key, boolean>()
  readonly #sets = new Map<object, ReadonlySet<unknown>>()
  #left = MAX_STEPS

  constructor(before: Segments, after: Segments) {
    this.#segments = { before, after }
  }

  /** Whether every context for which `one` holds in document `from` is one for which `other` holds in document `to`. */
  holds(one: PackedCondition, from: Side, other: PackedCondition, to: Side): boolean {
    this.#left -= 1
    if (this.#left < 0) return false
    if (other[0] === 'all') return partsOf(other).every((part) => this.holds(one, from, part, to))
    if (one[0] === 'any') return partsOf(one).every((part) => this.holds(part, from, other, to))
    if (other[0] === 'any' && partsOf(other).some((part) => this.holds(one, from, part, to))) return true
    if (one[0] === 'all') return partsOf(one).some((part) => this.holds(part, from, other, to))
    if (one[0] === 'not') return other[0] === 'not' && this.holds(other[1], to, one[1], from)
    if (one[0] === 'segment')
      return other[0] === 'segment' && one[1] === other[1] && this.contains(one[1], from, to)
    return other[0] === 'is' && this.#test(one, other)
  }

  /** Whether every member of a segment in document `from` is one in document `to`. */
  contains(key: Key, from: Side, to: Side): boolean {
    if (from === to) return true
    const name = `${from} ${key}`
    const known = this.#members.get(name) ?? this.#contains(key, from, to)
    this.#members.set(name, known)
    return known
  }

  #contains(key: Key, from: Side, to: Side): boolean {
    const mine = this.#segments[from].get(key) ?? NOBODY
    const theirs = this.#segments[to].get(key) ?? NOBODY
    const [included, excluded] = [this.#set(mine.include ?? []), this.#set(mine.exclude ?? [])]
    const theirIncluded = this.#set(theirs.include ?? [])
    // A key that is newly excluded must have been excluded, or no member at all: neither listed nor by condition.
    const mayBeMember = (member: string): boolean =>
      !excluded.has(member) && (included.has(member) || mine.when !== undefined)
    return (
      !(theirs.exclude ?? []).some(mayBeMember) &&
      (mine.include ?? []).every((member) => excluded.has(member) || theirIncluded.has(member)) &&
      (mine.when === undefined || (theirs.when !== undefined && this.holds(mine.when, from, theirs.when, to)))
    )
  }

  /** Of two tests of one attribute: the same test, or a list that holds the other. */
  #test(one: PackedCondition, other: PackedCondition): boolean {
    const [, op, attribute, operand] = one as Test
    const [, otherOp, otherAttribute, otherOperand] = other as Test
    if (attribute !== otherAttribute) return false
    if (op === otherOp && !Array.isArray(operand)) return sameJson(operand, otherOperand)
    const [list, otherList] = [listOf(op, operand), listOf(otherOp, otherOperand)]
    if (list === null || otherList === null || (op === 'cidr') !== (otherOp === 'cidr')) return false
    this.#left -= list.length
    const set = this.#set(otherList)
    return this.#left >= 0 && list.every((item) => set.has(item))
  }

  #set(list: readonly unknown[]): ReadonlySet<unknown> {
    const set = this.#sets.get(list) ?? new Set(list)
    this.#sets.set(list, set)
    return set
  }
}

const NOBODY: PackedSegment = {}

type Test = readonly ['is', operator: string, attribute: string, operand: JsonValue]

const partsOf = (condition: PackedCondition): readonly PackedCondition[] =>
  condition.slice(1) as PackedCondition[]

/** The values of which the attribute must be one, or hold one; for `cidr` the blocks. `null` for other operators. */
function listOf(op: string, operand: JsonValue): readonly JsonValue[] | null {
  if (op === 'equals') return [operand]
  return op === 'in' || op === 'cidr' ? (operand as JsonValue[]) : null
}
