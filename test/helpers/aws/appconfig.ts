/**
 * What AppConfig holds, and its rules: both optimistic locks, one running deployment an environment, the limit of a hosted
 * configuration, and flag content checked before it is kept. Asked by `appconfig-routes.ts`, read by `appconfig-data.ts`.
 * https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/Welcome.html
 */
import { randomInt } from 'node:crypto'
import { badRequest, conflict, noSuch, parsedJson } from './appconfig-errors.ts'
import type { Clock } from './clock.ts'
import {
  type Deployment,
  isRunning,
  PREDEFINED_STRATEGIES,
  progressOf,
  REVERT_MS,
  type Strategy,
  servedTo,
} from './deployments.ts'
import { problemsOf, withTimes } from './feature-flags.ts'
import { AwsError } from './wire.ts'

export const FEATURE_FLAGS = 'AWS.AppConfig.FeatureFlags'
export const FREEFORM = 'AWS.Freeform'
const MAX_CONTENT_BYTES = 1_048_576
const MAX_STRATEGIES = 20

export interface HostedVersion {
  readonly number: number
  readonly content: Uint8Array
  readonly contentType: string
  readonly description: string | undefined
  readonly label: string | undefined
}

export interface Profile {
  readonly id: string
  readonly name: string
  readonly type: string
  readonly location: string
  /** Oldest first; numbers are never given twice. */
  readonly versions: HostedVersion[]
  lastNumber: number
}

export interface Environment {
  readonly id: string
  readonly name: string
  readonly monitors: readonly unknown[]
  /** Of all profiles, oldest first. */
  readonly deployments: Deployment[]
}

export interface Application {
  readonly id: string
  readonly name: string
  readonly environments: Environment[]
  readonly profiles: Profile[]
}

export type Body = Readonly<Record<string, unknown>>
type Changed = (
  application: Application,
  environment: Environment,
  deployment: Deployment,
  what: string,
) => void

export class AppConfig {
  readonly #clock: Clock
  readonly #changed: Changed
  readonly applications: Application[] = []
  readonly strategies: Strategy[] = [...PREDEFINED_STRATEGIES]
  /** Lists come two at a time, however many are asked for. */
  awkwardPages = false

  constructor(clock: Clock, changed: Changed) {
    this.#clock = clock
    this.#changed = changed
  }

  nowMs(): number {
    return this.#clock.nowMs()
  }

  createApplication(name: string): Application {
    const application: Application = { id: newId(), name, environments: [], profiles: [] }
    this.applications.push(application)
    return application
  }

  createEnvironment(application: Application, name: string, monitors: readonly unknown[] = []): Environment {
    const environment: Environment = { id: newId(), name, monitors, deployments: [] }
    application.environments.push(environment)
    return environment
  }

  createProfile(application: Application, name: string, type: string, location: string): Profile {
    const profile: Profile = { id: newId(), name, type, location, versions: [], lastNumber: 0 }
    application.profiles.push(profile)
    return profile
  }

  createVersion(
    profile: Profile,
    content: Uint8Array,
    asked: Partial<Record<'contentType' | 'latest' | 'description' | 'label', string | undefined>>,
  ): HostedVersion {
    const { contentType, latest, description, label } = asked
    if (profile.location !== 'hosted') throw badRequest(`profile ${profile.id} is not hosted`)
    if (contentType === undefined || contentType === '') throw badRequest('ContentType is required')
    if (content.length > MAX_CONTENT_BYTES)
      throw new AwsError('PayloadTooLargeException', 'Configuration content is too large.', 413, {
        Measure: 'KILOBYTES',
        Limit: MAX_CONTENT_BYTES / 1024,
        Size: content.length / 1024,
      })
    if (latest !== undefined && Number(latest) !== profile.lastNumber)
      throw conflict(
        `The latest version of the configuration profile is ${profile.lastNumber}, not ${latest}.`,
      )
    if (label !== undefined && profile.versions.some((each) => each.label === label))
      throw conflict(`The version label ${label} is used by another version.`)
    if (label !== undefined && !/^(?=.*[a-zA-Z])[\w.-]{1,64}$/.test(label))
      throw badRequest('VersionLabel is not valid')
    const kept = profile.type === FEATURE_FLAGS ? this.#flagContent(content) : content
    profile.lastNumber += 1
    const version = { number: profile.lastNumber, content: kept, contentType, description, label }
    profile.versions.push(version)
    return version
  }

