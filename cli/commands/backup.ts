/** `turnout backup create | verify | restore`: everything in a file, and back. */
import { openAsBlob } from 'node:fs'
import { resolve } from 'node:path'
import type { components } from '../../admin/api/openapi-types.d.ts'
import type { BackupReader } from '../../admin/backup/reader.ts'
import { checked, checkedFile, saved } from '../backup-file.ts'
import { type ChangeOptions, changeOf, changing } from '../change.ts'
import { bodyOf } from '../client.ts'
import { agreed } from '../confirm.ts'
import type { Commands } from '../run.ts'
import { openSession } from '../session.ts'
import { moment } from '../time.ts'
import { count, list } from '../words.ts'
import type { World } from '../world.ts'

type Restoration = components['schemas']['Restoration']
type RestoredObject = Restoration['objects'][number]

const NDJSON = 'application/x-ndjson'

export const backupCommands: Commands = (program, act) => {
  const backup = program
    .command('backup')
    .summary('everything in a file, and back')
    .description('Backups of everything, or with --env of one environment with its history and audit log.')
  backup
    .command('create')
    .summary('write a backup')
    .description(
      'Writes a backup of everything, or with --env of one environment. The file is there only when it is whole, and ' +
        'for its owner alone.',
    )
    .argument('[file]', 'a new file; default standard output')
    .action(act(create))
  backup
    .command('verify')
    .summary('is the file whole? Needs no control plane')
    .description(
      'Computes every hash anew, of the file and of the audit logs in it, and checks every record.',
    )
    .argument('<file>', 'a backup')
    .action(act(verify))
  const restoring = backup
    .command('restore')
    .summary('restore a backup')
    .description(
      'Shows what restoring would do, asks, and does it: all that is in the file, or with --env one environment. Kills ' +
        'that hold now stay, and those of the backup come back. The same command again does nothing again. Over an ' +
        'environment that is protected, or back past the point of no return of a migration, it needs --break-glass.',
    )
    .argument('<file>', 'a backup')
    .option('--dry-run', 'only show it')
  changing(restoring).action(act(restore))
}

async function create(world: World, file: string | undefined): Promise<unknown> {
  const { output, cwd, terminal } = world
  const bytes = await download(world)
  if (file === undefined) {
    // As it is, but not on a screen, which control characters could rewrite.
    await checked(bytes, 'the backup', async (line) =>
      terminal.screen ? output.line(line) : output.data(`${line}\n`),
    )
    return undefined
  }
  const reader = await saved(bytes, resolve(cwd, file), file)
  output.line(`Wrote ${file}: ${heldBy(reader)}.`)
  return { file, ...summary(reader) }
}

/** Records of which there are several, where an s is not enough. */
const MANY: Readonly<Record<string, string>> = { person: 'people', entity: 'entities', body: 'bodies' }

async function verify(world: World, file: string): Promise<unknown> {
  const reader = await checkedFile(resolve(world.cwd, file), file)
  const { madeAt, release } = reader.header!
  world.output.line(
    `${file} is whole: made ${moment(madeAt)} by ${release === null ? 'Turnout' : `Turnout ${release}`}.`,
  )
  for (const { name, head, counts } of reader.objects) {
    const others = Object.entries(counts).filter(([record]) => record !== 'audit')
    const held = others.map(([record, n]) => count(n, record, MANY[record])).join(', ')
    world.output.line(
      `  ${name}: ${count(head.seq, 'audit entry', 'audit entries')}${held === '' ? '' : `, ${held}`}`,
    )
  }
  return { file, ...summary(reader) }
}

interface RestoreOptions extends ChangeOptions {
  readonly dryRun?: boolean
}

async function restore(
  world: World,
  file: string,
  { dryRun = false, ...change }: RestoreOptions,
): Promise<unknown> {
  const { output, cwd } = world
  const { note, headers } = changeOf(change)
  const path = resolve(cwd, file)
  const reader = await checkedFile(path, file)
  const plan = await upload(world, path, { ...note, dryRun: 'true' })
  output.line(`${file}, made ${moment(reader.header!.madeAt)}:`)
  for (const line of plan.objects.flatMap(linesOf)) output.line(line)
  if (dryRun || plan.objects.every(({ outcome }) => outcome !== 'restored')) {
    output.line('Nothing was changed.')
    return plan
  }
  await agreed(world, 'A restore publishes at once', 'Restore it?')
  const done = await upload(world, path, note, headers)
  output.line(
    `Restored ${count(done.objects.filter(({ outcome }) => outcome === 'restored').length, 'object')}.`,
  )
  for (const line of advice(done)) output.line(line)
  return done
}

