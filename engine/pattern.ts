/**
 * Which regular expressions `matches` accepts: those that a backtracking engine answers in bounded time on any input.
 * Decides from the pattern alone: no back-references, no look-around, nothing repeated inside a repeated group, and few
 * places where the engine could try again. Pure; used at publish only.
 */

const MAX_LENGTH = 1000
const MAX_COUNT = 1000
const MAX_GROUP_DEPTH = 8
/** log2 of the steps allowed on an input of 1 024 units: 2^20 for two nested scans, and 2^4 for small choices. */
const MAX_COST_BITS = 24
const SCAN_BITS = 10

/** Characters on which two atoms are compared for overlap: all of ASCII. Whatever lies beyond counts as one more. */
const SAMPLES = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code))
/** Atoms that may match beyond ASCII: any text that says so, and `.`, negations and classes that hold nearly everything. */
const BEYOND = /\P{ASCII}|^\.$|^\[\^|\\[uxpPWDSsc]/u

type CharSet = readonly boolean[]
const NOTHING: CharSet = [...SAMPLES.map(() => false), false]
const union = (a: CharSet, b: CharSet): CharSet => a.map((has, at) => has || b[at]!)
const overlap = (a: CharSet, b: CharSet): boolean => a.some((has, at) => has && b[at]!)

interface Term {
  /** Characters of a single-character atom, `null` for assertions, or the alternatives of a group. */
  readonly atom: CharSet | Term[][] | null
  readonly min: number
  readonly max: number
  /** Whether the term is `^`. */
  readonly start: boolean
}

/** A sentence that completes "value …", or `null` if the pattern is safe. */
export function patternProblem(source: string): string | null {
  if (source.length > MAX_LENGTH) return `must be at most ${MAX_LENGTH} characters long`
  try {
    new RegExp(source, 'u')
  } catch (cause) {
    return `must be a regular expression: ${(cause as Error).message}`
  }
  try {
    const alternatives = new Parser(source).parse()
    const anchored = alternatives.every((sequence) => sequence[0]?.start)
    const { scans, choices } = costOf(alternatives, NOTHING)
    // Without ^ everything is tried again from every position.
    const nested = anchored ? scans : scans + 1
    if (nested * SCAN_BITS + choices <= MAX_COST_BITS) return null
    return 'could take too long on some inputs: anchor it with ^, use fewer * and +, or split it into several conditions'
  } catch (refusal) {
    if (refusal instanceof Refusal) return refusal.message
    throw refusal
  }
}

class Refusal extends Error {}

class Parser {
  readonly #source: string
  #at = 0
  #depth = 0

  constructor(source: string) {
    this.#source = source
  }

  parse(): Term[][] {
    const alternatives: Term[][] = [[]]
    while (this.#at < this.#source.length && this.#source[this.#at] !== ')') {
      if (this.#take('|')) alternatives.push([])
      else alternatives.at(-1)!.push(this.#term())
    }
    return alternatives
  }

  #term(): Term {
    const start = this.#source[this.#at] === '^'
    const atom = this.#atom()
    const [min, max] = this.#quantifier()
    if (max > 1 && isGroup(atom)) refuseInsideRepeat(atom)
    return { atom, min, max, start }
  }

  #atom(): CharSet | Term[][] | null {
    const start = this.#at
    if (this.#take('^') || this.#take('$')) return null
    if (this.#take('(')) return this.#group()
    if (this.#take('[')) {
      while (!this.#take(']')) this.#at += this.#source[this.#at] === '\\' ? 2 : 1
    } else if (this.#take('\\')) {
      if (this.#take('b') || this.#take('B')) return null
      if (/[1-9k]/.test(this.#source[this.#at]!)) throw new Refusal('must not use back-references')
      this.#at += this.#escapeLength()
    } else this.#at += this.#source.codePointAt(this.#at)! > 0xffff ? 2 : 1
    const source = this.#source.slice(start, this.#at)
    const one = new RegExp(`^(?:${source})$`, 'u')
    return [...SAMPLES.map((sample) => one.test(sample)), BEYOND.test(source)]
  }

  #group(): Term[][] {
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

  /** Length of what follows the backslash: `u{1F680}`, `p{L}`, `xHH`, `uHHHH`, `cX` or one character. */
  #escapeLength(): number {
    const rest = this.#source.slice(this.#at)
    return /^(?:[upP]\{[^}]*\}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|c[A-Za-z]|[\s\S])/u.exec(rest)![0].length
  }

  #quantifier(): [min: number, max: number] {
    const counts = /^(?:\{(\d+)(,)?(\d*)\}|[*+?])/.exec(this.#source.slice(this.#at))
    if (!counts) return [1, 1]
    this.#at += counts[0].length
    this.#take('?')
    if (counts[0] === '*') return [0, Number.POSITIVE_INFINITY]
    if (counts[0] === '+') return [1, Number.POSITIVE_INFINITY]
    if (counts[0] === '?') return [0, 1]
    const min = Number(counts[1])
    const max = counts[3] ? Number(counts[3]) : counts[2] ? Number.POSITIVE_INFINITY : min
    if (min > MAX_COUNT || (max > MAX_COUNT && max !== Number.POSITIVE_INFINITY))
      throw new Refusal(`must repeat at most ${MAX_COUNT} times`)
    return [min, max]
  }

  #take(text: string): boolean {
    if (this.#source[this.#at] !== text) return false
    this.#at += 1
    return true
  }
}

const isGroup = (atom: Term['atom']): atom is Term[][] => atom !== null && Array.isArray(atom[0])

/** Inside a repeated group nothing may repeat, and no two alternatives may begin alike. */
function refuseInsideRepeat(alternatives: Term[][]): void {
  for (const term of alternatives.flat()) {
    if (term.max !== 1 || term.min !== 1) throw new Refusal('must not use nested quantifiers')
    if (isGroup(term.atom)) refuseInsideRepeat(term.atom)
  }
  if (alternatives.length > 1 && alternatives.some(canBeEmpty))
    throw new Refusal('must not repeat alternatives that can be empty')
  if (ambiguous(alternatives, NOTHING)) throw new Refusal('must not repeat alternatives that begin alike')
}

function ambiguous(alternatives: Term[][], follow: CharSet): boolean {
  const firsts = alternatives.map((sequence) => firstOf(sequence, follow))
  return firsts.some((first, at) => firsts.slice(at + 1).some((other) => overlap(first, other)))
}

/** Characters with which a sequence can begin; `follow` where it can be empty. */
function firstOf(sequence: readonly Term[], follow: CharSet): CharSet {
  let first = NOTHING
  for (const { atom, min } of sequence) {
    if (atom === null) continue
    first = union(first, isGroup(atom) ? firstOfAny(atom) : (atom as CharSet))
    if (min > 0 && !(isGroup(atom) && atom.some(canBeEmpty))) return first
  }
  return union(first, follow)
}

const firstOfAny = (alternatives: Term[][]): CharSet =>
  alternatives.reduce((first, sequence) => union(first, firstOf(sequence, NOTHING)), NOTHING)

const canBeEmpty = (sequence: Term[]): boolean =>
  sequence.every(({ atom, min }) => atom === null || min === 0 || (isGroup(atom) && atom.some(canBeEmpty)))

interface Cost {
  /** How deep scans nest: 0 without repetition, 1 for one, one more for each whose end is not plain to see. */
  scans: number
  /** log2 of the remaining ways to try again. */
  choices: number
}

function costOf(alternatives: Term[][], follow: CharSet): Cost {
  let worst: Cost = { scans: 0, choices: 0 }
  for (const sequence of alternatives) {
    const cost = sequenceCost(sequence, follow)
    worst = { scans: Math.max(worst.scans, cost.scans), choices: Math.max(worst.choices, cost.choices) }
  }
  if (ambiguous(alternatives, follow)) worst.choices += Math.log2(alternatives.length)
  return worst
}

/** From the end: a scan whose end is ambiguous runs everything after it once a position. */
function sequenceCost(sequence: readonly Term[], follow: CharSet): Cost {
  let scans = 0
  let choices = 0
  for (let at = sequence.length - 1; at >= 0; at -= 1) {
    const { atom, min, max } = sequence[at]!
    if (atom === null) continue
    const after = firstOf(sequence.slice(at + 1), follow)
    const inside = isGroup(atom) ? costOf(atom, after) : { scans: 0, choices: 0 }
    choices += inside.choices
    const unclear = overlap(isGroup(atom) ? firstOfAny(atom) : (atom as CharSet), after)
    if (max - min > 10) scans = unclear ? scans + 1 : Math.max(scans, 1)
    else {
      if (max > min && unclear) choices += Math.log2(max - min + 1)
      scans += inside.scans > 0 && scans > 0 ? inside.scans : Math.max(0, inside.scans - scans)
    }
  }
  return { scans, choices }
}
