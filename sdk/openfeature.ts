/**
 * What the OpenFeature providers for servers and for browsers share: answers in OpenFeature's form, a client's events as a
 * provider's, and tracking as outcomes. Of OpenFeature only types are imported here, so that neither SDK brings the other.
 */
import type {
  ErrorCode as Code,
  FlagMetadata,
  ResolutionDetails,
  TrackingEventDetails,
} from '@openfeature/core'
import type { Client, Context, Details, ErrorCode } from './client.ts'
import type { Outcomes } from './outcomes.ts'

/** A client that says why it cannot be asked, where it cannot. */
export interface Watched extends Client {
  readonly error?: Error | undefined
}

const MESSAGES: Record<ErrorCode, string> = {
  PROVIDER_NOT_READY: 'no answers have been loaded yet',
  FLAG_NOT_FOUND: 'there is no such flag, or the key may not see it',
  PARSE_ERROR: 'the flag cannot be read',
  TYPE_MISMATCH: "the flag's value is of another type than the default",
  TARGETING_KEY_MISSING: 'the flag is decided by a bucket key that the context does not have',
  INVALID_CONTEXT: 'the answers are for another context',
  GENERAL: 'the flag cannot be evaluated',
}

export function resolution<T>({
  value,
  variant,
  reason,
  errorCode,
  metadata,
}: Details): ResolutionDetails<T> {
  return {
    value: value as T,
    reason,
    ...(variant !== undefined && { variant }),
    ...(errorCode && { errorCode: errorCode as Code, errorMessage: MESSAGES[errorCode] }),
    flagMetadata: (metadata ?? {}) as FlagMetadata,
  }
}

/** A context as it would arrive at the edge: OpenFeature's may hold dates, rules compare JSON. */
export const asJson = (context: object): Context =>
  Object.values(context).some((value) => typeof value === 'object')
    ? JSON.parse(JSON.stringify(context))
    : (context as Context)

/** Tells of a provider's event, by its name in both SDKs. */
export type Tell = (
  event: 'Ready' | 'Stale' | 'Error' | 'ConfigurationChanged',
  details?: { message?: string; flagsChanged?: string[] },
) => void

/** Hands on what happens to a client, once it is ready. */
export class Follower {
  readonly #client: Watched
  readonly #tell: Tell
  readonly #stops: (() => void)[]
  #isReady = false
  #reconciling = 0

  constructor(client: Watched, tell: Tell) {
    this.#client = client
    this.#tell = tell
    this.#stops = [
      client.on('change', (keys) => this.#news('ConfigurationChanged', { flagsChanged: [...keys] })),
      client.on('error', ({ message }) => this.#news(this.#hasAnswers ? 'Stale' : 'Error', { message })),
      client.on('ready', () => this.#news('Ready')),
    ]
  }

  /** Waits for the first answers. Throws why there are none; goes on following all the same, as the client goes on trying. */
  async ready(): Promise<void> {
    await this.#client.ready
    this.#isReady = true
    const { error } = this.#client
    if (!error) return
    if (!this.#hasAnswers) throw error
    // Those of the last time. The SDK takes a provider for ready when this is over, so it hears of it after that.
    setTimeout(() => this.#news('Stale', { message: error.message }))
  }

  /** Runs a change of context. The SDK tells of it, so what the client says meanwhile is no news. Throws where it failed. */
  async reconcile(change: () => Promise<void>): Promise<void> {
    this.#reconciling += 1
    await change()
    this.#reconciling -= 1
    if (this.#client.error) throw this.#client.error
  }

  stop(): void {
    this.#isReady = false
    for (const stop of this.#stops) stop()
  }

  /** Whether the client has ever loaded any, now or for the last visit. */
  get #hasAnswers(): boolean {
    return this.#client.booleanDetails('', false).errorCode !== 'PROVIDER_NOT_READY'
  }

  #news(...[event, details]: Parameters<Tell>): void {
    if (this.#isReady && this.#reconciling === 0) this.#tell(event, details)
  }
}

export interface TrackingOptions {
  /** Which flags a tracking event says something about. Default: the flag whose key is the event's name. */
  readonly tracked?: Readonly<Record<string, readonly string[]>>
}

/** Variants that are remembered, with whom they were given to; beyond it, tracking forgets who was first. */
const MAX_REMEMBERED = 10_000

/** Tracking events as outcomes of the variants that their users were given, and of no others. */
export class Tracking {
  readonly #tracked: Readonly<Record<string, readonly string[]>>
  readonly #given = new Map<string, Details>()

  constructor({ tracked = {} }: TrackingOptions) {
    this.#tracked = tracked
  }

  /** Remembers what somebody was given. */
  given(details: Details, targetingKey: string | undefined): void {
    if (details.variant === undefined || details.errorCode !== undefined) return
    const name = nameOf(details.key, targetingKey)
    this.#given.delete(name)
    this.#given.set(name, details)
    if (this.#given.size > MAX_REMEMBERED) this.#given.delete(this.#given.keys().next().value!)
  }

  /** `value` is reported as measured; without one it went well, or not, as `outcome: 'error'` says. */
  track(
    outcomes: Outcomes,
    event: string,
    targetingKey: string | undefined,
    details: TrackingEventDetails,
  ): void {
    const flags = Object.hasOwn(this.#tracked, event) ? this.#tracked[event]! : [event]
    for (const flag of flags) {
      const given = this.#given.get(nameOf(flag, targetingKey))
      if (given) outcomes.report(given, details.value ?? (details.outcome === 'error' ? 'error' : 'ok'))
    }
  }
}

const nameOf = (flag: string, targetingKey: string | undefined): string =>
  JSON.stringify([flag, targetingKey])

export type FlagType = 'boolean' | 'string' | 'number' | 'object'

/** Asks a client for a value of whichever type; `null` stands for an object that is not there. */
export const detailsOf = (
  client: Client,
  type: FlagType,
  key: string,
  value: unknown,
  context?: Context,
): Details =>
  (client[`${type}Details`] as (key: string, value: unknown, context?: Context) => Details)(
    key,
    value ?? {},
    context,
  )
