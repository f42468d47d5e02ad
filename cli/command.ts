/** What a command is, and how the one that was asked for is chosen, run and answered with an exit code. */
import { Failure, showFinding, UsageError } from './failure.ts'
import { createOutput, type Output, type Write } from './output.ts'

export type Variables = Readonly<Record<string, string | undefined>>

/** What a command has to do with beside its arguments. */
export interface World {
  readonly env: Variables
  /** Root of the project: where a local run keeps its state. */
  readonly root: string
  /** Where relative paths of files begin. */
  readonly cwd: string
  readonly output: Output
  /** Resolves after that many milliseconds. */
  wait(ms: number): Promise<unknown>
}

/** A command with its arguments checked. */
export interface Task {
  /** Print the result as JSON, and nothing else, to standard output. */
  readonly json: boolean
  /** Resolves with the result for `--json`. Throws `Failure`. */
  run(world: World): Promise<unknown>
}

export interface Command {
  readonly usage: string
  /** Throws `UsageError`. */
  prepare(args: readonly string[], env: Variables): Task
}

/** Commands by name; a command's modules are loaded when it is run. */
export type Commands = Readonly<Record<string, { summary: string; load(): Promise<Command> }>>

/** Done, or nothing to do · could not be done · the command line is wrong. */
export const EXIT = { done: 0, failed: 1, usage: 2 } as const

interface Host extends Omit<World, 'output'> {
  readonly out: Write
  readonly err: Write
}

/** Runs the command that `args` name. Resolves with the exit code; throws only what is a bug. */
export async function dispatch(args: readonly string[], commands: Commands, host: Host): Promise<number> {
  const output = createOutput(host.out, host.err)
  for (const name of ['TURNOUT_ADMIN_TOKEN', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'])
    output.hide(host.env[name])

  const [name, ...rest] = args
  const overview = overviewOf(commands)
  if (name === undefined) return misused(output, 'a command is missing', overview)
  if (isHelp(name) || name === 'help') return explained(output, overview)
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (entry === undefined) return misused(output, `there is no command ${JSON.stringify(name)}`, overview)

  const command = await entry.load()
  if (rest.some(isHelp)) return explained(output, command.usage)
  try {
    const task = command.prepare(rest, host.env)
    return await carryOut(task, { ...host, output: task.json ? quiet(output) : output }, output)
  } catch (error) {
    if (error instanceof UsageError) return misused(output, error.message, command.usage)
    throw error
  }
}

async function carryOut(task: Task, world: World, output: Output): Promise<number> {
  try {
    const result = await task.run(world)
    if (task.json) output.json(result)
    return EXIT.done
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    if (task.json) output.json({ error: error.message, findings: error.findings })
    else {
      output.note(`turnout: ${error.message}`)
      for (const finding of error.findings) output.note(`  ${showFinding(finding)}`)
    }
    return EXIT.failed
  }
}

const isHelp = (arg: string): boolean => arg === '--help' || arg === '-h'

function explained(output: Output, usage: string): number {
  output.line(usage)
  return EXIT.done
}

function misused(output: Output, sentence: string, usage: string): number {
  output.note(`turnout: ${sentence}\n\n${usage}`)
  return EXIT.usage
}

/** With `--json`, words for people would only be in the way. */
const quiet = (output: Output): Output => ({ ...output, line: () => {}, note: () => {} })

function overviewOf(commands: Commands): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length))
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`)
  return `usage: turnout <command> [options]\n\n${lines.join('\n')}\n\nturnout <command> --help says more.`
}
