/** `turnout kill`, `restore` and `kills list`: the kill switch. */
import type { components } from '../../admin/api/openapi-types.d.ts'
import { isKillTarget, type KillTarget } from '../../engine/index.ts'
import { breakable, type ChangeOptions, changeOf, changing } from '../change.ts'
import { type AdminApi, answerOf, bodyOf, headerOf } from '../client.ts'
import { confirmed } from '../confirm.ts'
import { UsageError } from '../failure.ts'
import { duration, option, reasonOption } from '../options.ts'
import { itemsOf } from '../pages.ts'
import type { Commands } from '../run.ts'
import { openEnvironment } from '../session.ts'
import { table } from '../table.ts'
import { moment } from '../time.ts'
import { KILLS_HEADER, landed, type WaitOptions, waiting } from '../watch.ts'
import type { World } from '../world.ts'

type Placed = components['schemas']['Kill']
export type Kill = Placed & { readonly target: KillTarget }

const WAITS =
  'Then waits until every location with traffic has it: exit code 0 says that they have, 3 that they have not in time.'

const TARGETS = 'flag:KEY, route:ID, tag:NAME, origin:ROUTE/VARIANT, all-routes or all-flags'

export const killCommands: Commands = (program, act) => {
  const kill = program
    .command('kill')
    .summary('switch something off everywhere, at once')
    .description(
      'Kills a flag, a route, all flags with a tag, all routes or all flags: they serve their off variant, whatever the ' +
        `document says. Needs no approval and works even if the document is broken. ${WAITS}`,
    )
    .argument('<target>', TARGETS)
    .addOption(reasonOption('why; kept in the audit log').makeOptionMandatory())
    .addOption(option('--variant <name>', 'what to serve in place of the off variant'))
    .addOption(option('--expires <time>', 'when the kill ends: 30m, 4h, 2d', duration))
    .addOption(
      option('--on-expiry <what>', 'restore (default), or extend: hold for the same time again', onExpiry),
    )
  waiting(breakable(kill)).action(act(placeKill))
  const restore = program
    .command('restore')
    .summary('end a kill')
    .description(`Ends a kill: what was killed serves again what the document says. ${WAITS}`)
    .argument('<target>', TARGETS)
  waiting(changing(restore)).action(act(endKill))
  const kills = program.command('kills').summary('what is killed')
  kills.command('list').summary('the kills that hold now, newest first').action(act(listKills))
}

interface KillOptions extends WaitOptions, ChangeOptions {
  readonly reason: string
  readonly variant?: string
  /** Milliseconds from now. */
  readonly expires?: number
  readonly onExpiry?: 'restore' | 'extend'
}

async function placeKill(world: World, target: string, options: KillOptions): Promise<unknown> {
  checkTarget(target, 'kill')
  const { reason, variant, expires, onExpiry: then } = options
  if (then !== undefined && expires === undefined) throw new UsageError('--on-expiry needs --expires')
  const { output, nowMs } = world
  const session = openEnvironment(world)
  const { api, environment, path } = session
  const put = await answerOf(
    api.PUT('/api/v1/environments/{env}/kills/{target}', {
      params: { path: { ...path, target } },
      headers: changeOf(options).headers,
      body: {
        reason,
        ...(variant === undefined ? {} : { variant }),
        ...(expires === undefined ? {} : { expiresAt: new Date(nowMs() + expires).toISOString() }),
        ...(then === undefined ? {} : { onExpiry: then }),
      },
    }),
  )
  const effect = target.startsWith('origin:')
    ? 'its requests go to its fallback'
    : `${whatOf(target)} serves ${servedBy(put.value)}`
  output.line(`Killed ${target} in ${environment}: ${effect}, ${untilOf(put.value)}.`)
  const [, tag] = /^tag:(.*)$/.exec(target) ?? []
  if (tag !== undefined) output.line(`Which flags: turnout flags list --tag ${tag} --env ${environment}`)
  output.line(`To end it: turnout restore ${target} --env ${environment}`)
  const kills = Number(headerOf(put, KILLS_HEADER))
  return landed(world, session, { kind: 'kill', version: kills }, options, { kill: put.value, kills })
}

async function endKill(world: World, target: string, options: WaitOptions & ChangeOptions): Promise<unknown> {
  checkTarget(target, 'restore')
  const { note, headers } = changeOf(options)
  const session = openEnvironment(world)
  const { api, environment, path } = session
  await confirmed(world, session, `Restore ${target}?`)
  const removed = await answerOf(
    api.DELETE('/api/v1/environments/{env}/kills/{target}', {
      params: { path: { ...path, target }, query: note },
      headers,
    }),
  )
  const effect = target.startsWith('origin:')
    ? 'it gets requests again'
    : `${whatOf(target)} serves what the document says`
  world.output.line(`Restored ${target} in ${environment}: ${effect}.`)
  const kills = Number(headerOf(removed, KILLS_HEADER))
  return landed(world, session, { kind: 'kill', version: kills }, options, { restored: target, kills })
}

async function listKills(world: World): Promise<unknown> {
  const { api, environment, path } = openEnvironment(world)
  const kills = await killsOf(api, path)
  if (kills.length === 0) world.output.line(`Nothing is killed in ${environment}.`)
  else
    for (const line of table([
      ['TARGET', 'SERVES', 'SINCE', 'UNTIL', 'BY', 'REASON'],
      ...kills.map((each) => [
        each.target,
        servedBy(each),
        moment(each.createdAt),
        each.expiresAt === undefined ? 'restored' : moment(each.expiresAt),
        each.actor,
        each.reason,
      ]),
    ]))
      world.output.line(line)
  return { environment, kills }
}

/** Every kill that holds. */
export const killsOf = (api: AdminApi, path: { readonly env: string }): Promise<Kill[]> =>
  itemsOf((query) =>
    bodyOf(api.GET('/api/v1/environments/{env}/kills', { params: { path, query } })),
  ) as Promise<Kill[]>

/** A tag and `all-…` name many. */
const whatOf = (target: string): string => (/^(tag:|all-)/.test(target) ? 'everything it names' : 'it')

const servedBy = ({ variant }: Placed): string =>
  variant === undefined ? 'its off variant' : JSON.stringify(variant)

function untilOf({ expiresAt, onExpiry: then }: Placed): string {
  if (expiresAt === undefined) return 'until it is restored'
  return then === 'extend'
    ? `extended at ${moment(expiresAt)} and again until it is restored`
    : `until ${moment(expiresAt)}`
}

function onExpiry(text: string, name: string): 'restore' | 'extend' {
  if (text === 'restore' || text === 'extend') return text
  throw new UsageError(`${name} must be restore or extend, got ${JSON.stringify(text)}`)
}

/** Said here, with the command to type instead: at 3 a.m. nobody wants to read about targets. */
function checkTarget(target: string, command: string): void {
  if (isKillTarget(target)) return
  const meant = meantBy(target, command)
  throw new UsageError(`TARGET must be ${TARGETS}, got ${JSON.stringify(target)}${meant}`)
}

/** What somebody who wrote that may have wanted. */
function meantBy(target: string, command: string): string {
  if (command === 'restore' && /[/\\]|\.(?:nd)?json(?:l)?$/.test(target))
    return `; to restore a backup: turnout backup restore ${target}`
  return isKillTarget(`flag:${target}`) ? `; for the flag: turnout ${command} flag:${target}` : ''
}
