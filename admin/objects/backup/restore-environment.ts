/**
 * Restores an environment from the records that are staged, under an epoch above all that was published. Where its audit
 * log holds that of the backup, nothing that people have decided since is undone but the document, the settings and the
 * end of kills; elsewhere the history of the backup takes the place of what is here. Migrations go wherever the backup says, but
 * past their points of no return only with broken glass. Inside the caller's transaction.
 */
import { ok } from '../../../engine/index.ts'
import { type EnvironmentBegin, objectOf } from '../../backup/format.ts'
import { failed, invalid } from '../../failure.ts'
import { logWarn, messageOf } from '../../log.ts'
import { type Author, MAX_KEYS, type SdkKey } from '../../settings.ts'
import { lastSeq, saidLast } from '../../storage/audit.ts'
import { type Joined, joinAudit } from '../../storage/audit-import.ts'
import type { EntityText } from '../../storage/entities.ts'
import { writeKillVersion } from '../../storage/kill-versions.ts'
import { beginRecovery } from '../../storage/recovery.ts'
import { pageReviews, type Review, replaceReviews } from '../../storage/reviews.ts'
import { keyChange, readKeys, readSettings } from '../../storage/settings.ts'
import { type Lineage, readLineage, type State, writeDeleted } from '../../storage/state.ts'
import type { Answer } from '../answers.ts'
import { openReview } from '../changes.ts'
import { mintEpoch } from '../epoch.ts'
import { handedOverTo } from '../hand-over.ts'
import { mayRaiseNow } from '../judge.ts'
import { record } from '../recording.ts'
import type { Room } from '../room.ts'
import { goneBack, inForce } from './points-passed.ts'
import { mendHistory, restoreHistory } from './restore-history.ts'
import { restoreKills } from './restore-kills.ts'
import {
  ALL_HERE,
  detailsOf,
  isRestored,
  logOf,
  RESTORED_ALREADY,
  type Restored,
  type Source,
} from './restored.ts'
import { clearStage, requireStage, staged } from './stage.ts'

export function restoreEnvironment(
  room: Room,
  source: Source,
  author: Author,
  nowMs: number,
): Answer<Restored> {
  requireStage(room.sql, source.stage)
  const { environment } = objectOf(source.begin.begin)!
  const restored = restore(room, environment!, source, author, nowMs)
  clearStage(room.sql)
  return restored
}

function restore(room: Room, name: string, source: Source, author: Author, nowMs: number): Answer<Restored> {
  const { sql, ledger } = room
  if (isRestored(sql, source)) return ok(RESTORED_ALREADY)
  const before = readLineage(sql)
  const allowed = mayRestore(room, before, author, nowMs)
  if (!allowed.ok) return allowed
  const wasInForce = inForce(room, before)
  const begin = source.begin as EnvironmentBegin
  const joined = joinAudit(sql, name, staged(sql, 'environment', 'audit'), nowMs)
  if (joined.imported > 0) {
    // What webhooks were told of once they are not told again.
    handedOverTo(sql, lastSeq(sql))
    restoreReviews(sql, joined)
  }
  const act = actOf(name, source, joined, author)
  if (!begin.live) return restoreDeleted(room, before, { ...begin, name }, joined, act, nowMs)
  const keys = before?.live ? readKeys(sql) : []
  const history = before?.live && joined.imported === 0 ? 'kept' : 'of-backup'
  const { notRun } = history === 'kept' ? mendHistory(sql) : restoreHistory(sql, before, nowMs)
  const above = aboveBoth(name, before, begin, nowMs)
  const kills = restoreKills(sql, name, above.kills, staged(sql, 'environment', 'kill'), act.author, nowMs)
  const from = history === 'kept' ? before! : above
  const { entities, revoked } = entitiesOf(sql, keys)
  if (entities.filter(({ kind }) => kind === 'sdk-key').length > MAX_KEYS)
    return invalid(
      'backup',
      '$',
      `would make more than ${MAX_KEYS} SDK keys with those that are here; revoke some first`,
    )
  const published = room.publisher.publishEntities(from, above, entities, act, nowMs)
  if (!published.ok) return published
  const { state, warnings } = published.value
  const gone = goneBack(room, wasInForce, state, kills.recovered)
  if (gone.length > 0 && !breaksGlass(author)) return failed({ reason: 'stage-order', errors: gone })
  if (history === 'of-backup') beginRecovery(sql, begin)
  writeKillVersion(sql, { version: state.kills, epoch: state.epoch, createdAtMs: nowMs })
  if (before?.live) openReview(room, author, nowMs)
  ledger.mark(nowMs, 'last-known-good', 'directory')
  const { epoch, version, kills: killsVersion } = state
  return ok({
    is: 'environment',
    log: logOf(joined),
    now: {
      epoch,
      version,
      killsVersion,
      history,
      ...kills,
      notRun,
      revoked,
      warnings: [...gone, ...warnings],
    },
  })
}

