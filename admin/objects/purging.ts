/** Purges: the same kill list under the next version, by which edges use nothing that they keep of responses from before. Inside the caller's transaction. */
import type { Author } from '../settings.ts'
import { raiseCacheEpoch } from '../storage/cache-epoch.ts'
import type { State } from '../storage/state.ts'
import { record } from './recording.ts'
import { type Room, raiseKills } from './room.ts'

/** Version of the kill list that purges. */
export function purge(room: Room, state: State, author: Author, nowMs: number): number {
  const { kills } = raiseKills(room, state, nowMs)
  raiseCacheEpoch(room.sql, 'kills', kills)
  const act = { action: 'cache.purged', subject: `environment:${state.name}`, author } as const
  record(room.sql, state.name, act, nowMs, { kills })
  return kills
}
