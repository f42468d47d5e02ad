/** Tokens and people as stored, in the project's object. Synchronous; inside the caller's transaction. */
import { makerOf, type Person, type ShownToken, type Token } from '../access/grants.ts'
import { isWithin, type Role, type Scope } from '../access/principal.ts'
import { picked } from './picked.ts'
import { drop, recall } from './recall.ts'

/** Times in ms since 1970. `hash`: SHA-256 of a token's text, lower-case hex. Lists of scopes are JSON, NULL for everything. */
export const GRANT_TABLES = `
  CREATE TABLE tokens (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, hash TEXT NOT NULL UNIQUE, role TEXT NOT NULL, projects TEXT,
    environments TEXT, created_at INTEGER NOT NULL, created_by TEXT NOT NULL, expires_at INTEGER, revoked_at INTEGER,
    last_used_at INTEGER
  ) WITHOUT ROWID;
  CREATE TABLE people (
    id TEXT PRIMARY KEY, role TEXT NOT NULL, projects TEXT, environments TEXT, created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL, last_used_at INTEGER
  ) WITHOUT ROWID;`

/** Last uses are kept to the minute, so that a busy token does not write with every call. */
const USE_GRAIN_MS = 60_000

type ScopeRow = { role: Role; projects: string | null; environments: string | null }
type TokenRow = ScopeRow & {
  id: string
  name: string
  created_at: number
  created_by: string
  expires_at: number | null
  revoked_at: number | null
  last_used_at: number | null
}
type PersonRow = ScopeRow & {
  id: string
  created_at: number
  created_by: string
  last_used_at: number | null
}

const TOKEN_COLUMNS =
  'id, name, role, projects, environments, created_at, created_by, expires_at, revoked_at, last_used_at'
const PERSON_COLUMNS = 'id, role, projects, environments, created_at, created_by, last_used_at'

const parsed = (list: string | null): string[] | null => (list === null ? null : JSON.parse(list))
const stored = (list: readonly string[] | null): string | null =>
  list === null ? null : JSON.stringify(list)

const scopeOf = ({ projects, environments }: ScopeRow): Scope => ({
  projects: parsed(projects),
  environments: parsed(environments),
})

const tokenOf = (row: TokenRow): Token => ({
  id: row.id,
  name: row.name,
  role: row.role,
  ...scopeOf(row),
  createdAtMs: row.created_at,
  createdBy: row.created_by,
  expiresAtMs: row.expires_at,
  revokedAtMs: row.revoked_at,
  lastUsedAtMs: row.last_used_at,
})

const personOf = (row: PersonRow): Person => ({
  id: row.id,
  role: row.role,
  ...scopeOf(row),
  createdAtMs: row.created_at,
  createdBy: row.created_by,
  lastUsedAtMs: row.last_used_at,
})

export function readToken(sql: SqlStorage, by: 'id' | 'name' | 'hash', value: string): Token | null {
  const [row] = sql.exec<TokenRow>(`SELECT ${TOKEN_COLUMNS} FROM tokens WHERE ${by} = ?`, value)
  return row === undefined ? null : tokenOf(row)
}

/** As `readToken` by hash, from memory: asked with every call. Hashes that are none of ours are not remembered. */
export function tokenShown(sql: SqlStorage, hash: string): ShownToken | null {
  return shown(sql, TOKENS_SHOWN, hash, () => {
    const token = readToken(sql, 'hash', hash)
    return token === null ? null : { ...token, maker: makerOf(token, (name) => readToken(sql, 'name', name)) }
  })
}

/** As `readPerson`, from memory. */
export function personShown(sql: SqlStorage, id: string): Person | null {
  return shown(sql, PEOPLE_SHOWN, id, () => readPerson(sql, id))
}

const TOKENS_SHOWN = 'tokens'
const PEOPLE_SHOWN = 'people'

function shown<T>(sql: SqlStorage, table: string, key: string, read: () => T | null): T | null {
  const known = recall(sql, table, () => new Map<string, T>())
  const found = known.get(key) ?? read()
  if (found !== null) known.set(key, found)
  return found
}

