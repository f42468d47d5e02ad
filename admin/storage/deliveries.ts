/** Deliveries as rows, and the events they are of: each event is kept once, with a delivery for every webhook that hears of it. */
import type { AuditEvent } from '../webhook/event.ts'
import type { Attempt } from '../webhook/retry.ts'

export const DELIVERY_STATUSES = ['pending', 'delivered', 'dead'] as const
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number]

export interface Delivery {
  /** Names it; grows with each. */
  readonly n: number
  readonly webhook: string
  readonly status: DeliveryStatus
  readonly eventId: string
  /** What the event is about; `environment` is `null` for the control plane itself. */
  readonly environment: string | null
  readonly seq: number
  readonly action: string
  readonly subject: string
  /** RFC 3339: when it happened. */
  readonly at: string
  /** Made since it was queued or last replayed. */
  readonly attempts: number
  /** The last few, oldest first. */
  readonly log: readonly Attempt[]
  /** Why it is not delivered; `null`: it is, or was not tried yet. */
  readonly problem: string | null
  /** When the first attempt was due, ms since 1970; `null`: it waits for one before it. */
  readonly sinceMs: number | null
  /** When the next attempt is due; `null`: none is, or it waits. */
  readonly dueMs: number | null
  readonly createdAtMs: number
  /** When it was delivered or given up. */
  readonly endedAtMs: number | null
}

/** `lane` and `due_at`: see delivery-queue.ts. */
export const DELIVERY_TABLES = `
  CREATE TABLE events (
    id TEXT PRIMARY KEY, environment TEXT, seq INTEGER NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL,
    at TEXT NOT NULL, text TEXT NOT NULL
  );
  CREATE TABLE deliveries (
    n INTEGER PRIMARY KEY AUTOINCREMENT, webhook TEXT NOT NULL, event TEXT NOT NULL, lane TEXT NOT NULL,
    status TEXT NOT NULL, attempts INTEGER NOT NULL, log TEXT NOT NULL, problem TEXT, since INTEGER, due_at INTEGER,
    created_at INTEGER NOT NULL, ended_at INTEGER, UNIQUE (webhook, event)
  );
  CREATE INDEX deliveries_due ON deliveries (webhook, due_at) WHERE due_at IS NOT NULL;
  CREATE INDEX deliveries_lane ON deliveries (webhook, lane, n) WHERE status = 'pending';
  CREATE INDEX deliveries_status ON deliveries (webhook, status, n);
  CREATE INDEX deliveries_ended ON deliveries (status, ended_at) WHERE ended_at IS NOT NULL;
  CREATE INDEX deliveries_event ON deliveries (event);`

export type DeliveryRow = {
  n: number
  webhook: string
  status: DeliveryStatus
  event: string
  environment: string | null
  seq: number
  action: string
  subject: string
  at: string
  attempts: number
  log: string
  problem: string | null
  since: number | null
  due_at: number | null
  created_at: number
  ended_at: number | null
}

export const SELECT_DELIVERY = `
  SELECT d.n, d.webhook, d.status, d.event, e.environment, e.seq, e.action, e.subject, e.at, d.attempts, d.log, d.problem,
    d.since, d.due_at, d.created_at, d.ended_at
  FROM deliveries d JOIN events e ON e.id = d.event`

export function readDelivery(sql: SqlStorage, webhook: string, n: number): Delivery | null {
  const [row] = sql.exec<DeliveryRow>(`${SELECT_DELIVERY} WHERE d.n = ? AND d.webhook = ?`, n, webhook)
  return row === undefined ? null : deliveryOf(row)
}

/** One page of a webhook's deliveries below `before`, newest first. */
export function pageDeliveries(
  sql: SqlStorage,
  webhook: string,
  status: DeliveryStatus | null,
  before: number,
  limit: number,
): Delivery[] {
  const rows = sql.exec<DeliveryRow>(
    `${SELECT_DELIVERY} WHERE d.webhook = ?1 AND (?2 IS NULL OR d.status = ?2) AND d.n < ?3 ORDER BY d.n DESC LIMIT ?4`,
    webhook,
    status,
    before,
    limit,
  )
  return [...rows].map(deliveryOf)
}

export const countDeliveries = (sql: SqlStorage, webhook: string, status: DeliveryStatus): number =>
  sql
    .exec<{ n: number }>(
      'SELECT COUNT(*) AS n FROM deliveries WHERE webhook = ? AND status = ?',
      webhook,
      status,
    )
    .one().n

/** Of a delivery that is kept. */
export const readEvent = (sql: SqlStorage, eventId: string): AuditEvent =>
  JSON.parse(sql.exec<{ text: string }>('SELECT text FROM events WHERE id = ?', eventId).one().text)

export const deliveryOf = (row: DeliveryRow): Delivery => ({
  n: row.n,
  webhook: row.webhook,
  status: row.status,
  eventId: row.event,
  environment: row.environment,
  seq: row.seq,
  action: row.action,
  subject: row.subject,
  at: row.at,
  attempts: row.attempts,
  log: JSON.parse(row.log),
  problem: row.problem,
  sinceMs: row.since,
  dueMs: row.due_at,
  createdAtMs: row.created_at,
  endedAtMs: row.ended_at,
})
