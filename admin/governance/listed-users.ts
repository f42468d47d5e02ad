/** Users whom a flag names one by one. Pure. */
import type { Condition, FlagDocument, Key } from '../../engine/index.ts'
import { flagOf, leavesOf } from './rule-conditions.ts'

/** Most that are looked at for one flag. */
const MAX_LISTED = 20_000

/** Those that lists of the flag, and of the segments it refers to, name in any of the documents. */
export function listedUsers(documents: readonly FlagDocument[], flag: Key): Set<string> {
  const users = new Set<string>()
  for (const document of documents)
    for (const { when } of flagOf(document, flag)?.rules ?? []) addListed(users, document, when, new Set())
  return users
}

function addListed(
  users: Set<string>,
  document: FlagDocument,
  when: Condition | undefined,
  seen: Set<Key>,
): void {
  const add = (values: readonly unknown[]) => {
    for (const value of values) if (typeof value === 'string' && users.size < MAX_LISTED) users.add(value)
  }
  for (const leaf of leavesOf(when)) {
    if ('attribute' in leaf) {
      if (leaf.attribute === 'targetingKey' && (leaf.op === 'in' || leaf.op === 'equals'))
        add([leaf.value].flat())
      continue
    }
    const segment = document.segments?.[leaf.segment]
    if (segment === undefined || seen.has(leaf.segment)) continue
    seen.add(leaf.segment)
    add(segment.include ?? [])
    add(segment.exclude ?? [])
    addListed(users, document, segment.when, seen)
  }
}
