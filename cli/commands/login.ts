/** `turnout login`, `logout`, `whoami` and `context`: which control plane, as whom. A token is never an argument. */
import type { components } from '../../admin/api/openapi-types.d.ts'
import { bodyOf, connect } from '../client.ts'
import { addressOf, type Connection, connectionOf, contextNamed, isLoopback, usable } from '../connection.ts'
import { type Context, type Contexts, contextsFile, readContexts, writeContexts } from '../contexts.ts'
import { Failure, UsageError } from '../failure.ts'
import type { Commands } from '../run.ts'
import { table } from '../table.ts'
import { list } from '../words.ts'
import type { World } from '../world.ts'

type Principal = components['schemas']['Principal']

export const loginCommands: Commands = (program, act) => {
  program
    .command('login')
    .summary('check a token and keep it, with its control plane and environment')
    .description(
      'Checks a token and keeps it for later commands, readable by you alone. It is typed when asked for, unseen, or ' +
        'read from standard input: turnout login --url https://… --env prod < token-file\n\n' +
        '--env names the environment that later commands mean, --context the name to keep it under (default: the host).',
    )
    .action(act(login))
  program
    .command('logout')
    .summary('forget a token')
    .description('Forgets the token of --context, or of the last login.')
    .action(act(logout))
  program.command('whoami').summary('as whom commands act, where, and what that may do').action(act(whoami))

  const context = program.command('context').summary('the control planes that were logged in to')
  context.command('list').summary('all of them; * is the one that commands mean').action(act(listContexts))
  context
    .command('use')
    .summary('choose the one that commands mean')
    .argument('<name>', 'as context list shows it')
    .action(act(useContext))
}

async function login(world: World): Promise<unknown> {
  const { common, configHome, output } = world
  if (common.token !== undefined)
    throw new UsageError(
      'login takes no --token, which all on this machine could see: type it when asked, or pipe it in',
    )
  const stored = readContexts(configHome)
  const url = urlOf(world, stored)
  const token = await askedToken(world, url)
  const principal = await checked(world, { url, token, tokenFrom: 'what was entered' }, common.env)

  const name = common.context ?? new URL(url).host
  const context: Context = { url, token, ...(common.env === undefined ? {} : { environment: common.env }) }
  writeContexts(configHome, { current: name, contexts: { ...stored.contexts, [name]: context } })
  output.line(`Logged in to ${url} as ${described(principal)}.`)
  output.line(
    common.env === undefined
      ? 'No environment was named: give --env to each command, or log in with it.'
      : `Commands mean environment ${common.env} from now on.`,
  )
  output.line(`Kept as context ${JSON.stringify(name)} in ${contextsFile(configHome)}.`)
  return { context: name, url, environment: common.env ?? null, ...principal }
}

async function logout({ common, configHome, output }: World): Promise<unknown> {
  const { current, contexts } = readContexts(configHome)
  const wanted = common.context ?? current
  if (wanted === null) {
    output.line('Nobody is logged in.')
    return { context: null }
  }
  const { context, named } = contextNamed(wanted, { current, contexts })
  const { [named]: _, ...others } = contexts
  // Never on to another one by itself: the next command would act where nobody expects it.
  writeContexts(configHome, { current: current === named ? null : current, contexts: others })
  output.line(`Forgot the token for ${context.url}. It is still valid until it is revoked.`)
  return { context: named, url: context.url }
}

async function whoami(world: World): Promise<unknown> {
  const { output } = world
  const connection = connectionOf(world)
  output.hide(connection.token)
  const principal = await bodyOf(connect(connection, world).GET('/api/v1/whoami'))
  output.line(described(principal))
  output.line(`at ${connection.url}, by the token from ${connection.tokenFrom}`)
  return { ...principal, url: connection.url, tokenFrom: connection.tokenFrom }
}

async function listContexts({ configHome, output }: World): Promise<unknown> {
  const { current, contexts } = readContexts(configHome)
  const entries = Object.entries(contexts)
  if (entries.length === 0) output.line('Nobody is logged in: turnout login --url URL does that.')
  const rows = entries.map(([name, { url, environment }]) => [
    name === current ? '*' : ' ',
    name,
    environment ?? '(no environment)',
    url,
  ])
  for (const line of table(rows)) output.line(line)
  return {
    current,
    contexts: entries.map(([name, { url, environment = null }]) => ({ name, url, environment })),
  }
}

async function useContext({ configHome, output }: World, name: string): Promise<unknown> {
  const stored = readContexts(configHome)
  const { context } = contextNamed(name, stored)
  writeContexts(configHome, { ...stored, current: name })
  const { url, environment = null } = context
  output.line(`Commands mean ${environment === null ? url : `${environment} at ${url}`} from now on.`)
  return { name, url, environment }
}

/** Of `--url`, TURNOUT_URL, or a context that is logged in to again. */
function urlOf({ common, env }: World, { contexts }: Contexts): string {
  const name = common.url === undefined ? 'TURNOUT_URL' : '--url'
  const known = common.context !== undefined && Object.hasOwn(contexts, common.context)
  const given = common.url ?? (known ? contexts[common.context!]!.url : env.TURNOUT_URL || undefined)
  if (given === undefined)
    throw new UsageError(
      '--url is missing: the address of the control plane, such as https://flags.example.com',
    )
  const url = addressOf(name, given)
  if (!url.startsWith('https:') && !isLoopback(url))
    throw new UsageError(
      `${name} must be https, else the token would travel readable; http is for this machine`,
    )
  return url
}

async function askedToken({ terminal, output }: World, url: string): Promise<string> {
  const text = terminal.answers
    ? await terminal.ask(`Token for ${url}: `, { secret: true })
    : await terminal.read()
  const token = text?.trim() ?? ''
  output.hide(token)
  if (token === '')
    throw new Failure(
      `no token was given: type it when asked, or pipe it in: turnout login --url ${url} < token-file`,
    )
  return usable(token)
}

/** Whose token it is, once the control plane has taken it and knows the environment. */
async function checked(
  world: World,
  connection: Connection,
  environment: string | undefined,
): Promise<Principal> {
  const api = connect(connection, world)
  const principal = await bodyOf(api.GET('/api/v1/whoami'))
  if (environment !== undefined)
    await bodyOf(api.GET('/api/v1/environments/{env}', { params: { path: { env: environment } } }))
  return principal
}

/** `token:ci (operator, in environment prod)` */
function described({ id, role, projects, environments }: Principal): string {
  const within = [
    ...(projects === null ? [] : [`in project ${list(projects)}`]),
    ...(environments === null ? [] : [`in environment ${list(environments)}`]),
  ]
  return `${id} (${[role, ...(within.length === 0 ? ['everywhere'] : within)].join(', ')})`
}
