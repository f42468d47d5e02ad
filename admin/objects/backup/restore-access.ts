/**
 * Restores tokens and people. Those that are here stay as they are, and nobody who was shut out comes back, as far as the
 * audit log knows of it. Inside the caller's transaction.
 */
import { ok } from '../../../engine/index.ts'
import { MAX_PEOPLE, MAX_TOKENS } from '../../access/grants.ts'
import { invalid } from '../../failure.ts'
import { lastSeq, saidLast } from '../../storage/audit.ts'
import {
  countLiveTokens,
  countPeople,
  readPerson,
  readToken,
  revokeToken,
  writePerson,
  writeToken,
} from '../../storage/grants.ts'
import { handedOverTo } from '../hand-over.ts'
import { record } from '../recording.ts'
import type { Restore } from './restorable-object.ts'
import { ALL_HERE, detailsOf, logOf } from './restored.ts'
import { staged } from './stage.ts'

export const restoreAccess: Restore = (sql, source, joined, author, nowMs) => {
  if (joined.imported > 0) handedOverTo(sql, lastSeq(sql))
  const { tokens, leftOut } = restoreTokens(sql, nowMs)
  const people = restorePeople(sql)
  if (countLiveTokens(sql, nowMs) > MAX_TOKENS)
    return invalid(
      'backup',
      '$',
      `would make more than ${MAX_TOKENS} tokens with those that are here; revoke some first`,
    )
  if (countPeople(sql) > MAX_PEOPLE)
    return invalid('backup', '$', `would make more than ${MAX_PEOPLE} people with those that are here`)
  if (joined.imported === 0 && tokens.length === 0 && people.length === 0) return ok(ALL_HERE)
  const details = { ...detailsOf(source, joined), tokens, people, leftOut }
  const act = { action: 'access.restored-from-backup', subject: 'access', author } as const
  record(sql, null, act, nowMs, { details })
  return ok({ is: 'access', log: logOf(joined), tokens, people, leftOut })
}

/** A name means one token for ever: one whose name another has taken stays out. */
function restoreTokens(sql: SqlStorage, nowMs: number): { tokens: string[]; leftOut: string[] } {
  const tokens: string[] = []
  const leftOut: string[] = []
  for (const { hash, ...token } of staged(sql, 'access', 'token')) {
    if (readToken(sql, 'id', token.id) !== null) {
      if (token.revokedAtMs !== null) revokeToken(sql, token.id, nowMs)
    } else if (readToken(sql, 'name', token.name) !== null || readToken(sql, 'hash', hash) !== null) {
      leftOut.push(`token ${token.name}: another one here has its name`)
    } else {
      writeToken(sql, token, hash)
      tokens.push(token.name)
    }
  }
  return { tokens, leftOut }
}

function restorePeople(sql: SqlStorage): string[] {
  const people: string[] = []
  for (const person of staged(sql, 'access', 'person')) {
    const isOut = saidLast(sql, `person:${person.id}`) === 'person.removed'
    if (isOut || readPerson(sql, person.id) !== null) continue
    writePerson(sql, person)
    people.push(person.id)
  }
  return people
}
