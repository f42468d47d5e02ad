/** Writes one version: its audit entry, what it changes, and where the environment stands then. Inside the caller's transaction. */
import type { Key, Snapshot } from '../../engine/index.ts'
import { changedEntities, type TextChange } from '../audit/change.ts'
import type { Act, SdkKey } from '../settings.ts'
import { appendAudit } from '../storage/audit.ts'
import { raiseCacheEpoch } from '../storage/cache-epoch.ts'
import { type EffectiveChange, type Kind, readEntity, writeChanges } from '../storage/entities.ts'
import { type ChangedLines, type Frame, frameOf, writeSnapshot } from '../storage/snapshots.ts'
import { type State, writeState } from '../storage/state.ts'
import { writeVersion } from '../storage/versions.ts'

/** What the next version's snapshot has that the last one's has not; no frame where it stays as it is. */
export interface SnapshotChange {
  readonly frame: Frame | null
  readonly lines: ChangedLines
}

/** The next version after `state`. */
export function commitVersion(
  sql: SqlStorage,
  state: State,
  changes: readonly EffectiveChange[],
  { frame, lines }: SnapshotChange,
  act: Act,
  nowMs: number,
): State {
  const next: State = { ...state, version: state.version + 1 }
  writeAudit(sql, next, changes, act, nowMs)
  writeChanges(sql, next.version, changes, nowMs)
  writeState(sql, next)
  if (act.takesBack) raiseCacheEpoch(sql, 'snapshot', next.version)
  const { actor, reason } = act.author
  writeVersion(sql, { ...next, actor, reason, createdAtMs: nowMs })
  writeSnapshot(sql, next.version, frame, lines)
  return next
}

/** Before the changes are written: the entry tells what was there. */
function writeAudit(
  sql: SqlStorage,
  { name, version }: State,
  changes: readonly EffectiveChange[],
  act: Act,
  nowMs: number,
): void {
  const { action, subject, author } = act
  appendAudit(
    sql,
    name,
    {
      action,
      subject,
      actor: author.actor,
      reason: author.reason,
      requestId: author.requestId,
      address: author.address,
      version,
      kills: null,
      changes: changedEntities(textChanges(sql, changes)),
      changeCount: changes.length,
      details: author.details ?? {},
    },
    nowMs,
  )
}

/** From one snapshot to the next. */
export function snapshotChange(last: Snapshot | null, next: Snapshot): SnapshotChange {
  const frame = frameOf(next)
  const same = last !== null && JSON.stringify(frameOf(last)) === JSON.stringify(frame)
  return { frame: same ? null : frame, lines: changedLines(last?.flags ?? new Map(), next.flags) }
}

function* changedLines(
  last: ReadonlyMap<Key, string>,
  next: ReadonlyMap<Key, string>,
): Generator<[Key, string | null]> {
  for (const [key, packed] of next) if (last.get(key) !== packed) yield [key, packed]
  for (const key of last.keys()) if (!next.has(key)) yield [key, null]
}

function* textChanges(sql: SqlStorage, changes: readonly EffectiveChange[]): Generator<TextChange> {
  for (const { kind, key, text, before } of changes)
    yield {
      subject: kind === 'settings' || kind === 'route-order' ? kind : `${kind}:${key}`,
      before: shown(kind, before ?? readEntity(sql, kind, key)?.text ?? null),
      after: shown(kind, text),
    }
}

/** The hash of an SDK key is for edges, not for readers of a log. */
function shown(kind: Kind, text: string | null): string | null {
  if (kind !== 'sdk-key' || text === null) return text
  const { hash: _, ...key } = JSON.parse(text) as SdkKey
  return JSON.stringify(key)
}
