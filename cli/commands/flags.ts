/** `turnout flags list | get | set | toggle | explain`. */
import { isDeepStrictEqual } from 'node:util'
import type { components } from '../../admin/api/openapi-types.d.ts'
import { type CanonicalFlag, FLAG_KINDS, type FlagKind } from '../../engine/index.ts'
import { assignments } from '../assignments.ts'
import { type ChangeOptions, changeOf, changing } from '../change.ts'
import { answerOf, bodyOf, headerOf, withAdvice } from '../client.ts'
import { differences } from '../differences.ts'
import { UsageError } from '../failure.ts'
import { readJson } from '../files.ts'
import { flagSummary } from '../flag-summary.ts'
import { option, type Read } from '../options.ts'
import { itemsOf } from '../pages.ts'
import { withRules } from '../rule-changes.ts'
import type { Commands } from '../run.ts'
import { type EnvironmentSession, openEnvironment } from '../session.ts'
import { table } from '../table.ts'
import { moment } from '../time.ts'
import { landed, patient, type WaitOptions } from '../watch.ts'
import { list } from '../words.ts'
import type { World } from '../world.ts'
import { killsOf } from './kill.ts'

export const flagCommands: Commands = (program, act) => {
  const flags = program.command('flags').summary('list, read, change and explain flags')
  flags
    .command('list')
    .summary('flags, with what is killed')
    .addOption(option('--tag <tag>', 'with this tag'))
    .addOption(option('--owner <owner>', 'of this owner'))
    .addOption(option('--kind <kind>', `of this kind: ${list([...FLAG_KINDS])}`, flagKind))
    .option('--enabled', 'switched on')
    .option('--disabled', 'switched off')
    .option('--stale', 'past their use, and why')
    .addOption(option('--search <text>', 'part of the key or of the description'))
    .action(act(listFlags))
  flags
    .command('get')
    .summary('one flag as it is written')
    .argument('<key>', 'key of the flag')
    .option('--full', 'in canonical form, short forms written out')
    .action(act(getFlag))
  const set = flags
    .command('set')
    .summary('change fields of a flag, or create one')
    .description(
      'Changes fields of a flag: turnout flags set new-feature percentage=75 owner=checkout. A value is JSON, or else a ' +
        'text; null removes the field. rules.ID.FIELD is a field of one rule: rules.ten-percent.percentage=50. --file ' +
        'writes the whole flag. If somebody else changes the flag in between, nothing is written.',
    )
    .argument('<key>', 'key of the flag')
    .argument('[changes...]', 'FIELD=VALUE')
    .addOption(option('--file <file>', 'the whole flag as JSON; - is standard input'))
    .option('--create', 'the flag is new')
  patient(changing(set)).action(act(setFlag))
  const toggle = flags
    .command('toggle')
    .summary('switch a flag on or off')
    .argument('<key>', 'key of the flag')
    .argument('<state>', 'on or off')
  patient(changing(toggle)).action(act(toggleFlag))
  flags
    .command('explain')
    .summary('why a flag decides as it does for somebody')
    .description(
      'Evaluates a flag step by step: turnout flags explain new-feature --key user1 geo.country=DE. A value is JSON, or ' +
        'else a text.',
    )
    .argument('<flag>', 'key of the flag')
    .argument('[attributes...]', 'ATTRIBUTE=VALUE')
    .addOption(option('--key <key>', 'targeting key: for whom'))
    .action(act(explainFlag))
}

const flagKind: Read<FlagKind> = (text, name) => {
  const kind = FLAG_KINDS.find((each) => each === text)
  if (kind !== undefined) return kind
  throw new UsageError(`${name} must be ${list([...FLAG_KINDS])}, got ${JSON.stringify(text)}`)
}

interface ListOptions {
  readonly tag?: string
  readonly owner?: string
  readonly kind?: FlagKind
  readonly enabled?: boolean
  readonly disabled?: boolean
  readonly stale?: boolean
  readonly search?: string
}