  /** What an identifier, an id or a name, means to AppConfigData. */
  find(applicationId: string, environmentId: string, profileId: string) {
    const application = byIdentifier(this.applications, applicationId)
    return {
      application,
      environment: application && byIdentifier(application.environments, environmentId),
      profile: application && byIdentifier(application.profiles, profileId),
    }
  }

  /** The deployment whose content a poller gets now. */
  served(environment: Environment, profile: Profile, bucket: number): Deployment | undefined {
    const ofProfile = environment.deployments.filter(({ profileId }) => profileId === profile.id)
    return servedTo(ofProfile, bucket, this.#clock.nowMs())
  }

  /** A CloudWatch alarm of the environment goes off: what runs is rolled back. */
  alarm(environment: Environment, name: string): void {
    const running = environment.deployments.find((each) => isRunning(each, this.#clock.nowMs()))
    if (running === undefined) return
    const why = `Rollback initiated: CloudWatch alarm ${name} is in ALARM`
    running.stopped = { atMs: this.#clock.nowMs(), by: 'CLOUDWATCH_ALARM', why }
    const application = this.applications.find(({ environments }) => environments.includes(environment))!
    this.#changed(application, environment, running, 'Rollback')
  }

  #flagContent(content: Uint8Array): Uint8Array {
    const parsed = parsedJson(content)
    const problems = problemsOf(parsed)
    if (problems.length > 0)
      throw new AwsError('BadRequestException', 'The configuration is not valid.', 400, {
        Reason: 'InvalidConfiguration',
        Details: { InvalidConfiguration: problems },
      })
    return Buffer.from(JSON.stringify(withTimes(parsed as Body, this.#clock.nowMs())))
  }

  createStrategy(body: Body): Strategy {
    const {
      DeploymentDurationInMinutes,
      FinalBakeTimeInMinutes = 0,
      GrowthFactor,
      GrowthType = 'LINEAR',
    } = body
    within('DeploymentDurationInMinutes', DeploymentDurationInMinutes, 0, 1440)
    within('FinalBakeTimeInMinutes', FinalBakeTimeInMinutes, 0, 1440)
    within('GrowthFactor', GrowthFactor, 1, 100)
    if (GrowthType !== 'LINEAR' && GrowthType !== 'EXPONENTIAL')
      throw badRequest(`GrowthType ${GrowthType} is not known`)
    const { ReplicateTo = 'NONE' } = body
    if (ReplicateTo !== 'NONE' && ReplicateTo !== 'SSM_DOCUMENT')
      throw badRequest(`ReplicateTo ${ReplicateTo} is not known`)
    if (this.strategies.length - PREDEFINED_STRATEGIES.length >= MAX_STRATEGIES)
      throw new AwsError(
        'ServiceQuotaExceededException',
        `at most ${MAX_STRATEGIES} deployment strategies`,
        402,
      )
    const strategy: Strategy = {
      id: newId(),
      name: nameIn(body),
      ...(typeof body.Description === 'string' ? { description: body.Description } : {}),
      durationMinutes: DeploymentDurationInMinutes as number,
      growthType: GrowthType,
      growthFactor: GrowthFactor as number,
      bakeMinutes: FinalBakeTimeInMinutes as number,
      replicateTo: ReplicateTo,
    }
    this.strategies.push(strategy)
    return strategy
  }

  startDeployment(application: Application, environment: Environment, body: Body): Deployment {
    const profile = application.profiles.find(({ id }) => id === body.ConfigurationProfileId)
    if (profile === undefined) throw noSuch('ConfigurationProfile', String(body.ConfigurationProfileId))
    const latest = environment.deployments.at(-1)?.number ?? 0
    if (body.LatestDeploymentNumber !== undefined && body.LatestDeploymentNumber !== latest)
      throw conflict(`The latest deployment number is ${latest}, not ${body.LatestDeploymentNumber}.`)
    const strategy = this.strategy(String(body.DeploymentStrategyId))
    const description = body.Description as string | undefined
    return this.start(
      application,
      environment,
      profile,
      String(body.ConfigurationVersion),
      strategy,
      description,
    )
  }

  /** `which`: a version's number or label. */
  start(
    application: Application,
    environment: Environment,
    profile: Profile,
    which: string,
    strategy: Strategy,
    description?: string,
  ): Deployment {
    const version = versionOf(profile, which)
    const running = environment.deployments.find((each) => isRunning(each, this.#clock.nowMs()))
    if (running !== undefined)
      throw conflict(
        `Deployment number ${running.number} is in progress in the environment: wait, or stop it.`,
      )
    const deployment: Deployment = {
      number: (environment.deployments.at(-1)?.number ?? 0) + 1,
      profileId: profile.id,
      profileName: profile.name,
      version: version.number,
      label: version.label,
      content: version.content,
      contentType: version.contentType,
      strategy,
      description,
      startedAtMs: this.#clock.nowMs(),
    }
    environment.deployments.push(deployment)
    this.#changed(application, environment, deployment, 'Start')
    return deployment
  }

  /** https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_StopDeployment.html */
  stopDeployment(
    application: Application,
    environment: Environment,
    deployment: Deployment,
    allowRevert: boolean,
  ): void {
    const nowMs = this.#clock.nowMs()
    const { state, completedAtMs } = progressOf(deployment, nowMs)
    if (state === 'DEPLOYING' || (state === 'BAKING' && allowRevert))
      deployment.stopped = { atMs: nowMs, by: 'USER', why: 'Rollback initiated by a user' }
    else if (state === 'COMPLETE' && allowRevert && nowMs <= completedAtMs! + REVERT_MS)
      deployment.revertedAtMs = nowMs
    else
      throw badRequest(
        `Deployment ${deployment.number} is ${state} and can't be stopped${allowRevert ? '' : ' without AllowRevert'}.`,
      )
    this.#changed(application, environment, deployment, 'Rollback')
  }

  application(id: string): Application {
    return found(this.applications, id, 'Application')
  }

  environment(applicationId: string, id: string): Environment {
    return found(this.application(applicationId).environments, id, 'Environment')
  }

  profile(applicationId: string, id: string): Profile {
    return found(this.application(applicationId).profiles, id, 'ConfigurationProfile')
  }

  strategy(id: string): Strategy {
    return found(this.strategies, id, 'DeploymentStrategy')
  }

  deployment(applicationId: string, environmentId: string, number: string): Deployment {
    const deployments = this.environment(applicationId, environmentId).deployments
    const deployment = deployments.find((each) => String(each.number) === number)
    if (deployment === undefined) throw noSuch('Deployment', number)
    return deployment
  }
}

export function versionOf({ versions }: Pick<Profile, 'versions'>, which: string): HostedVersion {
  const version = versions.find(({ number, label }) => String(number) === which || label === which)
  if (version === undefined) throw noSuch('HostedConfigurationVersion', which)
  return version
}

function found<T extends { readonly id: string }>(all: readonly T[], id: string, what: string): T {
  const one = all.find((each) => each.id === id)
  if (one === undefined) throw noSuch(what, id)
  return one
}

const byIdentifier = <T extends { readonly id: string; readonly name: string }>(
  all: readonly T[],
  identifier: string,
): T | undefined => all.find(({ id }) => id === identifier) ?? all.find(({ name }) => name === identifier)

export function nameIn({ Name }: Body): string {
  if (typeof Name !== 'string' || Name.length < 1 || Name.length > 128)
    throw badRequest('Name must have 1 to 128 characters')
  return Name
}

function within(name: string, value: unknown, least: number, most: number): void {
  if (typeof value !== 'number' || !(value >= least && value <= most))
    throw badRequest(`${name} must be between ${least} and ${most}`)
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789'
const newId = (): string => Array.from({ length: 7 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
