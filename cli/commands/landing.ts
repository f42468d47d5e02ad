/** `turnout landing`, `drill` and `purge`: whether a change is everywhere, how long a kill would take today, and edges without what they keep. */
import { bodyOf } from '../client.ts'
import { UsageError } from '../failure.ts'
import type { Propagation, Target } from '../landing.ts'
import { option, positive, reasonOption } from '../options.ts'
import type { Commands } from '../run.ts'
import { type EnvironmentSession, openEnvironment } from '../session.ts'
import { span } from '../time.ts'
import { timeoutOption, type WatchOptions, watchChange, watchLanding } from '../watch.ts'
import type { World } from '../world.ts'

export const landingCommands: Commands = (program, act) => {
  program
    .command('landing')
    .summary('watch a change arrive at the edge')
    .description(
      'Waits until every location with traffic has a change: a kill by the version of the kill list, anything else by the ' +
        'version of the document; without either, all there is now. Exit code 0 says that they have it, 3 that they have ' +
        'not in time.',
    )
    .addOption(option('--kill <n>', 'version of the kill list', positive))
    .addOption(option('--version <n>', 'version of the document', positive))
    .addOption(timeoutOption())
    .action(act(landing))
  program
    .command('drill')
    .summary('measure how long a kill would take today')
    .description('Publishes the same kill list again, which changes no answer, and measures how it lands.')
    .addOption(reasonOption('kept in the audit log'))
    .addOption(timeoutOption())
    .action(act(drill))
  program
    .command('purge')
    .summary('let no edge use what it keeps of responses')
    .description(
      'For routes that keep responses at the edge. Waits until every location with traffic has it.',
    )
    .addOption(reasonOption('kept in the audit log'))
    .addOption(timeoutOption())
    .action(act(purge))
}

interface LandingOptions extends WatchOptions {
  readonly kill?: number
  readonly version?: number
}

async function landing(world: World, options: LandingOptions): Promise<unknown> {
  const session = openEnvironment(world)
  const { environment } = session
  const landings: Propagation[] = []
  for (const target of await targetsOf(session, options)) {
    const name = target.kind === 'kill' ? 'Kill list' : 'Document'
    world.output.line(`${name} of ${environment}, version ${target.version}:`)
    landings.push(await watchLanding(world, session, target, options, { environment, landings }))
  }
  return { environment, landings }
}

async function targetsOf(
  { api, path }: EnvironmentSession,
  { kill, version }: LandingOptions,
): Promise<Target[]> {
  if (kill !== undefined && version !== undefined)
    throw new UsageError('--kill and --version are two questions: ask one at a time')
  if (kill !== undefined) return [{ kind: 'kill', version: kill }]
  if (version !== undefined) return [{ kind: 'version', version }]
  const now = await bodyOf(api.GET('/api/v1/environments/{env}', { params: { path } }))
  const kills: Target[] = now.killsVersion === 0 ? [] : [{ kind: 'kill', version: now.killsVersion }]
  return [...kills, { kind: 'version', version: now.version }]
}

type ReasonedOptions = WatchOptions & { readonly reason?: string }

async function purge(world: World, options: ReasonedOptions): Promise<unknown> {
  const session = openEnvironment(world)
  const { api, environment, path } = session
  const query = queryOf(options)
  const { kill } = await bodyOf(api.POST('/api/v1/environments/{env}/purge', { params: { path, query } }))
  world.output.line(
    `Purged what edges keep of responses in ${environment}, by version ${kill} of the kill list.`,
  )
  const landing = await watchChange(world, session, { kind: 'kill', version: kill }, options, {
    environment,
    kill,
  })
  return { environment, kill, landing }
}

const queryOf = ({ reason }: ReasonedOptions) => (reason === undefined ? {} : { reason })

async function drill(world: World, options: ReasonedOptions): Promise<unknown> {
  const session = openEnvironment(world)
  const { api, environment, path } = session
  const query = queryOf(options)
  const { kill } = await bodyOf(api.POST('/api/v1/environments/{env}/drill', { params: { path, query } }))
  const { output } = world
  output.line(`Drill in ${environment}: the kill list again, as version ${kill}. No answer changes.`)
  const target: Target = { kind: 'kill', version: kill }
  const found = await watchChange(world, session, target, options, { environment, kill })
  const { timed, p50Ms, p99Ms } = found
  if (timed > 1 && p50Ms !== null && p99Ms !== null)
    output.line(`Half of the isolates had it after ${span(p50Ms)}, 99 % after ${span(p99Ms)}.`)
  return { environment, kill, landing: found }
}
