/** When each version of the kill list was made: the last thousand. Written in the transaction that raises the version. */

/** A version of the kill list. */
export interface KillVersion {
  readonly version: number
  readonly epoch: number
  /** ms since 1970 */
  readonly createdAtMs: number
}

const KEPT = 1_000

export function writeKillVersion(sql: SqlStorage, { version, epoch, createdAtMs }: KillVersion): void {
  sql.exec('INSERT INTO kill_versions (n, epoch, created_at) VALUES (?, ?, ?)', version, epoch, createdAtMs)
  sql.exec('DELETE FROM kill_versions WHERE n <= ?', version - KEPT)
}

export function readKillVersion(sql: SqlStorage, version: number): KillVersion | null {
  const [row] = sql.exec<{ epoch: number; created_at: number }>(
    'SELECT epoch, created_at FROM kill_versions WHERE n = ?',
    version,
  )
  return row === undefined ? null : { version, epoch: row.epoch, createdAtMs: row.created_at }
}
