/** Which locations have ever reported: so that one without traffic is named, and not forgotten. */

/** A bound, far above the number of data centres of any platform. */
const MAX_LOCATIONS = 1_000

export function addLocation(sql: SqlStorage, location: string): void {
  sql.exec(
    `INSERT INTO locations (name) SELECT ?1 WHERE (SELECT COUNT(*) FROM locations) < ${MAX_LOCATIONS}
     ON CONFLICT (name) DO NOTHING`,
    location,
  )
}

/** By name. */
export const readLocations = (sql: SqlStorage): string[] =>
  [...sql.exec<{ name: string }>('SELECT name FROM locations ORDER BY name')].map(({ name }) => name)
