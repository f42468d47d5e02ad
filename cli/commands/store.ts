/** `turnout store show | copy`: where documents live, and from there to elsewhere. */
import type { components } from '../../admin/api/openapi-types.d.ts'
import { type ChangeOptions, changeOf, changing } from '../change.ts'
import { bodyOf } from '../client.ts'
import { comparisonLines } from '../comparison.ts'
import { confirmed } from '../confirm.ts'
import { Failure, UsageError } from '../failure.ts'
import { option, type Read } from '../options.ts'
import type { Commands } from '../run.ts'
import { openEnvironment } from '../session.ts'
import { moment } from '../time.ts'
import type { World } from '../world.ts'

type Copy = components['schemas']['Copy']
type Request = components['schemas']['CopyRequest']
type Kind = Request['from']

const KINDS: readonly Kind[] = ['embedded', 'ssm', 'appconfig']

const kind: Read<Kind> = (text, name) => {
  const known = KINDS.find((each) => each === text)
  if (known !== undefined) return known
  throw new UsageError(`${name} must be embedded, ssm or appconfig, got ${JSON.stringify(text)}`)
}

export const storeCommands: Commands = (program, act) => {
  const store = program.command('store').summary('where documents live: in Turnout, or in AWS')
  store.command('show').summary('how the store is in which the document lives').action(act(showStore))
  const copy = store
    .command('copy')
    .summary('copy the document from one store to another')
    .description(
      'Shows what would change in the other store, then writes it, reads it again, and compares what both compile to: edges ' +
        'serve the same from either, or it says so. Both stores must be set up in the control plane.',
    )
    .addOption(option('--from <store>', 'what holds the document: embedded, ssm or appconfig', kind))
    .addOption(option('--to <store>', 'what is to hold it', kind))
    .option('--dry-run', 'show what would change, and change nothing')
  changing(copy).action(act(copyStore))
}

async function showStore(world: World): Promise<unknown> {
  const { api, environment, path } = openEnvironment(world)
  const { output } = world
  const { store } = await bodyOf(api.GET('/api/v1/environments/{env}', { params: { path } }))
  const { place, status, problem, since, errors, warnings, checkedAt } = store
  output.line(`The document of ${environment} lives in ${place ?? 'Turnout itself'}.`)
  if (checkedAt !== null) output.line(`Last looked at ${moment(checkedAt)}: ${status}.`)
  if (problem !== null) output.line(`Since ${moment(since!)}: ${problem}`)
  if (errors.length > 1) for (const { path, message } of errors) output.line(`  ${path} ${message}`)
  for (const { path, message } of warnings) output.note(`warning: ${path} ${message}`)
  return { environment, store }
}

interface CopyOptions extends ChangeOptions {
  readonly from?: Kind
  readonly to?: Kind
  readonly dryRun?: boolean
}

async function copyStore(
  world: World,
  { from, to, dryRun = false, ...options }: CopyOptions,
): Promise<unknown> {
  if (from === undefined || to === undefined) throw new UsageError('give --from and --to')
  const { note, headers } = changeOf(options)
  const session = openEnvironment(world)
  const { api, path } = session
  const { output } = world
  const copy = (body: Request): Promise<Copy> =>
    bodyOf(api.POST('/api/v1/environments/{env}/store/copy', { params: { path }, headers, body }))

  const preview = await copy({ from, to, dryRun: true })
  output.line(`From ${preview.from} to ${preview.to}:`)
  for (const line of comparisonLines(preview)) output.line(line)
  if (dryRun || preview.identical) {
    output.line(preview.identical ? 'Both compile to the same snapshot.' : 'Dry run: nothing was written.')
    return preview
  }
  await confirmed(world, session, `Copy this to ${preview.to}?`)
  const done = await copy({ from, to, dryRun: false, ...note })
  if (!done.identical)
    throw new Failure(`${done.to} was written, but what is there now does not compile to the same snapshot`)
  output.line(`Done: both compile to the same snapshot.`)
  return done
}
