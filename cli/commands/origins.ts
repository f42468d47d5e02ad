/** `turnout origins`: what edges and health checks find of the origins, and edges told to forget it. */
import type { components } from '../../admin/api/openapi-types.d.ts'
import { isKillTarget } from '../../engine/index.ts'
import { breakable, type ChangeOptions, changeOf } from '../change.ts'
import { answerOf, bodyOf, headerOf } from '../client.ts'
import { confirmed } from '../confirm.ts'
import { UsageError } from '../failure.ts'
import { reasonOption } from '../options.ts'
import type { Commands } from '../run.ts'
import { openEnvironment } from '../session.ts'
import { table } from '../table.ts'
import { moment } from '../time.ts'
import { KILLS_HEADER, landed, type WaitOptions, waiting } from '../watch.ts'
import type { World } from '../world.ts'

type Breaker = components['schemas']['BreakerState']
type Health = components['schemas']['OriginHealth']

export const originCommands: Commands = (program, act) => {
  const origins = program.command('origins').summary('how the origins are')
  origins
    .command('list')
    .summary('circuit breakers as edges report them, and what health checks found')
    .action(act(listOrigins))
  const close = origins
    .command('close')
    .summary('send requests again at once: its circuit breaker begins anew')
    .description(
      'Closes the circuit breakers of an origin on every edge, for instance once it is repaired: what edges found of it is ' +
        'forgotten, and a kill of it ends. From then on they open by themselves as ever. turnout kill origin:ROUTE/VARIANT opens them.',
    )
    .argument('<origin>', 'ROUTE/VARIANT, or ROUTE/VARIANT/HOST of one member of its pool')
    .addOption(reasonOption('why; kept in the audit log').makeOptionMandatory())
  waiting(breakable(close)).action(act(closeBreakers))
}

interface CloseOptions extends WaitOptions, ChangeOptions {
  readonly reason: string
}

async function closeBreakers(world: World, origin: string, options: CloseOptions): Promise<unknown> {
  if (!isKillTarget(`origin:${origin}`))
    throw new UsageError(
      `ORIGIN must be ROUTE/VARIANT, as turnout origins list names it, got ${JSON.stringify(origin)}`,
    )
  const session = openEnvironment(world)
  const { api, environment, path } = session
  await confirmed(world, session, `Send requests to ${origin} again?`)
  const put = await answerOf(
    api.PUT('/api/v1/environments/{env}/breakers/{origin}', {
      params: { path: { ...path, origin } },
      headers: changeOf(options).headers,
      body: { state: 'closed', reason: options.reason },
    }),
  )
  world.output.line(
    `Closed ${origin} in ${environment}: it gets requests again, until its breaker finds otherwise.`,
  )
  const kills = Number(headerOf(put, KILLS_HEADER))
  return landed(world, session, { kind: 'kill', version: kills }, options, { breaker: put.value, kills })
}

async function listOrigins(world: World): Promise<unknown> {
  const { api, environment, path } = openEnvironment(world)
  const { output } = world
  const params = { params: { path } }
  const [breakers, checks] = await Promise.all([
    bodyOf(api.GET('/api/v1/environments/{env}/breakers', params)),
    bodyOf(api.GET('/api/v1/environments/{env}/health', params)),
  ])
  const health = new Map(checks.items.map((item) => [item.origin, item]))
  const traffic = new Map(breakers.items.map((item) => [item.origin, item]))
  const names = [...new Set([...traffic.keys(), ...health.keys()])].sort()
  if (names.length === 0)
    output.line(`No origin of ${environment} had traffic in the last minute, and none is checked.`)
  else
    for (const line of table([
      ['ORIGIN', 'BREAKER', 'ATTEMPTS', 'FAILED', 'P95', 'HEALTH', 'SINCE', 'LAST CHECK'],
      ...names.map((name) => [name, ...trafficCells(traffic.get(name)), ...healthCells(health.get(name))]),
    ]))
      output.line(line)
  return { breakers: breakers.items, health: checks.items }
}

function trafficCells(found: Breaker | undefined): string[] {
  if (found === undefined) return ['-', '0', '-', '-']
  const { state, attempts, failureRate, p95Ms, alert } = found
  return [
    state,
    String(attempts),
    failureRate === null ? '-' : `${(100 * failureRate).toFixed(1)} %${alert ? ' !' : ''}`,
    p95Ms === null ? '-' : `${p95Ms} ms`,
  ]
}

function healthCells(found: Health | undefined): string[] {
  if (found === undefined) return ['not checked', '', '']
  const { state, since, last } = found
  return [state, moment(since), last === null ? '-' : (last.problem ?? `answered ${last.status}`)]
}
