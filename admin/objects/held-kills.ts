/**
 * Kills that edges hold from a time that this storage has lost. They come back and stay in force, each with a review, until
 * somebody lifts them. Inside the caller's transaction.
 */
import { isKillTarget, isNewer, type Kill, type KillList } from '../../engine/index.ts'
import { system } from '../settings.ts'
import { readKillVersion } from '../storage/kill-versions.ts'
import { type KillRecord, writeKill } from '../storage/kills.ts'
import { isKnownTarget, readRecovery } from '../storage/recovery.ts'
import type { State } from '../storage/state.ts'
import { openReview } from './changes.ts'
import { recordKill } from './recording.ts'
import { type Room, raiseKills } from './room.ts'

/** A list of more is no list of ours. */
const MAX_HELD = 1_000

const REASON = 'an edge held this kill from a time that storage had lost; lift it if it is over'

/** Those of the list that nothing here knows of. Only a list from before the current epoch can have any. */
export function lostKills(sql: SqlStorage, state: State, held: KillList): readonly Kill[] {
  const { epoch, version, kills } = held
  if (epoch >= state.epoch || kills.length > MAX_HELD) return []
  const last = readRecovery(sql)
  if (last === null || !isNewer(epoch, version, last.epoch, last.kills)) return []
  // Published since, with everything that was on it.
  if (readKillVersion(sql, version)?.epoch === epoch) return []
  return kills.filter(({ target }) => isKillTarget(target) && !isKnownTarget(sql, target))
}

/** Puts them on the list, as its next version. Answers where the environment stands then. */
export function recoverKills(room: Room, state: State, kills: readonly Kill[], nowMs: number): State {
  if (kills.length === 0) return state
  const { sql } = room
  const author = system(REASON)
  const next = raiseKills(room, state, nowMs)
  for (const { target, variant = null } of kills) {
    const kill: KillRecord = {
      ...{ target, variant, reason: REASON, actor: author.actor, createdAtMs: nowMs },
      ...{ expiresAtMs: null, onExpiry: 'restore' },
    }
    writeKill(sql, kill)
    recordKill(
      sql,
      state.name,
      next.kills,
      { action: 'kill.recovered', before: null, after: kill, author },
      nowMs,
    )
    openReview(room, author, nowMs)
  }
  return next
}
