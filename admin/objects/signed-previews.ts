/**
 * Signed previews of an environment: given, ended, and under which key. Edges learn of keys and of what was revoked with the
 * snapshot; a token itself is told to nobody but its maker. Inside the caller's transaction.
 */

import {
  canonicalFlag,
  type Flag,
  MAX_PREVIEWS,
  ok,
  type PreviewClaims,
  type Route,
  type ShortFlag,
} from '../../engine/index.ts'
import type { Action } from '../audit/actions.ts'
import { randomId } from '../auth.ts'
import { failed, invalid } from '../failure.ts'
import { nearest } from '../nearest.ts'
import { mintSigningKey, signPreview } from '../preview/signing.ts'
import type { Author } from '../settings.ts'
import { keysOfKind, readEntity } from '../storage/entities.ts'
import {
  countPreviews,
  endPreviews,
  prunePreviews,
  readPreview,
  readSigningKey,
  retireSigningKey,
  revokePreview,
  type SigningKey,
  type StoredPreview,
  writePreview,
  writeSigningKey,
} from '../storage/previews.ts'
import { readSettings } from '../storage/settings.ts'
import type { State } from '../storage/state.ts'
import type { Answer } from './answers.ts'
import type { Decision } from './ledger.ts'
import { record } from './recording.ts'
import type { Room } from './room.ts'

export interface PreviewRequest {
  /** One of both. */
  readonly route: string | null
  readonly flag: string | null
  readonly variant: string
  /** `null`: the environment's only host. */
  readonly host: string | null
  readonly ttlSeconds: number
}

/** A preview, signed. */
export interface MintedPreview {
  readonly preview: StoredPreview
  readonly token: string
  /** Version that tells edges of its key; `null`: they know it. */
  readonly version: number | null
}

/** Signs a preview, under the environment's first key if there is none: `decide` publishes that. In transactions of its own. */
export async function mintPreview(
  room: Room,
  decide: <T>(decision: Decision<T>) => Promise<Answer<T>>,
  request: PreviewRequest,
  author: Author,
): Promise<Answer<MintedPreview>> {
  const { sql, ledger } = room
  const wrong = ledger.ask(() => hostOfPreview(room, request))
  if (!wrong.ok) return wrong
  let version: number | null = null
  if (readSigningKey(sql) === null) {
    const first = await mintSigningKey()
    const added = await decide((state, nowMs) => addFirstKey(room, state, first, author, nowMs))
    if (!added.ok) return added
    version = added.value
  }
  const made = ledger.decide((state, nowMs) => addPreview(room, state, request, author, nowMs))
  if (!made.ok) return made
  const { preview, key, claims } = made.value
  return ok({ preview, token: await signPreview(key, claims), version })
}

/** What is wrong with a request, or the host that it is for. */
function hostOfPreview({ sql }: Room, request: PreviewRequest): Answer<string> {
  const { route, variant, host } = request
  const flag = route === null ? ok(request.flag!) : flagOfRoute(sql, route)
  if (!flag.ok) return flag
  const stored = readEntity(sql, 'flag', flag.value)
  if (stored === null) return unknown(sql, 'flag', flag.value)
  const { variants } = canonicalFlag(JSON.parse(stored.text) as Flag | ShortFlag)
  if (!Object.hasOwn(variants, variant)) {
    const known = Object.keys(variants).join(', ')
    return invalid('preview', '$.variant', `flag ${flag.value} has no variant "${variant}"; it has ${known}`)
  }
  const { edgeHosts } = readSettings(sql)
  if (host !== null) return ok(host)
  if (edgeHosts.length === 1) return ok(edgeHosts[0]!)
  const hosts = edgeHosts.length === 0 ? 'no edgeHosts' : `several edgeHosts: ${edgeHosts.join(', ')}`
  return invalid('preview', '$.host', `must say which host it is for: the environment has ${hosts}`)
}

function flagOfRoute(sql: SqlStorage, id: string): Answer<string> {
  const stored = readEntity(sql, 'route', id)
  return stored === null ? unknown(sql, 'route', id) : ok((JSON.parse(stored.text) as Route).flag)
}

const unknown = (sql: SqlStorage, what: 'flag' | 'route', key: string) =>
  failed({ reason: 'unknown', what, key, nearest: nearest(key, keysOfKind(sql, what)) })

