/**
 * AppConfig's control plane over HTTP: REST and JSON, a row for each call.
 * https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_Operations.html
 */
import {
  type AppConfig,
  type Body,
  FEATURE_FLAGS,
  FREEFORM,
  nameIn,
  type Profile,
  versionOf,
} from './appconfig.ts'
import { badRequest } from './appconfig-errors.ts'
import {
  bodyOf,
  deploymentIn,
  inputOf,
  listed,
  MAX_PAGE,
  resourcesOf,
  showApplication,
  showEnvironment,
  showProfile,
  showStrategy,
  showVersion,
  summaryOf,
  versionAnswer,
} from './appconfig-wire.ts'
import { type Answer, AwsError, type AwsRequest, json, type Understood } from './wire.ts'

interface Route {
  readonly method: string
  readonly path: RegExp
  readonly action: string
  /** `ids`: what stands for `*` in the path. */
  readonly run: (ids: readonly string[], request: AwsRequest) => Answer
}

export class AppConfigRoutes {
  readonly #accountId: string
  readonly #routes: readonly Route[]

  constructor(appConfig: AppConfig, accountId: string) {
    this.#accountId = accountId
    this.#routes = routesOf(appConfig)
  }

  understand(request: AwsRequest, region: string): Understood {
    for (const { method, path, action, run } of this.#routes) {
      const ids =
        method === request.method ? path.exec(request.path)?.slice(1).map(decodeURIComponent) : undefined
      if (ids === undefined) continue
      return {
        action: `appconfig:${action}`,
        resources: resourcesOf(action, request, region, this.#accountId),
        input: inputOf(request),
        run: () => run(ids, request),
      }
    }
    throw new AwsError('UnknownOperationException', `${request.method} ${request.path} is not emulated`, 404)
  }
}

const routesOf = (appConfig: AppConfig): readonly Route[] => [
  route('GET', '/applications', 'ListApplications', (_, request) =>
    list(appConfig, request, appConfig.applications.map(showApplication)),
  ),
  route('POST', '/applications', 'CreateApplication', (_, request) =>
    json(201, showApplication(appConfig.createApplication(nameIn(bodyOf(request))))),
  ),
  route('GET', '/applications/*', 'GetApplication', ([id]) =>
    json(200, showApplication(appConfig.application(id!))),
  ),
  route('GET', '/applications/*/environments', 'ListEnvironments', ([id], request) =>
    list(
      appConfig,
      request,
      appConfig.application(id!).environments.map((each) => showEnvironment(id!, each, appConfig.nowMs())),
    ),
  ),
  route('POST', '/applications/*/environments', 'CreateEnvironment', ([id], request) => {
    const body = bodyOf(request)
    const monitors = (body.Monitors ?? []) as unknown[]
    const environment = appConfig.createEnvironment(appConfig.application(id!), nameIn(body), monitors)
    return json(201, showEnvironment(id!, environment, appConfig.nowMs()))
  }),
  route('GET', '/applications/*/environments/*', 'GetEnvironment', ([id, environmentId]) =>
    json(200, showEnvironment(id!, appConfig.environment(id!, environmentId!), appConfig.nowMs())),
  ),
  route('GET', '/applications/*/configurationprofiles', 'ListConfigurationProfiles', ([id], request) =>
    list(
      appConfig,
      request,
      appConfig
        .application(id!)
        .profiles.filter(({ type }) => type === (request.query.get('type') ?? type))
        .map((each) => showProfile(id!, each)),
    ),
  ),
  route('POST', '/applications/*/configurationprofiles', 'CreateConfigurationProfile', ([id], request) =>
    json(201, showProfile(id!, newProfile(appConfig, id!, bodyOf(request)))),
  ),
  route('GET', '/applications/*/configurationprofiles/*', 'GetConfigurationProfile', ([id, profileId]) =>
    json(200, showProfile(id!, appConfig.profile(id!, profileId!))),
  ),
  route('GET', '/deploymentstrategies', 'ListDeploymentStrategies', (_, request) =>
    list(appConfig, request, appConfig.strategies.map(showStrategy)),
  ),
  route('POST', '/deploymentstrategies', 'CreateDeploymentStrategy', (_, request) =>
    json(201, showStrategy(appConfig.createStrategy(bodyOf(request)))),
  ),
  route('GET', '/deploymentstrategies/*', 'GetDeploymentStrategy', ([id]) =>
    json(200, showStrategy(appConfig.strategy(id!))),
  ),
  route(
    'GET',
    '/applications/*/configurationprofiles/*/hostedconfigurationversions',
    'ListHostedConfigurationVersions',
    ([id, profileId], request) =>
      list(
        appConfig,
        request,
        appConfig
          .profile(id!, profileId!)
          .versions.toReversed()
          .map((each) => showVersion(id!, profileId!, each)),
      ),
  ),
  route(
    'POST',
    '/applications/*/configurationprofiles/*/hostedconfigurationversions',
    'CreateHostedConfigurationVersion',
    ([id, profileId], { headers, body }) => {
      const version = appConfig.createVersion(appConfig.profile(id!, profileId!), body, {
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
      versionAnswer(200, id!, profileId!, versionOf(appConfig.profile(id!, profileId!), number!)),
  ),
  route(
    'DELETE',
    '/applications/*/configurationprofiles/*/hostedconfigurationversions/*',
    'DeleteHostedConfigurationVersion',
    ([id, profileId, number]) => {
      const { versions } = appConfig.profile(id!, profileId!)
      versions.splice(versions.indexOf(versionOf({ versions }, number!)), 1)
      return { status: 204 }
    },
  ),
  route(
    'GET',
    '/applications/*/environments/*/deployments',
    'ListDeployments',
    ([id, environmentId], request) =>
      list(
        appConfig,
        request,
        appConfig
          .environment(id!, environmentId!)
          .deployments.toReversed()
          .map((each) => summaryOf(each, appConfig.nowMs())),
      ),
  ),
  route(
    'POST',
    '/applications/*/environments/*/deployments',
    'StartDeployment',
    ([id, environmentId], request) => {
      const application = appConfig.application(id!)
      const deployment = appConfig.startDeployment(
        application,
        appConfig.environment(id!, environmentId!),
        bodyOf(request),
      )
      return json(201, deploymentIn(id!, environmentId!, deployment, appConfig.nowMs()))
    },
  ),
  route(
    'GET',
    '/applications/*/environments/*/deployments/*',
    'GetDeployment',
    ([id, environmentId, number]) =>
      json(
        200,
        deploymentIn(
          id!,
          environmentId!,
          appConfig.deployment(id!, environmentId!, number!),
          appConfig.nowMs(),
        ),
      ),
  ),
  route(
    'DELETE',
    '/applications/*/environments/*/deployments/*',
    'StopDeployment',
    ([id, environmentId, number], { headers }) => {
      const deployment = appConfig.deployment(id!, environmentId!, number!)
      const [application, environment] = [
        appConfig.application(id!),
        appConfig.environment(id!, environmentId!),
      ]
      appConfig.stopDeployment(application, environment, deployment, headers['allow-revert'] === 'true')
      return json(202, deploymentIn(id!, environmentId!, deployment, appConfig.nowMs()))
    },
  ),
]

/** `*` stands for one segment of the path. */
const route = (method: string, path: string, action: string, run: Route['run']): Route => ({
  method,
  path: new RegExp(`^${path.replaceAll('*', '([^/]+)')}$`),
  action,
  run,
})

const list = (appConfig: AppConfig, request: AwsRequest, items: readonly unknown[]): Answer =>
  listed(request, items, appConfig.awkwardPages ? 2 : MAX_PAGE)

function newProfile(appConfig: AppConfig, applicationId: string, body: Body): Profile {
  const { LocationUri, Type = FREEFORM } = body
  if (typeof LocationUri !== 'string') throw badRequest('LocationUri is required')
  if (Type !== FREEFORM && Type !== FEATURE_FLAGS) throw badRequest(`Type ${Type} is not known`)
  return appConfig.createProfile(appConfig.application(applicationId), nameIn(body), Type, LocationUri)
}
