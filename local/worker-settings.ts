/** Settings that a deployment may give the Workers. A name that no Worker reads is a mistake. Pure. */

const EDGE = [
  'LOCATION_CACHE',
  'FALLBACK_ORIGIN',
  'FALLBACK_TIMEOUT_MS',
  'SNAPSHOT_MAX_AGE_MS',
  'SNAPSHOT_MAX_STALE_MS',
  'REFRESH_TIMEOUT_MS',
  'COLD_LOAD_TIMEOUT_MS',
]
const ADMIN = ['ACCESS_TEAM_DOMAIN', 'ACCESS_AUD']

export const SETTINGS: Readonly<Record<'edge' | 'admin', readonly string[]>> = { edge: EDGE, admin: ADMIN }

/** What only a local run has, and what a deployment sets by itself. */
const NEVER: Readonly<Record<string, string>> = {
  LOCAL: 'must not hold LOCAL: it opens a Worker to the whole world, and is for local runs only',
  ENVIRONMENT: 'must not hold ENVIRONMENT: the table is named after it',
}

/** A sentence for each name that may not stand there. */
export function settingsProblems(vars: Readonly<Record<string, string>>, worker: 'edge' | 'admin'): string[] {
  const known = SETTINGS[worker]
  return Object.keys(vars)
    .filter((name) => !known.includes(name))
    .map((name) => NEVER[name] ?? `has no setting ${JSON.stringify(name)}; there are ${known.join(', ')}`)
}
