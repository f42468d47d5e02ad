/**
 * What SDKs on servers are given to evaluate by themselves: one JSON line with the kills, then the snapshot's wire form
 * without what only the edge needs (hashes of keys, routes, all about origins). Pure. Never throws.
 */
import type { KillList } from './kills.ts'
import { err, ok, type Result } from './result.ts'
import { decodeSnapshot, encodeSnapshot, type Snapshot } from './snapshot.ts'

export interface Delivery {
  readonly kills: KillList
  readonly snapshot: Snapshot
}

export function encodeDelivery({ kills, snapshot }: Delivery): string {
  const access = { open: false, keys: [] }
  const { epoch, version } = kills
  const list = kills.kills.filter(({ target }) => !target.startsWith('origin:'))
  return `${JSON.stringify({ kills: { epoch, version, kills: list } })}\n${encodeSnapshot({ ...snapshot, access, routes: [] })}`
}

export function decodeDelivery(text: string): Result<Delivery, string> {
  const end = text.indexOf('\n')
  try {
    const { kills } = JSON.parse(text.slice(0, end)) as { kills: KillList }
    if (!Array.isArray(kills.kills) || ![kills.epoch, kills.version].every(Number.isInteger))
      throw new Error('it lacks a field')
    const snapshot = decodeSnapshot(text.slice(end + 1))
    return snapshot.ok ? ok({ kills, snapshot: snapshot.value }) : err(snapshot.error.message)
  } catch (cause) {
    return err(`delivery is damaged: ${(cause as Error).message}`)
  }
}

/**
 * Names what answers are decided by, e.g. `1795258226-12-3`: epoch, version and version of the kills. Others are decided by
 * something else; which is newer it does not say.
 */
export const stateOf = ({ kills, snapshot }: Delivery): string =>
  // Versions count within an epoch: a list of another one is as good as none.
  `${snapshot.epoch}-${snapshot.version}-${kills.epoch === snapshot.epoch ? kills.version : 0}`