/** Whatever the file says goes live, and nobody has proven that it raises nothing: over what is protected it breaks the glass. */
function mayRestore(room: Room, before: Lineage | null, author: Author, nowMs: number): Answer<null> {
  if (!before?.live || breaksGlass(author) || !isProtected(room, nowMs)) return ok(null)
  return failed({
    reason: 'refused',
    detail: `${before.name} is protected now, and a restore asks nobody: send x-turnout-break-glass: true, with a reason.`,
  })
}

const breaksGlass = ({ details }: Author): boolean => details?.breakGlass === true

function isProtected(room: Room, nowMs: number): boolean {
  try {
    return readSettings(room.sql).approvals > 0 || !mayRaiseNow(room, nowMs).ok
  } catch (thrown) {
    // What the restore is for. It may have been protected.
    logWarn('protection-unreadable', { cause: messageOf(thrown) })
    return true
  }
}

/** Only the log of a deleted environment comes back; one that is here stays. */
function restoreDeleted(
  { sql, ledger }: Room,
  before: Lineage | null,
  begin: State,
  joined: Joined,
  act: ReturnType<typeof actOf>,
  nowMs: number,
): Answer<Restored> {
  if (joined.imported === 0) return ok(ALL_HERE)
  if (before === null || (!before.live && before.epoch < begin.epoch)) writeDeleted(sql, begin)
  record(sql, begin.name, act, nowMs)
  ledger.mark(nowMs, 'directory')
  return ok({ is: 'environment', log: logOf(joined), now: null })
}

/** Where to publish from, so that what follows is newer than everything that was published here or before the backup. */
function aboveBoth(name: string, before: Lineage | null, begin: EnvironmentBegin, nowMs: number): State {
  const { epoch, version, kills, createdAtMs } = begin
  return {
    name,
    epoch: mintEpoch(nowMs, Math.max(before?.epoch ?? 0, epoch)),
    version: Math.max(before?.version ?? 0, version),
    kills: Math.max(before?.kills ?? 0, kills) + 1,
    createdAtMs,
  }
}

/** Entities of the backup's current version. Of the SDK keys those too that are here, and none that the log says was revoked. */
function entitiesOf(
  sql: SqlStorage,
  keysHere: readonly SdkKey[],
): { entities: EntityText[]; revoked: string[] } {
  const rows = [...staged(sql, 'environment', 'entity')].filter(({ until }) => until === null)
  const wanted = new Set(rows.map(({ hash }) => hash))
  const texts = new Map<string, string>()
  for (const { hash, text } of staged(sql, 'environment', 'body')) if (wanted.has(hash)) texts.set(hash, text)
  const here = keysHere.map((key) => ({ ...keyChange(key.id, key), text: JSON.stringify(key) }))
  const known = new Set(keysHere.map(({ id }) => id))
  const ofBackup = rows
    .filter(({ kind, key }) => kind !== 'sdk-key' || !known.has(key))
    .map(({ kind, key, hash }): EntityText => ({ kind, key, text: texts.get(hash)! }))
  const isRevoked = ({ kind, key }: EntityText) =>
    kind === 'sdk-key' && saidLast(sql, `sdk-key:${key}`) === 'key.revoked'
  return {
    entities: [...ofBackup, ...here].filter((entity) => !isRevoked(entity)),
    revoked: ofBackup.filter(isRevoked).map(({ key }) => key),
  }
}

/** Reviews name entries of the log, which may have moved. One that anybody has closed stays closed. */
function restoreReviews(sql: SqlStorage, { common, carriedOver }: Joined): void {
  const here = pageReviews(sql, 'all', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
  const reviews = new Map<number, Review>()
  for (const review of staged(sql, 'environment', 'review')) reviews.set(review.seq, review)
  for (const review of here) {
    const seq = review.seq <= common ? review.seq : review.seq - carriedOver.from + carriedOver.to
    if (review.seq > common || review.closedAtMs !== null || !reviews.has(seq))
      reviews.set(seq, { ...review, seq })
  }
  replaceReviews(sql, reviews.values())
}

function actOf(name: string, source: Source, joined: Joined, author: Author) {
  const { epoch: fromEpoch, version: fromVersion } = source.begin as EnvironmentBegin
  const details = { ...detailsOf(source, joined), fromEpoch, fromVersion }
  return {
    action: 'environment.restored-from-backup',
    subject: `environment:${name}`,
    author: { ...author, details: { ...author.details, ...details } },
  } as const
}
