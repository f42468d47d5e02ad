/** `turnout origins`: what edges and health checks find of the origins. */
import type { components } from '../../admin/api/openapi-types.d.ts'
import { bodyOf } from '../client.ts'
import type { Commands } from '../run.ts'
import { openEnvironment } from '../session.ts'
import { table } from '../table.ts'
import { moment } from '../time.ts'
import type { World } from '../world.ts'

type Breaker = components['schemas']['BreakerState']
type Health = components['schemas']['OriginHealth']

export const originCommands: Commands = (program, act) => {
  const origins = program.command('origins').summary('how the origins are')
  origins
    .command('list')
    .summary('circuit breakers as edges report them, and what health checks found')
    .action(act(listOrigins))
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
