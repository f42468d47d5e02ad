/** Options of commands: node:util's parser, whose complaints are turned into one sentence each. Throws `UsageError`. */
import { parseArgs } from 'node:util'
import { UsageError } from './failure.ts'

export type OptionTable = Readonly<Record<string, { readonly type: 'string' | 'boolean' }>>

export type Values<T extends OptionTable> = {
  readonly [Name in keyof T]?: T[Name]['type'] extends 'boolean' ? boolean : string
}

/** Options of every command that talks to the control plane. */
export const COMMON_OPTIONS = {
  url: { type: 'string' },
  token: { type: 'string' },
  json: { type: 'boolean' },
} as const satisfies OptionTable

/** The part of a usage text that tells of them. */
export const COMMON_USAGE = `  --url URL              the control plane; default TURNOUT_URL, else http://127.0.0.1:8788
  --token TOKEN          its admin token; default TURNOUT_ADMIN_TOKEN, else the one of the local run (loopback only)
  --json                 print one JSON object for machines
  --help                 print this`

/** The options' values. There are no positional arguments, and an option that is given twice or empty is a mistake. */
export function parseOptions<T extends OptionTable>(args: readonly string[], table: T): Values<T> {
  const { values, tokens } = parsed(args, table)
  const seen = new Set<string>()
  for (const token of tokens) {
    if (token.kind === 'positional')
      throw new UsageError(`options begin with "--", got ${JSON.stringify(token.value)}`)
    if (token.kind !== 'option') continue
    if (seen.has(token.name)) throw new UsageError(`--${token.name} is given twice`)
    if (token.value === '') throw new UsageError(`--${token.name} must not be empty`)
    seen.add(token.name)
  }
  return values as Values<T>
}

function parsed(args: readonly string[], options: OptionTable) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: true, tokens: true })
  } catch (error) {
    throw new UsageError(sentence((error as Error).message), { cause: error })
  }
}

/** Node's messages go on with advice that does not help here. */
function sentence(message: string): string {
  const unknown = /^Unknown option '([^']*)'/.exec(message)?.[1]
  if (unknown !== undefined) return `there is no option ${unknown}`
  const missing =
    /^Option '(?:-\w, )?(--[\w-]+)(?: <value>)?' (?:argument missing|argument is ambiguous)/.exec(
      message,
    )?.[1]
  if (missing !== undefined) return `${missing} needs a value`
  const flag = /^Option '(?:-\w, )?(--[\w-]+)' does not take an argument/.exec(message)?.[1]
  return flag === undefined ? (message.split('\n')[0] ?? message) : `${flag} takes no value`
}
