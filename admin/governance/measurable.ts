/** Which of the flags that change are measured: as many as can be asked in about a second. Pure. */
import type { Condition, Flag, FlagDocument, Key } from '../../engine/index.ts'
import { flagOf, leavesOf } from './rule-conditions.ts'

/** Most flags that are measured. */
const MAX_MEASURED = 50
/** Rules, conditions and weights that are asked for all of them together. */
const MAX_ASKED = 100_000_000

/** The flags that are measured, and the others: too many, or such as ask too much. Each is asked for so many contexts. */
export function measurable(
  changed: readonly Key[],
  documents: readonly FlagDocument[],
  contexts: number,
): [measured: Key[], unmeasured: Key[]] {
  const [measured, unmeasured]: [Key[], Key[]] = [[], []]
  const sizes = documents.map((document) => new Sizes(document))
  let left = MAX_ASKED
  for (const key of changed) {
    const asked =
      measured.length < MAX_MEASURED ? contexts * sizes.reduce((sum, one) => sum + one.ofFlag(key), 0) : 0
    if (measured.length === MAX_MEASURED || asked > left) unmeasured.push(key)
    else {
      measured.push(key)
      left -= asked
    }
  }
  return [measured, unmeasured]
}

/** How much is asked at most to decide a flag once: rules, conditions and weights, its own and those of what it asks. */
class Sizes {
  readonly #document: FlagDocument
  readonly #flags = new Map<Key, number>()
  readonly #segments = new Map<Key, number>()

  constructor(document: FlagDocument) {
    this.#document = document
  }

  ofFlag(key: Key): number {
    const known = this.#flags.get(key)
    if (known !== undefined) return known
    const { rules = [], fallthrough = '', prerequisites = [] } = flagOf(this.#document, key) ?? {}
    let size = weightsIn(fallthrough)
    for (const { when, serve } of rules) size += 1 + weightsIn(serve) + this.#ofCondition(when)
    for (const required of prerequisites) size += this.ofFlag(required.flag)
    this.#flags.set(key, size)
    return size
  }

  #ofSegment(key: Key): number {
    const known = this.#segments.get(key)
    if (known !== undefined) return known
    const size = 1 + this.#ofCondition(this.#document.segments?.[key]?.when)
    this.#segments.set(key, size)
    return size
  }

  #ofCondition(when: Condition | undefined): number {
    return leavesOf(when).reduce(
      (sum, leaf) => sum + ('segment' in leaf ? this.#ofSegment(leaf.segment) : 1),
      0,
    )
  }
}

const weightsIn = (serve: Flag['fallthrough']): number =>
  typeof serve === 'string' ? 1 : Object.keys(serve).length
