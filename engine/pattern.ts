/**
 * Which regular expressions `matches` accepts: those that a backtracking engine answers in bounded time on any input.
 * Decides from the pattern alone: no back-references, no look-around, nothing repeated inside a repeated group, and few
 * places where the engine could try again. In time linear in the pattern. Pure; used at publish only.
 */
import { type CharSet, NOTHING, overlap, union } from './char-set.ts'
import { isProperty, readAtom } from './pattern-atom.ts'

const MAX_LENGTH = 1000
const MAX_COUNT = 1000
const MAX_GROUP_DEPTH = 8
/** log2 of the steps allowed on an input of 1 024 units: 2^20 for two nested scans, and 2^4 for small choices. */
const MAX_COST_BITS = 24
const SCAN_BITS = 10

interface Term {
  /** Characters with which it can begin; `null` for assertions. */
  readonly first: CharSet | null
  /** The alternatives of a group. */
  readonly group: readonly Sequence[] | null
  readonly min: number
  readonly max: number
  /** Whether it can match without a character. */
  readonly canBeEmpty: boolean
}

const ASSERTION: Term = { first: null, group: null, min: 1, max: 1, canBeEmpty: true }

interface Sequence {
  readonly terms: readonly Term[]
  /** Whether it begins with `^`. */
  readonly anchored: boolean
  /** Characters with which it can begin, whatever follows it. */
  readonly first: CharSet
  readonly canBeEmpty: boolean
}

/** A sentence that completes "value …", or `null` if the pattern is safe. */
export function patternProblem(source: string): string | null {
  if (source.length > MAX_LENGTH) return `must be at most ${MAX_LENGTH} characters long`
  const problem = syntaxProblem(source)
  if (problem !== null) return `must be a regular expression: ${problem}`
  try {
    const alternatives = new Parser(source).parse()
    const { scans, choices } = costOf(alternatives, NOTHING)
    // Without ^ everything is tried again from every position.
    const nested = alternatives.every(({ anchored }) => anchored) ? scans : scans + 1
    if (nested * SCAN_BITS + choices <= MAX_COST_BITS) return null
    return 'could take too long on some inputs: anchor it with ^, use fewer * and +, or split it into several conditions'
  } catch (refusal) {
    if (refusal instanceof Refusal) return refusal.message
    throw refusal
  }
}

/** What the platform says of a pattern that is none. */
function syntaxProblem(source: string): string | null {
  const brief = withoutProperties(source)
  try {
    new RegExp(brief, 'u')
    return null
  } catch (cause) {
    return (cause as Error).message.replace(brief, () => source)
  }
}

/**
 * A pattern of the same syntax. The platform writes out every `\p{L}`, hundreds of ranges, each time that it reads one: so it
 * gets `\d` instead, up to the first property that does not exist, where it stops.
 */
function withoutProperties(source: string): string {
  let exist = true
  return source.replace(/\\(?:[pP]\{[\w=]*\}|[\s\S])/g, (text) => {
    if (text.length === 2 || !exist) return text
    exist = isProperty(text)
    return exist ? '\\d' : text
  })
}

class Refusal extends Error {}

class Parser {
  readonly #source: string
  #at = 0
  #depth = 0

  constructor(source: string) {
    this.#source = source
  }

