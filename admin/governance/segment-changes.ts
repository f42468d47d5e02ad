/** Which segments of a document may have other members after a change. Pure. */
import { segmentsOf } from '../../engine/condition.ts'
import type { Condition, FlagDocument, Key, Segment } from '../../engine/index.ts'
import { packSegment } from '../../engine/pack.ts'
import { Implication, type Segments } from './implication.ts'
import { sameJson } from './same-json.ts'

export class SegmentChanges {
  readonly implication: Implication
  readonly #before: Segments
  readonly #after: Segments
  readonly #written: ReadonlyMap<Key, Segment>
  readonly #changed = new Map<Key, boolean>()
  readonly #any: boolean

  constructor(before: FlagDocument, after: FlagDocument) {
    this.#before = packed(before)
    this.#after = packed(after)
    this.#written = new Map(Object.entries(after.segments ?? {}))
    this.#any = [...this.#after].some(([key, segment]) => !sameJson(this.#before.get(key), segment))
    this.implication = new Implication(this.#before, this.#after)
  }

  /** Whether any of the conditions asks a segment that changed, or that asks one. */
  isUsedBy(rules: readonly { readonly when?: Condition }[]): boolean {
    return this.#any && rules.some(({ when }) => segmentsOf(when).some((key) => this.#isChanged(key)))
  }

  #isChanged(key: Key): boolean {
    const known =
      this.#changed.get(key) ??
      (!sameJson(this.#before.get(key), this.#after.get(key)) ||
        this.isUsedBy([this.#written.get(key) ?? {}]))
    this.#changed.set(key, known)
    return known
  }
}

const packed = ({ segments = {} }: FlagDocument): Segments =>
  new Map(Object.entries(segments).map(([key, segment]) => [key, packSegment(segment)]))
