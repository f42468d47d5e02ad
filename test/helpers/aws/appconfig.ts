/**
 * AppConfig's control plane: REST and JSON. Both optimistic locks, one running deployment an environment, the limit of a
 * hosted configuration, and flag content checked before it is kept. What it serves, `appconfig-data.ts` reads.
 * https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/Welcome.html
 */
import { randomInt } from 'node:crypto'
import type { Clock } from './clock.ts'
import {
  type Deployment,
  isRunning,
  PREDEFINED_STRATEGIES,
  progressOf,
  REVERT_MS,
  type Strategy,
  servedTo,
  showDeployment,
} from './deployments.ts'
import { problemsOf, withTimes } from './feature-flags.ts'
import { pageOf } from './paging.ts'
import { type Answer, AwsError, type AwsRequest, json, type Understood } from './wire.ts'

export const FEATURE_FLAGS = 'AWS.AppConfig.FeatureFlags'
const FREEFORM = 'AWS.Freeform'
const MAX_CONTENT_BYTES = 1_048_576
const MAX_STRATEGIES = 20
const MAX_PAGE = 50

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

type Body = Readonly<Record<string, unknown>>
type Changed = (
  application: Application,
  environment: Environment,
  deployment: Deployment,
  what: string,
) => void

interface Route {
  readonly method: string
  readonly path: RegExp
  readonly action: string
  /** ARNs beside the fixed parts of the path; default: what the path names. */
  readonly run: (ids: readonly string[], request: AwsRequest) => Answer
}

export class AppConfig {
  readonly #clock: Clock
  readonly #accountId: string
  readonly #changed: Changed
  readonly applications: Application[] = []
  readonly strategies: Strategy[] = [...PREDEFINED_STRATEGIES]
  /** Lists come two at a time, however many are asked for. */
  awkwardPages = false

  constructor(clock: Clock, accountId: string, changed: Changed) {
    this.#clock = clock
    this.#accountId = accountId
    this.#changed = changed
  }

  understand(request: AwsRequest, region: string): Understood {
    for (const { method, path, action, run } of this.#routes) {
      const ids =
        method === request.method ? path.exec(request.path)?.slice(1).map(decodeURIComponent) : undefined
      if (ids === undefined) continue
      return {
        action: `appconfig:${action}`,
        resources: this.#resourcesOf(action, request, region),
        input: inputOf(request),
        run: () => run(ids, request),
      }
    }
    throw new AwsError('UnknownOperationException', `${request.method} ${request.path} is not emulated`, 404)
  }

