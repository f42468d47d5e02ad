/** Runs what a command line asks for, and answers with an exit code. Throws only what is a bug. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CommanderError } from 'commander'
import { Command } from './command.ts'
import { EXIT } from './exit.ts'
import { Failure, showFinding, UsageError } from './failure.ts'
import { option } from './options.ts'
import { createOutput, type Output, type Streams } from './output.ts'
import type { CommonOptions, Host, World } from './world.ts'

/** What a command does, given its arguments and then its options. Resolves with what `--json` prints. Throws `Failure`. */
export type Work<Args extends unknown[]> = (world: World, ...args: Args) => Promise<unknown>

/** Makes commander's action of a command's work. */
export type Act = <Args extends unknown[]>(work: Work<Args>) => (...given: unknown[]) => Promise<void>

/** Adds a group of commands to the program. */
export type Commands = (program: Command, act: Act) => void

/** Variables whose values are never printed. */
const SECRETS = ['TURNOUT_ADMIN_TOKEN', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']

export async function run(
  args: readonly string[],
  groups: readonly Commands[],
  host: Host & Streams,
): Promise<number> {
  const output = createOutput(host)
  for (const name of SECRETS) output.hide(host.env[name])
  let code: number = EXIT.done
  const act: Act =
    <Args extends unknown[]>(work: Work<Args>) =>
    async (...given) => {
      const command = given.pop() as Command
      const common: CommonOptions = command.optsWithGlobals()
      output.hide(common.token)
      const world: World = { ...host, common, output: common.json ? quiet(output) : output }
      try {
        code = await carryOut(() => work(world, ...(given as Args)), output, common.json ?? false)
      } catch (error) {
        throw error instanceof UsageError && error.usage === undefined ? command.wrong(error.message) : error
      }
    }
  // Alone: a command may have an option of this name.
  if (args.length === 1 && args[0] === '--version') {
    output.line(`turnout ${versionOf(host.root)}`)
    return EXIT.done
  }
  const program = emptyProgram(output)
  for (const add of groups) add(program, act)

  try {
    await program.parseAsync([...args], { from: 'user' })
    return code
  } catch (error) {
    // Help was asked for, and given.
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done
    if (!(error instanceof UsageError)) throw error
    output.note(`turnout: ${error.message}\n\n${error.usage}`)
    return EXIT.usage
  }
}

const versionOf = (root: string): string =>
  JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version

function emptyProgram(output: Output): Command {
  const print = (text: string) => output.line(text.trimEnd())
  return new Command('turnout')
    .description('Feature flags and traffic splitting at the edge, from the command line.')
    .addOption(option('--env <name>', 'the environment; default TURNOUT_ENV, or as given at login'))
    .addOption(option('--url <url>', 'the control plane; default TURNOUT_URL, or as given at login'))
    .addOption(option('--context <name>', 'a control plane by the name given at login'))
    .addOption(option('--token <token>', 'a token, for all here to see: turnout login is better'))
    .option('--json', 'print one JSON value for machines')
    .option('--yes', 'do it without asking')
    .exitOverride()
    .configureOutput({ writeOut: print, writeErr: print })
    .configureHelp({ showGlobalOptions: true })
    .helpOption('--help, -h', 'say what a command takes')
    .addHelpText('after', AFTER) as Command
}

const AFTER = `
When something breaks:
  turnout kill flag:KEY --reason 'errors since 10:02'
  turnout kills list
  turnout restore flag:KEY

turnout --version says which version this is.

Exit codes: 0 done, or nothing to do; 1 failed; 2 wrong usage; 3 done, but not at every location in time; 4 it waits for
the approval of others.`

async function carryOut(work: () => Promise<unknown>, output: Output, json: boolean): Promise<number> {
  try {
    const result = await work()
    if (json && result !== undefined) output.json(result)
    return EXIT.done
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    if (json) output.json({ ...error.result, error: error.message, findings: error.findings })
    else {
      output.note(`turnout: ${error.message}`)
      for (const finding of error.findings) output.note(`  ${showFinding(finding)}`)
    }
    return error.exitCode
  }
}

/** With `--json`, words for people would only be in the way. */
const quiet = (output: Output): Output => ({ ...output, line: () => {}, note: () => {}, paint: () => {} })
