/**
 * OpenFeature on a server, answered by a client of this package: `OpenFeature.setProvider(new TurnoutServerProvider(client))`. An
 * adapter: answers come from the client's memory. Never throws while it evaluates.
 */
import {
  type EvaluationContext,
  type JsonValue,
  OpenFeatureEventEmitter,
  type Provider,
  ProviderEvents,
  type ResolutionDetails,
  type TrackingEventDetails,
} from '@openfeature/server-sdk'
import {
  asJson,
  detailsOf,
  type FlagType,
  Follower,
  resolution,
  Tracking,
  type TrackingOptions,
  type Watched,
} from './openfeature.ts'
import type { Outcomes } from './outcomes.ts'

export interface TurnoutServerOptions extends TrackingOptions {
  /** Where tracking events go: `reportOutcomes(client, …)` of `@turnout/sdk/outcomes`. Default: nowhere. */
  readonly outcomes?: Outcomes
}

export class TurnoutServerProvider implements Provider {
  readonly metadata = { name: 'Turnout' } as const
  readonly runsOn = 'server'
  readonly events = new OpenFeatureEventEmitter()
  /** The client that answers. */
  readonly client: Watched
  readonly #outcomes: Outcomes | undefined
  readonly #tracking: Tracking
  readonly #follower: Follower

  /** The client ends with the provider. */
  constructor(client: Watched, options: TurnoutServerOptions = {}) {
    this.client = client
    this.#outcomes = options.outcomes
    this.#tracking = new Tracking(options)
    const { events } = this
    this.#follower = new Follower(client, (event, details) => events.emit(ProviderEvents[event], details))
  }

  initialize(): Promise<void> {
    return this.#follower.ready()
  }

  async resolveBooleanEvaluation(key: string, value: boolean, context: EvaluationContext) {
    return this.#resolve('boolean', key, value, context)
  }

  async resolveStringEvaluation(key: string, value: string, context: EvaluationContext) {
    return this.#resolve('string', key, value, context)
  }

  async resolveNumberEvaluation(key: string, value: number, context: EvaluationContext) {
    return this.#resolve('number', key, value, context)
  }

  async resolveObjectEvaluation<T extends JsonValue>(key: string, value: T, context: EvaluationContext) {
    return this.#resolve('object', key, value, context)
  }

  track(event: string, context: EvaluationContext, details: TrackingEventDetails): void {
    if (this.#outcomes) this.#tracking.track(this.#outcomes, event, context.targetingKey, details)
  }

  async onClose(): Promise<void> {
    this.#follower.stop()
    await this.#outcomes?.flush()
    this.#outcomes?.close()
    this.client.close()
  }

  #resolve<T extends JsonValue>(
    type: FlagType,
    key: string,
    value: T,
    context: EvaluationContext,
  ): ResolutionDetails<T> {
    const details = detailsOf(this.client, type, key, value, asJson(context))
    if (this.#outcomes) this.#tracking.given(details, context.targetingKey)
    return resolution(details)
  }
}