  readonly #routes: readonly Route[] = [
    route('GET', '/applications', 'ListApplications', (_, request) =>
      this.#listed(request, this.applications.map(showApplication)),
    ),
    route('POST', '/applications', 'CreateApplication', (_, request) =>
      json(201, showApplication(this.createApplication(nameIn(bodyOf(request))))),
    ),
    route('GET', '/applications/*', 'GetApplication', ([id]) =>
      json(200, showApplication(this.#application(id!))),
    ),
    route('GET', '/applications/*/environments', 'ListEnvironments', ([id], request) =>
      this.#listed(
        request,
        this.#application(id!).environments.map((each) => this.#showEnvironment(id!, each)),
      ),
    ),
    route('POST', '/applications/*/environments', 'CreateEnvironment', ([id], request) => {
      const body = bodyOf(request)
      const monitors = (body.Monitors ?? []) as unknown[]
      const environment = this.createEnvironment(this.#application(id!), nameIn(body), monitors)
      return json(201, this.#showEnvironment(id!, environment))
    }),
    route('GET', '/applications/*/environments/*', 'GetEnvironment', ([id, environmentId]) =>
      json(200, this.#showEnvironment(id!, this.#environment(id!, environmentId!))),
    ),
    route('GET', '/applications/*/configurationprofiles', 'ListConfigurationProfiles', ([id], request) =>
      this.#listed(
        request,
        this.#application(id!)
          .profiles.filter(({ type }) => type === (request.query.get('type') ?? type))
          .map((each) => showProfile(id!, each)),
      ),
    ),
    route('POST', '/applications/*/configurationprofiles', 'CreateConfigurationProfile', ([id], request) =>
      json(201, showProfile(id!, this.#newProfile(this.#application(id!), bodyOf(request)))),
    ),
    route('GET', '/applications/*/configurationprofiles/*', 'GetConfigurationProfile', ([id, profileId]) =>
      json(200, showProfile(id!, this.#profile(id!, profileId!))),
    ),
    route('GET', '/deploymentstrategies', 'ListDeploymentStrategies', (_, request) =>
      this.#listed(request, this.strategies.map(showStrategy)),
    ),
    route('POST', '/deploymentstrategies', 'CreateDeploymentStrategy', (_, request) =>
      json(201, showStrategy(this.#createStrategy(bodyOf(request)))),
    ),
    route('GET', '/deploymentstrategies/*', 'GetDeploymentStrategy', ([id]) =>
      json(200, showStrategy(this.#strategy(id!))),
    ),
    route(
      'GET',
      '/applications/*/configurationprofiles/*/hostedconfigurationversions',
      'ListHostedConfigurationVersions',
      ([id, profileId], request) =>
        this.#listed(
          request,
          this.#profile(id!, profileId!)
            .versions.toReversed()
            .map((each) => showVersion(id!, profileId!, each)),
        ),
    ),
    route(
      'POST',
      '/applications/*/configurationprofiles/*/hostedconfigurationversions',
      'CreateHostedConfigurationVersion',
      ([id, profileId], { headers, body }) => {
        const version = this.createVersion(this.#profile(id!, profileId!), body, {
          contentType: headers['content-type'],
          latest: headers['latest-version-number'],
          description: headers.description,
          label: headers.versionlabel,
        })
        return versionAnswer(201, id!, profileId!, version)
      },
    ),
    route(
      'GET',
      '/applications/*/configurationprofiles/*/hostedconfigurationversions/*',
      'GetHostedConfigurationVersion',
      ([id, profileId, number]) =>
        versionAnswer(200, id!, profileId!, versionOf(this.#profile(id!, profileId!), number!)),
    ),
    route(
      'DELETE',
      '/applications/*/configurationprofiles/*/hostedconfigurationversions/*',
      'DeleteHostedConfigurationVersion',
      ([id, profileId, number]) => {
        const { versions } = this.#profile(id!, profileId!)
        versions.splice(versions.indexOf(versionOf({ versions }, number!)), 1)
        return { status: 204 }
      },
    ),
    route(
      'GET',
      '/applications/*/environments/*/deployments',
      'ListDeployments',
      ([id, environmentId], request) =>
        this.#listed(
          request,
          this.#environment(id!, environmentId!)
            .deployments.toReversed()
            .map((each) => summaryOf(showDeployment(each, this.#clock.nowMs()))),
        ),
    ),
    route(
      'POST',
      '/applications/*/environments/*/deployments',
      'StartDeployment',
      ([id, environmentId], request) => {
        const application = this.#application(id!)
        const deployment = this.#start(application, this.#environment(id!, environmentId!), bodyOf(request))
        return json(201, this.#showDeployment(id!, environmentId!, deployment))
      },
    ),
    route(
      'GET',
      '/applications/*/environments/*/deployments/*',
      'GetDeployment',
      ([id, environmentId, number]) =>
        json(200, this.#showDeployment(id!, environmentId!, this.#deployment(id!, environmentId!, number!))),
    ),
    route(
      'DELETE',
      '/applications/*/environments/*/deployments/*',
      'StopDeployment',
      ([id, environmentId, number], { headers }) => {
        const deployment = this.#deployment(id!, environmentId!, number!)
        this.#stop(deployment, headers['allow-revert'] === 'true')
        const environment = this.#environment(id!, environmentId!)
        this.#changed(this.#application(id!), environment, deployment, 'Rollback')
        return json(202, this.#showDeployment(id!, environmentId!, deployment))
      },
    ),
  ]

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

  #newProfile(application: Application, body: Body): Profile {
    const { LocationUri, Type = FREEFORM } = body
    if (typeof LocationUri !== 'string') throw badRequest('LocationUri is required')
    if (Type !== FREEFORM && Type !== FEATURE_FLAGS) throw badRequest(`Type ${Type} is not known`)
    return this.createProfile(application, nameIn(body), Type, LocationUri)
  }

  #createStrategy(body: Body): Strategy {
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

  #start(application: Application, environment: Environment, body: Body): Deployment {
    const profile = application.profiles.find(({ id }) => id === body.ConfigurationProfileId)
    if (profile === undefined) throw noSuch('ConfigurationProfile', String(body.ConfigurationProfileId))
    const latest = environment.deployments.at(-1)?.number ?? 0
    if (body.LatestDeploymentNumber !== undefined && body.LatestDeploymentNumber !== latest)
      throw conflict(`The latest deployment number is ${latest}, not ${body.LatestDeploymentNumber}.`)
    const strategy = this.#strategy(String(body.DeploymentStrategyId))
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
  #stop(deployment: Deployment, allowRevert: boolean): void {
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
  }

  #listed(request: AwsRequest, items: readonly unknown[]): Answer {
    return listed(request, items, this.awkwardPages ? 2 : MAX_PAGE)
  }

  #application(id: string): Application {
    return found(this.applications, id, 'Application')
  }

  #environment(applicationId: string, id: string): Environment {
    return found(this.#application(applicationId).environments, id, 'Environment')
  }

  #profile(applicationId: string, id: string): Profile {
    return found(this.#application(applicationId).profiles, id, 'ConfigurationProfile')
  }

  #strategy(id: string): Strategy {
    return found(this.strategies, id, 'DeploymentStrategy')
  }

  #deployment(applicationId: string, environmentId: string, number: string): Deployment {
    const deployments = this.#environment(applicationId, environmentId).deployments
    const deployment = deployments.find((each) => String(each.number) === number)
    if (deployment === undefined) throw noSuch('Deployment', number)
    return deployment
  }

  #showDeployment(applicationId: string, environmentId: string, deployment: Deployment) {
    const shown = showDeployment(deployment, this.#clock.nowMs())
    return { ApplicationId: applicationId, EnvironmentId: environmentId, ...shown }
  }

  #showEnvironment(ApplicationId: string, { id, name, monitors, deployments }: Environment) {
    const last = deployments.at(-1)
    const state = last === undefined ? 'READY_FOR_DEPLOYMENT' : progressOf(last, this.#clock.nowMs()).state
    const State = ['COMPLETE', 'READY_FOR_DEPLOYMENT'].includes(state)
      ? 'READY_FOR_DEPLOYMENT'
      : state === 'BAKING'
        ? 'DEPLOYING'
        : state
    return { ApplicationId, Id: id, Name: name, State, Monitors: monitors }
  }

  /** https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsappconfig.html */
  #resourcesOf(action: string, request: AwsRequest, region: string): string[] {
    const arn = (path: string): string => `arn:aws:appconfig:${region}:${this.#accountId}:${path}`
    const parts = request.path.split('/').slice(1)
    const singular: Record<string, string> = {
      applications: 'application',
      environments: 'environment',
      configurationprofiles: 'configurationprofile',
      hostedconfigurationversions: 'hostedconfigurationversion',
      deployments: 'deployment',
      deploymentstrategies: 'deploymentstrategy',
    }
    const named: string[] = []
    let path = ''
    for (let at = 0; at + 1 < parts.length; at += 2) {
      path += `${path === '' ? '' : '/'}${singular[parts[at]!]}/${parts[at + 1]}`
      named.push(arn(path))
    }
    if (action !== 'StartDeployment') return named.length === 0 ? ['*'] : named
    const { ConfigurationProfileId, DeploymentStrategyId } = bodyOf(request)
    return [
      ...named,
      arn(`application/${parts[1]}/configurationprofile/${ConfigurationProfileId}`),
      arn(`deploymentstrategy/${DeploymentStrategyId}`),
    ]
  }
}

/** `*` stands for one segment of the path. */
const route = (method: string, path: string, action: string, run: Route['run']): Route => ({
  method,
  path: new RegExp(`^${path.replaceAll('*', '([^/]+)')}$`),
  action,
  run,
})

function listed(request: AwsRequest, items: readonly unknown[], most: number): Answer {
  const asked = Number(request.query.get('max_results') ?? MAX_PAGE)
  if (!(asked >= 1 && asked <= MAX_PAGE)) throw badRequest(`MaxResults must be between 1 and ${MAX_PAGE}`)
  const size = Math.min(asked, most)
  const token = request.query.get('next_token') ?? undefined
  const page = pageOf(items, size, token, request.path, badRequest('NextToken is not valid'))
  return json(200, { Items: page.items, ...(page.next === undefined ? {} : { NextToken: page.next }) })
}

const showApplication = ({ id, name }: Application) => ({ Id: id, Name: name })

const showProfile = (ApplicationId: string, { id, name, type, location }: Profile) => ({
  ApplicationId,
  Id: id,
  Name: name,
  Type: type,
  LocationUri: location,
})

const showStrategy = (strategy: Strategy) => ({
  Id: strategy.id,
  Name: strategy.name,
  Description: strategy.description,
  DeploymentDurationInMinutes: strategy.durationMinutes,
  GrowthType: strategy.growthType,
  GrowthFactor: strategy.growthFactor,
  FinalBakeTimeInMinutes: strategy.bakeMinutes,
  ReplicateTo: strategy.replicateTo,
})

const showVersion = (ApplicationId: string, ConfigurationProfileId: string, version: HostedVersion) => ({
  ApplicationId,
  ConfigurationProfileId,
  VersionNumber: version.number,
  Description: version.description,
  ContentType: version.contentType,
  VersionLabel: version.label,
})

const versionAnswer = (
  status: number,
  applicationId: string,
  profileId: string,
  version: HostedVersion,
): Answer => ({
  status,
  headers: {
    'application-id': applicationId,
    'configuration-profile-id': profileId,
    'version-number': String(version.number),
    'content-type': version.contentType,
    ...(version.description === undefined ? {} : { description: version.description }),
    ...(version.label === undefined ? {} : { versionlabel: version.label }),
  },
  body: version.content,
})

/** A list shows less of each than the deployment alone. */
function summaryOf(shown: ReturnType<typeof showDeployment>) {
  const { EventLog, ConfigurationLocationUri, DeploymentStrategyId, Description, ...summary } = shown
  return summary
}

function versionOf({ versions }: Pick<Profile, 'versions'>, which: string): HostedVersion {
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

function nameIn({ Name }: Body): string {
  if (typeof Name !== 'string' || Name.length < 1 || Name.length > 128)
    throw badRequest('Name must have 1 to 128 characters')
  return Name
}

function within(name: string, value: unknown, least: number, most: number): void {
  if (typeof value !== 'number' || !(value >= least && value <= most))
    throw badRequest(`${name} must be between ${least} and ${most}`)
}

function bodyOf({ body }: AwsRequest): Body {
  const value = body.length === 0 ? {} : parsedJson(body)
  if (typeof value !== 'object' || value === null) throw badRequest('the body must be an object')
  return value as Body
}

function parsedJson(content: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(content).toString())
  } catch (cause) {
    throw badRequest(`not JSON: ${(cause as Error).message}`)
  }
}

/** What a call asked, for the log: JSON as it is, other content as its length. */
function inputOf(request: AwsRequest): Body {
  const query = Object.fromEntries(request.query)
  if (request.body.length === 0) return query
  if (request.path.endsWith('/hostedconfigurationversions')) {
    const latest = request.headers['latest-version-number']
    return {
      ...query,
      contentBytes: request.body.length,
      ...(latest === undefined ? {} : { LatestVersionNumber: Number(latest) }),
    }
  }
  return { ...query, ...bodyOf(request) }
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789'
const newId = (): string => Array.from({ length: 7 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')

const badRequest = (message: string): AwsError => new AwsError('BadRequestException', message)
const conflict = (message: string): AwsError => new AwsError('ConflictException', message, 409)
const noSuch = (what: string, id: string): AwsError =>
  new AwsError('ResourceNotFoundException', `Could not find ${what} ${id}`, 404, { ResourceName: what })
