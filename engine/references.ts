/** References between named things (prerequisites, segments): none may lead back to itself, run too deep or fan out too far. Pure. */

/** How long a chain of prerequisites, or of segments within segments, may be. */
const MAX_CHAIN = 32
/** How many things deciding one may ask in all, each counted as often as it is asked. */
const MAX_ASKED = 10_000

export type ChainProblem = { readonly cycle: readonly string[] } | 'too-long' | 'too-wide'

interface Reach {
  /** Length of the longest chain from here. */
  readonly height: number
  /** Things asked from here on, itself included. */
  readonly asked: number
}

/** Calls `report` for every key whose references are a problem. Visits each once; recursion is bounded by `MAX_CHAIN`. */
export function checkChains(
  keys: Iterable<string>,
  referencesOf: (key: string) => readonly string[],
  report: (key: string, problem: ChainProblem) => void,
): void {
  const known = new Map<string, Reach>()
  const trail: string[] = []

  const reach = (key: string): Reach => {
    const done = known.get(key)
    if (done !== undefined) return done
    const seen = trail.indexOf(key)
    if (seen >= 0) {
      report(key, { cycle: [...trail.slice(seen), key] })
      return { height: 0, asked: 1 }
    }
    if (trail.length > MAX_CHAIN) return { height: 0, asked: 1 }
    trail.push(key)
    let height = 0
    let asked = 1
    for (const reference of referencesOf(key)) {
      const next = reach(reference)
      height = Math.max(height, 1 + next.height)
      asked = Math.min(asked + next.asked, MAX_ASKED + 1)
    }
    if (trail.length > MAX_CHAIN) height = MAX_CHAIN + 1
    trail.pop()
    known.set(key, { height, asked })
    return { height, asked }
  }

  for (const key of keys) {
    const { height, asked } = reach(key)
    if (height > MAX_CHAIN) report(key, 'too-long')
    else if (asked > MAX_ASKED) report(key, 'too-wide')
  }
}

/** The sentence for a problem; `things` is their plural. */
export function chainSentence(problem: ChainProblem, thing: string): string {
  if (problem === 'too-long') return `a chain of ${thing}s must not be longer than ${MAX_CHAIN}`
  if (problem === 'too-wide') return `${thing}s must not ask more than ${MAX_ASKED} others in all`
  return `${thing} cycle: ${problem.cycle.join(' → ')}`
}
