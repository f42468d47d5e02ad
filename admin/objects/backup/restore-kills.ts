/**
 * Kills of a backup beside those in force now: the list is both. No kill is lost, and none ends sooner than either says.
 * Inside the caller's transaction.
 */
import type { RecordOf } from '../../backup/records.ts'
import type { Author } from '../../settings.ts'
import { type KillRecord, readKill, writeKill } from '../../storage/kills.ts'
import { recordKill } from '../recording.ts'

export interface RestoredKills {
  readonly recovered: readonly string[]
  readonly over: readonly string[]
}

/** `version`: of the list that will hold them. */
export function restoreKills(
  sql: SqlStorage,
  environment: string,
  version: number,
  kills: Iterable<RecordOf<'environment', 'kill'>>,
  author: Author,
  nowMs: number,
): RestoredKills {
  const recovered: string[] = []
  const over: string[] = []
  for (const kill of kills) {
    if (endOf(kill) <= nowMs) {
      over.push(kill.target)
      continue
    }
    const before = readKill(sql, kill.target)
    if (before !== null && endOf(before) >= endOf(kill)) continue
    // What holds now goes on to hold as it does, for as long as the longer of the two.
    const { expiresAtMs, onExpiry } = kill
    const after: KillRecord = before === null ? kill : { ...before, expiresAtMs, onExpiry }
    writeKill(sql, after)
    recordKill(sql, environment, version, { action: 'kill.recovered', before, after, author }, nowMs)
    recovered.push(kill.target)
  }
  return { recovered, over }
}

/** When it ends by itself; one that is extended never does. */
const endOf = ({ expiresAtMs, onExpiry }: Pick<KillRecord, 'expiresAtMs' | 'onExpiry'>): number =>
  expiresAtMs === null || onExpiry === 'extend' ? Number.POSITIVE_INFINITY : expiresAtMs
