/** The flags of a document as they are compiled, and what the conditions of their rules ask. Pure. */
import {
  type CanonicalFlag,
  type Condition,
  canonicalFlag,
  type FlagDocument,
  type Key,
} from '../../engine/index.ts'

/** `null`: the document has no such flag. */
export const flagOf = ({ flags }: FlagDocument, key: Key): CanonicalFlag | null =>
  Object.hasOwn(flags, key) ? canonicalFlag(flags[key]!) : null

/** Keys of the segments that a condition refers to. */
export const segmentsIn = (when: Condition | undefined): Key[] =>
  leavesOf(when).flatMap((leaf) => ('segment' in leaf ? [leaf.segment] : []))

type Leaf = Extract<Condition, { segment: Key } | { attribute: string }>

/** The conditions of a tree that hold no others. */
export function leavesOf(when: Condition | undefined): Leaf[] {
  if (when === undefined) return []
  if ('all' in when) return when.all.flatMap(leavesOf)
  if ('any' in when) return when.any.flatMap(leavesOf)
  if ('not' in when) return leavesOf(when.not)
  return [when]
}
