/** `turnout audit list | verify | export`: what happened, and the proof that nothing was taken out of the log. */
import { type FileHandle, open } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { components } from '../../admin/api/openapi-types.d.ts'
import { bodyOf } from '../client.ts'
import type { Command } from '../command.ts'
import { Failure } from '../failure.ts'
import { option, pastTime, positive } from '../options.ts'
import { itemsOf } from '../pages.ts'
import type { Commands } from '../run.ts'
import { type ScopeOptions, scoped, scopeOf } from '../scope.ts'
import { openSession } from '../session.ts'
import { table } from '../table.ts'
import { moment } from '../time.ts'
import { count } from '../words.ts'
import type { World } from '../world.ts'

const SHOWN = 50

export const auditCommands: Commands = (program, act) => {
  const audit = program
    .command('audit')
    .summary('who did what, when, from where and why')
    .description(
      'The audit log of the environment that is meant, or with --all-envs of everything that the token may see; with --env ' +
        '@control-plane of what belongs to no environment.',
    )
  scoped(filtered(audit.command('list')))
    .summary('what happened, newest first')
    .addOption(option('--limit <n>', `how many; default ${SHOWN}`, positive))
    .action(act(listEntries))
  scoped(audit.command('verify')).summary('compute every hash anew: is the log whole?').action(act(verify))
  scoped(filtered(audit.command('export')))
    .summary('the log as NDJSON, oldest entries first')
    .addOption(option('--output <file>', 'where to; default standard output'))
    .action(act(exportEntries))
}

interface Filter extends ScopeOptions {
  readonly action?: string
  readonly subject?: string
  readonly actor?: string
  readonly from?: (nowMs: number) => string
  readonly to?: (nowMs: number) => string
}

const filtered = (command: Command): Command =>
  command
    .addOption(option('--action <name>', 'such as kill.placed, or kill.* for several'))
    .addOption(option('--subject <name>', 'such as flag:new-feature'))
    .addOption(option('--actor <name>', 'such as token:ci'))
    .addOption(
      option('--from <time>', 'no earlier than this: RFC 3339, a day (UTC), or 24h for a day ago', pastTime),
    )
    .addOption(option('--to <time>', 'earlier than this', pastTime))

async function listEntries(
  world: World,
  { limit = SHOWN, ...filter }: Filter & { readonly limit?: number },
): Promise<unknown> {
  const { api } = openSession(world)
  const within = chosen(world, filter)
  const entries = await itemsOf(
    (query) => bodyOf(api.GET('/api/v1/audit', { params: { query: { ...within, ...query } } })),
    limit,
  )
  if (entries.length === 0) world.output.line('There is no such entry.')
  else
    for (const line of table([
      ['AT', 'ENVIRONMENT', 'ACTION', 'SUBJECT', 'BY', 'REASON'],
      ...entries.map(({ at, environment, action, subject, actor, reason }) => [
        moment(at),
        environment ?? '',
        action,
        subject,
        actor,
        reason ?? '',
      ]),
    ]))
      world.output.line(line)
  return { entries }
}

async function verify(world: World, options: ScopeOptions): Promise<unknown> {
  const { api } = openSession(world)
  const found = await bodyOf(api.GET('/api/v1/audit/verify', { params: { query: scopeOf(world, options) } }))
  const broken = found.chains.flatMap(({ environment, broken }) =>
    broken === undefined
      ? []
      : [{ path: `${environment ?? 'the control plane'}, entry ${broken.seq}`, message: broken.problem }],
  )
  if (!found.valid) throw new BrokenLog(found, broken)
  world.output.line(
    `The audit log is whole: ${count(found.entries, 'entry', 'entries')} in ${count(found.chains.length, 'chain')}, every hash computed anew.`,
  )
  return found
}

/** The log is not what was written. */
class BrokenLog extends Failure {
  override readonly result: object

  constructor(
    found: components['schemas']['Verification'],
    broken: readonly { path: string; message: string }[],
  ) {
    super('the audit log was changed: keep it as it is, and find out who had access to the storage', broken)
    this.result = found
  }
}
async function exportEntries(
  world: World,
  { output: file, ...filter }: Filter & { readonly output?: string },
): Promise<unknown> {
  const { api } = openSession(world)
  const { data } = await api.GET('/api/v1/audit/export', {
    params: { query: chosen(world, filter) },
    headers: { accept: NDJSON },
    parseAs: 'stream',
  })
  const lines = wholeLines(data as unknown as AsyncIterable<Uint8Array>)
  if (file === undefined) {
    for await (const line of lines) await printed(line, world)
    return undefined
  }
  const entries = await saved(lines, resolve(world.cwd, file))
  world.output.line(`Exported ${count(entries, 'entry', 'entries')} to ${file}.`)
  return { file, entries }
}

/** As it is, so that hashes can be computed from it; but not on a screen, which control characters could rewrite. */
async function printed(line: string, { output, terminal }: World): Promise<void> {
  if (terminal.screen) output.line(line)
  else await output.data(`${line}\n`)
}

/** Into a new file; resolves with how many there were. */
async function saved(lines: AsyncIterable<string>, file: string): Promise<number> {
  let handle: FileHandle | undefined
  let entries = 0
  try {
    handle = await open(file, 'wx')
    for await (const line of lines) {
      await handle.write(`${line}\n`)
      entries++
    }
    return entries
  } catch (error) {
    if (error instanceof Failure) throw error
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'EEXIST' ? 'there is such a file already' : message
    throw new Failure(`${file} cannot be written: ${why}`, [], { cause: error })
  } finally {
    await handle?.close()
  }
}

/** Lines of a stream that ends with one; throws if it breaks off, as half a log must not pass for a whole one. */
async function* wholeLines(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for await (const part of stream) {
      const lines = (rest + decoder.decode(part, { stream: true })).split('\n')
      rest = lines.pop()!
      yield* lines
    }
  } catch (error) {
    throw new Failure(`the export broke off: ${(error as Error).message}`, [], { cause: error })
  }
  if (rest !== '') throw new Failure('the export broke off in the middle of an entry')
}

function chosen(world: World, { allEnvs = false, from, to, ...filter }: Filter) {
  const nowMs = world.nowMs()
  return {
    ...filter,
    ...(from && { from: from(nowMs) }),
    ...(to && { to: to(nowMs) }),
    ...scopeOf(world, { allEnvs }),
  }
}

const NDJSON = 'application/x-ndjson'
