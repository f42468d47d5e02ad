/** Configuration of many edges in one workerd process, each a Worker of its own with its own port. Pure: options in, text out. */

export interface EdgesOptions {
  readonly count: number
  /** Path of the bundle, relative to the configuration file. */
  readonly bundle: string
  readonly compatibilityDate: string
  readonly compatibilityFlags: readonly string[]
  readonly environment: string
  /** host:port of the control plane's RPC, in another process. */
  readonly controlAddress: string
  readonly maxHeapMb: number
}

export const socketOf = (edge: number): string => `edge-${edge}`

/** Text of a capnp file that defines `config`. The place of a request comes from the header `CF-Blob`. */
export function edgesConfig(options: EdgesOptions): string {
  const edges = Array.from({ length: options.count }, (_, edge) => edge)
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  v8Flags = ["--max-heap-size=${options.maxHeapMb}"],
  services = [
    ${edges.map((edge) => worker(edge, options)).join(',\n    ')},
    (name = "control", external = (address = ${quote(options.controlAddress)}, http = (capnpConnectHost = "control"))),
    (name = "network", network = (allow = ["local"]))
  ],
  sockets = [
    ${edges.map(socket).join(',\n    ')}
  ]
);
`
}

function worker(edge: number, options: EdgesOptions): string {
  const { bundle, compatibilityDate, compatibilityFlags, environment } = options
  const text = (name: string, value: string) => `(name = "${name}", text = ${quote(value)})`
  return `(name = "${socketOf(edge)}", worker = (
      modules = [(name = "index.js", esModule = embed ${quote(bundle)})],
      compatibilityDate = ${quote(compatibilityDate)},
      compatibilityFlags = [${compatibilityFlags.map(quote).join(', ')}],
      bindings = [
        (name = "CONTROL", service = "control"),
        ${text('ENVIRONMENT', environment)},
        ${text('COOKIE_KEY', 'a cookie key for the benchmark only, of no other use')},
        ${text('LOCAL', 'true')}
      ],
      globalOutbound = "network"
    ))`
}

const socket = (edge: number): string =>
  `(name = "${socketOf(edge)}", address = "127.0.0.1:0", http = (cfBlobHeader = "CF-Blob"), service = "${socketOf(edge)}")`

/** Our own paths and settings: no character of theirs needs more than JSON's escapes. */
const quote = (value: string): string => JSON.stringify(value)
