/** Changes that wait for the approval of others. Synchronous; inside the caller's transaction. */
import type { Change } from '../change/change.ts'
import { chunks } from './chunks.ts'

export const APPROVAL_STATUSES = [
  'pending',
  'applied',
  'rejected',
  'cancelled',
  'stale',
  'failed',
  'expired',
] as const
export type ApprovalStatus = (typeof APPROVAL_STATUSES)[number]

export interface Vote {
  readonly actor: string
  /** Who made the actor's token; `null`: it has none, or a set-up made it. */
  readonly maker: string | null
  /** RFC 3339 */
  readonly at: string
  readonly note: string | null
}

/** What the change touches or depends on, in the version that approvers look at; `null`: it is not there yet. */
export interface Touched {
  readonly kind: 'flag' | 'segment' | 'route' | 'settings' | 'kill'
  readonly key: string
  readonly since: number | null
}

export interface Approval {
  readonly n: number
  /** Times in ms since 1970. */
  readonly createdAtMs: number
  readonly expiresAtMs: number
  readonly status: ApprovalStatus
  /** Who asked, by whose token, and why. */
  readonly actor: string
  readonly maker: string | null
  readonly reason: string | null
  readonly action: string
  readonly subject: string
  /** How many others must approve. */
  readonly needed: number
  readonly votes: readonly Vote[]
  /** Why it needs approval, a sentence each; the first ones, if there are many. */
  readonly raising: readonly string[]
  readonly touched: readonly Touched[]
  readonly decidedAtMs: number | null
  readonly decidedBy: string | null
  /** What who decided it said; why it failed. */
  readonly note: string | null
  /** Version that holds the change once it was applied. */
  readonly version: number | null
}

/** What it is about stands in `approval_changes`, in parts: a document may be large. */
export const APPROVAL_TABLES = `
  CREATE TABLE approvals (
    n INTEGER PRIMARY KEY, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, status TEXT NOT NULL,
    entry TEXT NOT NULL
  );
  CREATE TABLE approval_changes (n INTEGER NOT NULL, part INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (n, part));`

type Row = { n: number; created_at: number; expires_at: number; status: ApprovalStatus; entry: string }

const COLUMNS = 'n, created_at, expires_at, status, entry'

/** One that nobody decided in time is `expired`, without anything having to happen. */
const fromRow = ({ n, created_at, expires_at, status, entry }: Row, nowMs: number): Approval => ({
  ...JSON.parse(entry),
  n,
  createdAtMs: created_at,
  expiresAtMs: expires_at,
  status: status === 'pending' && expires_at <= nowMs ? 'expired' : status,
})

export function addApproval(sql: SqlStorage, approval: Omit<Approval, 'n'>, change: Change): Approval {
  const { createdAtMs, expiresAtMs, status, ...entry } = approval
  const { n } = sql
    .exec<{ n: number }>(
      'INSERT INTO approvals (created_at, expires_at, status, entry) VALUES (?, ?, ?, ?) RETURNING n',
      createdAtMs,
      expiresAtMs,
      status,
      JSON.stringify(entry),
    )
    .one()
  putProposal(sql, n, change)
  return { n, ...approval }
}

/** Writes one under the number that it has. */
export function putApproval(sql: SqlStorage, { n, ...approval }: Approval): void {
  const { createdAtMs, expiresAtMs, status, ...entry } = approval
  sql.exec(
    'INSERT INTO approvals (n, created_at, expires_at, status, entry) VALUES (?, ?, ?, ?, ?)',
    ...[n, createdAtMs, expiresAtMs, status, JSON.stringify(entry)],
  )
}

/** What the approval of that number is about. */
export function putProposal(sql: SqlStorage, n: number, change: object): void {
  for (const [part, text] of chunks(JSON.stringify(change)).entries())
    sql.exec('INSERT INTO approval_changes (n, part, text) VALUES (?, ?, ?)', n, part, text)
}

/** Forgets those that were asked for so long ago; the audit log does not. */
export function pruneApprovals(sql: SqlStorage, beforeMs: number): void {
  sql.exec('DELETE FROM approvals WHERE created_at < ?', beforeMs)
  sql.exec('DELETE FROM approval_changes WHERE n NOT IN (SELECT n FROM approvals)')
}

export const countPending = (sql: SqlStorage, nowMs: number): number =>
  sql
    .exec<{ n: number }>(
      "SELECT COUNT(*) AS n FROM approvals WHERE status = 'pending' AND expires_at > ?",
      nowMs,
    )
    .one().n

export function updateApproval(sql: SqlStorage, approval: Approval): void {
  const { n, createdAtMs: _, expiresAtMs: __, status, ...entry } = approval
  sql.exec('UPDATE approvals SET status = ?, entry = ? WHERE n = ?', status, JSON.stringify(entry), n)
}

export function readApproval(sql: SqlStorage, n: number, nowMs: number): Approval | null {
  const [row] = sql.exec<Row>(`SELECT ${COLUMNS} FROM approvals WHERE n = ?`, n)
  return row === undefined ? null : fromRow(row, nowMs)
}

/** What the approval is about, as it was asked for. */
export function changeOfApproval(sql: SqlStorage, n: number): Change {
  const parts = sql.exec<{ text: string }>('SELECT text FROM approval_changes WHERE n = ? ORDER BY part', n)
  return JSON.parse([...parts].map(({ text }) => text).join(''))
}

/** Below `before`, newest first. */
export function pageApprovals(
  sql: SqlStorage,
  status: ApprovalStatus | null,
  before: number,
  limit: number,
  nowMs: number,
): Approval[] {
  const found: Approval[] = []
  for (const row of sql.exec<Row>(`SELECT ${COLUMNS} FROM approvals WHERE n < ? ORDER BY n DESC`, before)) {
    if (found.length === limit) break
    const approval = fromRow(row, nowMs)
    if (status === null || approval.status === status) found.push(approval)
  }
  return found
}
