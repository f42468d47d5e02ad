/** An environment comes to be, or has its settings changed. Inside the caller's transaction. */
import { ok } from '../../engine/index.ts'
import { checkPrecondition, type Precondition } from '../precondition.ts'
import type { Author, Settings } from '../settings.ts'
import { beginRecovery } from '../storage/recovery.ts'
import { readLineage, readState } from '../storage/state.ts'
import type { Answer } from './answers.ts'
import { type Manner, submit } from './changes.ts'
import { mintEpoch } from './epoch.ts'
import type { Room } from './room.ts'

/** How settings are put: with a precondition, always. */
export type PutManner = Manner & { readonly precondition: Precondition }

export function putSettings(
  room: Room,
  name: string,
  settings: Settings,
  manner: PutManner,
  author: Author,
  nowMs: number,
): Answer<{ created: boolean }> {
  const state = readState(room.sql)
  if (state === null) {
    const allowed = checkPrecondition(manner.precondition, 'environment', name, null)
    if (!allowed.ok) return allowed
    create(room, name, settings, author, nowMs)
    return ok({ created: true })
  }
  const made = submit(room, state, { do: 'settings', settings }, manner, author, nowMs)
  return made.ok ? ok({ created: false }) : made
}

function create(room: Room, name: string, settings: Settings, author: Author, nowMs: number): void {
  const { sql, publisher, ledger } = room
  const before = readLineage(sql)
  const epoch = mintEpoch(nowMs, before?.epoch ?? 0)
  // There may have been one of this name, of which nothing is left: edges know.
  if (before === null) beginRecovery(sql, { epoch: 0, kills: 0 })
  const act = { action: 'environment.created', subject: `environment:${name}`, author } as const
  publisher.create({ name, epoch, createdAtMs: nowMs }, settings, act, nowMs)
  ledger.mark(nowMs, 'last-known-good', 'directory')
}