/** Notes a preview; what is still to be signed of it comes back. There must be a key. */
function addPreview(
  room: Room,
  state: State,
  request: PreviewRequest,
  author: Author,
  nowMs: number,
): Answer<{ preview: StoredPreview; key: SigningKey; claims: PreviewClaims }> {
  const { sql } = room
  const host = hostOfPreview(room, request)
  if (!host.ok) return host
  prunePreviews(sql, nowMs)
  if (countPreviews(sql) >= MAX_PREVIEWS)
    return invalid(
      'preview',
      '$',
      `there are ${MAX_PREVIEWS} previews that are not over, which is the most; ask for shorter ones, or rotate the key and end all`,
    )
  const key = readSigningKey(sql)
  if (key === null) throw new Error(`[signed-previews] ${state.name} has no key to sign with`)
  const { route, flag, variant, ttlSeconds } = request
  const issued = Math.floor(nowMs / 1_000)
  const preview: StoredPreview = {
    ...{ id: randomId('pv'), route, flag, variant, host: host.value },
    ...{ actor: author.actor, reason: author.reason },
    ...{ createdAtMs: issued * 1_000, expiresAtMs: (issued + ttlSeconds) * 1_000, revokedAtMs: null },
  }
  writePreview(sql, preview, key.id)
  const act = { action: 'preview.minted', subject: `preview:${preview.id}`, author } as const
  record(sql, state.name, act, nowMs, { details: detailsOf(preview) })
  const claims: PreviewClaims = {
    ...(route === null ? { flag: flag! } : { route }),
    variant,
    ...{ iss: state.name, aud: host.value, jti: preview.id, iat: issued, exp: issued + ttlSeconds },
  }
  return ok({ preview, key, claims })
}

/** The first key, unless somebody else was faster. Answers the version that tells edges of it, or `null`. */
function addFirstKey(
  room: Room,
  state: State,
  key: SigningKey,
  author: Author,
  nowMs: number,
): Answer<number | null> {
  if (readSigningKey(room.sql) !== null) return ok(null)
  return ok(publishKey(room, state, key, 'preview.key-created', author, nowMs).version)
}

/** What was signed before holds until its time is over, or no longer (`endAll`). Answers the version that says so. */
export function rotateSigningKey(
  room: Room,
  state: State,
  key: SigningKey,
  endAll: boolean,
  author: Author,
  nowMs: number,
): Answer<{ version: number }> {
  const { sql } = room
  if (endAll) endPreviews(sql, nowMs)
  else retireSigningKey(sql)
  prunePreviews(sql, nowMs)
  const details = { ...author.details, endAll }
  const by = { ...author, details }
  return ok({ version: publishKey(room, state, key, 'preview.key-rotated', by, nowMs).version })
}

/** Answers the version that says so. One that is revoked already is left alone. */
export function endPreview(
  room: Room,
  state: State,
  id: string,
  author: Author,
  nowMs: number,
): Answer<{ version: number }> {
  const { sql } = room
  const preview = readPreview(sql, id)
  if (preview === null || preview.expiresAtMs <= nowMs)
    return failed({ reason: 'unknown', what: 'preview', key: id, nearest: null })
  if (preview.revokedAtMs !== null) return ok({ version: state.version })
  prunePreviews(sql, nowMs)
  revokePreview(sql, id, nowMs)
  const details = { ...author.details, ...detailsOf(preview) }
  const act = { action: 'preview.revoked', subject: `preview:${id}`, author: { ...author, details } } as const
  const { version } = room.publisher.republish(state, state, act, nowMs)
  room.ledger.mark(nowMs, 'last-known-good', 'directory')
  return ok({ version })
}

function publishKey(
  room: Room,
  state: State,
  key: SigningKey,
  action: Action,
  author: Author,
  nowMs: number,
): State {
  writeSigningKey(room.sql, key)
  const act = { action, subject: `preview-key:${key.id}`, author }
  const next = room.publisher.republish(state, state, act, nowMs)
  room.ledger.mark(nowMs, 'last-known-good', 'directory')
  return next
}

const detailsOf = ({ route, flag, variant, host, expiresAtMs }: StoredPreview) => ({
  ...(route === null ? { flag } : { route }),
  variant,
  host,
  expiresAt: new Date(expiresAtMs).toISOString(),
})
