/** Which flags decide otherwise because of a change: those that differ, and those that something that differs is part of. Pure. */
import type { CanonicalFlag, Key, Segment } from '../../engine/index.ts'
import type { Side } from './impact.ts'
import { flagOf, segmentsIn } from './rule-conditions.ts'
import { sameJson } from './same-json.ts'

/** Flags whose own text differs, and those that require one, or refer to a segment, that does. */
export function changedFlags(before: Side, after: Side): Key[] {
  const sides = [before, after].map(({ document }) => document)
  const all = [...new Set([...before.snapshot.flags.keys(), ...after.snapshot.flags.keys()])].sort()
  const segments = changedSegments(before.document.segments ?? {}, after.document.segments ?? {})
  const flags = sides.flatMap((document) => all.map((key) => [key, flagOf(document, key)] as const))
  const uses = (flag: CanonicalFlag | null) => segmentsOfFlag(flag).some((segment) => segments.has(segment))
  const changed = new Set([
    ...all.filter((key) => before.snapshot.flags.get(key) !== after.snapshot.flags.get(key)),
    ...flags.filter(([, flag]) => uses(flag)).map(([key]) => key),
  ])
  const found = withAskers(
    changed,
    flags.map(([key, flag]) => [key, (flag?.prerequisites ?? []).map((required) => required.flag)]),
  )
  return all.filter((key) => found.has(key))
}

/** Those that differ, and those that refer to one. */
function changedSegments(
  before: Readonly<Record<Key, Segment>>,
  after: Readonly<Record<Key, Segment>>,
): Set<Key> {
  const all = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  const own = (segments: Readonly<Record<Key, Segment>>, key: Key) =>
    Object.hasOwn(segments, key) ? segments[key] : undefined
  return withAskers(
    new Set(all.filter((key) => !sameJson(own(before, key), own(after, key)))),
    [before, after].flatMap((segments) =>
      Object.entries(segments).map(([key, { when }]) => [key, segmentsIn(when)] as const),
    ),
  )
}

/** `changed` and all that ask one of them, or that ask one that does. */
function withAskers(changed: ReadonlySet<Key>, asks: readonly (readonly [Key, readonly Key[]])[]): Set<Key> {
  const askers = new Map<Key, Key[]>()
  for (const [key, asked] of asks)
    for (const one of asked) {
      const known = askers.get(one)
      if (known) known.push(key)
      else askers.set(one, [key])
    }
  const found = new Set(changed)
  // A set is walked through to what is added on the way.
  for (const key of found) for (const asker of askers.get(key) ?? []) found.add(asker)
  return found
}

const segmentsOfFlag = (flag: CanonicalFlag | null): Key[] =>
  (flag?.rules ?? []).flatMap(({ when }) => segmentsIn(when))
