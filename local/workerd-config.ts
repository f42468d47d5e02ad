/**
 * The configuration of a local run, as text for `workerd serve`: both Workers as their wrangler.toml files bind them, on
 * loopback sockets, with storage on disk. Pure: options in, text out.
 *
 * Only this configuration lets Workers reach loopback and private addresses, and takes a request's place from `CF-Blob`.
 */

/** What every process needs. At least one of `edge` and `admin`. */
export interface WorkerdOptions {
  readonly edge?: EdgeOptions
  readonly admin?: AdminOptions
  /** Absolute path of the folder behind the `LAST_KNOWN_GOOD` namespace; shared by edge and control plane. */
  readonly lastKnownGoodDir: string
  /** Largest JavaScript heap of each Worker, in megabytes. */
  readonly maxHeapMb: number
}

/** A bundle as wrangler wrote it. */
export interface Bundle {
  /** Path relative to the configuration file: workerd embeds no absolute ones. */
  readonly path: string
  readonly compatibilityDate: string
  readonly compatibilityFlags: readonly string[]
}

export interface EdgeOptions {
  readonly bundle: Bundle
  /** host:port; port 0 lets the system choose. */
  readonly address: string
  readonly environment: string
  /** Key of the visitor cookie's MAC. */
  readonly cookieKey: string
  /** Where the control plane's RPC is: its `controlAddress` in another process. Default: in this one. */
  readonly controlAddress?: string
}

export interface AdminOptions {
  readonly bundle: Bundle
  /** host:port; port 0 lets the system choose. */
  readonly address: string
  readonly adminToken: string
  /** Absolute path of the folder that holds the Durable Objects. */
  readonly storageDir: string
  /** Absolute path of the folder of files for browsers. */
  readonly assetsDir: string
  /** Offers the RPC of one environment to an edge in another process. Anybody who reaches it may read that environment. */
  readonly control?: { readonly address: string; readonly environment: string }
}

/** Text of a capnp file that defines `config`. */
export function workerdConfig(options: WorkerdOptions): string {
  const { edge, admin } = options
  const services = [
    ...(edge === undefined ? [] : edgeServices(edge)),
    ...(admin === undefined ? [] : adminServices(admin)),
    `(name = "last-known-good", disk = (path = ${quote(options.lastKnownGoodDir)}, writable = true))`,
    `(name = "network", network = (allow = ["public", "private", "local"], tlsOptions = (trustBrowserCas = true)))`,
  ]
  const sockets = [
    ...(edge === undefined ? [] : [socket('edge', edge.address, 'cfBlobHeader = "CF-Blob"', '"edge"')]),
    ...(admin === undefined ? [] : [socket('admin', admin.address, '', '"admin"')]),
    ...(admin?.control === undefined ? [] : [controlSocket(admin.control)]),
  ]
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  v8Flags = ["--max-heap-size=${options.maxHeapMb}"],
  services = [
    ${services.join(',\n    ')}
  ],
  sockets = [
    ${sockets.join(',\n    ')}
  ]
);
`
}

function edgeServices(edge: EdgeOptions): string[] {
  const { controlAddress } = edge
  const control =
    controlAddress === undefined
      ? controlService(edge.environment)
      : `(name = "CONTROL", service = "control")`
  const bindings = [
    control,
    KEY_VALUE_BINDING,
    text('ENVIRONMENT', edge.environment),
    text('COOKIE_KEY', edge.cookieKey),
    text('LOCAL', 'true'),
  ]
  const external = `(name = "control", external = (address = ${quote(controlAddress ?? '')}, http = (${CONTROL_RPC})))`
  return [worker('edge', edge.bundle, bindings), ...(controlAddress === undefined ? [] : [external])]
}

/** Unique keys name the folders below `storageDir`: changing one loses the objects. */
const DURABLE_OBJECTS = [
  { binding: 'ENVIRONMENTS', className: 'EnvironmentObject', uniqueKey: 'turnout-environment' },
  { binding: 'PROJECT', className: 'ProjectObject', uniqueKey: 'turnout-project' },
  { binding: 'METRICS', className: 'MetricsObject', uniqueKey: 'turnout-metrics' },
  { binding: 'WEBHOOKS', className: 'WebhooksObject', uniqueKey: 'turnout-webhooks' },
]

function adminServices(admin: AdminOptions): string[] {
  const bindings = [
    ...DURABLE_OBJECTS.map(
      ({ binding, className }) => `(name = "${binding}", durableObjectNamespace = "${className}")`,
    ),
    KEY_VALUE_BINDING,
    `(name = "ASSETS", service = "assets")`,
    text('ADMIN_BOOTSTRAP_TOKEN', admin.adminToken),
    text('LOCAL', 'true'),
  ]
  const namespaces = DURABLE_OBJECTS.map(
    ({ className, uniqueKey }) =>
      `(className = "${className}", uniqueKey = "${uniqueKey}", enableSql = true)`,
  )
  const storage = `durableObjectNamespaces = [${namespaces.join(', ')}], durableObjectStorage = (localDisk = "storage")`
  return [
    worker('admin', admin.bundle, bindings, storage),
    `(name = "storage", disk = (path = ${quote(admin.storageDir)}, writable = true))`,
    `(name = "assets", disk = (path = ${quote(admin.assetsDir)}, writable = false))`,
  ]
}

/** The disk service speaks the namespace's protocol by itself for keys that are plain file names, as all of ours are. */
const KEY_VALUE_BINDING = `(name = "LAST_KNOWN_GOOD", kvNamespace = "last-known-good")`

/** Agreed between two processes; it names the protocol, not an address. */
const CONTROL_RPC = `capnpConnectHost = "control"`

const control = (environment: string) =>
  `(name = "admin", entrypoint = "ControlRpc", props = (json = ${quote(JSON.stringify({ environment }))}))`

const controlService = (environment: string) => `(name = "CONTROL", service = ${control(environment)})`

const controlSocket = ({ address, environment }: { address: string; environment: string }) =>
  socket('control', address, CONTROL_RPC, control(environment))

const text = (name: string, value: string) => `(name = "${name}", text = ${quote(value)})`

function worker(name: string, bundle: Bundle, bindings: string[], more?: string): string {
  return `(name = "${name}", worker = (
      modules = [(name = "index.js", esModule = embed ${quote(bundle.path)})],
      compatibilityDate = ${quote(bundle.compatibilityDate)},
      compatibilityFlags = [${bundle.compatibilityFlags.map(quote).join(', ')}],
      bindings = [
        ${bindings.join(',\n        ')}
      ],
      globalOutbound = "network"${more === undefined ? '' : `,\n      ${more}`}
    ))`
}

const socket = (name: string, address: string, http: string, service: string) =>
  `(name = "${name}", address = ${quote(address)}, http = (${http}), service = ${service})`

/** A capnp string: UTF-8 bytes that are not printable ASCII, quotes and backslashes are escaped. */
function quote(value: string): string {
  let quoted = ''
  for (const byte of new TextEncoder().encode(value))
    quoted +=
      byte < 0x20 || byte > 0x7e || byte === 0x22 || byte === 0x5c
        ? `\\x${byte.toString(16).padStart(2, '0')}`
        : String.fromCharCode(byte)
  return `"${quoted}"`
}
