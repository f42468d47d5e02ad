/** Reads what is deployed: deploy.toml, both wrangler.toml files, the release. Throws `Refused` with every reason at once. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, relative, resolve } from 'node:path'
import { experimental_readRawConfig as readRawConfig } from 'wrangler'
import { checkFile, type DeployFile } from './file.ts'
import type { Options } from './options.ts'
import type { Plan, Release } from './plan.ts'
import { Refused, refuseIfAny } from './refusal.ts'
import { refusals } from './rules.ts'
import type { Located, WranglerConfig } from './worker-config.ts'

/** Day of the workerd that comes with the project, and that all tests run on. */
const newestDate: string = createRequire(import.meta.url)('workerd').compatibilityDate

export function prepare({ environment, file: given, dryRun }: Options, root: string): Plan {
  const fileName = relative(root, resolve(root, given)) || given
  const checked = checkFile(readToml(resolve(root, given), fileName), fileName)
  if ('refusals' in checked) throw new Refused(checked.refusals)
  const { file } = checked
  const edge = file.environments.get(environment)
  if (edge === undefined) throw new Refused([unknownEnvironment(environment, file, fileName)])
  const base = (path: string): Located => ({
    path: join(root, path),
    config: readToml(join(root, path), path) as WranglerConfig,
  })
  const bases = { controlPlane: base('admin/wrangler.toml'), edge: base('wrangler.toml') }
  refuseIfAny(refusals({ file, fileName, environment, edge, bases, newestDate, dryRun }))
  const folder = join(root, 'dist', 'deploy', environment)
  const paths = { controlPlane: join(folder, 'control-plane.json'), edge: join(folder, 'edge.json') }
  return { file, environment, edge, release: releaseOf(root), paths, bases }
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

/** wrangler's own reader: it is the one that reads wrangler.toml too. */
function readToml(path: string, name: string): unknown {
  try {
    return readRawConfig({ config: path }).rawConfig
  } catch (error) {
    const { message, location } = error as Error & { location?: { line: number; column: number } }
    const at = location === undefined ? '' : ` at line ${location.line}, column ${location.column}`
    throw new Refused([
      {
        problem: `${name} cannot be read${at}: ${message}`,
        next: `mend ${name}, or name another with --config`,
      },
    ])
  }
}

/** The project's version, and the commit where there is one. */
function releaseOf(root: string): Release {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const commit = git(root, 'rev-parse', '--short', 'HEAD')
  return { version, commit, dirty: commit !== null && git(root, 'status', '--porcelain') !== '' }
}

/** `null`: there is no git, or no repository. */
function git(root: string, ...args: string[]): string | null {
  const ran = spawnSync('git', args, { cwd: root, encoding: 'utf8' })
  return ran.status === 0 ? ran.stdout.trim() : null
}
