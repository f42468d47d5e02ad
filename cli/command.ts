/**
 * Commander's command with our manners: whatever is wrong with a command line is one sentence that names the option, a
 * line of usage, and nothing that was typed after a "=", which may be a secret.
 */
import { Command as Commander, type ErrorOptions, type HelpContext, type ParseOptionsResult } from 'commander'
import { UsageError } from './failure.ts'
import { list } from './words.ts'

export class Command extends Commander {
  override createCommand(name?: string): Command {
    return new Command(name)
  }

  override error(message: string, { code = '' }: ErrorOptions = {}): never {
    throw this.wrong(sentence(this, message, code))
  }

  override parseOptions(args: string[]): ParseOptionsResult {
    try {
      return super.parseOptions(args)
    } catch (error) {
      // What reads the value of an option knows the option, and this the command.
      throw error instanceof UsageError && error.usage === undefined ? this.wrong(error.message) : error
    }
  }

  /** Commander shows the help of a command whose subcommand is missing; other help is asked for. */
  override help(context?: HelpContext | ((text: string) => string)): never {
    if (typeof context === 'function' || context?.error !== true) return super.help()
    if (this.parent === null)
      throw new UsageError('a command is missing', { usage: this.helpInformation().trimEnd() })
    throw this.wrong(`a command is missing: ${list(this.commands.map((each) => each.name()).filter(isOurs))}`)
  }

  /** The error that says so, with this command's usage. */
  wrong(sentence: string): UsageError {
    const name = this.path()
    const usage = this.createHelp().commandUsage(this)
    return new UsageError(sentence, { usage: `usage: ${usage}\n${name} --help says more.` })
  }

  /** `turnout flags list` */
  path(): string {
    const parent = this.parent as Command | null
    return parent === null ? this.name() : `${parent.path()} ${this.name()}`
  }
}

const isOurs = (name: string): boolean => name !== 'help'

/** What commander complains about, in our words. Source: the messages of commander's lib/command.js. */
function sentence(command: Command, message: string, code: string): string {
  const [, quoted = ''] = /'([^']*)'/.exec(message) ?? []
  const hint = /\(Did you mean (?:one of )?(.*)\?\)/
    .exec(message)?.[1]
    ?.split(', ')
    .filter((each) => beginning(each) === beginning(quoted))
    .join(', ')
  const suggestion = hint === undefined || hint === '' ? '' : `; did you mean ${hint}?`
  switch (code) {
    case 'commander.unknownOption': {
      const [name = ''] = quoted.split('=')
      const takesNone = lineOf(command).some(({ options }) => options.some(({ long }) => long === name))
      return takesNone ? `${name} takes no value` : `there is no option ${name}${suggestion}`
    }
    case 'commander.unknownCommand':
      return `there is no command ${JSON.stringify(quoted)}${suggestion}`
    case 'commander.optionMissingArgument':
      return `${longOf(quoted)} needs a value`
    case 'commander.missingMandatoryOptionValue':
      return `${longOf(quoted)} is missing`
    case 'commander.missingArgument':
      return `${quoted.toUpperCase()} is missing`
    case 'commander.excessArguments': {
      const extra = command.args[command.registeredArguments.length] ?? ''
      return `there is an argument too many: ${JSON.stringify(extra)}`
    }
    default:
      return message.replace(/^error: /, '')
  }
}

/** Commander takes much for a typing error: who means what it suggests got at least the first letter right. */
const beginning = (word: string): string => word.replace(/^-+/, '').charAt(0).toLowerCase()

/** The command and those above it. */
const lineOf = (command: Commander | null): Commander[] =>
  command === null ? [] : [command, ...lineOf(command.parent)]

const longOf = (flags: string): string => /--[\w-]+/.exec(flags)?.[0] ?? flags
