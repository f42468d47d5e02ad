/** Drills: the same kill list under the next version, which travels as a kill does and changes nothing. Inside the caller's transaction. */
import { type Author, system } from '../settings.ts'
import { readSettings } from '../storage/settings.ts'
import { readState, type State } from '../storage/state.ts'
import { record } from './recording.ts'
import { type Room, raiseKills } from './room.ts'

/** Version of the kill list whose arrival tells how fast a kill lands. */
export function drill(room: Room, state: State, author: Author, nowMs: number): number {
  const { kills } = raiseKills(room, state, nowMs)
  record(room.sql, state.name, { action: 'drill', subject: `environment:${state.name}`, author }, nowMs, {
    kills,
  })
  return kills
}

/** When the next scheduled one is due, ms since 1970: so long after the last change of the kill list, which measured the same. */
export function nextDrillMs(sql: SqlStorage): number | null {
  const state = readState(sql)
  if (state === null) return null
  const everyMinutes = intervalOf(sql)
  if (everyMinutes === null) return null
  const last = sql.exec<{ at: number | null }>('SELECT MAX(created_at) AS at FROM kill_versions').one().at
  return (last ?? state.createdAtMs) + everyMinutes * 60_000
}

/** Asked with every write, kills too: settings that cannot be read must stop none of them, and are reported by whoever needs them. */
function intervalOf(sql: SqlStorage): number | null {
  try {
    return readSettings(sql).drillEveryMinutes
  } catch {
    return null
  }
}

export function drillIfDue(room: Room, nowMs: number): void {
  const dueMs = nextDrillMs(room.sql)
  const state = readState(room.sql)
  if (state !== null && dueMs !== null && dueMs <= nowMs) drill(room, state, system('scheduled'), nowMs)
}
