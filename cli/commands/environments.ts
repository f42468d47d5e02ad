/** `turnout env list | create | compare | promote`. */
import type { components } from '../../admin/api/openapi-types.d.ts'
import { type ChangeOptions, changeOf, changing } from '../change.ts'
import { bodyOf } from '../client.ts'
import { comparisonLines } from '../comparison.ts'
import { confirmed } from '../confirm.ts'
import { UsageError } from '../failure.ts'
import { option, positive, reasonOption } from '../options.ts'
import { itemsOf } from '../pages.ts'
import type { Commands } from '../run.ts'
import { openSession } from '../session.ts'
import { table } from '../table.ts'
import { landed, patient, type WaitOptions } from '../watch.ts'
import type { World } from '../world.ts'

type Promotion = components['schemas']['Promotion']

export const environmentCommands: Commands = (program, act) => {
  const env = program.command('env').summary('environments: list, create, compare, promote')
  env.command('list').summary('all environments').action(act(listEnvironments))
  env
    .command('create')
    .summary('a new, empty environment')
    .argument('<name>', 'ENV, or PROJECT.ENV')
    .option('--edge-host <host...>', 'host names of its edge, which must not be origins')
    .addOption(option('--tier <n>', 'how much depends on it: 1 is the most', positive))
    .addOption(option('--approvals <n>', 'how many others approve what raises exposure', positive))
    .addOption(option('--promotes-to <name>', 'where its flags go next'))
    .addOption(reasonOption())
    .action(act(createEnvironment))
  env
    .command('compare')
    .summary('what differs from one environment to another')
    .argument('<from>', 'name of an environment')
    .argument('<to>', 'name of another')
    .action(act(compareEnvironments))
  const promote = env
    .command('promote')
    .summary('copy flags from one environment to another')
    .description(
      'Shows what would change in the other environment, and copies the flags there as one version, if it is still as it ' +
        'was shown. Routes and origins stay, and so does what a flag there names as local.',
    )
    .argument('<from>', 'name of an environment')
    .argument('<to>', 'name of another')
    .argument('[flags...]', 'keys of flags')
    .option('--all', 'all flags')
    .option('--dry-run', 'show what would change, and change nothing')
  patient(changing(promote)).action(act(promoteFlags))
}

async function listEnvironments(world: World): Promise<unknown> {
  const { api } = openSession(world)
  const environments = await itemsOf((query) =>
    bodyOf(api.GET('/api/v1/environments', { params: { query } })),
  )
  if (environments.length === 0)
    world.output.line('There are no environments: turnout env create NAME makes one.')
  else
    for (const line of table([
      ['ENVIRONMENT', 'TIER', 'APPROVALS', 'PROMOTES TO', 'EDGE HOSTS'],
      ...environments.map(({ name, tier, approvals, promotesTo, open, edgeHosts }) => [
        name,
        tier === null ? '' : String(tier),
        approvals === 0 ? '' : String(approvals),
        promotesTo ?? '',
        open ? 'open: a local run' : edgeHosts.join(', '),
      ]),
    ]))
      world.output.line(line)
  return { environments }
}

interface CreateOptions extends ChangeOptions {
  readonly edgeHost?: string[]
  readonly tier?: number
  readonly approvals?: number
  readonly promotesTo?: string
}

async function createEnvironment(world: World, name: string, options: CreateOptions): Promise<unknown> {
  const { edgeHost = [], tier, approvals, promotesTo } = options
  const { api } = openSession(world)
  const environment = await bodyOf(
    api.PUT('/api/v1/environments/{env}', {
      params: {
        path: { env: name },
        query: changeOf(options).note,
        header: { 'if-none-match': '*' },
      },
      body: {
        edgeHosts: edgeHost,
        ...(tier === undefined ? {} : { tier }),
        ...(approvals === undefined ? {} : { approvals }),
        ...(promotesTo === undefined ? {} : { promotesTo }),
      },
    }),
  )
  world.output.line(`Created ${name}, with an empty document.`)
  return environment
}

async function compareEnvironments(world: World, env: string, other: string): Promise<unknown> {
  const { api } = openSession(world)
  const found = await bodyOf(
    api.GET('/api/v1/environments/{env}/compare/{other}', { params: { path: { env, other } } }),
  )
  world.output.line(`From ${env} to ${other}:`)
  for (const line of comparisonLines(found)) world.output.line(line)
  return { from: env, to: other, ...found }
}

interface PromoteOptions extends ChangeOptions, WaitOptions {
  readonly all?: boolean
  readonly dryRun?: boolean
}

async function promoteFlags(
  world: World,
  from: string,
  to: string,
  keys: readonly string[],
  options: PromoteOptions,
): Promise<unknown> {
  const { all = false, dryRun = false, wait = false } = options
  if (all === keys.length > 0) throw new UsageError('give either keys of flags, or --all')
  const { note, headers } = changeOf(options)
  const { api, url } = openSession(world)
  const { output } = world
  const wanted = { to, flags: all ? ('all' as const) : [...keys] }
  const promote = (body: components['schemas']['PromotionRequest']): Promise<Promotion> =>
    bodyOf(api.POST('/api/v1/environments/{env}/promote', { params: { path: { env: from } }, headers, body }))

  const preview = await promote({ ...wanted, dryRun: true })
  for (const line of previewLines(preview)) output.line(line)
  for (const { path, message } of preview.warnings) output.note(`warning: ${path}: ${message}`)
  if (dryRun || preview.differences.length === 0) {
    output.line(dryRun ? 'Dry run: nothing was changed.' : 'Nothing to change.')
    return preview
  }
  const session = { api, url, environment: to, path: { env: to } }
  await confirmed(world, session, `Copy this to ${to}?`)
  const done = await promote({ ...wanted, ...note, expected: preview.version })
  output.line(`Done: ${to} is at version ${done.version}.`)
  return landed(world, session, { kind: 'version', version: done.version }, { ...options, wait }, done)
}

function previewLines(preview: Promotion): string[] {
  const { from, fromVersion, to, version, segments, kept, raising } = preview
  return [
    `From ${from} (version ${fromVersion}) to ${to} (version ${version}):`,
    ...comparisonLines(preview),
    ...segments.map((key) => `  segment ${key} comes along`),
    ...kept.map((part) => `  ${to} keeps ${part}`),
    ...raising.map((why) => `  raises exposure: ${why}`),
  ]
}
