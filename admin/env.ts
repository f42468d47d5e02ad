/** What the control plane is bound to and configured with. `parseConfig` is the only reader of variables and secrets. */
import { type Proxies, parseProxies } from '../engine/index.ts'
import type { AccessSettings } from './access/cloudflare-access.ts'
import { hashOfSecret } from './auth.ts'
import { SettingError } from './config/setting-error.ts'
import { parseStoreConfig, type StoreConfig, secretOf } from './config/store-config.ts'
import type { EnvironmentObject } from './objects/environment.ts'
import type { HealthObject } from './objects/health.ts'
import type { IdempotencyObject } from './objects/idempotency.ts'
import type { MetricsObject } from './objects/metrics.ts'
import type { ProjectObject } from './objects/project.ts'
import type { WebhooksObject } from './objects/webhooks.ts'

/** Bindings and raw settings, as admin/wrangler.toml describes them. */
export interface Env {
  ENVIRONMENTS: DurableObjectNamespace<EnvironmentObject>
  PROJECT: DurableObjectNamespace<ProjectObject>
  METRICS: DurableObjectNamespace<MetricsObject>
  WEBHOOKS: DurableObjectNamespace<WebhooksObject>
  IDEMPOTENCY: DurableObjectNamespace<IdempotencyObject>
  HEALTH: DurableObjectNamespace<HealthObject>
  LAST_KNOWN_GOOD: KVNamespace
  /** The files that local/assets.ts puts together, by path. */
  ASSETS: Pick<Fetcher, 'fetch'>
  ADMIN_BOOTSTRAP_TOKEN?: string
  METRICS_TOKEN?: string
  RELEASE?: Release
  LOCAL?: string
  TRUSTED_PROXY?: string
  ACCESS_TEAM_DOMAIN?: string
  ACCESS_AUD?: string
  API_REQUESTS_PER_SECOND?: string
  STORE?: string
  STORE_PREFIX?: string
  SSM_TIER?: string
  APPCONFIG_APPLICATION?: string
  APPCONFIG_PROFILE?: string
  APPCONFIG_STRATEGY?: string
  APPCONFIG_TARGETING_KEY?: string
  POLL_INTERVAL_MS?: string
  AWS_REGION?: string
  AWS_ACCESS_KEY_ID?: string
  AWS_SECRET_ACCESS_KEY?: string
  AWS_SESSION_TOKEN?: string
  AWS_ENDPOINT_URL?: string
  AWS_ENDPOINT_URL_SSM?: string
  AWS_ENDPOINT_URL_APPCONFIG?: string
  AWS_ENDPOINT_URL_APPCONFIGDATA?: string
  AWS_ENDPOINT_URL_STS?: string
  AWS_ROLE_ARN?: string
  AWS_ROLE_EXTERNAL_ID?: string
  AWS_HOOK_SECRET?: string
  AWS_HOOK_TOPICS?: string
}

/** Which deployed version of the Worker this is, as the platform says; a local run has none. */
export interface Release {
  readonly id: string
  readonly tag: string
}

/** Checked settings. */
export interface Config {
  /** May do everything, and can be neither revoked nor locked out. `null`: there is none. */
  readonly bootstrapToken: string | null
  /** SHA-256 of it. */
  readonly bootstrapHash: string | null
  /** Opens metrics and health in detail, and nothing else. `null`: there is none. */
  readonly metricsToken: string | null
  readonly release: Release | null
  /** Cloudflare Access in front of the control plane; `null`: people cannot come through it. */
  readonly access: AccessSettings | null
  /** Where Turnout runs by itself: whose `X-Forwarded-For` is believed. `null`: Cloudflare says who calls. */
  readonly proxies: Proxies | null
  /** Calls of the API that each caller may make in a second; 0: as many as it likes. */
  readonly requestsPerSecond: number
  /** Where documents live. */
  readonly store: StoreConfig
  /** Local runs only: loopback and private origins, and environments that are `open`. */
  readonly local: boolean
}

/** Largest request body, in bytes; also the limit of a document. */
export const MAX_BODY_BYTES = 10 * 1024 * 1024

const parsed = new WeakMap<Env, Config>()

/** Reads the settings once for each `env`. A bad value throws a `SettingError`. */
export function parseConfig(env: Env): Config {
  let config = parsed.get(env)
  if (config === undefined) {
    config = {
      bootstrapToken: env.ADMIN_BOOTSTRAP_TOKEN || null,
      bootstrapHash: env.ADMIN_BOOTSTRAP_TOKEN ? hashOfSecret(env.ADMIN_BOOTSTRAP_TOKEN) : null,
      metricsToken: secretOf('METRICS_TOKEN', env.METRICS_TOKEN),
      release: env.RELEASE ? { id: env.RELEASE.id, tag: env.RELEASE.tag } : null,
      access: access(env.ACCESS_TEAM_DOMAIN, env.ACCESS_AUD),
      proxies: proxies(env.TRUSTED_PROXY),
      requestsPerSecond: requestsPerSecond(env.API_REQUESTS_PER_SECOND),
      store: parseStoreConfig(env),
      local: local(env.LOCAL),
    }
    parsed.set(env, config)
  }
  return config
}

function local(value: string | undefined): boolean {
  if (value === undefined || value === '' || value === 'false') return false
  if (value === 'true') return true
  throw new SettingError('LOCAL must be "true" or "false"', value)
}

function proxies(value: string | undefined): Proxies | null {
  if (!value) return null
  const parsed = parseProxies(value)
  if (parsed.ok) return parsed.value
  throw new SettingError(`TRUSTED_PROXY ${parsed.error}`)
}

function requestsPerSecond(value: string | undefined): number {
  if (!value) return 100
  const number = Number(value)
  if (/^\d{1,6}$/.test(value) && number <= 100_000) return number
  throw new SettingError('API_REQUESTS_PER_SECOND must be a whole number from 0 (no limit) to 100000', value)
}

const TEAM_DOMAIN = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.cloudflareaccess\.com$/

function access(team: string | undefined, audience: string | undefined): AccessSettings | null {
  if (!team && !audience) return null
  if (!team || !TEAM_DOMAIN.test(team))
    throw new SettingError('ACCESS_TEAM_DOMAIN must be TEAM.cloudflareaccess.com', team ?? '')
  if (!audience) throw new SettingError('ACCESS_AUD must be the AUD tag of the Access application', '')
  return { issuer: `https://${team}`, audience }
}
