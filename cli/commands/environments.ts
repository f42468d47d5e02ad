/** `turnout env list | create`. */
import { bodyOf } from '../client.ts'
import { reasonOption } from '../options.ts'
import { itemsOf } from '../pages.ts'
import type { Commands } from '../run.ts'
import { openSession } from '../session.ts'
import { table } from '../table.ts'
import { moment } from '../time.ts'
import type { World } from '../world.ts'

export const environmentCommands: Commands = (program, act) => {
  const env = program.command('env').summary('environments')
  env.command('list').summary('all environments').action(act(listEnvironments))
  env
    .command('create')
    .summary('a new, empty environment')
    .argument('<name>', 'ENV, or PROJECT.ENV')
    .option('--edge-host <host...>', 'host names of its edge, which must not be origins')
    .addOption(reasonOption())
    .action(act(createEnvironment))
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
      ['ENVIRONMENT', 'CREATED', 'EDGE HOSTS'],
      ...environments.map(({ name, open, createdAt, edgeHosts }) => [
        name,
        moment(createdAt),
        open ? 'open: a local run' : edgeHosts.join(', '),
      ]),
    ]))
      world.output.line(line)
  return { environments }
}

async function createEnvironment(
  world: World,
  name: string,
  { edgeHost = [], reason }: { readonly edgeHost?: string[]; readonly reason?: string },
): Promise<unknown> {
  const { api } = openSession(world)
  const environment = await bodyOf(
    api.PUT('/api/v1/environments/{env}', {
      params: {
        path: { env: name },
        query: reason === undefined ? {} : { reason },
        header: { 'if-none-match': '*' },
      },
      body: { edgeHosts: edgeHost },
    }),
  )
  world.output.line(`Created ${name}, with an empty document.`)
  return environment
}