async function download(world: World): Promise<AsyncIterable<Uint8Array>> {
  const { api } = openSession(world)
  const { env } = world.common
  const how = { headers: { accept: NDJSON }, parseAs: 'stream' } as const
  const { data } =
    env === undefined
      ? await api.GET('/api/v1/backup', how)
      : await api.GET('/api/v1/environments/{env}/backup', { params: { path: { env } }, ...how })
  return data as unknown as AsyncIterable<Uint8Array>
}

async function upload(
  world: World,
  path: string,
  query: { readonly dryRun?: 'true'; readonly reason?: string },
  headers: Readonly<Record<string, string>> = {},
): Promise<Restoration> {
  const { api } = openSession(world)
  const { env } = world.common
  const how = {
    // From disk as it is sent; openapi-fetch would make JSON of it.
    body: (await openAsBlob(path)) as unknown as string,
    bodySerializer: (body: string) => body,
    headers: { 'content-type': NDJSON, ...headers },
  }
  return bodyOf(
    env === undefined
      ? api.PUT('/api/v1/backup', { params: { query }, ...how })
      : api.PUT('/api/v1/environments/{env}/backup', { params: { path: { env }, query }, ...how }),
  )
}

const summary = (reader: BackupReader) => ({
  madeAt: reader.header!.madeAt,
  sha256: reader.closing!.sha256,
  objects: reader.objects.map(({ name, counts, head }) => ({ object: name, counts, head })),
})

const heldBy = (reader: BackupReader): string =>
  `${list(
    reader.objects.map(({ name }) => name),
    'and',
  )}, ${count(reader.closing!.lines, 'line')}`

/** What restoring does to an object. */
function linesOf(restored: RestoredObject): string[] {
  const { object, outcome, log, version, epoch, history } = restored
  if (outcome === 'restored-already') return [`  ${object}: was just restored from this file`]
  if (outcome === 'all-here') return [`  ${object}: nothing that is not here`]
  const words = [
    ...(version === undefined ? [] : [`version ${version} under epoch ${epoch}`]),
    ...(history === 'kept' ? ['the versions between stay'] : []),
    ...(log?.imported ? [`${count(log.imported, 'audit entry', 'audit entries')} come back`] : []),
    ...(log?.carriedOver ? [`${log.carriedOver} that only this control plane has follow`] : []),
  ]
  return [
    `  ${object}: ${words.join('; ') || 'comes back'}`,
    ...details(restored).map((line) => `    ${line}`),
  ]
}

const DETAILS = {
  recovered: 'in force again: kill',
  over: 'its time is over: kill',
  notRun: 'its time has passed, and it does nothing: schedule',
  revoked: 'stays revoked: SDK key',
  tokens: 'let in again: token',
  people: 'let in again:',
  leftOut: 'stays out:',
  webhooks: 'there again, but disabled: webhook',
} as const

const details = (restored: RestoredObject): string[] => [
  ...(Object.keys(DETAILS) as (keyof typeof DETAILS)[]).flatMap((name) =>
    (restored[name] ?? []).map((value) => `${DETAILS[name]} ${value}`),
  ),
  ...(restored.warnings ?? []).map(({ path, message }) => `warning: ${path} ${message}`),
]

/** What somebody has to look after. */
function advice({ objects }: Restoration): string[] {
  const any = (name: keyof typeof DETAILS) => objects.some((restored) => (restored[name] ?? []).length > 0)
  return [
    ...(any('recovered')
      ? ['turnout kills list says what is killed; turnout restore TARGET ends a kill.']
      : []),
    ...(any('tokens')
      ? ['What was revoked after the backup was made is valid again: revoke it once more.']
      : []),
    ...(any('webhooks') ? ['Webhooks need their URL again, and a new secret.'] : []),
  ]
}
