/**
 * Hands an object's audit log over to the webhooks: every entry, in order, and remembers how far. An entry may be handed
 * over twice, which `WebhooksObject` notices.
 */
import { shownEntry } from '../audit/entry.ts'
import { pageAudit, type StoredEntry } from '../storage/audit.ts'
import { type AuditEvent, slim } from '../webhook/event.ts'

/** Its one row; there is none before the first time. */
export const HAND_OVER_TABLE =
  'CREATE TABLE handed_over (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL);'

/** Entries of one call. */
const BATCH = 50

/** What of `WebhooksObject` is needed here. */
interface Webhooks {
  enqueue(events: readonly AuditEvent[]): Promise<void>
}

export async function handOver(sql: SqlStorage, webhooks: Webhooks): Promise<void> {
  for (;;) {
    const entries = pageAudit(sql, {}, { after: handedOver(sql) }, BATCH)
    const last = entries.at(-1)
    if (last === undefined) return
    await webhooks.enqueue(entries.map((entry) => slim(eventOf(entry))))
    handedOverTo(sql, last.seq)
  }
}

/** Nobody is told of entries up to that one any more. */
export function handedOverTo(sql: SqlStorage, seq: number): void {
  sql.exec(
    'INSERT INTO handed_over (id, seq) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET seq = MAX(seq, ?1)',
    seq,
  )
}

export const eventOf = (entry: StoredEntry): AuditEvent => JSON.parse(shownEntry(entry))

/** Number of the last entry that was handed over. */
function handedOver(sql: SqlStorage): number {
  const [row] = sql.exec<{ seq: number }>('SELECT seq FROM handed_over')
  return row?.seq ?? 0
}
