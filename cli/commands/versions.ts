/** `turnout versions list | show`: what was published, by whom and why. */
import type { components } from '../../admin/api/openapi-types.d.ts'
import { bodyOf } from '../client.ts'
import { option, positive } from '../options.ts'
import { itemsOf } from '../pages.ts'
import type { Commands } from '../run.ts'
import { openEnvironment } from '../session.ts'
import { table } from '../table.ts'
import { moment } from '../time.ts'
import type { World } from '../world.ts'

type Version = components['schemas']['Version']

const SHOWN = 20

export const versionCommands: Commands = (program, act) => {
  const versions = program.command('versions').summary('what was published, when, by whom and why')
  versions
    .command('list')
    .summary('published versions, newest first')
    .addOption(option('--limit <n>', `how many; default ${SHOWN}`, positive))
    .action(act(listVersions))
  versions
    .command('show')
    .summary('one version with all its changes')
    .argument('<version>', 'its number')
    .option('--document', 'the document as it was, as JSON')
    .action(act(showVersion))
}

async function listVersions(world: World, { limit = SHOWN }: { readonly limit?: number }): Promise<unknown> {
  const { api, environment, path } = openEnvironment(world)
  const versions = await itemsOf(
    (query) => bodyOf(api.GET('/api/v1/environments/{env}/versions', { params: { path, query } })),
    limit,
  )
  for (const line of table([
    ['VERSION', 'PUBLISHED', 'BY', 'CHANGES', 'REASON'],
    ...versions.map((version) => [
      String(version.version),
      moment(version.createdAt),
      version.actor,
      changesOf(version),
      version.reason ?? '',
    ]),
  ]))
    world.output.line(line)
  return { environment, versions }
}

async function showVersion(
  world: World,
  version: string,
  { document = false }: { readonly document?: boolean },
): Promise<unknown> {
  const n = String(positive(version, 'VERSION'))
  const { api, environment, path } = openEnvironment(world)
  const { output } = world
  const shown = await bodyOf(
    api.GET('/api/v1/environments/{env}/versions/{n}', { params: { path: { ...path, n } } }),
  )
  if (document) {
    output.line(JSON.stringify(shown.document, null, 2))
    return { environment, ...shown }
  }
  output.line(
    `Version ${n} of ${environment}, ${moment(shown.createdAt)}, ${shown.actor}: ${shown.reason ?? 'no reason given'}`,
  )
  for (const { kind, key, change } of shown.changes) output.line(`  ${SIGNS[change]} ${kind} ${key}`)
  return { environment, ...shown }
}

const SIGNS = { added: '+', changed: '~', removed: '-' } as const

/** `flag new-feature`, or how many more there are. */
function changesOf({ changes, changeCount }: Version): string {
  const [first] = changes
  if (first === undefined) return 'none'
  const more = changeCount === 1 ? '' : ` and ${changeCount - 1} more`
  return `${SIGNS[first.change]} ${first.kind} ${first.key}${more}`
}
