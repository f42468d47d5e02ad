/**
 * How deliveries move: queued, taken, put off, ended, replayed, forgotten. Those of one webhook about one subject form a
 * lane and go out in order, so that nobody hears of a kill's end before its beginning: only the first of a lane has a time
 * at which it is due, the others wait for it to end. Synchronous, inside the caller's transaction.
 */
import { type AuditEvent, eventId, slim } from '../webhook/event.ts'
import type { Attempt } from '../webhook/retry.ts'
import {
  countDeliveries,
  type Delivery,
  type DeliveryRow,
  deliveryOf,
  SELECT_DELIVERY,
} from './deliveries.ts'

/** Most deliveries of one webhook that wait; one more is given up at once, and shows as that. */
export const MAX_PENDING = 2_000
/** Most that are kept of one webhook, delivered or dead. */
export const MAX_ENDED = 2_000
/** Attempts that a delivery remembers. */
const LOGGED = 5
const DAY_MS = 24 * 3_600_000
const KEPT_MS = { delivered: 7 * DAY_MS, dead: 30 * DAY_MS } as const

/** Queues an event for a webhook, once: a second time changes nothing. */
export function queue(sql: SqlStorage, webhook: string, event: AuditEvent, nowMs: number): void {
  const id = eventId(event)
  const { environment, seq, action, subject, at } = event
  sql.exec(
    'INSERT OR IGNORE INTO events (id, environment, seq, action, subject, at, text) VALUES (?, ?, ?, ?, ?, ?, ?)',
    id,
    environment,
    seq,
    action,
    subject,
    at,
    JSON.stringify(slim(event)),
  )
  const isFull = countDeliveries(sql, webhook, 'pending') >= MAX_PENDING
  const lane = JSON.stringify([environment, subject])
  const dueMs = isFull || headOfLane(sql, webhook, lane) !== null ? null : nowMs
  const added = sql.exec<{ n: number }>(
    `INSERT OR IGNORE INTO deliveries (webhook, event, lane, status, attempts, log, since, due_at, created_at)
     VALUES (?1, ?2, ?3, 'pending', 0, '[]', ?4, ?4, ?5) RETURNING n`,
    webhook,
    id,
    lane,
    dueMs,
    nowMs,
  )
  const [row] = [...added]
  if (row !== undefined && isFull)
    giveUp(sql, row.n, `never tried: ${MAX_PENDING} others were waiting already`, null, nowMs)
}

/** A delivered or dead one goes out again, after those of its lane that wait. */
export function replay(sql: SqlStorage, n: number, nowMs: number): void {
  const { webhook, lane } = sql
    .exec<{ webhook: string; lane: string }>('SELECT webhook, lane FROM deliveries WHERE n = ?', n)
    .one()
  sql.exec(
    `UPDATE deliveries SET status = 'pending', attempts = 0, problem = NULL, since = ?1, due_at = ?1, ended_at = NULL
     WHERE n = ?2`,
    headOfLane(sql, webhook, lane) === null ? nowMs : null,
    n,
  )
}

/** Webhooks with something due now: those whose targets answer first, and then who has waited longest. */
export function dueWebhooks(sql: SqlStorage, nowMs: number): { id: string; failing: boolean }[] {
  const rows = sql.exec<{ id: string; failing: number }>(
    `SELECT id, failing FROM (
       SELECT w.id, w.failing, ${EARLIEST} AS due FROM webhooks w WHERE w.paused_until <= ?1
     ) WHERE due <= ?1 ORDER BY failing, due`,
    nowMs,
  )
  return [...rows].map(({ id, failing }) => ({ id, failing: failing === 1 }))
}

/** Takes what has been due longest; it is due again if its end was not noted when the lease is over. `null`: nothing is due. */
export function claim(sql: SqlStorage, webhook: string, nowMs: number, leaseMs: number): Delivery | null {
  const [row] = sql.exec<DeliveryRow>(
    `${SELECT_DELIVERY} WHERE d.webhook = ? AND d.due_at <= ? ORDER BY d.due_at, d.n LIMIT 1`,
    webhook,
    nowMs,
  )
  if (row === undefined) return null
  sql.exec('UPDATE deliveries SET due_at = ? WHERE n = ?', nowMs + leaseMs, row.n)
  return deliveryOf(row)
}

/** When something will be due that is not yet; of a paused webhook, when it no longer is. `null`: nothing will. */
export function nextDueMs(sql: SqlStorage, nowMs: number): number | null {
  return sql
    .exec<{ at: number | null }>(
      `SELECT MIN(MAX(due, paused_until)) AS at FROM (
         SELECT w.paused_until, CASE WHEN w.paused_until > ?1 THEN ${EARLIEST} ELSE ${EARLIEST_LATER} END AS due
         FROM webhooks w
       )`,
      nowMs,
    )
    .one().at
}

