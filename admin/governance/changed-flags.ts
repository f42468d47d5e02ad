/** Which flags decide otherwise because of a change: those that differ, and those that something that differs is part of. Pure. */
import type { FlagDocument, Key, Segment } from '../../engine/index.ts'
import type { Side } from './impact.ts'
import { flagOf, segmentsIn } from './rule-conditions.ts'
import { sameJson } from './same-json.ts'

/** Flags whose own text differs, and those that require one, or refer to a segment, that does. */
export function changedFlags(before: Side, after: Side): Key[] {
  const all = [...new Set([...before.snapshot.flags.keys(), ...after.snapshot.flags.keys()])].sort()
  const changed = new Set(
    all.filter((key) => before.snapshot.flags.get(key) !== after.snapshot.flags.get(key)),
  )
  const segments = changedSegments(before.document.segments ?? {}, after.document.segments ?? {})
  for (let known = -1; known !== changed.size; ) {
    known = changed.size
    for (const key of all)
      if ([before, after].some(({ document }) => dependsOn(document, key, changed, segments)))
        changed.add(key)
  }
  return all.filter((key) => changed.has(key))
}

/** Those that differ, and those that refer to one. */
function changedSegments(
  before: Readonly<Record<Key, Segment>>,
  after: Readonly<Record<Key, Segment>>,
): Set<Key> {
  const all = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  const own = (segments: Readonly<Record<Key, Segment>>, key: Key) =>
    Object.hasOwn(segments, key) ? segments[key] : undefined
  const changed = new Set(all.filter((key) => !sameJson(own(before, key), own(after, key))))
  for (let known = -1; known !== changed.size; ) {
    known = changed.size
    for (const key of all)
      if (
        [before, after].some((segments) =>
          segmentsIn(own(segments, key)?.when).some((one) => changed.has(one)),
        )
      )
        changed.add(key)
  }
  return changed
}

function dependsOn(
  document: FlagDocument,
  key: Key,
  flags: ReadonlySet<Key>,
  segments: ReadonlySet<Key>,
): boolean {
  const flag = flagOf(document, key)
  if (flag === null) return false
  return (
    (flag.prerequisites ?? []).some((required) => flags.has(required.flag)) ||
    (flag.rules ?? []).some(({ when }) => segmentsIn(when).some((segment) => segments.has(segment)))
  )
}
