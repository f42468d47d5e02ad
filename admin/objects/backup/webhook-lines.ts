/**
 * Webhooks as lines of a backup, without what is secret of them: address, signing secret, routing key. What is on its way
 * is not in it.
 */
import { lastSeq } from '../../storage/audit.ts'
import { readWebhooks } from '../../storage/webhooks.ts'
import { auditRecords, countedLines, type NamedRecord } from './counted-lines.ts'

export function webhookLines(sql: SqlStorage): Generator<string> {
  const now = readWebhooks(sql).map(
    ({ id, name, format, host, events, environments, enabled, createdAtMs, createdBy }): NamedRecord => [
      'webhook',
      { id, name, format, host, events, environments, enabled, createdAtMs, createdBy },
    ],
  )
  return countedLines({ begin: 'webhooks' }, now, auditRecords(sql, lastSeq(sql)))
}
