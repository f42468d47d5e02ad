/** The calls of AppConfig's control plane that the store needs, in one place. Throws `StoreFailure`. */
import {
  type AppConfigClient,
  CreateDeploymentStrategyCommand,
  CreateHostedConfigurationVersionCommand,
  DeleteHostedConfigurationVersionCommand,
  type DeploymentSummary,
  GetDeploymentCommand,
  GetHostedConfigurationVersionCommand,
  ListDeploymentStrategiesCommand,
  ListDeploymentsCommand,
  ListHostedConfigurationVersionsCommand,
  StartDeploymentCommand,
} from '@aws-sdk/client-appconfig'
import type { Calls } from '../aws/calls.ts'
import { StoreFailure } from '../store.ts'
import { type Deployment, isComplete, isRunning } from './deployments.ts'
import type { Place } from './place.ts'

/** Turnout splits traffic itself, so that a deployment has nothing to do bit by bit, and must not keep the next one waiting. */
const OWN_STRATEGY = {
  Name: 'Turnout.AtOnce',
  Description: 'To everybody at once, without bake time. Made by Turnout, which splits traffic by itself.',
  DeploymentDurationInMinutes: 0,
  GrowthFactor: 100,
  FinalBakeTimeInMinutes: 0,
  ReplicateTo: 'NONE',
} as const

const PAGE = 50

export class AppConfigApi {
  readonly #client: AppConfigClient
  readonly #strategy: string | null
  #strategyId: string | null = null

  /** `strategy`: name or id of one that there is; `null`: Turnout's own. */
  constructor(client: AppConfigClient, strategy: string | null) {
    this.#client = client
    this.#strategy = strategy
  }

