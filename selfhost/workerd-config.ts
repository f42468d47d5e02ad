/**
 * The configuration of a server of one's own, as text for `workerd serve`: the control plane and an edge for each
 * environment, in one process. Secrets come from the environment of the process. Pure: options in, text out.
 */
import { join } from 'node:path'
import { STORE_SECRETS } from '../local/worker-settings.ts'
import {
  adminParts,
  type Bundle,
  commonParts,
  configText,
  controlOf,
  edgeParts,
  type Ground,
  type Setting,
} from '../local/workerd-parts.ts'
import type { EdgeListener, Listener, SelfHostFile } from './file.ts'

/** Nothing that a local run allows: public addresses only, and only the runtime says who is connected. */
const SERVER_GROUND: Ground = { outbound: ['public'], cfBlobHeader: null }

/** Environment variables of the process. */
const SECRETS = {
  admin: ['ADMIN_BOOTSTRAP_TOKEN', 'METRICS_TOKEN', ...STORE_SECRETS],
  edge: ['COOKIE_KEY', 'COOKIE_KEY_ACCEPTED', 'SIGNING_KEY'],
} as const

/** Below the folder, in which workerd is started. */
export const ASSETS = 'assets'

export interface Bundles {
  readonly edge: Bundle
  readonly admin: Bundle
}

/** `release`: what the Workers say they are, such as `0.1.0+a2a06c2`. */
export function selfHostConfig(file: SelfHostFile, bundles: Bundles, release: string): string {
  const { controlPlane, edges, stateDir, maxHeapMb } = file
  const common = { RELEASE: { json: { id: release, tag: release } } }
  const admin = adminParts(
    {
      name: 'admin',
      bundle: bundles.admin,
      address: controlPlane.listen,
      settings: { ...settingsOf(controlPlane, SECRETS.admin), ...common },
    },
    { storageDir: join(stateDir, 'storage'), assetsDir: ASSETS },
    SERVER_GROUND,
  )
  const edgesParts = [...edges].map(([environment, edge]) =>
    edgeParts(
      {
        name: socketOf(environment),
        bundle: bundles.edge,
        address: edge.listen,
        settings: {
          ENVIRONMENT: environment,
          ...settingsOf(edge, SECRETS.edge),
          ...country(edge),
          ...common,
        },
      },
      controlOf(environment),
      SERVER_GROUND,
    ),
  )
  const shared = commonParts(join(stateDir, 'last-known-good'), SERVER_GROUND)
  return configText([admin, ...edgesParts, shared], maxHeapMb)
}

/** The name of an edge's socket and service. */
const socketOf = (environment: string): string => `edge-${environment}`

const settingsOf = (
  { trustedProxy, vars }: Listener,
  secrets: readonly string[],
): Record<string, Setting> => ({
  ...vars,
  TRUSTED_PROXY: trustedProxy,
  ...Object.fromEntries(secrets.map((name) => [name, { variable: name }])),
})

const country = ({ countryHeader }: EdgeListener): Record<string, string> =>
  countryHeader === null ? {} : { COUNTRY_HEADER: countryHeader }
