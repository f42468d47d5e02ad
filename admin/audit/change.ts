/** Before and after of what a change touched, as JSON Patch (RFC 6902) that names both: a `test` before each change. Pure. */

import { type Operation, patchBetween } from '../governance/json-patch.ts'
import { contentHash } from '../storage/content-hash.ts'

export interface ChangedEntity {
  /** `flag:new-feature`, `segment:beta`, `route:shop`, `settings`, … */
  readonly subject: string
  /** Leads from before to after, and only from before. `null`: too large, or one is not JSON; see the hashes. */
  readonly patch: readonly Operation[] | null
  /** SHA-256 of the JSON before and after, where `patch` is `null`; `null` within: it did not exist. */
  readonly hashes?: { readonly before: string | null; readonly after: string | null }
}

/** One entity's JSON text before and after; `null`: it does not exist. */
export interface TextChange {
  readonly subject: string
  readonly before: string | null
  readonly after: string | null
}

/** Most JSON text of patches in one entry, in characters; entities beyond it are named by hash. */
const MAX_PATCHES = 512 * 1024
/** Most entities that one entry names. */
const MAX_CHANGES = 10_000

/** What an entry says of each change. Texts are asked for one at a time: a document may be large. */
export function changedEntities(changes: Iterable<TextChange>): ChangedEntity[] {
  let left = MAX_PATCHES
  const changed: ChangedEntity[] = []
  for (const change of changes) {
    if (changed.length === MAX_CHANGES) break
    const patch = left > 0 ? patchOf(change) : null
    left -= patch === null ? 0 : JSON.stringify(patch).length
    changed.push(patch === null ? hashed(change) : { subject: change.subject, patch })
  }
  return changed
}

function patchOf({ before, after }: TextChange): readonly Operation[] | null {
  try {
    return patchBetween(
      before === null ? undefined : JSON.parse(before),
      after === null ? undefined : JSON.parse(after),
    )
  } catch (thrown) {
    // What was stored is damaged, and a restore or a put takes its place.
    if (thrown instanceof SyntaxError) return null
    throw thrown
  }
}

const hashed = ({ subject, before, after }: TextChange): ChangedEntity => ({
  subject,
  patch: null,
  hashes: {
    before: before === null ? null : contentHash(before),
    after: after === null ? null : contentHash(after),
  },
})
