/**
 * What wrangler is given for each Worker: its checked-in wrangler.toml, with what differs between deployments put in its
 * place. Nothing checked in is edited. Pure.
 */
import { dirname, relative, resolve } from 'node:path'
import type { DeployFile, EdgeTarget, Target } from './file.ts'
import { secretsOf } from './secrets.ts'

/** The fields of a wrangler configuration that are looked at here; all others are passed on as they are. */
export interface WranglerConfig {
  readonly main?: string
  readonly compatibility_date?: string
  readonly vars?: Readonly<Record<string, unknown>>
  readonly assets?: { readonly directory: string }
  /** What is bundled in place of what; files of ours. */
  readonly alias?: Readonly<Record<string, string>>
  readonly services?: readonly { readonly binding: string }[] | undefined
  readonly kv_namespaces?: readonly { readonly binding: string; readonly id?: string }[] | undefined
  readonly [field: string]: unknown
}

/** A configuration and the absolute path of the file that it is read from, or will be written to. */
export interface Located {
  readonly path: string
  readonly config: WranglerConfig
}

/** Stands for the namespace's id where nobody was asked for it, as in a dry run. */
export const UNKNOWN_NAMESPACE = '00000000000000000000000000000000'

export const namespaceTitle = ({ controlPlane }: DeployFile): string => `${controlPlane.name}-last-known-good`

export function controlPlaneConfig(
  base: Located,
  file: DeployFile,
  path: string,
  namespace: string,
): Located {
  return { path, config: placed(base, file, file.controlPlane, 'admin', path, namespace) }
}

export function edgeConfig(
  base: Located,
  file: DeployFile,
  environment: string,
  edge: EdgeTarget,
  path: string,
  namespace: string,
): Located {
  const config = placed(base, file, edge, 'edge', path, namespace)
  const services = config.services?.map((service) =>
    service.binding === 'CONTROL'
      ? { ...service, service: file.controlPlane.name, props: { environment } }
      : service,
  )
  return { path, config: { ...config, vars: { ...config.vars, ENVIRONMENT: environment }, services } }
}

/** Without the dot a file's name would be a package's. */
const relativePath = (path: string): string => (path.startsWith('.') ? path : `./${path}`)

function placed(
  base: Located,
  file: DeployFile,
  target: Target,
  worker: 'admin' | 'edge',
  path: string,
  namespace: string,
): WranglerConfig {
  const { config } = base
  const moved = (file: string) =>
    relative(dirname(path), resolve(dirname(base.path), file)).replaceAll('\\', '/')
  return {
    ...config,
    ...(file.accountId === null ? {} : { account_id: file.accountId }),
    name: target.name,
    main: moved(config.main ?? ''),
    ...(config.assets === undefined
      ? {}
      : { assets: { ...config.assets, directory: moved(config.assets.directory) } }),
    ...(config.alias === undefined
      ? {}
      : {
          alias: Object.fromEntries(
            Object.entries(config.alias).map(([name, file]) => [name, relativePath(moved(file))]),
          ),
        }),
    minify: true,
    // Neither of these addresses is behind what an operator puts in front of the domain.
    workers_dev: target.workersDev,
    preview_urls: false,
    routes: [
      ...target.domains.map((pattern) => ({ pattern, custom_domain: true })),
      ...target.routes.map((pattern) => ({ pattern, zone_name: target.zone })),
    ],
    vars: { ...config.vars, ...target.vars },
    kv_namespaces: config.kv_namespaces?.map((each) =>
      each.binding === 'LAST_KNOWN_GOOD' ? { ...each, id: namespace } : each,
    ),
    // wrangler too refuses to deploy without them.
    secrets: { required: secretsOf(worker, target.vars).map(({ name }) => name) },
  }
}
