/** Entities as they are stored, row by row, for backups: read little by little, in the order of their keys. */
import { type Kind, writeBody } from './entities.ts'
import { drop } from './recall.ts'

/** An entity's text, by hash, from version `since` up to, not including, `until`; `null`: it still holds. */
export interface EntityRow {
  readonly kind: Kind
  readonly key: string
  readonly since: number
  readonly until: number | null
  readonly hash: string
  /** When it changed, ms since 1970; `null`: when its version was made. */
  readonly changedAtMs: number | null
}

const PAGE = 1_000

type Row = {
  kind: Kind
  key: string
  since: number
  until: number | null
  hash: string
  changed_at: number | null
}

/** What there was up to a version: what ended later had not ended then. */
export function* rowsUpTo(sql: SqlStorage, version: number): Generator<EntityRow> {
  let [kind, key, since] = ['', '', 0]
  for (;;) {
    const rows = sql
      .exec<Row>(
        `SELECT kind, key, since, until, hash, changed_at FROM entities WHERE (kind, key, since) > (?, ?, ?) AND since <= ?
         ORDER BY kind, key, since LIMIT ${PAGE}`,
        ...[kind, key, since, version],
      )
      .toArray()
    for (const { changed_at, until, ...row } of rows)
      yield { ...row, until: until !== null && until > version ? null : until, changedAtMs: changed_at }
    const last = rows.at(-1)
    if (last === undefined || rows.length < PAGE) return
    ;[kind, key, since] = [last.kind, last.key, last.since]
  }
}

/** The texts of those rows that are still kept, each once. */
export function* bodiesUpTo(sql: SqlStorage, version: number): Generator<{ hash: string; text: string }> {
  let last = ''
  for (;;) {
    const [next] = sql.exec<{ hash: string }>(
      `SELECT hash FROM bodies b WHERE hash > ? AND part = 0
         AND EXISTS (SELECT 1 FROM entities e WHERE e.hash = b.hash AND e.since <= ?) ORDER BY hash LIMIT 1`,
      last,
      version,
    )
    if (next === undefined) return
    last = next.hash
    const parts = sql.exec<{ text: string }>('SELECT text FROM bodies WHERE hash = ? ORDER BY part', last)
    yield { hash: last, text: [...parts].map(({ text }) => text).join('') }
  }
}

export function writeRow(sql: SqlStorage, { kind, key, since, until, hash, changedAtMs }: EntityRow): void {
  sql.exec(
    'INSERT INTO entities (kind, key, since, until, hash, changed_at) VALUES (?, ?, ?, ?, ?, ?)',
    ...[kind, key, since, until, hash, changedAtMs],
  )
  drop(sql, kind)
}

/** Puts a text in the place of the one here that is damaged, and no longer what its hash says. One that is not here is not needed. */
export function mendBody(sql: SqlStorage, hash: string, text: string): void {
  const parts = sql
    .exec<{ text: string }>('SELECT text FROM bodies WHERE hash = ? ORDER BY part', hash)
    .toArray()
  if (parts.length === 0 || parts.map((part) => part.text).join('') === text) return
  sql.exec('DELETE FROM bodies WHERE hash = ?', hash)
  writeBody(sql, hash, text)
}
