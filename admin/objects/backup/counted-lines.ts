/** The lines of one object of a backup: begun, counted and ended. */
import { type Begin, beginLine, endLine, recordLine } from '../../backup/format.ts'
import type { RecordName } from '../../backup/records.ts'
import { pageAudit } from '../../storage/audit.ts'

/** A record with its name. */
export type NamedRecord = readonly [record: RecordName, value: object]

export function* countedLines(begin: Begin, ...parts: readonly Iterable<NamedRecord>[]): Generator<string> {
  yield beginLine(begin)
  const counts: Partial<Record<RecordName, number>> = {}
  for (const records of parts)
    for (const [record, value] of records) {
      yield recordLine(record, value)
      counts[record] = (counts[record] ?? 0) + 1
    }
  yield endLine({ end: begin.begin, counts: counts as Record<string, number> })
}

/** Entries may be large: few at a time. */
const PAGE = 50

/** The audit log up to an entry. It only grows, so that it may be read little by little. */
export function* auditRecords(sql: SqlStorage, last: number): Generator<NamedRecord> {
  for (let seq = 0; seq < last; ) {
    for (const entry of pageAudit(sql, {}, { after: seq }, PAGE)) {
      seq = entry.seq
      if (seq > last) return
      const { text, previousHash, hash } = entry
      yield ['audit', { text, previousHash, hash }]
    }
  }
}
