/**
 * OpenFeature in a browser, answered by the remote client: `OpenFeature.setProvider(new TurnoutWebProvider({ url, key }))`. An
 * adapter: one context, answers from memory, changes as they happen. Never throws while it evaluates.
 */
import {
  type EvaluationContext,
  type JsonValue,
  OpenFeatureEventEmitter,
  type Provider,
  ProviderEvents,
  type ResolutionDetails,
  type TrackingEventDetails,
} from '@openfeature/web-sdk'
import type { Client } from './client.ts'
import {
  asJson,
  detailsOf,
  type FlagType,
  Follower,
  resolution,
  Tracking,
  type TrackingOptions,
} from './openfeature.ts'
import type { Outcomes, OutcomesOptions } from './outcomes.ts'
import { createRemoteClient, type RemoteClient, type RemoteOptions } from './remote.ts'

/** The remote client's options. The context is OpenFeature's. */
export interface TurnoutWebOptions extends Omit<RemoteOptions, 'context'>, TrackingOptions {
  /** Takes tracking events: `reportOutcomes` of `@turnout/sdk/outcomes`. Default: nobody. */
  readonly outcomes?: (client: Client, options: OutcomesOptions) => Outcomes
}

export class TurnoutWebProvider implements Provider {
  readonly metadata = { name: 'Turnout' } as const
  readonly runsOn = 'client'
  /** One client has one context. */
  readonly domainScoped = true
  readonly events = new OpenFeatureEventEmitter()
  readonly #options: TurnoutWebOptions
  readonly #tracking: Tracking
  #client: RemoteClient | undefined
  #follower: Follower | undefined
  #outcomes: Outcomes | undefined

  constructor(options: TurnoutWebOptions) {
    this.#options = options
    this.#tracking = new Tracking(options)
  }

  /** The client that answers; `undefined` before it is initialised and after it is closed. */
  get client(): RemoteClient | undefined {
    return this.#client
  }

  initialize(context: EvaluationContext = {}): Promise<void> {
    const { events } = this
    const { outcomes, tracked: _, ...options } = this.#options
    this.#client = createRemoteClient({ ...options, context: asJson(context) })
    this.#outcomes = outcomes?.(this.#client, options)
    this.#follower = new Follower(this.#client, (event, details) =>
      events.emit(ProviderEvents[event], details),
    )
    return this.#follower.ready()
  }

  async onContextChange(_: EvaluationContext, context: EvaluationContext): Promise<void> {
    await this.#follower?.reconcile(() => this.#client!.setContext(asJson(context)))
  }

  resolveBooleanEvaluation(key: string, value: boolean, context: EvaluationContext) {
    return this.#resolve('boolean', key, value, context)
  }

  resolveStringEvaluation(key: string, value: string, context: EvaluationContext) {
    return this.#resolve('string', key, value, context)
  }

  resolveNumberEvaluation(key: string, value: number, context: EvaluationContext) {
    return this.#resolve('number', key, value, context)
  }

  resolveObjectEvaluation<T extends JsonValue>(key: string, value: T, context: EvaluationContext) {
    return this.#resolve('object', key, value, context)
  }

  track(event: string, context: EvaluationContext, details: TrackingEventDetails): void {
    if (this.#outcomes) this.#tracking.track(this.#outcomes, event, context.targetingKey, details)
  }

  async onClose(): Promise<void> {
    this.#follower?.stop()
    await this.#outcomes?.flush()
    this.#outcomes?.close()
    this.#client?.close()
    this.#client = undefined
  }

  #resolve<T extends JsonValue>(
    type: FlagType,
    key: string,
    value: T,
    { targetingKey }: EvaluationContext,
  ): ResolutionDetails<T> {
    if (!this.#client)
      return resolution({ key, value: value as T & {}, reason: 'ERROR', errorCode: 'PROVIDER_NOT_READY' })
    const details = detailsOf(this.#client, type, key, value)
    if (this.#outcomes) this.#tracking.given(details, targetingKey)
    return resolution(details)
  }
}
