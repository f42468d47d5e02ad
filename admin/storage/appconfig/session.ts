/**
 * AppConfigData: asks whether there is something new. A token is good for one call and a day, must not be used early, and
 * each value is delivered once; so what was not yet taken over is remembered. Throws `StoreFailure`.
 * https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_appconfigdata_GetLatestConfiguration.html
 */
import {
  type AppConfigDataClient,
  GetLatestConfigurationCommand,
  StartConfigurationSessionCommand,
} from '@aws-sdk/client-appconfigdata'
import type { Calls } from '../aws/calls.ts'
import type { AwsError } from '../aws/failure.ts'
import type { Timing } from '../aws/timing.ts'
import { StoreFailure } from '../store.ts'
import type { Names } from './place.ts'

/** What a session needs between calls; plain data, kept durably. */
export interface SessionState {
  /** For the next call; `null`: a session must be started. */
  readonly token: string | null
  /** When the token may be used, ms since 1970. */
  readonly notBeforeMs: number
  /** When the session was started, ms since 1970. */
  readonly startedAtMs: number
  /** What the server says to wait. */
  readonly intervalMs: number
}

export const NO_SESSION: SessionState = { token: null, notBeforeMs: 0, startedAtMs: 0, intervalMs: 15_000 }

/** `changed` also where it is not known: a new session delivers what there is. `none`: nothing was ever deployed. */
export type News = 'changed' | 'same' | 'none'

export interface Polled {
  readonly state: SessionState
  readonly news: News
}

/** The least that AWS allows. */
const MIN_INTERVAL_SECONDS = 15
/** A new session is a way around the interval: not more often than this. */
const SESSION_GAP_MS = 5_000

export interface DataPlane {
  readonly client: AppConfigDataClient
  readonly names: Names
}

/** Uses the token if its time has come; one that comes early, or with `pushed`, starts a session, if that may be. */
export async function poll(
  plane: DataPlane,
  calls: Calls,
  state: SessionState,
  timing: Timing,
  pushed: boolean,
): Promise<Polled> {
  const nowMs = timing.nowMs()
  const waitMs = state.startedAtMs + SESSION_GAP_MS - nowMs
  if (state.token !== null && !pushed && nowMs >= state.notBeforeMs) {
    const polled = await latest(plane, calls, state, timing)
    if (polled !== 'token-refused') return polled
  } else if (waitMs > 0) {
    if (!pushed) return { state, news: 'same' }
    await timing.wait(waitMs)
  }
  const token = await start(plane, calls)
  const polled = await latest(plane, calls, { ...state, token, startedAtMs: timing.nowMs() }, timing)
  if (polled !== 'token-refused') return polled
  throw new StoreFailure({ reason: 'unavailable', detail: 'AppConfig refuses the token of a new session' })
}

async function start({ client, names }: DataPlane, calls: Calls): Promise<string> {
  const command = new StartConfigurationSessionCommand({
    ApplicationIdentifier: names.application,
    EnvironmentIdentifier: names.environment,
    ConfigurationProfileIdentifier: names.profile,
    RequiredMinimumPollIntervalInSeconds: MIN_INTERVAL_SECONDS,
  })
  const { InitialConfigurationToken = '' } = await calls.run(
    'appconfig:StartConfigurationSession',
    (abortSignal) => client.send(command, { abortSignal }),
  )
  return InitialConfigurationToken
}

async function latest(
  { client }: DataPlane,
  calls: Calls,
  state: SessionState,
  timing: Timing,
): Promise<Polled | 'token-refused'> {
  const command = new GetLatestConfigurationCommand({ ConfigurationToken: state.token ?? '' })
  try {
    // A lost answer has used up the token: the next attempt is refused, and a new session says what there is.
    const answer = await calls.run('appconfig:GetLatestConfiguration', (abortSignal) =>
      client.send(command, { abortSignal }),
    )
    // An empty body, which is null in workerd, is no empty document: it says "as before".
    const changed = (answer.Configuration?.length ?? 0) > 0
    const intervalMs = Math.max(answer.NextPollIntervalInSeconds ?? MIN_INTERVAL_SECONDS, 1) * 1_000
    const token = answer.NextPollConfigurationToken ?? null
    // Counted from the answer: AWS counts from when it gave the token.
    const next = { ...state, token, intervalMs, notBeforeMs: timing.nowMs() + intervalMs }
    return { state: next, news: changed ? 'changed' : 'same' }
  } catch (thrown) {
    if (nameOf(thrown) === 'BadRequestException') return 'token-refused'
    if (nameOf(thrown) !== 'ResourceNotFoundException') throw thrown
    return { state: { ...state, token: null, notBeforeMs: 0 }, news: 'none' }
  }
}

const nameOf = (thrown: unknown): string | null =>
  thrown instanceof StoreFailure && thrown.cause instanceof Error ? (thrown.cause as AwsError).name : null
