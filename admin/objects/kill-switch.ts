/** Places, lifts and finds kills: where the document cannot be read, a kill works all the same. Inside the caller's transaction. */
import { type KillTarget, ok, type Result } from '../../engine/index.ts'
import type { Document } from '../document.ts'
import { type Failed, type Failure, failed, invalid } from '../failure.ts'
import { nearest } from '../nearest.ts'
import {
  deleteKill,
  type KillRecord,
  killTargets,
  type OnExpiry,
  readKill,
  writeKill,
} from '../storage/kills.ts'
import { mistyped } from './kill-target.ts'

export interface KillRequest {
  readonly variant: string | null
  readonly reason: string
  /** ms since 1970; `null`: until it is removed */
  readonly expiresAtMs: number | null
  readonly onExpiry: OnExpiry
}

/** Adds or replaces the kill of a target. `document` may throw. */
export function placeKill(
  sql: SqlStorage,
  document: () => Document,
  target: KillTarget,
  request: KillRequest,
  actor: string,
  nowMs: number,
): Result<{ before: KillRecord | null; kill: KillRecord }, Failure> {
  if (request.expiresAtMs !== null && request.expiresAtMs <= nowMs)
    return invalid('kill', '$.expiresAt', `must be in the future; it is now ${new Date(nowMs).toISOString()}`)
  const mistake = mistyped(sql, document, target, request.variant)
  if (mistake !== null) return mistake
  const before = readKill(sql, target)
  const kill: KillRecord = { target, ...request, actor, createdAtMs: nowMs }
  writeKill(sql, kill)
  return ok({ before, kill })
}

/** Answers the kill that held. */
export function liftKill(sql: SqlStorage, target: string): Result<KillRecord, Failure> {
  const kill = readKill(sql, target)
  if (kill === null) return unknownKill(sql, target)
  deleteKill(sql, target)
  return ok(kill)
}

export function findKill(sql: SqlStorage, target: string): Result<KillRecord, Failure> {
  const kill = readKill(sql, target)
  return kill === null ? unknownKill(sql, target) : ok(kill)
}

const unknownKill = (sql: SqlStorage, target: string): Failed =>
  failed({ reason: 'unknown', what: 'kill', key: target, nearest: nearest(target, killTargets(sql)) })
