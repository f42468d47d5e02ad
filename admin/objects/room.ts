/** What the parts of an environment's object work with. */
import { writeKillVersion } from '../storage/kill-versions.ts'
import { type State, writeState } from '../storage/state.ts'
import type { Ledger } from './ledger.ts'
import type { Publisher } from './publisher.ts'

export interface Room {
  readonly sql: SqlStorage
  readonly publisher: Publisher
  readonly ledger: Ledger
  /** The document lives in AWS, and kills are copied there. */
  readonly inAws: boolean
}

/** The next version of the kill list, after its content changed, or for a drill. */
export function raiseKills({ sql, ledger, inAws }: Room, state: State, nowMs: number): State {
  const next = { ...state, kills: state.kills + 1 }
  writeState(sql, next)
  writeKillVersion(sql, { version: next.kills, epoch: state.epoch, createdAtMs: nowMs })
  ledger.mark(nowMs, 'last-known-good')
  if (inAws) ledger.mark(nowMs, 'store-kills')
  return next
}