const EARLIEST = '(SELECT MIN(due_at) FROM deliveries WHERE webhook = w.id AND due_at IS NOT NULL)'
const EARLIEST_LATER = '(SELECT MIN(due_at) FROM deliveries WHERE webhook = w.id AND due_at > ?1)'

/** An attempt failed, and there will be another. */
export function putOff(sql: SqlStorage, n: number, attempt: Attempt, dueMs: number): void {
  sql.exec(
    'UPDATE deliveries SET attempts = attempts + 1, log = ?, problem = ?, due_at = ? WHERE n = ?',
    logWith(sql, n, attempt),
    attempt.problem,
    dueMs,
    n,
  )
}

export function delivered(sql: SqlStorage, n: number, attempt: Attempt, nowMs: number): void {
  end(sql, n, 'delivered', null, attempt, nowMs)
}

/** Makes a dead letter. `attempt`: the last one; `null`: it ends without. */
export function giveUp(
  sql: SqlStorage,
  n: number,
  problem: string,
  attempt: Attempt | null,
  nowMs: number,
): void {
  end(sql, n, 'dead', problem, attempt, nowMs)
}

/** Gives up whatever of a webhook waits. */
export function giveUpAll(sql: SqlStorage, webhook: string, problem: string, nowMs: number): void {
  sql.exec(
    `UPDATE deliveries SET status = 'dead', problem = ?, due_at = NULL, ended_at = ? WHERE webhook = ? AND status = 'pending'`,
    problem,
    nowMs,
    webhook,
  )
  keepNewest(sql, webhook, 'dead')
}

function end(
  sql: SqlStorage,
  n: number,
  status: 'delivered' | 'dead',
  problem: string | null,
  attempt: Attempt | null,
  nowMs: number,
): void {
  const { webhook, lane } = sql
    .exec<{ webhook: string; lane: string }>(
      `UPDATE deliveries SET status = ?, problem = ?, attempts = attempts + ?, log = ?, due_at = NULL, ended_at = ?
       WHERE n = ? RETURNING webhook, lane`,
      status,
      problem,
      attempt === null ? 0 : 1,
      logWith(sql, n, attempt),
      nowMs,
      n,
    )
    .one()
  const next = headOfLane(sql, webhook, lane)
  sql.exec('UPDATE deliveries SET since = ?1, due_at = ?1 WHERE n = ?2 AND due_at IS NULL', nowMs, next)
  keepNewest(sql, webhook, status)
}

/** The first of a lane that has not ended. */
function headOfLane(sql: SqlStorage, webhook: string, lane: string): number | null {
  return sql
    .exec<{ n: number | null }>(
      `SELECT MIN(n) AS n FROM deliveries WHERE webhook = ? AND lane = ? AND status = 'pending'`,
      webhook,
      lane,
    )
    .one().n
}

function logWith(sql: SqlStorage, n: number, attempt: Attempt | null): string {
  const { log } = sql.exec<{ log: string }>('SELECT log FROM deliveries WHERE n = ?', n).one()
  return attempt === null ? log : JSON.stringify([...JSON.parse(log), attempt].slice(-LOGGED))
}

// Forgetting.

export function forgetDeliveriesOf(sql: SqlStorage, webhook: string): void {
  forget(sql, 'webhook = ?', webhook)
}

/** Forgets what ended long enough ago. */
export function forgetOld(sql: SqlStorage, nowMs: number): void {
  for (const [status, keptMs] of Object.entries(KEPT_MS))
    forget(sql, 'status = ? AND ended_at <= ?', status, nowMs - keptMs)
}

/** When there is next something to forget. */
export function nextForgetMs(sql: SqlStorage): number | null {
  return sql
    .exec<{ at: number | null }>(
      `SELECT MIN(at) AS at FROM (
         SELECT MIN(ended_at) + ? AS at FROM deliveries WHERE status = 'delivered' AND ended_at IS NOT NULL
         UNION ALL SELECT MIN(ended_at) + ? FROM deliveries WHERE status = 'dead' AND ended_at IS NOT NULL)`,
      KEPT_MS.delivered,
      KEPT_MS.dead,
    )
    .one().at
}

function keepNewest(sql: SqlStorage, webhook: string, status: 'delivered' | 'dead'): void {
  forget(
    sql,
    `webhook = ?1 AND status = ?2 AND n <= (
       SELECT n FROM deliveries WHERE webhook = ?1 AND status = ?2 ORDER BY n DESC LIMIT 1 OFFSET ${MAX_ENDED})`,
    webhook,
    status,
  )
}

/** Deletes deliveries, and events that no other delivery is of. */
function forget(sql: SqlStorage, condition: string, ...values: (string | number)[]): void {
  const gone = sql.exec<{ event: string }>(
    `DELETE FROM deliveries WHERE ${condition} RETURNING event`,
    ...values,
  )
  for (const { event } of [...gone])
    sql.exec(
      'DELETE FROM events WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM deliveries WHERE event = ?1)',
      event,
    )
}
