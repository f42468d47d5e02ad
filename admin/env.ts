/** What the control plane is bound to and configured with. `parseConfig` is the only reader of variables and secrets. */
import type { EnvironmentObject } from './objects/environment.ts'
import type { ProjectObject } from './objects/project.ts'

/** Bindings and raw settings, as admin/wrangler.toml describes them. */
export interface Env {
  ENVIRONMENTS: DurableObjectNamespace<EnvironmentObject>
  PROJECT: DurableObjectNamespace<ProjectObject>
  LAST_KNOWN_GOOD: KVNamespace
  ADMIN_TOKEN?: string
  LOCAL?: string
}

/** Checked settings. */
export interface Config {
  /** `null`: not set, and every call of the API is answered 401. */
  readonly adminToken: string | null
  /** Local runs only: loopback and private origins, and environments that are `open`. */
  readonly local: boolean
}

/** Largest request body, in bytes; also the limit of a document. */
export const MAX_BODY_BYTES = 10 * 1024 * 1024

const parsed = new WeakMap<Env, Config>()

/** Reads the settings once for each `env`. A bad value throws an error that names it. */
export function parseConfig(env: Env): Config {
  let config = parsed.get(env)
  if (config === undefined) {
    config = { adminToken: env.ADMIN_TOKEN || null, local: local(env.LOCAL) }
    parsed.set(env, config)
  }
  return config
}

function local(value: string | undefined): boolean {
  if (value === undefined || value === '' || value === 'false') return false
  if (value === 'true') return true
  throw new Error(`LOCAL must be "true" or "false", got ${JSON.stringify(value)}`)
}
