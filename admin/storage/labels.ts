/** Names that people give to versions. A label names one version; moving it is a change. Synchronous. */

export const LABEL_TABLES = `
  CREATE TABLE labels (label TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX labels_version ON labels (version);`

export const LABEL = /^[A-Za-z][A-Za-z0-9._-]{0,62}$/

export const labelsOf = (sql: SqlStorage, version: number): string[] =>
  [...sql.exec<{ label: string }>('SELECT label FROM labels WHERE version = ? ORDER BY label', version)].map(
    ({ label }) => label,
  )

export function versionOfLabel(sql: SqlStorage, label: string): number | null {
  const [row] = sql.exec<{ version: number }>('SELECT version FROM labels WHERE label = ?', label)
  return row?.version ?? null
}

export function setLabel(sql: SqlStorage, label: string, version: number): void {
  sql.exec('INSERT OR REPLACE INTO labels (label, version) VALUES (?, ?)', label, version)
}

export function removeLabel(sql: SqlStorage, label: string): void {
  sql.exec('DELETE FROM labels WHERE label = ?', label)
}

export const readLabels = (sql: SqlStorage): { label: string; version: number }[] =>
  sql.exec<{ label: string; version: number }>('SELECT label, version FROM labels ORDER BY label').toArray()

export const labels = (sql: SqlStorage): string[] =>
  [...sql.exec<{ label: string }>('SELECT label FROM labels')].map(({ label }) => label)
