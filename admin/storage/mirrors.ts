/**
 * What came of copies of requests at one location: sums in windows of a minute, for a day, and the newest differences of each
 * mirror, without any value of a body.
 */
import { MIRRORED, type MirrorCounts, type MirrorDifference, type MirrorReport } from '../../engine/index.ts'
import { KEPT_DIFFERENCES } from '../mirrors.ts'
import { KEPT_MINUTES, MINUTE_MS } from './flag-counts.ts'

export const MIRROR_TABLES = `
  CREATE TABLE mirror_counts (
    minute INTEGER NOT NULL, route TEXT NOT NULL, variant TEXT NOT NULL,
    ${MIRRORED.map((name) => `${name} INTEGER NOT NULL`).join(', ')},
    PRIMARY KEY (minute, route, variant)
  ) WITHOUT ROWID;
  CREATE TABLE mirror_differences (
    n INTEGER PRIMARY KEY, route TEXT NOT NULL, variant TEXT NOT NULL, minute INTEGER NOT NULL, entry TEXT NOT NULL
  );
  CREATE INDEX mirror_differences_route ON mirror_differences (route, variant);`

const ADD = `
  INSERT INTO mirror_counts (minute, route, variant, ${MIRRORED.join(', ')})
  VALUES (?, ?, ?, ${MIRRORED.map(() => '?').join(', ')})
  ON CONFLICT DO UPDATE SET ${MIRRORED.map((name) => `${name} = ${name} + excluded.${name}`).join(', ')}`

const minuteOf = (ms: number): number => Math.floor(ms / MINUTE_MS)

/** Adds to the window of a moment, and forgets what is too old or too much. */
export function addMirrorReports(sql: SqlStorage, reports: readonly MirrorReport[], nowMs: number): void {
  const minute = minuteOf(nowMs)
  for (const { route, variant, counts, differences } of reports) {
    sql.exec(ADD, minute, route, variant, ...MIRRORED.map((name) => counts[name]))
    for (const difference of differences)
      sql.exec(
        'INSERT INTO mirror_differences (route, variant, minute, entry) VALUES (?, ?, ?, ?)',
        ...[route, variant, minute, JSON.stringify(difference)],
      )
    if (differences.length > 0)
      sql.exec(
        `DELETE FROM mirror_differences WHERE route = ?1 AND variant = ?2 AND n <= (
           SELECT n FROM mirror_differences WHERE route = ?1 AND variant = ?2 ORDER BY n DESC LIMIT 1 OFFSET ?3)`,
        ...[route, variant, KEPT_DIFFERENCES],
      )
  }
  for (const table of ['mirror_counts', 'mirror_differences'])
    sql.exec(`DELETE FROM ${table} WHERE minute < ?`, minute - KEPT_MINUTES)
}

type Row = { route: string; variant: string } & Record<keyof MirrorCounts, number>

/** Sums over the windows from a moment on, and the differences in them, newest first. */
export function readMirrors(sql: SqlStorage, fromMs: number): MirrorReport[] {
  const from = minuteOf(fromMs)
  const rows = sql.exec<Row & Record<string, SqlStorageValue>>(
    `SELECT route, variant, ${MIRRORED.map((name) => `sum(${name}) AS ${name}`).join(', ')}
     FROM mirror_counts WHERE minute >= ? GROUP BY route, variant`,
    from,
  )
  return rows.toArray().map(({ route, variant, ...counts }) => ({
    ...{ route, variant, counts },
    differences: sql
      .exec<{ entry: string }>(
        `SELECT entry FROM mirror_differences WHERE route = ? AND variant = ? AND minute >= ? ORDER BY n DESC`,
        ...[route, variant, from],
      )
      .toArray()
      .map(({ entry }) => JSON.parse(entry) as MirrorDifference),
  }))
}
