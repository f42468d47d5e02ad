/**
 * What an environment is made of, one entity a row: each row holds for the versions from `since` up to, not including,
 * `until`, and names its text by content hash. A change of one flag adds one row, and every kept version can be read.
 * All functions are synchronous and expect to run inside the caller's transaction.
 */
import { chunks } from './chunks.ts'
import { contentHash } from './content-hash.ts'
import { drop } from './recall.ts'

/** Flags, segments, routes, the order of the routes, the environment's settings and its SDK keys. */
export type Kind = 'flag' | 'segment' | 'route' | 'route-order' | 'settings' | 'sdk-key'

/** One entity's new text; `null` removes it. */
export interface Change {
  readonly kind: Kind
  readonly key: string
  readonly text: string | null
}

/** An entity with its text. */
export interface EntityText extends Change {
  readonly text: string
}

/** A change that changes something, with the hash of its text. */
export interface EffectiveChange extends Change {
  readonly hash: string | null
  /** What the text was, if whoever makes the change knows. */
  readonly before?: string
}

/** An entity at one version: `since` is the version in which it last changed. */
export interface Stored {
  readonly key: string
  readonly since: number
  readonly text: string
}

/** An entity as it is now. */
export interface Dated extends Stored {
  /** When it last changed, ms since 1970. */
  readonly changedAtMs: number
}

/** What one version did to an entity. */
export interface EntityChange {
  readonly kind: Kind
  readonly key: string
  readonly change: 'added' | 'changed' | 'removed'
}

/** Those of the changes that change something: same content as now is none. */
export function effective(sql: SqlStorage, changes: readonly Change[]): EffectiveChange[] {
  const current = new Map<string, string>()
  const whole = changes.length > 50
  const rows = whole
    ? sql.exec<{ kind: string; key: string; hash: string }>(
        'SELECT kind, key, hash FROM entities WHERE until IS NULL',
      )
    : changes.flatMap(({ kind, key }) => [
        ...sql.exec<{ kind: string; key: string; hash: string }>(
          'SELECT kind, key, hash FROM entities WHERE kind = ? AND key = ? AND until IS NULL',
          kind,
          key,
        ),
      ])
  for (const { kind, key, hash } of rows) current.set(`${kind} ${key}`, hash)
  return changes
    .map((change) => ({ ...change, hash: change.text === null ? null : contentHash(change.text) }))
    .filter(({ kind, key, hash }) => hash !== (current.get(`${kind} ${key}`) ?? null))
}

/** Ends the rows that held until now and adds the new ones, as of `version`. */
export function writeChanges(
  sql: SqlStorage,
  version: number,
  changes: readonly EffectiveChange[],
  nowMs: number,
): void {
  for (const { kind, key, text, hash } of changes) {
    drop(sql, kind)
    sql.exec('UPDATE entities SET until = ? WHERE kind = ? AND key = ? AND until IS NULL', version, kind, key)
    if (text === null || hash === null) continue
    sql.exec(
      'INSERT INTO entities (kind, key, since, hash, changed_at) VALUES (?, ?, ?, ?, ?)',
      kind,
      key,
      version,
      hash,
      nowMs,
    )
    writeBody(sql, hash, text)
  }
}

/** `hash` is that of the text. */
export function writeBody(sql: SqlStorage, hash: string, text: string): void {
  for (const [part, piece] of chunks(text).entries())
    sql.exec('INSERT OR IGNORE INTO bodies (hash, part, text) VALUES (?, ?, ?)', hash, part, piece)
}

/** The entity as it is now. */
export function readEntity(sql: SqlStorage, kind: Kind, key: string): Stored | null {
  const rows = sql.exec<Row>(
    `SELECT e.key, e.since, b.text FROM entities e JOIN bodies b ON b.hash = e.hash
     WHERE e.kind = ? AND e.key = ? AND e.until IS NULL ORDER BY b.part`,
    kind,
    key,
  )
  return [...joined(rows)][0] ?? null
}

/** What the entity was before, newest first. */
export function* earlierTexts(sql: SqlStorage, kind: Kind, key: string): Generator<string> {
  const rows = sql.exec<Row>(
    `SELECT e.key, e.since, b.text FROM entities e JOIN bodies b ON b.hash = e.hash
     WHERE e.kind = ? AND e.key = ? AND e.until IS NOT NULL ORDER BY e.since DESC, b.part`,
    kind,
    key,
  )
  for (const { text } of joined(rows)) yield text
}

