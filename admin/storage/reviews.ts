/** Emergency acts that somebody must look at afterwards. Synchronous; inside the caller's transaction. */

export interface Review {
  /** Number of the audit entry that is to be looked at. */
  readonly seq: number
  /** ms since 1970 */
  readonly openedAtMs: number
  readonly action: string
  readonly subject: string
  readonly actor: string
  readonly reason: string | null
  /** ms since 1970; `null`: nobody has. */
  readonly closedAtMs: number | null
  readonly closedBy: string | null
  readonly note: string | null
}

export const REVIEW_TABLES = `
  CREATE TABLE reviews (seq INTEGER PRIMARY KEY, closed INTEGER NOT NULL, entry TEXT NOT NULL);`

type Row = { seq: number; entry: string }

const fromRow = ({ seq, entry }: Row): Review => ({ ...JSON.parse(entry), seq })

export function writeReview(sql: SqlStorage, { seq, ...entry }: Review): void {
  const closed = entry.closedAtMs === null ? 0 : 1
  sql.exec(
    'INSERT OR REPLACE INTO reviews (seq, closed, entry) VALUES (?, ?, ?)',
    seq,
    closed,
    JSON.stringify(entry),
  )
}

/** Puts these reviews in the place of all that there are. */
export function replaceReviews(sql: SqlStorage, reviews: Iterable<Review>): void {
  sql.exec('DELETE FROM reviews')
  for (const review of reviews) writeReview(sql, review)
}

export function readReview(sql: SqlStorage, seq: number): Review | null {
  const [row] = sql.exec<Row>('SELECT seq, entry FROM reviews WHERE seq = ?', seq)
  return row === undefined ? null : fromRow(row)
}

/** Below `before`, newest first. */
export function pageReviews(
  sql: SqlStorage,
  which: 'open' | 'closed' | 'all',
  before: number,
  limit: number,
): Review[] {
  const closed = which === 'all' ? null : which === 'closed' ? 1 : 0
  const rows = sql.exec<Row>(
    'SELECT seq, entry FROM reviews WHERE seq < ?1 AND (?2 IS NULL OR closed = ?2) ORDER BY seq DESC LIMIT ?3',
    before,
    closed,
    limit,
  )
  return [...rows].map(fromRow)
}
