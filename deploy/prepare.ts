/** Reads what is deployed: deploy.toml, both wrangler.toml files, the release. Throws `Refused` with every reason at once. */
import { createRequire } from 'node:module'
import { join, relative, resolve } from 'node:path'
import { releaseOf } from '../local/release.ts'
import { readToml } from '../local/toml.ts'
import { checkFile, type DeployFile } from './file.ts'
import type { Options } from './options.ts'
import type { Plan } from './plan.ts'
import { Refused, refuseIfAny } from './refusal.ts'
import { refusals } from './rules.ts'
import type { Located, WranglerConfig } from './worker-config.ts'

/** Day of the workerd that comes with the project, and that all tests run on. */
const newestDate: string = createRequire(import.meta.url)('workerd').compatibilityDate

export function prepare({ environment, file: given, dryRun }: Options, root: string): Plan {
  const fileName = relative(root, resolve(root, given)) || given
  const checked = checkFile(read(resolve(root, given), fileName), fileName)
  if ('refusals' in checked) throw new Refused(checked.refusals)
  const { file } = checked
  const edge = file.environments.get(environment)
  if (edge === undefined) throw new Refused([unknownEnvironment(environment, file, fileName)])
  const base = (path: string): Located => ({
    path: join(root, path),
    config: read(join(root, path), path) as WranglerConfig,
  })
  const bases = { controlPlane: base('admin/wrangler.toml'), edge: base('wrangler.toml') }
  const refused = refusals({ file, fileName, environment, edge, bases, newestDate })
  if (!dryRun || refused.some(({ late }) => !late)) refuseIfAny(refused)
  const folder = join(root, 'dist', 'deploy', environment)
  const paths = { controlPlane: join(folder, 'control-plane.json'), edge: join(folder, 'edge.json') }
  return { file, environment, edge, release: releaseOf(root), paths, bases, refused }
}

function unknownEnvironment(environment: string, { environments }: DeployFile, fileName: string) {
  const known = [...environments.keys()]
  return {
    problem: `${fileName} has no environment ${JSON.stringify(environment)}; it has ${known.join(', ') || 'none'}`,
    next: /^[A-Za-z0-9._-]+$/.test(environment)
      ? `write [environments.${/[.]/.test(environment) ? JSON.stringify(environment) : environment}] with its domains into ${fileName}, or name one that is there`
      : 'name one that is there: letters, digits, dots, dashes and underscores',
  }
}

function read(path: string, name: string): unknown {
  try {
    return readToml(path, name)
  } catch (error) {
    const { message } = error as Error
    throw new Refused([{ problem: message, next: `mend ${name}, or name another with --config` }])
  }
}
