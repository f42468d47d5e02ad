/** Settings that an operator may give the Workers in a file. A name that no Worker reads is a mistake. Pure. */
import { SettingError } from '../admin/config/setting-error.ts'
import { parseStoreConfig } from '../admin/config/store-config.ts'

const EDGE = [
  'LOCATION_CACHE',
  'FALLBACK_ORIGIN',
  'SERVICE_ORIGINS',
  'FALLBACK_TIMEOUT_MS',
  'SNAPSHOT_MAX_AGE_MS',
  'SNAPSHOT_MAX_STALE_MS',
  'REFRESH_TIMEOUT_MS',
  'COLD_LOAD_TIMEOUT_MS',
]
/** Where documents live. */
export const STORE = [
  ...['STORE', 'STORE_PREFIX', 'SSM_TIER', 'POLL_INTERVAL_MS'],
  ...['APPCONFIG_APPLICATION', 'APPCONFIG_PROFILE', 'APPCONFIG_STRATEGY', 'APPCONFIG_TARGETING_KEY'],
  ...['AWS_REGION', 'AWS_ROLE_ARN', 'AWS_ROLE_EXTERNAL_ID', 'AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_STS'],
  'AWS_HOOK_TOPICS',
  ...['AWS_ENDPOINT_URL_SSM', 'AWS_ENDPOINT_URL_APPCONFIG', 'AWS_ENDPOINT_URL_APPCONFIGDATA'],
]
/** What opens it; secrets. */
export const STORE_SECRETS = [
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_HOOK_SECRET',
]

const ADMIN = ['ACCESS_TEAM_DOMAIN', 'ACCESS_AUD', 'API_REQUESTS_PER_SECOND', ...STORE]

export const SETTINGS: Readonly<Record<'edge' | 'admin', readonly string[]>> = { edge: EDGE, admin: ADMIN }

const LOCAL = 'must not hold LOCAL: it opens a Worker to the whole world, and is for local runs only'
const ENVIRONMENT = 'must not hold ENVIRONMENT: the table is named after it'

/** What has no place on Cloudflare, and why. */
export const NOT_ON_CLOUDFLARE: Readonly<Record<string, string>> = {
  LOCAL,
  ENVIRONMENT,
  TRUSTED_PROXY: 'must not hold TRUSTED_PROXY: on Cloudflare the platform says who calls',
  COUNTRY_HEADER: 'must not hold COUNTRY_HEADER: on Cloudflare the platform says where a client is',
}

/** What has no place in a file of a server of one's own, and why. */
export const NOT_ON_A_SERVER: Readonly<Record<string, string>> = {
  LOCAL,
  ENVIRONMENT,
  TRUSTED_PROXY: 'must not hold TRUSTED_PROXY: it is the field trusted_proxy',
  COUNTRY_HEADER: 'must not hold COUNTRY_HEADER: it is the field country_header',
  LOCATION_CACHE: 'must not hold LOCATION_CACHE: workerd has no cache of its own',
  SERVICE_ORIGINS: 'must not hold SERVICE_ORIGINS: there are no other Workers to bind',
}

/** A sentence for each name that may not stand there. */
export function settingsProblems(
  vars: Readonly<Record<string, string>>,
  worker: 'edge' | 'admin',
  never: Readonly<Record<string, string>>,
): string[] {
  const known = SETTINGS[worker].filter((name) => never[name] === undefined)
  const unknown = Object.keys(vars)
    .filter((name) => !known.includes(name))
    .map((name) => never[name] ?? `has no setting ${JSON.stringify(name)}; there are ${known.join(', ')}`)
  const store = worker === 'admin' ? storeProblem({ ...secretsOfStore(vars), ...vars }) : null
  return store === null ? unknown : [...unknown, store]
}

/** Why the control plane would not start with these settings of its stores; `null`: it would. */
export function storeProblem(variables: Readonly<Record<string, string | undefined>>): string | null {
  try {
    parseStoreConfig(variables)
    return null
  } catch (error) {
    if (error instanceof SettingError) return error.message
    throw error
  }
}

/** A file holds no secrets: those that belong to its settings are kept elsewhere. */
const secretsOfStore = (vars: Readonly<Record<string, string>>): Record<string, string> =>
  'STORE' in vars || 'AWS_REGION' in vars ? { AWS_ACCESS_KEY_ID: 'kept', AWS_SECRET_ACCESS_KEY: 'kept' } : {}
