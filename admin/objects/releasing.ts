/**
 * Breakers let go by hand: the kill that holds one open ends, and edges may be told to forget what they found. Inside the
 * caller's transaction.
 */
import { type KillTarget, ok } from '../../engine/index.ts'
import { actOf, type Change } from '../change/change.ts'
import type { Author } from '../settings.ts'
import { writeClosing } from '../storage/closings.ts'
import { deleteKill, readKill } from '../storage/kills.ts'
import type { State } from '../storage/state.ts'
import type { Answer } from './answers.ts'
import { misnamedOrigin } from './kill-target.ts'
import { record, recordKill } from './recording.ts'
import { type Room, raiseKills } from './room.ts'

/** Answers the environment as it then is; as it was, if there was nothing to let go. */
export function releaseBreaker(
  room: Room,
  state: State,
  change: Extract<Change, { do: 'release-breaker' }>,
  author: Author,
  nowMs: number,
): Answer<State> {
  const { sql } = room
  const { origin, forget } = change
  const target: KillTarget = `origin:${origin}`
  const held = readKill(sql, target)
  // An origin that is gone may have left its kill behind.
  const mistake = held === null ? misnamedOrigin(sql, origin) : null
  if (mistake !== null) return mistake
  if (held === null && !forget) return ok(state)
  const next = raiseKills(room, state, nowMs)
  if (held !== null) {
    deleteKill(sql, target)
    const lifted = { action: 'kill.lifted', before: held, after: null, author } as const
    recordKill(sql, state.name, next.kills, lifted, nowMs)
  }
  if (forget) {
    writeClosing(sql, { origin, version: next.kills }, nowMs)
    record(sql, state.name, { ...actOf(change, state.name, false), author }, nowMs, { kills: next.kills })
  }
  return ok(next)
}
