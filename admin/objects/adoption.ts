/**
 * Takes over what was found in AWS, which is the source of truth there: judged for validity, and not for approvals. Inside
 * the caller's transaction.
 */
import type { CompileIssue, Kill } from '../../engine/index.ts'
import { ok, type Result } from '../../engine/index.ts'
import type { StoreKind } from '../config/store-config.ts'
import type { Failure } from '../failure.ts'
import type { Author } from '../settings.ts'
import { killsForEdges, readKill } from '../storage/kills.ts'
import type { State } from '../storage/state.ts'
import type { Loaded, StoreError } from '../storage/store.ts'
import { readStoreState, writeRevision, writeWarnings } from '../storage/store-state.ts'
import { carryOut } from './carry-out.ts'
import type { Room } from './room.ts'

/** Who changed it, as far as we can know. */
const authorOf = (kind: StoreKind, reason: string | null): Author => ({
  ...{ actor: `aws:${kind}`, reason, requestId: null, address: null },
})

/** What is not valid is not taken over: the environment stays as it is. */
export function adopt(
  room: Room,
  state: State,
  kind: StoreKind,
  loaded: Loaded,
  killsAreOwed: boolean,
  nowMs: number,
): Result<State, StoreError> {
  const { sql, publisher } = room
  if (loaded.blank && hasContent(room, state)) return gone(readStoreState(sql)?.okAtMs ?? null)
  const author = authorOf(kind, loaded.reason)
  const act = { action: 'document.synced', subject: 'document', author } as const
  // Where a migration that is new here stands in AWS, programs that read it there have been before us.
  const published = publisher.publishDocument(state, loaded.document, act, nowMs, 'anywhere')
  if (!published.ok) return invalid('errors' in published.error ? published.error.errors : [])
  const { state: synced } = published.value
  if (synced.version !== state.version) room.ledger.mark(nowMs, 'last-known-good')
  const added = killsAreOwed
    ? { state: synced, warnings: [] }
    : addKills(room, synced, loaded.kills, author, nowMs)
  writeRevision(sql, loaded.revision)
  writeWarnings(sql, [...loaded.warnings, ...added.warnings])
  if (JSON.stringify(loaded.kills) !== JSON.stringify(killsForEdges(sql)))
    room.ledger.mark(nowMs, 'store-kills')
  return ok(added.state)
}

/** An empty place is a mistyped or a forbidden one more often than a decision. */
function gone(okAtMs: number | null): Result<never, StoreError> {
  const message =
    okAtMs === null
      ? 'is not there: fill it with `turnout store copy`, or create the environment anew'
      : 'has vanished: nothing of it is left'
  return invalid([{ path: '$', message }])
}

const invalid = (errors: readonly CompileIssue[]): Result<never, StoreError> => ({
  ok: false,
  error: { reason: 'invalid', errors },
})

function hasContent({ publisher }: Room, state: State): boolean {
  const { flags, segments, routes } = publisher.document(state)
  return Object.keys(flags).length + Object.keys(segments).length + routes.length > 0
}

const refusalOf = (target: string, failure: Failure): string =>
  failure.reason === 'stage-order' ? failure.errors[0]!.message : `kills ${target}, which is not there`

/** A kill that only AWS knows. One that AWS does not know goes on. */
function addKills(
  room: Room,
  state: State,
  kills: readonly Kill[],
  author: Author,
  nowMs: number,
): { state: State; warnings: CompileIssue[] } {
  const warnings: CompileIssue[] = []
  let next = state
  for (const [at, { target, variant = null }] of kills.entries()) {
    if (readKill(room.sql, target) !== null) continue
    const request = { variant, reason: 'found in AWS', expiresAtMs: null, onExpiry: 'restore' } as const
    const placed = carryOut(room, next, { do: 'place-kill', target, request }, author, nowMs)
    if (placed.ok) next = placed.value.state
    else warnings.push({ path: `$.kills[${at}]`, message: refusalOf(target, placed.error) })
  }
  return { state: next, warnings }
}