async function listFlags(world: World, options: ListOptions): Promise<unknown> {
  if (options.enabled && options.disabled) throw new UsageError('give --enabled or --disabled, not both')
  const { api, environment, path } = openEnvironment(world)
  const [flags, kills] = await Promise.all([
    itemsOf((query) =>
      bodyOf(
        api.GET('/api/v1/environments/{env}/flags', {
          params: { path, query: { ...query, ...wordsOf(options), form: 'full' } },
        }),
      ),
    ),
    killsOf(api, path),
  ])
  const rows = flags.map(({ key, version, flag, stale }) => {
    const full = flag as CanonicalFlag
    return { key, version, flag: full, ...flagSummary(key, full, kills), ...(stale ? { stale } : {}) }
  })
  const such = Object.keys(wordsOf(options)).length > 0 ? 'such ' : ''
  if (rows.length === 0) world.output.line(`There are no ${such}flags in ${environment}.`)
  else
    for (const line of table([
      ['FLAG', 'STATE', 'SERVES', 'KIND', 'OWNER', 'CHANGED', ...(options.stale ? ['STALE'] : [])],
      ...rows.map(({ key, state, serves, flag, version, stale }) => [
        key,
        state,
        serves,
        flag.kind ?? '',
        flag.owner ?? '',
        `v${version}`,
        ...(stale ? [stale.detail] : []),
      ]),
    ]))
      world.output.line(line)
  return { environment, flags: rows }
}

/** The options as the API names them. */
const wordsOf = ({ tag, owner, kind, enabled, disabled, stale, search }: ListOptions) => ({
  ...(tag === undefined ? {} : { tag }),
  ...(owner === undefined ? {} : { owner }),
  ...(kind === undefined ? {} : { kind }),
  ...(enabled ? { enabled: 'true' as const } : {}),
  ...(disabled ? { enabled: 'false' as const } : {}),
  ...(stale ? { stale: 'true' as const } : {}),
  ...(search === undefined ? {} : { q: search }),
})

async function getFlag(world: World, key: string, { full = false }: { full?: boolean }): Promise<unknown> {
  const session = openEnvironment(world)
  const { api, environment, path } = session
  const { output } = world
  const [written, canonical, kills] = await Promise.all([
    readFlag(session, key, 'written'),
    readFlag(session, key, 'full'),
    killsOf(api, path),
  ])
  const version = versionIn(written.etag)
  const flag = full ? canonical.flag : written.flag
  const summary = flagSummary(key, canonical.flag as CanonicalFlag, kills)
  output.line(
    `${key} in ${environment}: ${summary.state}, serves ${summary.serves}. Last changed in version ${version}.`,
  )
  const kill = kills.find(({ target }) => target === summary.killedBy)
  if (kill !== undefined)
    output.line(`Killed by ${kill.target} at ${moment(kill.createdAt)}, ${kill.actor}: ${kill.reason}`)
  output.line(JSON.stringify(flag, null, 2))
  return { environment, key, version, flag, state: summary.state, serves: summary.serves, kill: kill ?? null }
}

interface SetOptions extends WaitOptions, ChangeOptions {
  readonly file?: string
  readonly create?: boolean
}