  /** As far back as says what is in force: other profiles are deployed to the environment too, and may be more often. */
  async deployments(calls: Calls, place: Place): Promise<Deployments> {
    const ofProfile: Deployment[] = []
    let [newest, running]: [number, Deployment | null] = [0, null]
    let token: string | undefined
    do {
      const { Items = [], NextToken } = await calls.run('appconfig:ListDeployments', (abortSignal) =>
        this.#client.send(
          new ListDeploymentsCommand({
            ...{ ApplicationId: place.applicationId, EnvironmentId: place.environmentId, MaxResults: PAGE },
            ...(token === undefined ? {} : { NextToken: token }),
          }),
          { abortSignal },
        ),
      )
      newest = Math.max(newest, ...Items.map(({ DeploymentNumber = 0 }) => DeploymentNumber))
      running ??= Items.map(deploymentOf).find(isRunning) ?? null
      ofProfile.push(...Items.filter((item) => isOfProfile(item, place)).map(deploymentOf))
      token = NextToken
    } while (token !== undefined && !ofProfile.some(isComplete))
    return { newest, running, ofProfile: ofProfile.sort((one, other) => other.number - one.number) }
  }

  /** With the last thing that happened to it. */
  async deployment(
    calls: Calls,
    { applicationId, environmentId }: Place,
    number: number,
  ): Promise<Deployment & { readonly event: string | null }> {
    const found = await calls.run('appconfig:GetDeployment', (abortSignal) =>
      this.#client.send(
        new GetDeploymentCommand({
          ApplicationId: applicationId,
          EnvironmentId: environmentId,
          DeploymentNumber: number,
        }),
        { abortSignal },
      ),
    )
    // Newest first: the beginning of the rollback says why.
    const rollback = (found.EventLog ?? []).findLast(({ EventType }) =>
      /ROLLBACK|REVERT/.test(EventType ?? ''),
    )
    return { ...deploymentOf(found), event: rollback?.Description ?? null }
  }

  async version(calls: Calls, { applicationId, profileId }: Place, number: number): Promise<string> {
    const { Content } = await calls.run('appconfig:GetHostedConfigurationVersion', (abortSignal) =>
      this.#client.send(
        new GetHostedConfigurationVersionCommand({
          ...{ ApplicationId: applicationId, ConfigurationProfileId: profileId, VersionNumber: number },
        }),
        { abortSignal },
      ),
    )
    return new TextDecoder().decode(Content ?? new Uint8Array())
  }

  /** The newest version of the profile, deployed or not; 0: there is none. */
  async newestVersion(calls: Calls, { applicationId, profileId }: Place): Promise<number> {
    let newest = 0
    let token: string | undefined
    do {
      const { Items = [], NextToken } = await calls.run(
        'appconfig:ListHostedConfigurationVersions',
        (abortSignal) =>
          this.#client.send(
            new ListHostedConfigurationVersionsCommand({
              ...{ ApplicationId: applicationId, ConfigurationProfileId: profileId, MaxResults: PAGE },
              ...(token === undefined ? {} : { NextToken: token }),
            }),
            { abortSignal },
          ),
      )
      newest = Math.max(newest, ...Items.map(({ VersionNumber = 0 }) => VersionNumber))
      token = NextToken
    } while (token !== undefined)
    return newest
  }

  /** The new version's number; `null`: `newest` is not the newest version any more. */
  async createVersion(
    calls: Calls,
    { applicationId, profileId }: Place,
    content: string,
    newest: number,
  ): Promise<number | null> {
    try {
      const { VersionNumber = 0 } = await calls.run(
        'appconfig:CreateHostedConfigurationVersion',
        (abortSignal) =>
          this.#client.send(
            new CreateHostedConfigurationVersionCommand({
              ...{ ApplicationId: applicationId, ConfigurationProfileId: profileId },
              ...{ Content: new TextEncoder().encode(content), ContentType: 'application/json' },
              ...(newest === 0 ? {} : { LatestVersionNumber: newest }),
            }),
            { abortSignal },
          ),
      )
      return VersionNumber
    } catch (thrown) {
      const name = causeOf(thrown)
      if (name === 'ConflictException') return null
      if (name !== 'PayloadTooLargeException') throw thrown
      const message = 'is more than AppConfig takes as one hosted version'
      throw new StoreFailure({ reason: 'invalid', errors: [{ path: '$', message }] }, { cause: thrown })
    }
  }

  /** A version that was never deployed is nobody's. */
  async deleteVersion(calls: Calls, { applicationId, profileId }: Place, number: number): Promise<void> {
    await calls.run('appconfig:DeleteHostedConfigurationVersion', (abortSignal) =>
      this.#client.send(
        new DeleteHostedConfigurationVersionCommand({
          ...{ ApplicationId: applicationId, ConfigurationProfileId: profileId, VersionNumber: number },
        }),
        { abortSignal },
      ),
    )
  }

  /**
   * The deployment's number; `null`: another one is running, or `newest` is not the environment's newest any more. `newest`:
   * `null` deploys whatever it is.
   */
  async deploy(calls: Calls, place: Place, version: number, newest: number | null): Promise<number | null> {
    const { applicationId, environmentId, profileId } = place
    const strategy = await this.#findStrategy(calls)
    try {
      const { DeploymentNumber = 0 } = await calls.run('appconfig:StartDeployment', (abortSignal) =>
        this.#client.send(
          new StartDeploymentCommand({
            ...{
              ApplicationId: applicationId,
              EnvironmentId: environmentId,
              ConfigurationProfileId: profileId,
            },
            ...{ ConfigurationVersion: String(version), DeploymentStrategyId: strategy },
            ...(newest === null || newest === 0 ? {} : { LatestDeploymentNumber: newest }),
            Description: 'By Turnout',
          }),
          { abortSignal },
        ),
      )
      return DeploymentNumber
    } catch (thrown) {
      if (causeOf(thrown) !== 'ConflictException') throw thrown
      // The newest may be this very one, whose answer was lost.
      const [latest] = (await this.deployments(calls, place)).ofProfile
      return latest?.version === version ? latest.number : null
    }
  }

  /** Made once, if it is our own. */
  async #findStrategy(calls: Calls): Promise<string> {
    if (this.#strategyId !== null) return this.#strategyId
    const wanted = this.#strategy ?? OWN_STRATEGY.Name
    if (wanted.startsWith('AppConfig.')) return wanted
    const { Items = [] } = await calls.run('appconfig:ListDeploymentStrategies', (abortSignal) =>
      this.#client.send(new ListDeploymentStrategiesCommand({ MaxResults: PAGE }), { abortSignal }),
    )
    const found = Items.find(({ Id, Name }) => Id === wanted || Name === wanted)?.Id
    if (found === undefined && this.#strategy !== null)
      throw new StoreFailure({
        reason: 'denied',
        detail: `AppConfig has no deployment strategy ${JSON.stringify(wanted)} (APPCONFIG_STRATEGY)`,
      })
    this.#strategyId = found ?? (await this.#makeStrategy(calls))
    return this.#strategyId
  }

  async #makeStrategy(calls: Calls): Promise<string> {
    const { Id = '' } = await calls.run('appconfig:CreateDeploymentStrategy', (abortSignal) =>
      this.#client.send(new CreateDeploymentStrategyCommand(OWN_STRATEGY), { abortSignal }),
    )
    return Id
  }
}

/** Of an environment. */
export interface Deployments {
  /** Number of the newest, of whichever profile; 0: there is none. */
  readonly newest: number
  /** One that is on its way, of whichever profile. */
  readonly running: Deployment | null
  /** Those of the profile, newest first. */
  readonly ofProfile: readonly Deployment[]
}

const isOfProfile = (
  { ConfigurationProfileId: id, ConfigurationName: name }: DeploymentSummary,
  { profileId, profileName }: Place,
): boolean => (id === undefined ? name === profileName : id === profileId)

function deploymentOf(found: {
  DeploymentNumber?: number | undefined
  ConfigurationVersion?: string | undefined
  State?: string | undefined
  PercentageComplete?: number | undefined
}): Deployment {
  return {
    number: found.DeploymentNumber ?? 0,
    version: Number(found.ConfigurationVersion ?? 0),
    state: found.State ?? 'COMPLETE',
    percentage: found.PercentageComplete ?? 0,
  }
}

/** What AWS called the error behind a failure. */
const causeOf = (thrown: unknown): string | null =>
  thrown instanceof StoreFailure && thrown.cause instanceof Error ? thrown.cause.name : null
