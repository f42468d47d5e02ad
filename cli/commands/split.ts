/** `turnout switch` and `turnout shift`: traffic moved in one command. */
import type { components } from '../../admin/api/openapi-types.d.ts'
import { canonicalFlag, type Flag, type ShortFlag } from '../../engine/index.ts'
import { type ChangeOptions, changeOf, changing } from '../change.ts'
import { answerOf, headerOf } from '../client.ts'
import { UsageError } from '../failure.ts'
import { flagSummary, rulesBefore } from '../flag-summary.ts'
import { option } from '../options.ts'
import type { Commands } from '../run.ts'
import { type EnvironmentSession, openEnvironment } from '../session.ts'
import { landed, patient, type WaitOptions } from '../watch.ts'
import { list } from '../words.ts'
import type { World } from '../world.ts'

type Options = WaitOptions & ChangeOptions
type Written = components['schemas']['Flag']

export const splitCommands: Commands = (program, act) => {
  const switching = program
    .command('switch')
    .summary('serve one variant to everybody: blue to green, and back')
    .description('For example: turnout switch route:shop green --from blue. Rules stay, and go first.')
    .argument('<target>', 'route:ID or flag:KEY')
    .argument('<variant>', 'what everybody gets')
    .addOption(option('--from <variant>', 'what it must be serving now'))
  patient(changing(switching)).action(act(switchTraffic))
  const shifting = program
    .command('shift')
    .summary('share traffic among variants by weight, or go back to the shares before')
    .description(
      'For example: turnout shift flag:live 1:90,2:10, then 2:100; turnout shift flag:live --previous goes back. Rules ' +
        'stay, and go first.',
    )
    .argument('<target>', 'route:ID or flag:KEY')
    .argument('[weights]', 'VARIANT:WEIGHT, separated by commas')
    .option('--previous', 'the shares before they last changed')
  patient(changing(shifting)).action(act(shiftTraffic))
}

async function switchTraffic(
  world: World,
  target: string,
  to: string,
  { from, ...options }: Options & { readonly from?: string },
): Promise<unknown> {
  const of = targetOf(target)
  const { note, headers } = changeOf(options)
  const session = openEnvironment(world)
  const { api, path } = session
  const body = { ...of, ...(from === undefined ? {} : { from }), to, ...note }
  const answer = await answerOf(
    api.POST('/api/v1/environments/{env}/switch', { params: { path }, headers, body }),
  )
  return said(world, session, target, answer, options)
}

async function shiftTraffic(
  world: World,
  target: string,
  weights: string | undefined,
  { previous = false, ...options }: Options & { readonly previous?: boolean },
): Promise<unknown> {
  if ((weights === undefined) !== previous)
    throw new UsageError('give either weights such as 1:90,2:10, or --previous')
  const of = targetOf(target)
  const { note, headers } = changeOf(options)
  const session = openEnvironment(world)
  const { api, path } = session
  const body = { ...of, ...(weights === undefined ? { previous: true as const } : { weights }), ...note }
  const answer = await answerOf(
    api.POST('/api/v1/environments/{env}/shift', { params: { path }, headers, body }),
  )
  return said(world, session, target, answer, options)
}

export function targetOf(target: string): { route: string } | { flag: string } {
  const [, kind, key] = /^(route|flag):(.+)$/.exec(target) ?? []
  if (kind === undefined || key === undefined)
    throw new UsageError(`TARGET must be route:ID or flag:KEY, got ${JSON.stringify(target)}`)
  return kind === 'route' ? { route: key } : { flag: key }
}

async function said(
  world: World,
  session: EnvironmentSession,
  target: string,
  answer: Parameters<typeof headerOf>[0] & { readonly value: Written },
  { wait = false, ...options }: Options,
): Promise<unknown> {
  const version = Number(headerOf(answer, 'x-turnout-version'))
  const flag = canonicalFlag(answer.value as Flag | ShortFlag)
  const { serves } = flagSummary('', flag, [])
  world.output.line(`${target} serves ${serves} in ${session.environment}, which is at version ${version}.`)
  const before = rulesBefore(flag)
  if (before.length > 0) world.output.line(`  Its rules go first: ${list(before, 'and')}.`)
  const result = { target, serves, version, flag: answer.value }
  return landed(world, session, { kind: 'version', version }, { ...options, wait }, result)
}
