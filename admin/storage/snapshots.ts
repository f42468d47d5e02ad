/**
 * Snapshots, stored by what changes: the line of each flag, and the frame around the flags. Each row holds for the versions from
 * `since` up to, not including, `until`, so that a change of one flag writes one line, however many flags there are. Kept
 * for the last few versions, for edges that are just fetching one.
 */
import { decodeSnapshot, encodeSnapshot, type Key, type Snapshot } from '../../engine/index.ts'
import { chunks } from './chunks.ts'

export const SNAPSHOT_TABLES = `
  CREATE TABLE snapshot_lines (
    key TEXT NOT NULL, since INTEGER NOT NULL, part INTEGER NOT NULL, until INTEGER, text TEXT NOT NULL,
    PRIMARY KEY (key, since, part)
  ) WITHOUT ROWID;
  CREATE INDEX snapshot_lines_until ON snapshot_lines (until) WHERE until IS NOT NULL;`

/** The key of the frame among the lines: no flag has it. */
const FRAME = ''

const KEPT_SNAPSHOTS = 3

/** A snapshot but for its flags and its version. */
export type Frame = Omit<Snapshot, 'flags' | 'epoch' | 'version'>

export function frameOf({ format, environment, cacheEpoch, access, routes, segments }: Snapshot): Frame {
  return { format, environment, ...(cacheEpoch !== undefined && { cacheEpoch }), access, routes, segments }
}

/** What another version changes of a snapshot, by flag; `null`: the flag is gone. */
export type ChangedLines = Iterable<readonly [Key, string | null]>

/** `frame`: `null` where it stays as it is. */
export function writeSnapshot(
  sql: SqlStorage,
  version: number,
  frame: Frame | null,
  lines: ChangedLines,
): void {
  if (frame !== null) writeLine(sql, version, FRAME, JSON.stringify(frame))
  for (const [key, text] of lines) writeLine(sql, version, key, text)
}

function writeLine(sql: SqlStorage, version: number, key: string, text: string | null): void {
  // By the primary key: there is a row for each version that is kept.
  sql.exec(
    `UPDATE snapshot_lines SET until = ?1
     WHERE key = ?2 AND since = (SELECT MAX(since) FROM snapshot_lines WHERE key = ?2) AND until IS NULL`,
    version,
    key,
  )
  if (text === null) return
  for (const [part, piece] of chunks(text).entries())
    sql.exec(
      'INSERT INTO snapshot_lines (key, since, part, text) VALUES (?, ?, ?, ?)',
      ...[key, version, part, piece],
    )
}

/** The snapshot of `(epoch, version)`, in whatever format it was written, or `null` if it is not kept. */
export function readSnapshot(sql: SqlStorage, epoch: number, version: number): Snapshot | null {
  const [known] = sql.exec(
    `SELECT 1 FROM versions WHERE n = ? AND epoch = ?
       AND n IN (SELECT n FROM versions ORDER BY n DESC LIMIT ${KEPT_SNAPSHOTS})`,
    version,
    epoch,
  )
  if (known === undefined) return null
  const lines = new Map<Key, string>()
  const rows = sql.exec<{ key: string; text: string }>(
    `SELECT key, text FROM snapshot_lines WHERE since <= ?1 AND (until IS NULL OR until > ?1) ORDER BY key, part`,
    version,
  )
  for (const { key, text } of rows) lines.set(key, (lines.get(key) ?? '') + text)
  const frame = lines.get(FRAME)
  if (frame === undefined) return null
  lines.delete(FRAME)
  return { ...(JSON.parse(frame) as Frame), epoch, version, flags: lines }
}

/** Its wire form. */
export function readSnapshotText(sql: SqlStorage, epoch: number, version: number): string | null {
  const snapshot = readSnapshot(sql, epoch, version)
  return snapshot === null ? null : encodeSnapshot(snapshot)
}

/** Moves the current snapshot here from where each was one text. One that cannot be read is compiled anew when it is needed. */
export function moveSnapshots(sql: SqlStorage): void {
  const [newest] = sql.exec<{ n: number | null }>('SELECT MAX(version) AS n FROM snapshots')
  const rows = sql.exec<{ text: string }>(
    'SELECT text FROM snapshots WHERE version = ? ORDER BY part',
    newest?.n ?? 0,
  )
  const snapshot = decodeSnapshot([...rows].map(({ text }) => text).join(''))
  if (snapshot.ok) writeSnapshot(sql, snapshot.value.version, frameOf(snapshot.value), snapshot.value.flags)
  sql.exec('DROP TABLE snapshots')
}

/** Forgets what none of the last few versions needs. */
export function pruneSnapshots(sql: SqlStorage): void {
  const [oldest] = sql.exec<{ n: number }>(
    `SELECT n FROM versions ORDER BY n DESC LIMIT 1 OFFSET ${KEPT_SNAPSHOTS - 1}`,
  )
  if (oldest !== undefined) sql.exec('DELETE FROM snapshot_lines WHERE until <= ?', oldest.n)
}
