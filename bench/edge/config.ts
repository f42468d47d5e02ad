/** Configurations for `workerd serve` of the two contestants: alike but for the Worker. Pure: options in, text out. */

const HEAP_MB = 128
const COMPATIBILITY_DATE = '2026-10-20'

/** Passes a request on, and does nothing else. */
export const BARE_WORKER = `export default {
  fetch(request, env) {
    const { url } = request
    return fetch(new Request(env.ORIGIN + url.slice(url.indexOf('/', 8)), request))
  },
}
`

/** The control plane as far as an edge sees it: one version, no kills. */
export const CONTROL_WORKER = `import { WorkerEntrypoint } from 'cloudflare:workers'
import snapshot from 'snapshot'
const kills = { epoch: 1, version: 1, kills: [] }
export class ControlRpc extends WorkerEntrypoint {
  read(known) {
    return { environment: 'bench', epoch: 1, snapshot: 1, kills: known.epoch === 1 && known.kills === 1 ? null : kills }
  }
  snapshot() {
    return snapshot
  }
  record() {
    return { flushMs: 1_000 }
  }
}
export default { fetch: () => new Response(null, { status: 404 }) }
`

/** Paths are relative to the configuration file. */
export const bareConfig = (script: string, origin: string, flags: readonly string[]): string =>
  config([worker(module('index.js', script), [text('ORIGIN', origin)], flags)])

export interface EdgeFiles {
  readonly bundle: string
  readonly control: string
  readonly snapshot: string
  /** Whether it has a key to sign with. */
  readonly signs: boolean
}

export const edgeConfig = (files: EdgeFiles, environment: string, flags: readonly string[]): string =>
  config([
    worker(
      module('index.js', files.bundle),
      [
        '(name = "CONTROL", service = (name = "control", entrypoint = "ControlRpc"))',
        text('ENVIRONMENT', environment),
        text('COOKIE_KEY', 'a cookie key for the benchmark only, of no other use'),
        ...(files.signs ? [text('SIGNING_KEY', 'a signing key for the benchmark only, no other use')] : []),
      ],
      flags,
    ),
    `(name = "control", worker = (
      modules = [${module('index.js', files.control)}, (name = "snapshot", text = embed ${quote(files.snapshot)})],
      compatibilityDate = "${COMPATIBILITY_DATE}"
    ))`,
  ])

const config = (services: readonly string[]): string => `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  v8Flags = ["--max-heap-size=${HEAP_MB}"],
  services = [
    ${services.join(',\n    ')},
    (name = "network", network = (allow = ["public", "private", "local"]))
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "worker")]
);
`

const worker = (main: string, bindings: readonly string[], flags: readonly string[]): string =>
  `(name = "worker", worker = (
      modules = [${main}],
      compatibilityDate = "${COMPATIBILITY_DATE}",
      compatibilityFlags = [${flags.map(quote).join(', ')}],
      bindings = [${bindings.join(', ')}],
      globalOutbound = "network"
    ))`

const module = (name: string, file: string): string => `(name = "${name}", esModule = embed ${quote(file)})`
const text = (name: string, value: string): string => `(name = "${name}", text = ${quote(value)})`
/** Our own paths and settings: no character of theirs needs more than JSON's escapes. */
const quote = (value: string): string => JSON.stringify(value)
