/** Notes how the store in AWS is, and tells others when it goes wrong and when it is well again. Inside the caller's transaction. */
import { system } from '../settings.ts'
import type { State } from '../storage/state.ts'
import { type FlagStore, type StoreError, sentenceOf } from '../storage/store.ts'
import {
  readStoreState,
  readTrouble,
  type Trouble,
  writeStoreState,
  writeTrouble,
} from '../storage/store-state.ts'
import { record } from './recording.ts'

/** AWS does not answer now and then: others hear of it when it lasts. Content that is wrong stays wrong until somebody acts. */
const PATIENCE_MS = 60_000
/** Errors that others are told of; the environment shows all. */
const MAX_TOLD = 20

export function noteTrouble(
  sql: SqlStorage,
  state: State,
  store: FlagStore,
  error: StoreError,
  nowMs: number,
): void {
  const known = readStoreState(sql)
  const earlier = readTrouble(sql)
  const trouble: Trouble = {
    reason: error.reason,
    detail: sentenceOf(error),
    errors: error.reason === 'invalid' ? error.errors : [],
    sinceMs: earlier?.sinceMs ?? nowMs,
  }
  writeTrouble(sql, trouble)
  if (known === null || !isNews(known.reported ? earlier : null, trouble, nowMs)) return
  writeStoreState(sql, { ...known, reported: true })
  tell(sql, state, 'store.degraded', nowMs, store, trouble)
}

export function noteWell(sql: SqlStorage, state: State, store: FlagStore, nowMs: number): void {
  const known = readStoreState(sql)
  if (known === null) return
  const earlier = readTrouble(sql)
  writeTrouble(sql, null)
  writeStoreState(sql, { ...known, okAtMs: nowMs, reported: false })
  if (known.reported && earlier !== null) tell(sql, state, 'store.recovered', nowMs, store, earlier)
}

/** `told`: what others have heard of last; `null`: nothing. */
function isNews(told: Trouble | null, trouble: Trouble, nowMs: number): boolean {
  const passing = trouble.reason === 'unavailable' || trouble.reason === 'busy'
  if (passing && nowMs - trouble.sinceMs < PATIENCE_MS) return false
  return told === null || told.reason !== trouble.reason || (!passing && told.detail !== trouble.detail)
}

function tell(
  sql: SqlStorage,
  { name }: State,
  action: 'store.degraded' | 'store.recovered',
  nowMs: number,
  { place }: FlagStore,
  { reason, detail, errors, sinceMs }: Trouble,
): void {
  const act = { action, subject: `environment:${name}`, author: system(detail) }
  const listed = errors.slice(0, MAX_TOLD).map(({ path, message }) => `${path} ${message}`)
  const details = { place, problem: reason, errors: listed, since: new Date(sinceMs).toISOString() }
  record(sql, name, act, nowMs, { details })
}
