/** From the command line to the exit code. */
import { deploy, type World } from './deploy.ts'
import { parseOptions, Usage } from './options.ts'
import { Failed, Refused } from './refusal.ts'

export interface Host extends World {
  readonly complain: (text: string) => void
}

/** Resolves with the exit code; throws only what is a bug. */
export async function run(args: readonly string[], host: Host): Promise<number> {
  try {
    await deploy(parseOptions(args), host)
    return 0
  } catch (error) {
    if (error instanceof Usage) {
      const to = error.exitCode === 0 ? host.say : host.complain
      to(error.message)
      return error.exitCode
    }
    if (error instanceof Refused) host.complain(showRefused(error))
    else if (error instanceof Failed) host.complain(showFailed(error))
    else throw error
    return 1
  }
}

const showRefused = ({ refusals, outcome }: Refused): string =>
  `\nturnout: ${outcome}\n${refusals
    .map(({ problem, next }) => `\n  ${problem}\n    next: ${next}\n`)
    .join('')}`

const showFailed = ({ message, state, next }: Failed): string =>
  `\nturnout: ${message}\n\n${state.map((sentence) => `  ${sentence}\n`).join('')}    next: ${next}\n`
