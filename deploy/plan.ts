/** What a deployment is going to do, decided before anybody is asked. Pure. */
import { join, relative } from 'node:path'
import type { Release } from '../local/release.ts'
import type { DeployFile, EdgeTarget, Target } from './file.ts'
import type { Refusal } from './refusal.ts'
import { advisedOf, type Secret, secretsOf } from './secrets.ts'
import {
  controlPlaneConfig,
  edgeConfig,
  type Located,
  namespaceTitle,
  UNKNOWN_NAMESPACE,
} from './worker-config.ts'

export interface Plan {
  readonly file: DeployFile
  readonly environment: string
  readonly edge: EdgeTarget
  readonly release: Release
  /** Absolute paths of what wrangler is given, in the order of the deployment. */
  readonly paths: { readonly controlPlane: string; readonly edge: string }
  /** Why it cannot be carried out; only a dry run comes so far with any. */
  readonly refused: readonly Refusal[]
  readonly bases: { readonly controlPlane: Located; readonly edge: Located }
}

/** Both configurations, with the namespace's id in its place. */
export function configsOf(
  { file, environment, edge, paths, bases }: Plan,
  namespace = UNKNOWN_NAMESPACE,
): { controlPlane: Located; edge: Located } {
  return {
    controlPlane: controlPlaneConfig(bases.controlPlane, file, paths.controlPlane, namespace),
    edge: edgeConfig(bases.edge, file, environment, edge, paths.edge, namespace),
  }
}

/** The plan as people read it. Paths are relative to `root`. */
export function showPlan(plan: Plan, root: string): string {
  const { file, environment, edge, release, paths } = plan
  const { commit, dirty } = release
  const what = `${release.version}${commit === null ? '' : `, commit ${commit}`}${dirty ? ', with changes that are not committed' : ''}`
  return `Turnout ${what}, environment ${environment}${edge.production ? ' (production)' : ''}

  1. control plane  ${showTarget(file.controlPlane)}
     secrets        ${showNames('admin', file.controlPlane)}
  2. edge           ${showTarget(edge)}
     secrets        ${showNames('edge', edge)}
  both bind         KV namespace ${namespaceTitle(file)}
  configurations    ${join(relative(root, paths.controlPlane))}, ${join(relative(root, paths.edge))}
`
}

const showNames = (worker: Secret['worker'], { vars }: Target): string =>
  [
    ...secretsOf(worker, vars).map(({ name }) => name),
    ...advisedOf(worker).map(({ name, without }) => `${name} (without it ${without})`),
  ].join(', ')

const showTarget = (target: Target): string => `${target.name} at ${addressesOf(target).join(', ')}`

const addressesOf = ({ domains, routes, zone, workersDev }: Target): string[] => [
  ...domains.map((domain) => `https://${domain}`),
  ...routes.map((route) => `${route} (route of zone ${zone})`),
  ...(workersDev ? ['workers.dev'] : []),
]
