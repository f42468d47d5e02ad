/**
 * What came of copies of requests at one location: sums in windows of a minute, for a day; sums of all time; and the newest
 * differences of each mirror, without any value of a body.
 */
import { MIRRORED, type MirrorCounts, type MirrorDifference, type MirrorReport } from '../../engine/index.ts'
import { KEPT_DIFFERENCES, type MirrorTotal } from '../mirrors.ts'
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

/** Sums that only grow; `minute` is that of the last report. */
export const MIRROR_TOTALS_TABLE = `
  CREATE TABLE mirror_totals (
    route TEXT NOT NULL, variant TEXT NOT NULL, minute INTEGER NOT NULL,
    ${MIRRORED.map((name) => `${name} INTEGER NOT NULL`).join(', ')},
    PRIMARY KEY (route, variant)
  ) WITHOUT ROWID`

/** More are not kept: those that were silent longest go. */
const MAX_TOTALS = 1_000

const addTo = (table: 'mirror_counts' | 'mirror_totals'): string => `
  INSERT INTO ${table} (minute, route, variant, ${MIRRORED.join(', ')})
  VALUES (?, ?, ?, ${MIRRORED.map(() => '?').join(', ')})
  ON CONFLICT DO UPDATE SET minute = excluded.minute,
    ${MIRRORED.map((name) => `${name} = ${name} + excluded.${name}`).join(', ')}`
const ADD = [addTo('mirror_counts'), addTo('mirror_totals')]

const minuteOf = (ms: number): number => Math.floor(ms / MINUTE_MS)

/** Adds to the window of a moment, and forgets what is too old or too much. */
export function addMirrorReports(sql: SqlStorage, reports: readonly MirrorReport[], nowMs: number): void {
  const minute = minuteOf(nowMs)
  for (const { route, variant, counts, differences } of reports) {
    for (const add of ADD) sql.exec(add, minute, route, variant, ...MIRRORED.map((name) => counts[name]))
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
  if (reports.length > 0)
    sql.exec(
      `DELETE FROM mirror_totals WHERE (route, variant) IN (
         SELECT route, variant FROM mirror_totals ORDER BY minute DESC LIMIT -1 OFFSET ?)`,
      MAX_TOTALS,
    )
}

type Row = { route: string; variant: string } & Record<keyof MirrorCounts, number>

/** All that was ever told, of each mirror. */
export const readMirrorTotals = (sql: SqlStorage): MirrorTotal[] =>
  sql
    .exec<Row & { minute: number } & Record<string, SqlStorageValue>>('SELECT * FROM mirror_totals')
    .toArray()
    .map(({ route, variant, minute, ...counts }) => ({
      ...{ route, variant, counts, heardAtMs: minute * MINUTE_MS },
    }))

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
