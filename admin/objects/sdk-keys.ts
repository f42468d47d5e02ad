/** SDK keys come and go with a version of the snapshot, by which edges learn of them. Inside the caller's transaction. */
import { ok } from '../../engine/index.ts'
import { failed, invalid } from '../failure.ts'
import { type Author, MAX_KEYS, type SdkKey } from '../settings.ts'
import { sinceOf } from '../storage/entities.ts'
import { readKeys } from '../storage/settings.ts'
import type { State } from '../storage/state.ts'
import type { Answer } from './answers.ts'
import type { Room } from './room.ts'

export function addKey(
  { sql, publisher, ledger }: Room,
  state: State,
  key: SdkKey,
  author: Author,
  nowMs: number,
): Answer<null> {
  if (readKeys(sql).length >= MAX_KEYS)
    return invalid('key', '$.environment', `has ${MAX_KEYS} SDK keys, which is the most; revoke one first`)
  const act = { action: 'key.created', subject: `sdk-key:${key.id}`, author } as const
  publisher.publishKey(state, key.id, key, act, nowMs)
  ledger.mark(nowMs, 'last-known-good', 'directory')
  return ok(null)
}

export function removeKey(
  { sql, publisher, ledger }: Room,
  state: State,
  id: string,
  author: Author,
  nowMs: number,
): Answer<null> {
  if (sinceOf(sql, 'sdk-key', id) === null)
    return failed({ reason: 'unknown', what: 'key', key: id, nearest: null })
  const act = { action: 'key.revoked', subject: `sdk-key:${id}`, author } as const
  publisher.publishKey(state, id, null, act, nowMs)
  ledger.mark(nowMs, 'last-known-good', 'directory')
  return ok(null)
}
