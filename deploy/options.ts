/** The command line of a deployment. */
import { Command, CommanderError } from 'commander'

export interface Options {
  readonly environment: string
  /** Path of deploy.toml, as given. */
  readonly file: string
  readonly dryRun: boolean
  readonly generateSecrets: boolean
  readonly smokeTest: boolean
  /** wrangler's questions are answered with yes where there is no terminal. */
  readonly yes: boolean
}

/** Nothing is to be done: help was asked for, or the command line is wrong; `text` says which. */
export class Usage extends Error {
  readonly exitCode: 0 | 2

  constructor(text: string, exitCode: 0 | 2) {
    super(text)
    this.exitCode = exitCode
  }
}

/** Throws `Usage`. */
export function parseOptions(args: readonly string[]): Options {
  let text = ''
  const write = (more: string) => {
    text += more
  }
  const command = new Command('npm run deploy --')
    .description('Deploys Turnout to Cloudflare: the control plane first, then the edge of one environment.')
    .requiredOption('--env <name>', 'environment that the edge serves, as deploy.toml names it')
    .option('--dry-run', 'do everything but the calls to Cloudflare, and print the plan', false)
    .option(
      '--generate-secrets',
      'make up the secrets that are missing, SIGNING_KEY too; what people need is printed once',
      false,
    )
    .option('--skip-smoke-test', 'do not ask the deployed Workers how they are', false)
    .option('--yes', 'without a terminal: let wrangler answer its own questions with yes', false)
    .option('--config <file>', 'what is deployed where', 'deploy.toml')
    .allowExcessArguments(false)
    .showHelpAfterError('Next: npm run deploy -- --help')
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: write })
  try {
    command.parse([...args], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    throw new Usage(text, error.exitCode === 0 ? 0 : 2)
  }
  const { env, dryRun, generateSecrets, skipSmokeTest, yes, config } = command.opts()
  return { environment: env, file: config, dryRun, generateSecrets, smokeTest: !skipSmokeTest, yes }
}