/** The version in which the entity last changed, or `null` if it does not exist. */
export function sinceOf(sql: SqlStorage, kind: Kind, key: string): number | null {
  const [row] = sql.exec<{ since: number }>(
    'SELECT since FROM entities WHERE kind = ? AND key = ? AND until IS NULL',
    kind,
    key,
  )
  return row?.since ?? null
}

/** One page of entities as they are now, by key. */
export function pageEntities(sql: SqlStorage, kind: Kind, after: string, limit: number): Dated[] {
  const rows = sql.exec<DatedRow>(
    `SELECT e.key, e.since, b.text, ${CHANGED_AT} AS changed_at FROM
       (SELECT key, since, hash, changed_at FROM entities
        WHERE kind = ? AND until IS NULL AND key > ? ORDER BY key LIMIT ?) e
     JOIN bodies b ON b.hash = e.hash ORDER BY e.key, b.part`,
    kind,
    after,
    limit,
  )
  return [...joined(rows)].map(({ key, since, text, changed_at }) => ({
    key,
    since,
    text,
    changedAtMs: changed_at,
  }))
}

/** Older rows do not know it: the time of their version, or of the oldest that is kept, which is later. */
const CHANGED_AT = `COALESCE(e.changed_at, (SELECT created_at FROM versions WHERE n = e.since),
       (SELECT MIN(created_at) FROM versions))`

/** All entities of a kind as they were at a version, by key. */
export function entitiesAt(sql: SqlStorage, kind: Kind, version: number): Stored[] {
  const rows = sql.exec<Row>(
    `SELECT e.key, e.since, b.text FROM entities e JOIN bodies b ON b.hash = e.hash
     WHERE e.kind = ?1 AND e.since <= ?2 AND (e.until IS NULL OR e.until > ?2) ORDER BY e.key, b.part`,
    kind,
    version,
  )
  return [...joined(rows)]
}

/** What there is now. */
export const currentNames = (sql: SqlStorage): { kind: Kind; key: string }[] =>
  sql.exec<{ kind: Kind; key: string }>('SELECT kind, key FROM entities WHERE until IS NULL').toArray()

export function keysOfKind(sql: SqlStorage, kind: Kind): string[] {
  const rows = sql.exec<{ key: string }>(
    'SELECT key FROM entities WHERE kind = ? AND until IS NULL ORDER BY key',
    kind,
  )
  return [...rows].map(({ key }) => key)
}

/** What a version changed: the first `limit` changes by kind and key, and how many there are. */
export function changesOf(
  sql: SqlStorage,
  version: number,
  limit: number,
): { count: number; changes: EntityChange[] } {
  const [count] = sql.exec<{ n: number }>(
    'SELECT COUNT(*) AS n FROM (SELECT 1 FROM entities WHERE since = ?1 OR until = ?1 GROUP BY kind, key)',
    version,
  )
  const rows = sql.exec<{ kind: Kind; key: string; starts: number; ends: number }>(
    `SELECT kind, key, MAX(since = ?1) AS starts, MAX(COALESCE(until = ?1, 0)) AS ends FROM entities
     WHERE since = ?1 OR until = ?1 GROUP BY kind, key ORDER BY kind, key LIMIT ?2`,
    version,
    limit,
  )
  const changes = [...rows].map(({ kind, key, starts, ends }): EntityChange => {
    const change = starts === 0 ? 'removed' : ends === 0 ? 'added' : 'changed'
    return { kind, key, change }
  })
  return { count: count?.n ?? 0, changes }
}

/**
 * Drops what no version from `oldest` on holds, and the texts that nothing needs any more. Rows that ended with `oldest`
 * itself stay, without their texts: they say what that version changed.
 */
export function pruneEntities(sql: SqlStorage, oldest: number): void {
  const ended = [...sql.exec<{ hash: string }>('SELECT DISTINCT hash FROM entities WHERE until <= ?', oldest)]
  sql.exec('DELETE FROM entities WHERE until < ?', oldest)
  for (const { hash } of ended)
    sql.exec(
      `DELETE FROM bodies WHERE hash = ?1 AND NOT EXISTS
         (SELECT 1 FROM entities WHERE hash = ?1 AND (until IS NULL OR until > ?2))`,
      hash,
      oldest,
    )
}

type Row = { key: string; since: number; text: string }
type DatedRow = Row & { changed_at: number }

/** Puts the parts of each text together; the rows come ordered by key and part. */
function* joined<R extends Row>(rows: Iterable<R>): Generator<R> {
  let open: R | null = null
  for (const row of rows) {
    if (open?.key === row.key && open.since === row.since) open.text += row.text
    else {
      if (open !== null) yield open
      open = row
    }
  }
  if (open !== null) yield open
}
