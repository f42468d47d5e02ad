/**
 * The configuration of a local run, as text for `workerd serve`: both Workers on loopback sockets, with storage on disk.
 * Pure: options in, text out.
 */
import {
  adminParts,
  type Bundle,
  commonParts,
  configText,
  controlOf,
  edgeParts,
  type Ground,
  type Parts,
  quote,
  type Setting,
  socket,
} from './workerd-parts.ts'

export type { Bundle } from './workerd-parts.ts'

/** Only a local run lets Workers reach loopback and private addresses, and takes a request's place from `CF-Blob`. */
const LOCAL_GROUND: Ground = {
  outbound: ['public', 'private', 'local'],
  cfBlobHeader: 'CF-Blob',
}

/** What every process needs. At least one of `edge` and `admin`. */
export interface WorkerdOptions {
  readonly edge?: EdgeOptions
  readonly admin?: AdminOptions
  /** Absolute path of the folder behind the `LAST_KNOWN_GOOD` namespace; shared by edge and control plane. */
  readonly lastKnownGoodDir: string
  /** Largest JavaScript heap of each Worker, in megabytes. */
  readonly maxHeapMb: number
}

export interface EdgeOptions {
  readonly bundle: Bundle
  /** host:port; port 0 lets the system choose. */
  readonly address: string
  readonly environment: string
  /** Key of the visitor cookie's MAC. */
  readonly cookieKey: string
  /** Signs what origins with `context: true` are told. Default: nobody signs. */
  readonly signingKey?: string
  /** Where the control plane's RPC is: its `controlAddress` in another process. Default: in this one. */
  readonly controlAddress?: string
}

export interface AdminOptions {
  readonly bundle: Bundle
  /** host:port; port 0 lets the system choose. */
  readonly address: string
  readonly adminToken: string
  /** More settings. */
  readonly settings?: Readonly<Record<string, Setting>>
  /** Absolute path of the folder that holds the Durable Objects. */
  readonly storageDir: string
  /** Absolute path of the folder of files for browsers. */
  readonly assetsDir: string
  /** Offers the RPC of one environment to an edge in another process. Anybody who reaches it may read that environment and report to it. */
  readonly control?: { readonly address: string; readonly environment: string }
}

/** Text of a capnp file that defines `config`. */
export function workerdConfig({ edge, admin, lastKnownGoodDir, maxHeapMb }: WorkerdOptions): string {
  const parts = [
    ...(edge === undefined ? [] : edgeOf(edge)),
    ...(admin === undefined ? [] : adminOf(admin)),
    commonParts(lastKnownGoodDir, LOCAL_GROUND),
  ]
  return configText(parts, maxHeapMb)
}

/** Agreed between two processes; it names the protocol, not an address. */
const CONTROL_RPC = `capnpConnectHost = "control"`

function edgeOf({
  bundle,
  address,
  environment,
  cookieKey,
  signingKey,
  controlAddress,
}: EdgeOptions): Parts[] {
  const settings = {
    ENVIRONMENT: environment,
    COOKIE_KEY: cookieKey,
    ...(signingKey !== undefined && { SIGNING_KEY: signingKey }),
    LOCAL: 'true',
  }
  const worker = { name: 'edge', bundle, address, settings }
  if (controlAddress === undefined) return [edgeParts(worker, controlOf(environment), LOCAL_GROUND)]
  const external = `(name = "control", external = (address = ${quote(controlAddress)}, http = (${CONTROL_RPC})))`
  return [edgeParts(worker, '"control"', LOCAL_GROUND), { services: [external], sockets: [] }]
}

function adminOf({
  bundle,
  address,
  adminToken,
  settings: more,
  control,
  ...folders
}: AdminOptions): Parts[] {
  const own = { ADMIN_BOOTSTRAP_TOKEN: adminToken, API_REQUESTS_PER_SECOND: '0', LOCAL: 'true' }
  const settings = { ...own, ...more }
  const parts = adminParts({ name: 'admin', bundle, address, settings }, folders, LOCAL_GROUND)
  if (control === undefined) return [parts]
  const offered = socket('control', control.address, CONTROL_RPC, controlOf(control.environment))
  return [parts, { services: [], sockets: [offered] }]
}
