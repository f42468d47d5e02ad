/**
 * What an environment tells an edge that reads: current versions, the kill list where the edge has another one, and which
 * origins are unhealthy. An edge that knows more than is stored here proves that storage went back in time, and what it holds
 * is then taken back into force.
 */
import { type Known, ok, type Update } from '../../engine/index.ts'
import { failed, invalid } from '../failure.ts'
import type { HealthHints } from '../health/hints.ts'
import { logError } from '../log.ts'
import { system } from '../settings.ts'
import { writeKillVersion } from '../storage/kill-versions.ts'
import { beginRecovery, readRecovery } from '../storage/recovery.ts'
import { readState } from '../storage/state.ts'
import type { Answer } from './answers.ts'
import { isAhead, isPossible, raisedAbove } from './epoch.ts'
import { lostKills, recoverKills } from './held-kills.ts'
import type { Live } from './ledger.ts'
import type { Room } from './room.ts'

export function readForEdge(room: Room, health: HealthHints, known: Known): Answer<Update> {
  const live = room.ledger.live()
  if (live === null) return failed({ reason: 'environment-unknown' })
  room.ledger.rearmIfLate()
  const ahead = isAhead(known, live.state)
  if (ahead && !isPossible(known))
    return invalid('known', '$', `must hold whole numbers, got ${JSON.stringify(known)}`)
  const { state, kills } = ahead ? raiseEpoch(room, known) : heard(room, known, live)
  const upToDate = known.epoch === state.epoch && known.kills === state.kills
  const { name: environment, epoch, version: snapshot } = state
  const update = { environment, epoch, snapshot, kills: upToDate ? null : kills }
  const unhealthy = health.told(Date.now())
  return ok(unhealthy === undefined ? update : { ...update, unhealthy })
}

function raiseEpoch(room: Room, known: Known): Live {
  const holds = `epoch ${known.epoch}, version ${known.snapshot}, kills ${known.kills}`
  const reason = `an edge holds ${holds}: storage went back in time`
  const { name: environment, epoch: from } = room.ledger.write((nowMs) => {
    const state = readState(room.sql)!
    const act = {
      action: 'epoch.raised',
      subject: `environment:${state.name}`,
      author: system(reason),
    } as const
    const above = raisedAbove(known, state)
    const raised = room.publisher.republish(state, above, act, nowMs)
    writeKillVersion(room.sql, { version: above.kills, epoch: above.epoch, createdAtMs: nowMs })
    beginRecovery(room.sql, readRecovery(room.sql) ?? state)
    if (known.held) recoverKills(room, raised, lostKills(room.sql, raised, known.held), nowMs)
    room.ledger.mark(nowMs, 'last-known-good', 'directory')
    return state
  })
  const live = room.ledger.live()!
  logError('epoch-raised', { environment, from, to: live.state.epoch, version: live.state.version, reason })
  return live
}

/** An edge may hold kills that were placed in the time that this storage has lost. */
function heard(room: Room, { held }: Known, live: Live): Live {
  const lost = held === undefined ? [] : lostKills(room.sql, live.state, held)
  if (lost.length === 0) return live
  room.ledger.write((nowMs) => recoverKills(room, live.state, lost, nowMs))
  const { name: environment, epoch } = live.state
  logError('kills-recovered', { environment, epoch, targets: lost.map(({ target }) => target).join(', ') })
  return room.ledger.live()!
}
