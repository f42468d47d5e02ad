/** Who may call the API, as lines of a backup. Tokens are hashes there as here. */
import { MAX_PEOPLE } from '../../access/grants.ts'
import { EVERYWHERE } from '../../access/principal.ts'
import { lastSeq } from '../../storage/audit.ts'
import { pagePeople, tokensWithHashes } from '../../storage/grants.ts'
import { auditRecords, countedLines, type NamedRecord } from './counted-lines.ts'

export function accessLines(sql: SqlStorage): Generator<string> {
  const now: NamedRecord[] = [
    ...tokensWithHashes(sql).map((token) => ['token', token] as const),
    ...pagePeople(sql, EVERYWHERE, '', MAX_PEOPLE).map((person) => ['person', person] as const),
  ]
  return countedLines({ begin: 'access' }, now, auditRecords(sql, lastSeq(sql)))
}
