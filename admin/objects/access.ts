/** Who may call the API, decided and changed in the project's storage. Inside the caller's transaction. */
import { ok } from '../../engine/index.ts'
import {
  MAX_PEOPLE,
  MAX_TOKENS,
  type Person,
  principalOfPerson,
  principalOfToken,
  type Token,
} from '../access/grants.ts'
import { EVERYWHERE, type Principal, type Role, type Scope } from '../access/principal.ts'
import { changedEntities } from '../audit/change.ts'
import { failed, invalid } from '../failure.ts'
import { nearest } from '../nearest.ts'
import type { Author } from '../settings.ts'
import {
  countLiveTokens,
  countPeople,
  deletePerson,
  noteUse,
  pagePeople,
  personShown,
  readPerson,
  readToken,
  revokeToken,
  tokenShown,
  writePerson,
  writeToken,
} from '../storage/grants.ts'
import type { Answer } from './answers.ts'
import { record } from './recording.ts'

/** What a caller shows: the hash of a token's text, or an identity that the proxy in front vouches for. */
export type Credential = { readonly tokenHash: string } | { readonly person: string }

/** Who that is, or why nobody. */
export type Recognition = Recognized | Refusal

export interface Recognized {
  readonly principal: Principal
  /** ms since 1970; `null`: it holds until it is taken away. */
  readonly expiresAtMs: number | null
}

export type Refusal =
  | { readonly refused: 'unknown' | 'expired' | 'revoked' }
  /** It asks too often. */
  | { readonly refused: 'throttled'; readonly waitMs: number }

/** Asked with every call: from memory, and no transaction but to note a use, once a minute. */
export function recognize(sql: SqlStorage, credential: Credential, nowMs: number): Recognition {
  if ('person' in credential) {
    const person = personShown(sql, credential.person)
    if (person === null) return { refused: 'unknown' }
    noteUse(sql, 'people', person, nowMs)
    return { principal: principalOfPerson(person), expiresAtMs: null }
  }
  const token = tokenShown(sql, credential.tokenHash)
  if (token === null) return { refused: 'unknown' }
  if (token.revokedAtMs !== null) return { refused: 'revoked' }
  if (token.expiresAtMs !== null && token.expiresAtMs <= nowMs) return { refused: 'expired' }
  noteUse(sql, 'tokens', token, nowMs)
  return { principal: principalOfToken(token), expiresAtMs: token.expiresAtMs }
}

export function addToken(
  sql: SqlStorage,
  token: Token,
  hash: string,
  author: Author,
  nowMs: number,
): Answer<Token> {
  if (readToken(sql, 'name', token.name) !== null)
    return invalid('token', '$.name', `"${token.name}" was used before; names of tokens are never used again`)
  if (token.expiresAtMs !== null && token.expiresAtMs <= nowMs)
    return invalid(
      'token',
      '$.expiresAt',
      `must be in the future; it is now ${new Date(nowMs).toISOString()}`,
    )
  if (countLiveTokens(sql, nowMs) >= MAX_TOKENS)
    return invalid('token', '$', `there are ${MAX_TOKENS} tokens, which is the most; revoke one first`)
  writeToken(sql, token, hash)
  const act = { action: 'token.created', subject: `token:${token.name}`, author } as const
  record(sql, null, act, nowMs, { changes: changeOf(act.subject, null, token) })
  return ok(token)
}

export function endToken(sql: SqlStorage, id: string, author: Author, nowMs: number): Answer<Token> {
  const token = readToken(sql, 'id', id)
  if (token === null) return failed({ reason: 'unknown', what: 'token', key: id, nearest: null })
  if (token.revokedAtMs !== null) return ok(token)
  revokeToken(sql, id, nowMs)
  const revoked = { ...token, revokedAtMs: nowMs }
  const act = { action: 'token.revoked', subject: `token:${token.name}`, author } as const
  record(sql, null, act, nowMs, { changes: changeOf(act.subject, token, revoked) })
  return ok(revoked)
}

export interface PersonGrant extends Scope {
  readonly id: string
  readonly role: Role
}

export function putPerson(
  sql: SqlStorage,
  grant: PersonGrant,
  author: Author,
  nowMs: number,
): Answer<{ created: boolean; person: Person }> {
  const before = readPerson(sql, grant.id)
  if (before === null && countPeople(sql) >= MAX_PEOPLE)
    return invalid('person', '$', `there are ${MAX_PEOPLE} people, which is the most`)
  const person: Person = {
    ...grant,
    createdAtMs: before?.createdAtMs ?? nowMs,
    createdBy: before?.createdBy ?? author.actor,
    lastUsedAtMs: before?.lastUsedAtMs ?? null,
  }
  writePerson(sql, person)
  const action = before === null ? 'person.added' : 'person.updated'
  const act = { action, subject: `person:${grant.id}`, author } as const
  record(sql, null, act, nowMs, { changes: changeOf(act.subject, before, person) })
  return ok({ created: before === null, person })
}

export function removePerson(sql: SqlStorage, id: string, author: Author, nowMs: number): Answer<null> {
  const before = readPerson(sql, id)
  if (before === null) {
    const known = pagePeople(sql, EVERYWHERE, '', MAX_PEOPLE).map((person) => person.id)
    return failed({ reason: 'unknown', what: 'person', key: id, nearest: nearest(id, known) })
  }
  deletePerson(sql, id)
  const act = { action: 'person.removed', subject: `person:${id}`, author } as const
  record(sql, null, act, nowMs, { changes: changeOf(act.subject, before, null) })
  return ok(null)
}

/** A token's record has no secret in it: neither text nor hash. */
const changeOf = (subject: string, before: Token | Person | null, after: Token | Person | null) =>
  changedEntities([{ subject, before: textOf(before), after: textOf(after) }])

function textOf(grant: Token | Person | null): string | null {
  if (grant === null) return null
  const { lastUsedAtMs: _, ...rest } = grant
  return JSON.stringify(rest)
}