  parse(): Sequence[] {
    const alternatives = [this.#sequence()]
    while (this.#take('|')) alternatives.push(this.#sequence())
    return alternatives
  }

  #sequence(): Sequence {
    const anchored = this.#source[this.#at] === '^'
    const terms: Term[] = []
    while (this.#at < this.#source.length && !this.#isAt('|') && !this.#isAt(')')) terms.push(this.#term())
    return {
      terms,
      anchored,
      first: terms.reduceRight(firstBefore, NOTHING),
      canBeEmpty: terms.every((term) => term.canBeEmpty),
    }
  }

  #term(): Term {
    if (this.#assertion()) return ASSERTION
    if (!this.#take('(')) return this.#text() ?? this.#single()
    const group = this.#group()
    const { min, max } = this.#quantifier()
    if (max > 1) refuseInsideRepeat(group)
    const canBeEmpty = min === 0 || group.some((sequence) => sequence.canBeEmpty)
    return { first: firstOfAny(group), group, min, max, canBeEmpty }
  }

  /** Characters that stand for themselves, once each: as a term they are no more than the first of them. */
  #text(): Term | null {
    TEXT.lastIndex = this.#at
    if (!TEXT.test(this.#source)) return null
    const { set } = readAtom(this.#source, this.#at)
    this.#at = TEXT.lastIndex
    return { first: set, group: null, min: 1, max: 1, canBeEmpty: false }
  }

  #single(): Term {
    const { set, end } = readAtom(this.#source, this.#at)
    this.#at = end
    const { min, max } = this.#quantifier()
    return { first: set, group: null, min, max, canBeEmpty: min === 0 }
  }

  /** `^`, `$`, `\b` and `\B` match no character. Back-references are refused here. */
  #assertion(): boolean {
    if (this.#take('^') || this.#take('$')) return true
    if (this.#source[this.#at] !== '\\') return false
    const letter = this.#source[this.#at + 1]!
    if (/[1-9k]/.test(letter)) throw new Refusal('must not use back-references')
    if (letter !== 'b' && letter !== 'B') return false
    this.#at += 2
    return true
  }

  #group(): Sequence[] {
    if (this.#take('?') && !this.#take(':')) {
      if (!/^<[^=!]/.test(this.#source.slice(this.#at, this.#at + 2)))
        throw new Refusal('must not use look-ahead, look-behind or modifiers')
      this.#at = this.#source.indexOf('>', this.#at) + 1
    }
    this.#depth += 1
    if (this.#depth > MAX_GROUP_DEPTH)
      throw new Refusal(`must not nest groups deeper than ${MAX_GROUP_DEPTH}`)
    const alternatives = this.parse()
    this.#take(')')
    this.#depth -= 1
    return alternatives
  }

  #quantifier(): Count {
    const count = this.#count()
    if (count !== ONCE) this.#take('?')
    return count
  }

  #count(): Count {
    if (this.#take('*')) return { min: 0, max: Number.POSITIVE_INFINITY }
    if (this.#take('+')) return { min: 1, max: Number.POSITIVE_INFINITY }
    if (this.#take('?')) return { min: 0, max: 1 }
    if (!this.#take('{')) return ONCE
    const end = this.#source.indexOf('}', this.#at)
    const [least, most] = this.#source.slice(this.#at, end).split(',')
    this.#at = end + 1
    const min = Number(least)
    const max = most === undefined ? min : most === '' ? Number.POSITIVE_INFINITY : Number(most)
    if (min > MAX_COUNT || (max > MAX_COUNT && max !== Number.POSITIVE_INFINITY))
      throw new Refusal(`must repeat at most ${MAX_COUNT} times`)
    return { min, max }
  }

  #take(text: string): boolean {
    if (!this.#isAt(text)) return false
    this.#at += 1
    return true
  }

  #isAt(text: string): boolean {
    return this.#source[this.#at] === text
  }
}

/** Of a valid pattern; not the character before a quantifier. */
const TEXT = /[^\\^$.*+?()[\]{}|]+(?![*+?{])/uy

interface Count {
  readonly min: number
  readonly max: number
}
const ONCE: Count = { min: 1, max: 1 }

/** Inside a repeated group nothing may repeat, and no two alternatives may begin alike. */
function refuseInsideRepeat(alternatives: readonly Sequence[]): void {
  for (const { terms } of alternatives)
    for (const { group, min, max } of terms) {
      if (max !== 1 || min !== 1) throw new Refusal('must not use nested quantifiers')
      if (group) refuseInsideRepeat(group)
    }
  if (alternatives.length > 1 && alternatives.some(({ canBeEmpty }) => canBeEmpty))
    throw new Refusal('must not repeat alternatives that can be empty')
  if (beginAlike(alternatives, NOTHING)) throw new Refusal('must not repeat alternatives that begin alike')
}

/** Whether two alternatives can begin with the same character, where `follow` comes after them. */
function beginAlike(alternatives: readonly Sequence[], follow: CharSet): boolean {
  let seen = NOTHING
  for (const { first, canBeEmpty } of alternatives) {
    const begins = canBeEmpty ? union(first, follow) : first
    if (overlap(seen, begins)) return true
    seen = union(seen, begins)
  }
  return false
}

/** Characters with which a term and what comes after it can begin. */
function firstBefore(after: CharSet, { first, canBeEmpty }: Term): CharSet {
  if (first === null) return after
  return canBeEmpty ? union(first, after) : first
}

const firstOfAny = (alternatives: readonly Sequence[]): CharSet =>
  alternatives.map(({ first }) => first).reduce(union)

interface Cost {
  /** How deep scans nest: 0 without repetition, 1 for one, one more for each whose end is not plain to see. */
  readonly scans: number
  /** log2 of the remaining ways to try again. */
  readonly choices: number
}

const NO_COST: Cost = { scans: 0, choices: 0 }

function costOf(alternatives: readonly Sequence[], follow: CharSet): Cost {
  let { scans, choices } = NO_COST
  for (const { terms } of alternatives) {
    const cost = sequenceCost(terms, follow)
    scans = Math.max(scans, cost.scans)
    choices = Math.max(choices, cost.choices)
  }
  if (beginAlike(alternatives, follow)) choices += Math.log2(alternatives.length)
  return { scans, choices }
}

/** From the end: a scan whose end is ambiguous runs everything after it once a position. */
function sequenceCost(terms: readonly Term[], follow: CharSet): Cost {
  let { scans, choices } = NO_COST
  let after = follow
  for (let at = terms.length - 1; at >= 0; at -= 1) {
    const term = terms[at]!
    const { first, group, min, max } = term
    if (first === null) continue
    const inside = group ? costOf(group, after) : NO_COST
    choices += inside.choices
    const unclear = overlap(first, after)
    if (max - min > 10) scans = unclear ? scans + 1 : Math.max(scans, 1)
    else {
      if (max > min && unclear) choices += Math.log2(max - min + 1)
      scans += inside.scans > 0 && scans > 0 ? inside.scans : Math.max(0, inside.scans - scans)
    }
    after = firstBefore(after, term)
  }
  return { scans, choices }
}
