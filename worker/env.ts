/** The edge's bindings and settings. Read once per isolate, checked here and nowhere else. */
import { type ControlRpc, parseProxies } from '../engine/index.ts'
import { behindProxies, type ClientSource, LOCAL_RUN, PLATFORM } from './client.ts'
import { withoutTrailingSlashes } from './rewrite.ts'
import { type Service, serviceOrigins } from './service-origins.ts'

export interface Env {
  ENVIRONMENT?: string
  CONTROL?: ControlRpc
  LAST_KNOWN_GOOD?: KVNamespace
  COOKIE_KEY?: string
  COOKIE_KEY_ACCEPTED?: string
  SIGNING_KEY?: string
  LOCAL?: string
  LOCATION_CACHE?: string
  RELEASE?: Release
  FALLBACK_ORIGIN?: string
  SERVICE_ORIGINS?: string
  TRUSTED_PROXY?: string
  COUNTRY_HEADER?: string
  SNAPSHOT_MAX_AGE_MS?: string
  SNAPSHOT_MAX_STALE_MS?: string
  REFRESH_TIMEOUT_MS?: string
  COLD_LOAD_TIMEOUT_MS?: string
  FALLBACK_TIMEOUT_MS?: string
}

/** Which deployed version of the Worker this is, as the platform says; a local run has none. */
export interface Release {
  readonly id: string
  readonly tag: string
}

export interface Config {
  readonly environment: string
  /** A local run: `open` environments are served without a key. */
  readonly local: boolean
  readonly locationCache: boolean
  /** How the client's address and place are found out. */
  readonly clients: ClientSource
  readonly release: Release | null
  /** Key of the identity cookie's MAC. */
  readonly cookieKey: string
  /** A second key whose cookies are genuine too; `null`: there is none. */
  readonly acceptedCookieKey: string | null
  /** Signs what origins with `context: true` are told; `null`: it is told unsigned. */
  readonly signingKey: string | null
  /** `https://host` (and path) without a trailing slash, or `null`. */
  readonly fallbackOrigin: string | null
  /** Workers that are asked over a binding, by the host that origins' URLs name. */
  readonly services: ReadonlyMap<string, Service>
  /** `FALLBACK_ORIGIN`'s time to response headers. */
  readonly fallbackTimeoutMs: number
  /** Older: the request is served and a refresh runs beside it. */
  readonly maxAgeMs: number
  /** Older: the request waits for a refresh. */
  readonly maxStaleMs: number
  readonly refreshTimeoutMs: number
  readonly coldLoadTimeoutMs: number
  /** What is missing but does not stop the edge from serving; shown by `health/ready`. */
  readonly warnings: readonly string[]
}

/** Throws an Error that names every bad setting. */
export function parseConfig(env: Env): Config {
  const problems: string[] = []
  const ms = (name: keyof Env & `${string}_MS`, fallback: number): number => {
    const text = env[name]
    if (text === undefined || text === '') return fallback
    const value = Number(text)
    if (Number.isInteger(value) && value >= 1 && value <= 60_000) return value
    problems.push(`${name} must be 1..60000, got ${JSON.stringify(text)}`)
    return fallback
  }
  const flag = (name: 'LOCAL' | 'LOCATION_CACHE'): boolean => {
    const text = env[name]
    if (text && text !== 'true' && text !== 'false')
      problems.push(`${name} must be "true" or "false", got ${JSON.stringify(text)}`)
    return text === 'true'
  }
  const environment = env.ENVIRONMENT ?? ''
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(environment)) {
    problems.push(
      `ENVIRONMENT must name the environment this edge serves, got ${JSON.stringify(environment)}`,
    )
  }
  const fallbackOrigin = withoutTrailingSlashes(env.FALLBACK_ORIGIN ?? '') || null
  if (fallbackOrigin !== null && !/^https?:\/\/[^\s/?#@]+(\/[^\s?#]*)?$/.test(fallbackOrigin)) {
    problems.push(
      `FALLBACK_ORIGIN must be an http or https URL without credentials or query, got ${JSON.stringify(env.FALLBACK_ORIGIN)}`,
    )
  }
  const key = env.COOKIE_KEY ?? ''
  const acceptedKey = env.COOKIE_KEY_ACCEPTED ?? ''
  const signingKey = env.SIGNING_KEY ?? ''
  if (key !== '' && key.length < 32)
    problems.push(`COOKIE_KEY must have at least 32 characters, got ${key.length}`)
  if (acceptedKey !== '' && acceptedKey.length < 32)
    problems.push(`COOKIE_KEY_ACCEPTED must have at least 32 characters, got ${acceptedKey.length}`)
  if (signingKey !== '' && signingKey.length < 32)
    problems.push(`SIGNING_KEY must have at least 32 characters, got ${signingKey.length}`)
  const clients = clientSource(env, (problem) => problems.push(problem))
  const config: Config = {
    environment,
    local: flag('LOCAL'),
    locationCache: flag('LOCATION_CACHE'),
    clients,
    release: env.RELEASE ? { id: env.RELEASE.id, tag: env.RELEASE.tag } : null,
    cookieKey: key || `unset:${environment}`,
    acceptedCookieKey: acceptedKey || null,
    signingKey: signingKey || null,
    fallbackOrigin,
    services: serviceOrigins(env.SERVICE_ORIGINS, env as Readonly<Record<string, unknown>>, (problem) =>
      problems.push(problem),
    ),
    fallbackTimeoutMs: ms('FALLBACK_TIMEOUT_MS', 10_000),
    maxAgeMs: ms('SNAPSHOT_MAX_AGE_MS', 1_000),
    maxStaleMs: ms('SNAPSHOT_MAX_STALE_MS', 2_000),
    refreshTimeoutMs: ms('REFRESH_TIMEOUT_MS', 1_000),
    coldLoadTimeoutMs: ms('COLD_LOAD_TIMEOUT_MS', 5_000),
    warnings: key === '' ? ['COOKIE_KEY is not set: visitors could choose their own identity'] : [],
  }
  if (problems.length > 0) throw new Error(`[worker/env] ${problems.join('; ')}`)
  return config
}

/** `TRUSTED_PROXY` is set where Turnout runs by itself, and never on Cloudflare. */
function clientSource(
  { LOCAL, TRUSTED_PROXY, COUNTRY_HEADER }: Env,
  problem: (text: string) => void,
): ClientSource {
  if (!TRUSTED_PROXY) {
    if (COUNTRY_HEADER) problem('COUNTRY_HEADER needs TRUSTED_PROXY: nobody else may write it')
    return LOCAL === 'true' ? LOCAL_RUN : PLATFORM
  }
  if (LOCAL === 'true') problem('LOCAL and TRUSTED_PROXY exclude each other')
  const proxies = parseProxies(TRUSTED_PROXY)
  if (!proxies.ok) problem(`TRUSTED_PROXY ${proxies.error}`)
  if (COUNTRY_HEADER && !/^[a-z][a-z0-9-]*$/.test(COUNTRY_HEADER))
    problem(
      `COUNTRY_HEADER must be the name of a header in lower case, got ${JSON.stringify(COUNTRY_HEADER)}`,
    )
  else if (COUNTRY_HEADER?.startsWith('x-turnout-'))
    problem(`COUNTRY_HEADER must not begin with x-turnout-, got ${JSON.stringify(COUNTRY_HEADER)}`)
  return behindProxies(proxies.ok ? proxies.value : { blocks: [], unix: false }, COUNTRY_HEADER || null)
}
