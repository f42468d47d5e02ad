/** Names of versions: given, moved, taken away, with an entry in the audit log. Inside the caller's transaction. */
import { ok } from '../../engine/index.ts'
import { failed } from '../failure.ts'
import { nearest } from '../nearest.ts'
import type { Author } from '../settings.ts'
import { labels, removeLabel, setLabel, versionOfLabel } from '../storage/labels.ts'
import type { State } from '../storage/state.ts'
import { readVersion } from '../storage/versions.ts'
import type { Answer } from './answers.ts'
import { unknownVersion } from './proposal.ts'
import { record } from './recording.ts'
import type { Room } from './room.ts'

/** `version`: `null` takes the label away. */
export function putLabel(
  { sql }: Room,
  { name }: State,
  label: string,
  version: number | null,
  author: Author,
  nowMs: number,
): Answer<null> {
  const before = versionOfLabel(sql, label)
  if (before === version) {
    if (version !== null) return ok(null)
    return failed({ reason: 'unknown', what: 'label', key: label, nearest: nearest(label, labels(sql)) })
  }
  if (version === null) removeLabel(sql, label)
  else if (readVersion(sql, version) === null) return unknownVersion(version)
  else setLabel(sql, label, version)
  const action = version === null ? 'label.removed' : 'label.set'
  record(sql, name, { action, subject: `label:${label}`, author }, nowMs, {
    details: { before, after: version },
  })
  return ok(null)
}
