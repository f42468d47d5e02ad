/** The arguments of `turnout import`, checked. Throws `UsageError`. */
import type { Variables } from './command.ts'
import { controlPlaneUrl } from './connection.ts'
import { UsageError } from './failure.ts'
import { COMMON_OPTIONS, COMMON_USAGE, parseOptions, type Values } from './options.ts'
import type { Source } from './sources/source.ts'

export interface ImportOptions {
  readonly environment: string
  /** Opens the source; only then is its SDK loaded. */
  readonly open: () => Promise<Source>
  readonly dryRun: boolean
  readonly json: boolean
  /** Kept with the new version. */
  readonly reason: string | undefined
  readonly url: string
  readonly token: string | undefined
}

export const USAGE = `usage: turnout import --env ENV --from SOURCE [options]

Brings flags into an environment, all or none, as one version. Flags that the source does not have stay.

  --env ENV              the environment, for example dev
  --from ssm             one parameter for each flag
    --path PATH          where they lie: /flags/prod/new-feature becomes new-feature
    --region REGION      default: AWS_REGION or the profile's
  --from appconfig       a freeform profile that holds JSON
    --application NAME   or its id
    --profile NAME       or its id
    --configuration-version N
                         default: the newest hosted one, deployed or not
    --region REGION      default: AWS_REGION or the profile's
  --from file            a JSON file
    --file FILE          a document, or a map of flags
  --dry-run              say what would change, and change nothing
  --reason TEXT          kept with the new version
${COMMON_USAGE}

Exit codes: 0 done, or nothing to do; 1 failed; 2 wrong usage.`

const OPTIONS = {
  ...COMMON_OPTIONS,
  env: { type: 'string' },
  from: { type: 'string' },
  'dry-run': { type: 'boolean' },
  reason: { type: 'string' },
  path: { type: 'string' },
  region: { type: 'string' },
  application: { type: 'string' },
  profile: { type: 'string' },
  'configuration-version': { type: 'string' },
  file: { type: 'string' },
} as const

type Given = Values<typeof OPTIONS>
type OptionName = keyof Given

interface SourceOptions {
  readonly needs: readonly OptionName[]
  readonly takes: readonly OptionName[]
  open(given: Given): () => Promise<Source>
}

const SOURCES: Readonly<Record<string, SourceOptions>> = {
  ssm: { needs: ['path'], takes: ['region'], open: ssm },
  appconfig: {
    needs: ['application', 'profile'],
    takes: ['configuration-version', 'region'],
    open: appConfig,
  },
  file: {
    needs: ['file'],
    takes: [],
    open:
      ({ file = '' }) =>
      async () =>
        (await import('./sources/file.ts')).fileSource(file),
  },
}

/** Longest reason that the control plane takes, in characters. */
export const MAX_REASON = 500

export function parseImport(args: readonly string[], env: Variables): ImportOptions {
  const given = parseOptions(args, OPTIONS)
  const environment = required(given, 'env')
  const from = required(given, 'from')
  const source = Object.hasOwn(SOURCES, from) ? SOURCES[from] : undefined
  if (source === undefined)
    throw new UsageError(`--from must be ${list(Object.keys(SOURCES))}, got ${JSON.stringify(from)}`)
  for (const name of source.needs)
    if (given[name] === undefined) throw new UsageError(`--from ${from} needs --${name}`)
  for (const [owner, { needs, takes }] of Object.entries(SOURCES)) {
    const foreign = [...needs, ...takes].find(
      (name) => given[name] !== undefined && !source.needs.includes(name) && !source.takes.includes(name),
    )
    if (foreign !== undefined)
      throw new UsageError(`--${foreign} belongs to --from ${owner}, not to --from ${from}`)
  }
  const { reason, token, json = false } = given
  if (reason !== undefined && reason.length > MAX_REASON)
    throw new UsageError(`--reason may have ${MAX_REASON} characters, has ${reason.length}`)
  const url = controlPlaneUrl(given.url, env)
  return {
    environment,
    open: source.open(given),
    dryRun: given['dry-run'] ?? false,
    json,
    reason,
    url,
    token,
  }
}

function ssm({ path = '', region }: Given): () => Promise<Source> {
  if (!path.startsWith('/'))
    throw new UsageError(`--path must begin with "/", for example /flags/prod, got ${JSON.stringify(path)}`)
  return async () => (await import('./sources/ssm.ts')).ssmSource({ path, region })
}

function appConfig(given: Given): () => Promise<Source> {
  const { application = '', profile = '', region, 'configuration-version': text } = given
  if (text !== undefined && !/^[1-9]\d{0,8}$/.test(text))
    throw new UsageError(`--configuration-version must be a whole number from 1, got ${JSON.stringify(text)}`)
  const version = text === undefined ? undefined : Number(text)
  const options = { application, profile, version, region }
  return async () => (await import('./sources/appconfig.ts')).appConfigSource(options)
}

function required(given: Given, name: 'env' | 'from'): string {
  const value = given[name]
  if (value === undefined) throw new UsageError(`--${name} is missing`)
  return value
}

const list = (words: readonly string[]): string => `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