async function setFlag(
  world: World,
  key: string,
  changes: readonly string[],
  options: SetOptions,
): Promise<unknown> {
  const { file, create = false } = options
  if ((file === undefined) === (changes.length === 0))
    throw new UsageError('give either changes such as percentage=75, or --file')
  const { note, headers } = changeOf(options)
  const fields = file === undefined ? assignments(changes) : null
  const given = fields ?? (await readJson(file!, world))
  const session = openEnvironment(world)
  const { api, environment, path } = session
  const { output } = world
  const before = create
    ? null
    : await withAdvice(404, 'A new flag takes --create.', () => readFlag(session, key, 'written'))
  const wanted = fields === null ? given : withRules(fields, before?.flag)
  const request = {
    headers,
    params: {
      path: { ...path, key },
      query: note,
      header: before === null ? { 'if-none-match': '*' } : { 'if-match': before.etag },
    },
  }
  const address = '/api/v1/environments/{env}/flags/{key}'
  const whole = file !== undefined || create
  const answer = await answerOf<unknown>(
    whole
      ? api.PUT(address, { ...request, body: wanted as Written })
      : api.PATCH(address, { ...request, body: wanted as Record<string, unknown> }),
  )
  const version = Number(headerOf(answer, VERSION_HEADER))
  const after = answer.value
  if (before !== null && isDeepStrictEqual(before.flag, after))
    output.line(`Nothing to change: ${environment} stays at version ${version}.`)
  else {
    const change = before === null ? JSON.stringify(after) : differences(before.flag, after).join(', ')
    output.line(`  ${before === null ? '+' : '~'} ${key}  ${change}`)
    output.line(`Done: ${environment} is at version ${version}.`)
  }
  const result = { key, version, before: before?.flag ?? null, after }
  return landedIfAsked(world, session, version, options, result)
}

async function toggleFlag(
  world: World,
  key: string,
  state: string,
  options: WaitOptions & ChangeOptions,
): Promise<unknown> {
  if (state !== 'on' && state !== 'off')
    throw new UsageError(`STATE must be on or off, got ${JSON.stringify(state)}`)
  const { note, headers } = changeOf(options)
  const session = openEnvironment(world)
  const { api, environment, path } = session
  const answer = await answerOf(
    api.POST('/api/v1/environments/{env}/flags/{key}/toggle', {
      params: { path: { ...path, key } },
      headers,
      body: { enabled: state === 'on', ...note },
    }),
  )
  const version = Number(headerOf(answer, VERSION_HEADER))
  world.output.line(`${key} is ${state} in ${environment}, which is at version ${version}.`)
  const result = { key, enabled: state === 'on', version, flag: answer.value }
  return landedIfAsked(world, session, version, options, result)
}

async function explainFlag(
  world: World,
  flag: string,
  attributes: readonly string[],
  { key }: { readonly key?: string },
): Promise<unknown> {
  const context = { ...(key === undefined ? {} : { targetingKey: key }), ...assignments(attributes) }
  const { api, environment, path } = openEnvironment(world)
  const { output } = world
  const explanation = await bodyOf(
    api.POST('/api/v1/environments/{env}/evaluate', { params: { path }, body: { flag, context } }),
  )
  const { decision, steps } = explanation
  const { variant, value, reason, errorCode, version, killVersion } = decision
  const decided = errorCode === null ? `${variant} (${JSON.stringify(value)})` : errorCode
  output.line(`${flag} in ${environment}: ${decided}, ${reason}; version ${version}, kills ${killVersion}`)
  const rows = steps.map(({ decided, step, detail }) => [decided ? '→' : ' ', step, detail])
  for (const line of table(rows)) output.line(line)
  return { environment, context, ...explanation }
}

const landedIfAsked = (
  world: World,
  session: EnvironmentSession,
  version: number,
  { wait = false, ...options }: WaitOptions,
  result: object,
): Promise<unknown> => landed(world, session, { kind: 'version', version }, { ...options, wait }, result)

type Written = components['schemas']['Flag']

interface HeldFlag {
  readonly flag: Written
  /** Version in which it last changed. */
  readonly etag: string
}

async function readFlag(
  { api, path }: EnvironmentSession,
  key: string,
  form: 'written' | 'full',
): Promise<HeldFlag> {
  const answer = await answerOf(
    api.GET('/api/v1/environments/{env}/flags/{key}', {
      params: { path: { ...path, key }, query: { form } },
    }),
  )
  return { flag: answer.value, etag: headerOf(answer, 'etag') }
}

/** `"v12"` → 12 */
const versionIn = (etag: string): number => Number(etag.replace(/\D/g, ''))

/** Header of every edit's answer: the environment's version that holds it. */
const VERSION_HEADER = 'x-turnout-version'
