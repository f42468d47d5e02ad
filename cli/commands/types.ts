/** `turnout types`: the flags of an environment as types, for programs that use the SDK. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { compile, type FlagDocument, readDocument } from '../../engine/index.ts'
import { bodyOf } from '../client.ts'
import { Failure, UsageError } from '../failure.ts'
import { readJson } from '../files.ts'
import { option } from '../options.ts'
import type { Commands } from '../run.ts'
import { openEnvironment } from '../session.ts'
import { flagTypes, typedFlags, typesDiffer } from '../types/flag-types.ts'
import { count } from '../words.ts'
import type { World } from '../world.ts'

export const typesCommands: Commands = (program, act) => {
  program
    .command('types')
    .summary("flags as TypeScript types, for the SDK's clients")
    .description(
      'Writes a file that tells the clients of @turnout/sdk which flags there are: an unknown key, another type, value or ' +
        'variant then does not compile. With --check it writes nothing, and fails if the file is not as it would be written.',
    )
    .addOption(option('--out <file>', 'where to write; default: standard output'))
    .option('--check', 'only compare with the file named by --out')
    .addOption(
      option('--file <file>', 'read a document from a file, - is standard input, without a control plane'),
    )
    .option('--client', 'only flags that browsers may see')
    .action(act(types))
}

interface TypesOptions {
  readonly out?: string
  readonly check?: boolean
  readonly file?: string
  readonly client?: boolean
}

async function types(world: World, options: TypesOptions): Promise<unknown> {
  const { out, check = false, file, client = false } = options
  if (check && out === undefined) throw new UsageError('--check needs --out, the file to look at')
  const { document, from, names } =
    file === undefined ? await readEnvironment(world) : await readFrom(file, world)
  const command = `turnout types ${from}${client ? ' --client' : ''}`
  const flags = typedFlags(document, client)
  const text = flagTypes(flags, command)
  if (out === undefined) {
    world.output.line(text.trimEnd())
    return { ...names, flags: flags.length, text }
  }
  const path = resolve(world.cwd, out)
  const written = await textOf(path, out)
  const differences = written === null ? [] : typesDiffer(written, text)
  const isCurrent = written !== null && differences.length === 0
  if (isCurrent) world.output.line(`${out} is up to date: ${count(flags.length, 'flag')}.`)
  else {
    for (const line of differences) world.output.line(`  ${line}`)
    if (check) throw new OutOfDate(written === null, `${command} --out ${out}`, out, differences)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
    world.output.line(`${out} is written: ${count(flags.length, 'flag')}.`)
  }
  return { ...names, flags: flags.length, out, changed: !isCurrent, differences }
}

/** What `--check` found. */
class OutOfDate extends Failure {
  override readonly result: object

  constructor(isMissing: boolean, command: string, out: string, differences: readonly string[]) {
    super(`${out} ${isMissing ? 'does not exist' : 'is out of date'}: write it with ${command}`)
    this.result = { out, differences }
  }
}

interface Source {
  readonly document: Partial<FlagDocument>
  /** The options that name it. */
  readonly from: string
  readonly names: object
}

async function readEnvironment(world: World): Promise<Source> {
  const { api, environment, path } = openEnvironment(world)
  const document = await bodyOf(api.GET('/api/v1/environments/{env}/document', { params: { path } }))
  return { document: document as Partial<FlagDocument>, from: `--env ${environment}`, names: { environment } }
}

async function readFrom(file: string, world: World): Promise<Source> {
  const document = await readJson(file, world)
  const compiled = compile(document, { environment: 'file', epoch: 0, version: 0, allowPrivateOrigins: true })
  if (!compiled.ok) throw new Failure(`${file} is no valid document`, compiled.error)
  const read = readDocument(document as Record<string, unknown>)
  return { document: read, from: `--file ${basename(file)}`, names: { file } }
}

/** As it was written, even where git has made CRLF of line ends; `null`: there is no such file. */
async function textOf(path: string, out: string): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).replaceAll('\r\n', '\n')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return null
    throw new Failure(`${out} cannot be read: ${message}`, [], { cause: error })
  }
}
