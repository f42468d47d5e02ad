/**
 * Waits until a change has landed at every location with traffic, and shows how far it has come. Whatever goes wrong here
 * takes nothing back: the change holds.
 */
import type { Option } from 'commander'
import { ApiFailure } from './api-failure.ts'
import { bodyOf } from './client.ts'
import type { Command } from './command.ts'
import { EXIT } from './exit.ts'
import { Failure, type Finding } from './failure.ts'
import {
  laggardFindings,
  laggingPlaces,
  landedSentence,
  landingLine,
  landingTable,
  lostSentence,
  type Propagation,
  settlingSentence,
  type Target,
} from './landing.ts'
import { duration, option } from './options.ts'
import type { EnvironmentSession } from './session.ts'
import { span } from './time.ts'
import type { World } from './world.ts'

/** Header of every answer about kills: the version of the list that holds it. */
export const KILLS_HEADER = 'x-turnout-kills'

export interface WatchOptions {
  /** Milliseconds. */
  readonly timeout?: number
}

export interface WaitOptions extends WatchOptions {
  /** `false`: do not wait at all. */
  readonly wait?: boolean
}

const TIMEOUT_MS = 30_000
const POLL_MS = 500

export const timeoutOption = (): Option =>
  option('--timeout <time>', `how long to wait for it; default ${TIMEOUT_MS / 1_000}s`, duration)

/** A command that waits for what it did if told to. */
export const patient = (command: Command): Command =>
  command.option('--wait', 'wait until it has landed').addOption(timeoutOption())

/** A command that waits for what it did, unless told not to. */
export const waiting = (command: Command): Command =>
  command.option('--no-wait', 'do not wait until it has landed').addOption(timeoutOption())

/** What a command prints with `--json` after its change, with how it landed. */
export async function landed(
  world: World,
  session: EnvironmentSession,
  target: Target,
  options: WaitOptions,
  result: object,
): Promise<unknown> {
  const { environment } = session
  if (options.wait === false) return { environment, ...result }
  const landing = await watchChange(world, session, target, options, { environment, ...result })
  return { environment, ...result, landing }
}

/** It is not everywhere in time. Exit code 3. */
class NotLanded extends Failure {
  override readonly exitCode = EXIT.notLanded
  override readonly result: object

  constructor(message: string, findings: readonly Finding[], result: object) {
    super(message, findings)
    this.result = result
  }
}

/** The same of a change that was just made: it holds, whatever the control plane does not say of it. */
export async function watchChange(
  world: World,
  session: EnvironmentSession,
  target: Target,
  options: WatchOptions,
  result: object,
): Promise<Propagation> {
  try {
    return await watchLanding(world, session, target, options, result)
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error
    throw notLanded(error, target, session.environment, 0, result)
  }
}

/**
 * Resolves with what the edges report once it is complete. `result` is what `--json` prints beside the error if not. Throws
 * `ApiFailure` if the question is refused for good.
 */
export async function watchLanding(
  world: World,
  session: EnvironmentSession,
  target: Target,
  { timeout = TIMEOUT_MS }: WatchOptions,
  result: object,
): Promise<Propagation> {
  const { output, nowMs, wait } = world
  const show = shower(world)
  const untilMs = nowMs() + timeout
  for (;;) {
    const found = await asked(session, target)
    show(found)
    if (!(found instanceof Failure) && found.complete) {
      output.line(landedSentence(found))
      const lost = lostSentence(found)
      if (lost !== null) output.note(`warning: ${lost}`)
      return found
    }
    if (nowMs() >= untilMs) throw notLanded(found, target, session.environment, timeout, result)
    await wait(POLL_MS)
  }
}

/** What the control plane knows, or why it does not say, if the next question may be answered again. */
async function asked(
  { api, path }: EnvironmentSession,
  { kind, version }: Target,
): Promise<Propagation | Failure> {
  try {
    return await bodyOf(
      api.GET('/api/v1/environments/{env}/propagation', { params: { path, query: { [kind]: version } } }),
    )
  } catch (error) {
    if (error instanceof Failure && !isFinal(error)) return error
    throw error
  }
}

/** It answers, and will say the same again. */
const isFinal = (failure: Failure): boolean =>
  failure instanceof ApiFailure && failure.status < 500 && failure.status !== 429

/** Shows how far it is: a table on a screen, elsewhere one line whenever it has come further; once, why that takes time. */
function shower({ output, terminal }: World): (found: Propagation | Failure) => void {
  let said = ''
  let explained = false
  return (found) => {
    if (!(found instanceof Failure) && found.isolates + found.settling.length === 0) return
    const why = found instanceof Failure || explained ? null : settlingSentence(found)
    if (why !== null) {
      output.line(why)
      explained = true
    }
    if (!(found instanceof Failure) && terminal.screen)
      return output.paint(landingTable(found).map((line) => line.slice(0, terminal.columns)))
    const line = found instanceof Failure ? `  ${found.message}; trying on` : landingLine(found)
    if (line !== said) output.line(line)
    said = line
  }
}

function notLanded(
  found: Propagation | Failure,
  { kind, version }: Target,
  environment: string,
  timeoutMs: number,
  result: object,
): NotLanded {
  const next = `The change holds. To go on watching: turnout landing --${kind} ${version} --env ${environment}`
  if (found instanceof Failure)
    return new NotLanded(`it is not known where it has landed: ${found.message}. ${next}`, [], {
      ...result,
      landing: null,
    })
  const places = laggingPlaces(found)
  return new NotLanded(
    `not everywhere after ${span(timeoutMs)}, waiting for ${places}. ${next}`,
    laggardFindings(found),
    { ...result, landing: found },
  )
}
