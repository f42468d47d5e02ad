/**
 * Parts of a configuration for `workerd serve`: both Workers as their wrangler.toml files bind them. What a configuration
 * allows is its ground; a local run's is in workerd-config.ts, that of a server in selfhost/. Pure: options in, text out.
 */

/** What a configuration allows. */
export interface Ground {
  /** Networks that the Workers may reach. */
  readonly outbound: readonly ('public' | 'private' | 'local')[]
  /** Header from which visitors may say where they are; `null`: the runtime says who is connected, and nothing else. */
  readonly cfBlobHeader: string | null
}

/** A bundle as wrangler wrote it. */
export interface Bundle {
  /** Path relative to the configuration file: workerd embeds no absolute ones. */
  readonly path: string
  readonly compatibilityDate: string
  readonly compatibilityFlags: readonly string[]
}

/** The value of a setting: a text, what an environment variable of the process holds when it starts, or a structure. */
export type Setting = string | { readonly variable: string } | { readonly json: unknown }

/** A Worker that listens. */
export interface WorkerOptions {
  /** Of the service and its socket. */
  readonly name: string
  readonly bundle: Bundle
  /** host:port, or unix:PATH; port 0 lets the system choose. */
  readonly address: string
  readonly settings: Readonly<Record<string, Setting>>
}

/** Services and sockets, as text. */
export interface Parts {
  readonly services: readonly string[]
  readonly sockets: readonly string[]
}

/** `control`: text of the service behind the binding CONTROL. */
export function edgeParts(edge: WorkerOptions, control: string, ground: Ground): Parts {
  const bindings = [`(name = "CONTROL", service = ${control})`, KEY_VALUE_BINDING, ...settings(edge)]
  return {
    services: [worker(edge.name, edge.bundle, bindings)],
    sockets: [publicSocket(edge, ground)],
  }
}

/** The RPC of one environment, of a control plane in the same process. */
export const controlOf = (environment: string): string =>
  `(name = "admin", entrypoint = "ControlRpc", props = (json = ${quote(JSON.stringify({ environment }))}))`

/** Unique keys name the folders below the storage folder: changing one loses the objects. */
const DURABLE_OBJECTS = [
  { binding: 'ENVIRONMENTS', className: 'EnvironmentObject', uniqueKey: 'turnout-environment' },
  { binding: 'PROJECT', className: 'ProjectObject', uniqueKey: 'turnout-project' },
  { binding: 'METRICS', className: 'MetricsObject', uniqueKey: 'turnout-metrics' },
  { binding: 'WEBHOOKS', className: 'WebhooksObject', uniqueKey: 'turnout-webhooks' },
  { binding: 'IDEMPOTENCY', className: 'IdempotencyObject', uniqueKey: 'turnout-idempotency' },
  { binding: 'HEALTH', className: 'HealthObject', uniqueKey: 'turnout-health' },
]

/** Folders of the control plane; a relative path starts where workerd is started. */
export interface Folders {
  /** Of the Durable Objects. */
  readonly storageDir: string
  /** Of the files for browsers. */
  readonly assetsDir: string
}

export function adminParts(admin: WorkerOptions, folders: Folders, ground: Ground): Parts {
  const bindings = [
    ...DURABLE_OBJECTS.map(
      ({ binding, className }) => `(name = "${binding}", durableObjectNamespace = "${className}")`,
    ),
    KEY_VALUE_BINDING,
    `(name = "ASSETS", service = "assets")`,
    ...settings(admin),
  ]
  const namespaces = DURABLE_OBJECTS.map(
    ({ className, uniqueKey }) =>
      `(className = "${className}", uniqueKey = "${uniqueKey}", enableSql = true)`,
  )
  const storage = `durableObjectNamespaces = [${namespaces.join(', ')}], durableObjectStorage = (localDisk = "storage")`
  return {
    services: [
      worker(admin.name, admin.bundle, bindings, storage),
      `(name = "storage", disk = (path = ${quote(folders.storageDir)}, writable = true))`,
      `(name = "assets", disk = (path = ${quote(folders.assetsDir)}, writable = false))`,
    ],
    sockets: [publicSocket(admin, ground)],
  }
}

/** What the Workers share: their network, and the folder behind the `LAST_KNOWN_GOOD` namespace. */
export const commonParts = (lastKnownGoodDir: string, { outbound }: Ground): Parts => ({
  services: [
    `(name = "last-known-good", disk = (path = ${quote(lastKnownGoodDir)}, writable = true))`,
    `(name = "network", network = (allow = [${outbound.map(quote).join(', ')}], tlsOptions = (trustBrowserCas = true)))`,
  ],
  sockets: [],
})

/** Text of a capnp file that defines `config`. `maxHeapMb`: largest JavaScript heap of each Worker, in megabytes. */
export function configText(parts: readonly Parts[], maxHeapMb: number): string {
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  v8Flags = ["--max-heap-size=${maxHeapMb}"],
  services = [
    ${parts.flatMap(({ services }) => services).join(',\n    ')}
  ],
  sockets = [
    ${parts.flatMap(({ sockets }) => sockets).join(',\n    ')}
  ]
);
`
}

/** The disk service speaks the namespace's protocol by itself for keys that are plain file names, as all of ours are. */
const KEY_VALUE_BINDING = `(name = "LAST_KNOWN_GOOD", kvNamespace = "last-known-good")`

const settings = (options: WorkerOptions): string[] =>
  Object.entries(options.settings).map(([name, value]) => `(name = "${name}", ${bound(value)})`)

function bound(value: Setting): string {
  if (typeof value === 'string') return `text = ${quote(value)}`
  if ('variable' in value) return `fromEnvironment = ${quote(value.variable)}`
  return `json = ${quote(JSON.stringify(value.json))}`
}

function worker(name: string, bundle: Bundle, bindings: string[], more?: string): string {
  return `(name = ${quote(name)}, worker = (
      modules = [(name = "index.js", esModule = embed ${quote(bundle.path)})],
      compatibilityDate = ${quote(bundle.compatibilityDate)},
      compatibilityFlags = [${bundle.compatibilityFlags.map(quote).join(', ')}],
      bindings = [
        ${bindings.join(',\n        ')}
      ],
      globalOutbound = "network"${more === undefined ? '' : `,\n      ${more}`}
    ))`
}

const publicSocket = ({ name, address }: WorkerOptions, { cfBlobHeader }: Ground): string =>
  socket(name, address, cfBlobHeader === null ? '' : `cfBlobHeader = ${quote(cfBlobHeader)}`, quote(name))

/** `http`: its options; `service`: text of the service behind it. */
export const socket = (name: string, address: string, http: string, service: string): string =>
  `(name = ${quote(name)}, address = ${quote(address)}, http = (${http}), service = ${service})`

/** A capnp string: UTF-8 bytes that are not printable ASCII, quotes and backslashes are escaped. */
export function quote(value: string): string {
  let quoted = ''
  for (const byte of new TextEncoder().encode(value))
    quoted +=
      byte < 0x20 || byte > 0x7e || byte === 0x22 || byte === 0x5c
        ? `\\x${byte.toString(16).padStart(2, '0')}`
        : String.fromCharCode(byte)
  return `"${quoted}"`
}