/** One page of those within `scope`, newest first, older than the one at `after` (`[createdAtMs, id]`). */
export function pageTokens(
  sql: SqlStorage,
  scope: Scope,
  after: readonly [number, string] | null,
  limit: number,
): Token[] {
  const [createdAtMs, id] = after ?? [Number.MAX_SAFE_INTEGER, '']
  const rows = sql.exec<TokenRow>(
    `SELECT ${TOKEN_COLUMNS} FROM tokens WHERE created_at < ?1 OR (created_at = ?1 AND id > ?2)
     ORDER BY created_at DESC, id`,
    createdAtMs,
    id,
  )
  return picked(rows, limit, (row) => within(scope, tokenOf(row)))
}

const within = <Grant extends Scope>(scope: Scope, grant: Grant): Grant | null =>
  isWithin(grant, scope) ? grant : null

/** By name, each with the hash of its text. */
export const tokensWithHashes = (sql: SqlStorage): (Token & { readonly hash: string })[] =>
  [...sql.exec<TokenRow & { hash: string }>(`SELECT ${TOKEN_COLUMNS}, hash FROM tokens ORDER BY name`)].map(
    (row) => ({ ...tokenOf(row), hash: row.hash }),
  )

export function countLiveTokens(sql: SqlStorage, nowMs: number): number {
  return sql
    .exec<{ n: number }>(
      'SELECT COUNT(*) AS n FROM tokens WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)',
      nowMs,
    )
    .one().n
}

export function writeToken(sql: SqlStorage, token: Token, hash: string): void {
  sql.exec(
    `INSERT INTO tokens (${TOKEN_COLUMNS}, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    token.id,
    token.name,
    token.role,
    stored(token.projects),
    stored(token.environments),
    token.createdAtMs,
    token.createdBy,
    token.expiresAtMs,
    token.revokedAtMs,
    token.lastUsedAtMs,
    hash,
  )
  drop(sql, TOKENS_SHOWN)
}

export function revokeToken(sql: SqlStorage, id: string, nowMs: number): void {
  sql.exec('UPDATE tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL', nowMs, id)
  drop(sql, TOKENS_SHOWN)
}

export function readPerson(sql: SqlStorage, id: string): Person | null {
  const [row] = sql.exec<PersonRow>(`SELECT ${PERSON_COLUMNS} FROM people WHERE id = ?`, id)
  return row === undefined ? null : personOf(row)
}

/** One page of those within `scope`, by id. */
export function pagePeople(sql: SqlStorage, scope: Scope, after: string, limit: number): Person[] {
  const rows = sql.exec<PersonRow>(`SELECT ${PERSON_COLUMNS} FROM people WHERE id > ? ORDER BY id`, after)
  return picked(rows, limit, (row) => within(scope, personOf(row)))
}

export const countPeople = (sql: SqlStorage): number =>
  sql.exec<{ n: number }>('SELECT COUNT(*) AS n FROM people').one().n

export function writePerson(sql: SqlStorage, person: Person): void {
  sql.exec(
    `INSERT OR REPLACE INTO people (${PERSON_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    person.id,
    person.role,
    stored(person.projects),
    stored(person.environments),
    person.createdAtMs,
    person.createdBy,
    person.lastUsedAtMs,
  )
  drop(sql, PEOPLE_SHOWN)
}

export function deletePerson(sql: SqlStorage, id: string): void {
  sql.exec('DELETE FROM people WHERE id = ?', id)
  drop(sql, PEOPLE_SHOWN)
}

/** Notes that a token or person was just seen. */
export function noteUse(
  sql: SqlStorage,
  table: 'tokens' | 'people',
  { id, lastUsedAtMs }: { readonly id: string; readonly lastUsedAtMs: number | null },
  nowMs: number,
): void {
  if (lastUsedAtMs !== null && nowMs - lastUsedAtMs < USE_GRAIN_MS) return
  sql.exec(`UPDATE ${table} SET last_used_at = ? WHERE id = ?`, nowMs, id)
  drop(sql, table)
}
