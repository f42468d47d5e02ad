/** The options of `turnout import`, checked against each other. Throws `UsageError`. */
import type { Command } from '../command.ts'
import { UsageError } from '../failure.ts'
import { option, positive, reasonOption } from '../options.ts'
import { list } from '../words.ts'
import type { Source } from './sources/source.ts'

/** As commander gives them. */
export interface Given {
  readonly from?: string
  readonly path?: string
  readonly region?: string
  readonly application?: string
  readonly profile?: string
  readonly configurationVersion?: number
  readonly targetingKey?: string
  readonly file?: string
  readonly dryRun?: boolean
  readonly reason?: string
}

export function addOptions(command: Command): Command {
  return command
    .addOption(option('--from <source>', 'ssm, appconfig or file'))
    .addOption(
      option('--path <path>', 'ssm: where parameters lie; /flags/prod/new-feature becomes new-feature'),
    )
    .addOption(option('--application <name>', 'appconfig: the application, or its id'))
    .addOption(
      option(
        '--profile <name>',
        'appconfig: a profile of feature flags, or a freeform one that holds JSON; or its id',
      ),
    )
    .addOption(
      option(
        '--configuration-version <n>',
        'appconfig: default the newest hosted one, deployed or not',
        positive,
      ),
    )
    .addOption(
      option(
        '--targeting-key <names>',
        'appconfig: context values in rules of feature flags that are the targeting key, such as userId',
      ),
    )
    .addOption(option('--region <region>', 'ssm, appconfig: default AWS_REGION or the profile’s'))
    .addOption(option('--file <file>', 'file: JSON, a document or a map of flags'))
    .option('--dry-run', 'say what would change, and change nothing')
    .addOption(reasonOption('kept with the new version'))
}

type Name = 'path' | 'region' | 'application' | 'profile' | 'configurationVersion' | 'targetingKey' | 'file'

interface SourceOptions {
  readonly needs: readonly Name[]
  readonly takes: readonly Name[]
  open(given: Given): () => Promise<Source>
}

const SOURCES: Readonly<Record<string, SourceOptions>> = {
  ssm: { needs: ['path'], takes: ['region'], open: ssm },
  appconfig: {
    needs: ['application', 'profile'],
    takes: ['configurationVersion', 'targetingKey', 'region'],
    open: appConfig,
  },
  file: { needs: ['file'], takes: [], open: file },
}

/** Opens the source that is asked for; only then is its SDK loaded. */
export function sourceOf(given: Given): () => Promise<Source> {
  const { from } = given
  if (from === undefined) throw new UsageError('--from is missing')
  const source = Object.hasOwn(SOURCES, from) ? SOURCES[from] : undefined
  if (source === undefined)
    throw new UsageError(`--from must be ${list(Object.keys(SOURCES))}, got ${JSON.stringify(from)}`)
  for (const name of source.needs)
    if (given[name] === undefined) throw new UsageError(`--from ${from} needs ${shown(name)}`)
  for (const [owner, { needs, takes }] of Object.entries(SOURCES)) {
    const foreign = [...needs, ...takes].find(
      (name) => given[name] !== undefined && !source.needs.includes(name) && !source.takes.includes(name),
    )
    if (foreign !== undefined)
      throw new UsageError(`${shown(foreign)} belongs to --from ${owner}, not to --from ${from}`)
  }
  return source.open(given)
}

const shown = (name: Name): string => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

function ssm({ path = '', region }: Given): () => Promise<Source> {
  if (!path.startsWith('/'))
    throw new UsageError(`--path must begin with "/", for example /flags/prod, got ${JSON.stringify(path)}`)
  return async () => (await import('./sources/ssm.ts')).ssmSource({ path, region })
}

function appConfig(given: Given): () => Promise<Source> {
  const { application = '', profile = '', region, configurationVersion: version, targetingKey = '' } = given
  const targetingKeys = targetingKey.split(',').flatMap((name) => name.trim() || [])
  const options = { application, profile, version, region, targetingKeys }
  return async () => (await import('./sources/appconfig.ts')).appConfigSource(options)
}

function file({ file = '' }: Given): () => Promise<Source> {
  return async () => (await import('./sources/file.ts')).fileSource(file)
}
