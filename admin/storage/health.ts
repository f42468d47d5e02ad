/** The checks of an environment's origins, what came of them, and who was told of it. Inside the caller's transaction. */
import type { Health } from '../health/machine.ts'
import type { Check, HealthPlan } from '../health/plan.ts'
import type { Outcome } from '../health/probe.ts'
import type { AuditEvent } from '../webhook/event.ts'

/** `told`: the addresses that the environment was last told of, as JSON. */
export const HEALTH_TABLES = `
  CREATE TABLE plan (
    id INTEGER PRIMARY KEY CHECK (id = 1), environment TEXT NOT NULL, epoch INTEGER NOT NULL, version INTEGER NOT NULL,
    told TEXT NOT NULL
  );
  CREATE TABLE checks (
    key TEXT PRIMARY KEY, planned TEXT NOT NULL, health TEXT NOT NULL, last TEXT, due_at INTEGER NOT NULL
  ) WITHOUT ROWID;`

/** `ailing`: addresses that webhooks know as unhealthy; `untold`: events that they have not taken yet, as JSON. */
export const HEALTH_EVENT_TABLES = `
  CREATE TABLE ailing (name TEXT PRIMARY KEY) WITHOUT ROWID;
  CREATE TABLE untold (n INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL);`

/** A check, and how it goes. */
export interface HeldCheck {
  readonly check: Check
  readonly health: Health
  /** What came of it last; `null`: it was not made yet. */
  readonly last: Outcome | null
  /** When it is made next, ms since 1970. */
  readonly dueAtMs: number
}

export type PlanRow = Omit<HealthPlan, 'checks'> & { readonly told: string }

export function readPlan(sql: SqlStorage): PlanRow | null {
  const [row] = sql.exec<{ environment: string; epoch: number; version: number; told: string }>(
    'SELECT environment, epoch, version, told FROM plan',
  )
  return row ?? null
}

export function writePlan(sql: SqlStorage, { environment, epoch, version, told }: PlanRow): void {
  sql.exec(
    'INSERT OR REPLACE INTO plan (id, environment, epoch, version, told) VALUES (1, ?, ?, ?, ?)',
    ...[environment, epoch, version, told],
  )
}

type Row = { key: string; planned: string; health: string; last: string | null; due_at: number }

export function readChecks(sql: SqlStorage): Map<string, HeldCheck> {
  const rows = sql.exec<Row>('SELECT key, planned, health, last, due_at FROM checks ORDER BY key').toArray()
  return new Map(
    rows.map(({ key, planned, health, last, due_at }) => [
      key,
      {
        check: JSON.parse(planned) as Check,
        health: JSON.parse(health) as Health,
        last: last === null ? null : (JSON.parse(last) as Outcome),
        dueAtMs: due_at,
      },
    ]),
  )
}

export function writeCheck(sql: SqlStorage, key: string, { check, health, last, dueAtMs }: HeldCheck): void {
  sql.exec(
    'INSERT OR REPLACE INTO checks (key, planned, health, last, due_at) VALUES (?, ?, ?, ?, ?)',
    ...[key, JSON.stringify(check), JSON.stringify(health)],
    ...[last === null ? null : JSON.stringify(last), dueAtMs],
  )
}

export function replaceChecks(sql: SqlStorage, checks: ReadonlyMap<string, HeldCheck>): void {
  sql.exec('DELETE FROM checks')
  for (const [key, held] of checks) writeCheck(sql, key, held)
}

export const readAiling = (sql: SqlStorage): Set<string> =>
  new Set([...sql.exec<{ name: string }>('SELECT name FROM ailing')].map(({ name }) => name))

export function writeAiling(sql: SqlStorage, names: ReadonlySet<string>): void {
  sql.exec('DELETE FROM ailing')
  for (const name of names) sql.exec('INSERT INTO ailing (name) VALUES (?)', name)
}

export function addUntold(sql: SqlStorage, event: AuditEvent): void {
  sql.exec('INSERT INTO untold (event) VALUES (?)', JSON.stringify(event))
}

/** The first ones, in their order. */
export const readUntold = (sql: SqlStorage, limit: number): { n: number; event: AuditEvent }[] =>
  sql
    .exec<{ n: number; event: string }>('SELECT n, event FROM untold ORDER BY n LIMIT ?', limit)
    .toArray()
    .map(({ n, event }) => ({ n, event: JSON.parse(event) as AuditEvent }))

export function dropUntold(sql: SqlStorage, upTo: number): void {
  sql.exec('DELETE FROM untold WHERE n <= ?', upTo)
}
