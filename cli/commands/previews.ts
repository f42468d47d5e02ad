/** `turnout preview create | list | revoke | rotate-key`: links that show a variant before everybody gets it. */
import type { components } from '../../admin/api/openapi-types.d.ts'
import { answerOf, bodyOf, headerOf } from '../client.ts'
import { confirmed } from '../confirm.ts'
import { UsageError } from '../failure.ts'
import { duration, option, reasonOption } from '../options.ts'
import { itemsOf } from '../pages.ts'
import type { Commands } from '../run.ts'
import { type EnvironmentSession, openEnvironment } from '../session.ts'
import { table } from '../table.ts'
import { moment } from '../time.ts'
import { landed, type WaitOptions, waiting } from '../watch.ts'
import type { World } from '../world.ts'
import { targetOf } from './split.ts'

type Preview = components['schemas']['Preview']

interface NoteOptions {
  readonly reason?: string
}

export const previewCommands: Commands = (program, act) => {
  const previews = program.command('preview').summary('links that show a variant before everybody gets it')
  const create = previews
    .command('create')
    .summary('make a link; whoever opens it sees the variant')
    .description(
      'For example: turnout preview create route:shop green --host www.example.com --for 30m. Beats everything but a kill, ' +
        'for at most a day, and changes nothing for anybody else. The first of an environment waits until the edges know its key.',
    )
    .argument('<target>', 'route:ID or flag:KEY')
    .argument('<variant>', 'what it shows')
    .addOption(option('--host <host>', "the edge's host, with its port; default: the only one of edgeHosts"))
    .addOption(option('--path <path>', 'where the link leads; default /'))
    .addOption(option('--for <time>', 'how long it holds: 10m, 4h; default 1h, at most 1d', duration))
    .addOption(reasonOption())
  waiting(create).action(act(createPreview))
  previews.command('list').summary('previews that are not over, newest first').action(act(listPreviews))
  const revoke = previews
    .command('revoke')
    .summary('end a preview before its time')
    .argument('<id>', 'as list shows it')
    .addOption(reasonOption())
  waiting(revoke).action(act(revokePreview))
  const rotate = previews
    .command('rotate-key')
    .summary('sign with a new key; previews hold until their time is over')
    .option('--end-all', 'end all previews at once: the key may have become known')
    .addOption(reasonOption())
  waiting(rotate).action(act(rotateKey))
}

interface CreateOptions extends WaitOptions, NoteOptions {
  readonly host?: string
  readonly path?: string
  /** Milliseconds. */
  readonly for?: number
}

async function createPreview(
  world: World,
  target: string,
  variant: string,
  { host, path, for: lifeMs, reason, ...options }: CreateOptions,
): Promise<unknown> {
  if (lifeMs !== undefined && lifeMs % 1_000 !== 0) throw new UsageError('--for must be whole seconds')
  const of = targetOf(target)
  const session = openEnvironment(world)
  const body = {
    ...{ ...of, variant },
    ...(host === undefined ? {} : { host }),
    ...(path === undefined ? {} : { path }),
    ...(lifeMs === undefined ? {} : { ttlSeconds: lifeMs / 1_000 }),
    ...noteOf(reason),
  }
  const made = await answerOf(
    session.api.POST('/api/v1/environments/{env}/previews', {
      params: { path: session.path },
      // The API fills in what is left out.
      body: body as components['schemas']['PreviewRequest'],
    }),
  )
  const { id, url, cookie, expiresAt } = made.value
  const { output } = world
  output.line(`${target} serves ${variant} to whoever opens this link, until ${moment(expiresAt)}:`)
  output.line(`  ${url}`)
  output.line(`For scripts: -H 'cookie: ${cookie}'`)
  output.line(`To end it: turnout preview revoke ${id} --env ${session.environment}`)
  const isNews = made.headers.has('x-turnout-version')
  if (!isNews) return { environment: session.environment, preview: made.value }
  return landedAt(world, session, made, options, { preview: made.value })
}

async function listPreviews(world: World): Promise<unknown> {
  const { api, environment, path } = openEnvironment(world)
  const previews = await itemsOf((query) =>
    bodyOf(api.GET('/api/v1/environments/{env}/previews', { params: { path, query } })),
  )
  if (previews.length === 0) world.output.line(`There are no previews in ${environment}.`)
  else for (const line of tableOf(previews)) world.output.line(line)
  return { environment, previews }
}

const tableOf = (previews: readonly Preview[]): string[] =>
  table([
    ['ID', 'TARGET', 'VARIANT', 'HOST', 'UNTIL', 'BY', 'REASON'],
    ...previews.map(({ id, route, flag, variant, host, expiresAt, revokedAt, createdBy, reason }) => [
      id,
      route === null ? `flag:${flag}` : `route:${route}`,
      variant,
      host,
      revokedAt === null ? moment(expiresAt) : 'revoked',
      createdBy,
      reason ?? '',
    ]),
  ])

async function revokePreview(
  world: World,
  id: string,
  { reason, ...options }: WaitOptions & NoteOptions,
): Promise<unknown> {
  const session = openEnvironment(world)
  const { api, environment, path } = session
  const ended = await answerOf(
    api.DELETE('/api/v1/environments/{env}/previews/{id}', {
      params: { path: { ...path, id }, query: noteOf(reason) },
    }),
  )
  world.output.line(`Revoked preview ${id} of ${environment}.`)
  return landedAt(world, session, ended, options, { revoked: id })
}

async function rotateKey(
  world: World,
  { endAll = false, reason, ...options }: WaitOptions & NoteOptions & { readonly endAll?: boolean },
): Promise<unknown> {
  const session = openEnvironment(world)
  const { api, environment, path } = session
  if (endAll) await confirmed(world, session, 'End every preview?')
  const done = await answerOf(
    api.POST('/api/v1/environments/{env}/preview-key/rotate', {
      params: { path },
      body: { endAll, ...noteOf(reason) },
    }),
  )
  const others = endAll ? 'All others are over.' : 'Those made before hold until their time is over.'
  world.output.line(`Previews of ${environment} are signed with a new key. ${others}`)
  return landedAt(world, session, done, options, { rotated: true, endedAll: endAll })
}

const noteOf = (reason: string | undefined) => (reason === undefined ? {} : { reason })

function landedAt(
  world: World,
  session: EnvironmentSession,
  answer: Parameters<typeof headerOf>[0],
  options: WaitOptions,
  result: object,
): Promise<unknown> {
  const version = Number(headerOf(answer, 'x-turnout-version'))
  return landed(world, session, { kind: 'version', version }, options, { ...result, version })
}
