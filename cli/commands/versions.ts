/** `turnout versions list | show | diff | restore | label`: what was published, by whom and why, and the way back. */
import type { components } from '../../admin/api/openapi-types.d.ts'
import { type ChangeOptions, changeOf, changing } from '../change.ts'
import { bodyOf } from '../client.ts'
import { type Comparison, comparisonLines, SIGNS } from '../comparison.ts'
import { confirmed } from '../confirm.ts'
import { option, positive, reasonOption } from '../options.ts'
import { itemsOf } from '../pages.ts'
import type { Commands } from '../run.ts'
import { type EnvironmentSession, openEnvironment } from '../session.ts'
import { table } from '../table.ts'
import { moment } from '../time.ts'
import { landed, type WaitOptions, waiting } from '../watch.ts'
import type { World } from '../world.ts'

type Version = components['schemas']['Version']

const SHOWN = 20

export const versionCommands: Commands = (program, act) => {
  const versions = program
    .command('versions')
    .summary('what was published, when, by whom and why; and the way back')
  versions
    .command('list')
    .summary('published versions, newest first')
    .addOption(option('--limit <n>', `how many; default ${SHOWN}`, positive))
    .action(act(listVersions))
  versions
    .command('show')
    .summary('one version with all its changes')
    .argument('<version>', 'its number or a label')
    .option('--document', 'the document as it was, as JSON')
    .action(act(showVersion))
  versions
    .command('diff')
    .summary('what differs from one version to another')
    .argument('<from>', 'number or label')
    .argument('[to]', 'number or label; default: the document now')
    .action(act(diffVersions))
  const restore = versions
    .command('restore')
    .summary('publish the document of a version again')
    .description(
      'Shows what that changes, and publishes the document of that version as the next one. Settings, keys and kills stay ' +
        'as they are. Then waits until every location with traffic has it.',
    )
    .argument('<version>', 'number or label')
  waiting(changing(restore)).action(act(restoreVersion))
  versions
    .command('label')
    .summary('give a version a name, or move the name to it')
    .argument('<name>', 'such as release-12')
    .argument('<version>', 'its number')
    .addOption(reasonOption())
    .action(act(labelVersion))
}

async function listVersions(world: World, { limit = SHOWN }: { readonly limit?: number }): Promise<unknown> {
  const { api, environment, path } = openEnvironment(world)
  const versions = await itemsOf(
    (query) => bodyOf(api.GET('/api/v1/environments/{env}/versions', { params: { path, query } })),
    limit,
  )
  for (const line of table([
    ['VERSION', 'PUBLISHED', 'BY', 'CHANGES', 'LABELS', 'REASON'],
    ...versions.map((version) => [
      String(version.version),
      moment(version.createdAt),
      version.actor,
      changesOf(version),
      version.labels.join(', '),
      version.reason ?? '',
    ]),
  ]))
    world.output.line(line)
  return { environment, versions }
}

async function showVersion(
  world: World,
  n: string,
  { document = false }: { readonly document?: boolean },
): Promise<unknown> {
  const { api, environment, path } = openEnvironment(world)
  const { output } = world
  const shown = await bodyOf(
    api.GET('/api/v1/environments/{env}/versions/{n}', { params: { path: { ...path, n } } }),
  )
  if (document) {
    output.line(JSON.stringify(shown.document, null, 2))
    return { environment, ...shown }
  }
  const { version, createdAt, actor, reason, changes } = shown
  output.line(
    `Version ${version} of ${environment}, ${moment(createdAt)}, ${actor}: ${reason ?? 'no reason given'}`,
  )
  for (const { kind, key, change } of changes) output.line(`  ${SIGNS[change]} ${kind} ${key}`)
  return { environment, ...shown }
}

async function diffVersions(world: World, from: string, to: string | undefined): Promise<unknown> {
  const session = openEnvironment(world)
  const { environment } = session
  const target = to ?? String(await currentVersion(session))
  const found = await diffOf(session, from, target)
  world.output.line(`${environment}, from version ${from} to ${target}:`)
  for (const line of comparisonLines(found)) world.output.line(line)
  return { environment, from, to: target, ...found }
}

async function restoreVersion(
  world: World,
  n: string,
  options: WaitOptions & ChangeOptions,
): Promise<unknown> {
  const { note, headers } = changeOf(options)
  const session = openEnvironment(world)
  const { api, environment, path } = session
  const { output } = world
  const current = await currentVersion(session)
  const found = await diffOf(session, String(current), n)
  output.line(`${environment}, from version ${current} back to ${n}:`)
  for (const line of comparisonLines(found)) output.line(line)
  await confirmed(world, session, `Publish the document of version ${n} again?`)
  const { version, warnings } = await bodyOf(
    api.POST('/api/v1/environments/{env}/versions/{n}/restore', {
      params: { path: { ...path, n } },
      headers,
      body: note,
    }),
  )
  for (const { path, message } of warnings) output.note(`warning: ${path}: ${message}`)
  output.line(`Done: ${environment} is at version ${version}, with the document of version ${n}.`)
  return landed(world, session, { kind: 'version', version }, options, { version, restored: n, warnings })
}

async function labelVersion(
  world: World,
  label: string,
  number: string,
  options: ChangeOptions,
): Promise<unknown> {
  const version = positive(number, 'VERSION')
  const { api, environment, path } = openEnvironment(world)
  await bodyOf(
    api.PUT('/api/v1/environments/{env}/labels/{label}', {
      params: { path: { ...path, label }, query: changeOf(options).note },
      body: { version },
    }),
  )
  world.output.line(`Version ${version} of ${environment} is ${label}.`)
  return { environment, label, version }
}

async function currentVersion({ api, path }: EnvironmentSession): Promise<number> {
  return (await bodyOf(api.GET('/api/v1/environments/{env}', { params: { path } }))).version
}

const diffOf = ({ api, path }: EnvironmentSession, a: string, b: string): Promise<Comparison> =>
  bodyOf(api.GET('/api/v1/environments/{env}/versions/{a}/diff/{b}', { params: { path: { ...path, a, b } } }))

/** `~ flag new-feature`, and how many more there are. */
function changesOf({ changes, changeCount }: Version): string {
  const [first] = changes
  if (first === undefined) return 'none'
  const more = changeCount === 1 ? '' : ` and ${changeCount - 1} more`
  return `${SIGNS[first.change]} ${first.kind} ${first.key}${more}`
}
