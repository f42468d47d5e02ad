/** AppConfig's wire: how things look in answers, pages of lists, and what a request asks of whom. */
import type { Application, Body, Environment, HostedVersion, Profile } from './appconfig.ts'
import { badRequest, parsedJson } from './appconfig-errors.ts'
import { type Deployment, progressOf, type Strategy, showDeployment } from './deployments.ts'
import { pageOf } from './paging.ts'
import { type Answer, type AwsRequest, json } from './wire.ts'

/** The most that AWS gives at once. */
export const MAX_PAGE = 50

/** At most `most` at once, whatever is asked for. */
export function listed(request: AwsRequest, items: readonly unknown[], most: number): Answer {
  const asked = Number(request.query.get('max_results') ?? MAX_PAGE)
  if (!(asked >= 1 && asked <= MAX_PAGE)) throw badRequest(`MaxResults must be between 1 and ${MAX_PAGE}`)
  const size = Math.min(asked, most)
  const token = request.query.get('next_token') ?? undefined
  const page = pageOf(items, size, token, request.path, badRequest('NextToken is not valid'))
  return json(200, { Items: page.items, ...(page.next === undefined ? {} : { NextToken: page.next }) })
}

export const showApplication = ({ id, name }: Application) => ({ Id: id, Name: name })

export const showProfile = (ApplicationId: string, { id, name, type, location }: Profile) => ({
  ApplicationId,
  Id: id,
  Name: name,
  Type: type,
  LocationUri: location,
})

export const showStrategy = (strategy: Strategy) => ({
  Id: strategy.id,
  Name: strategy.name,
  Description: strategy.description,
  DeploymentDurationInMinutes: strategy.durationMinutes,
  GrowthType: strategy.growthType,
  GrowthFactor: strategy.growthFactor,
  FinalBakeTimeInMinutes: strategy.bakeMinutes,
  ReplicateTo: strategy.replicateTo,
})

export const showVersion = (
  ApplicationId: string,
  ConfigurationProfileId: string,
  version: HostedVersion,
) => ({
  ApplicationId,
  ConfigurationProfileId,
  VersionNumber: version.number,
  Description: version.description,
  ContentType: version.contentType,
  VersionLabel: version.label,
})

export const versionAnswer = (
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
export function summaryOf(deployment: Deployment, nowMs: number) {
  const { EventLog, ConfigurationLocationUri, DeploymentStrategyId, Description, ...summary } =
    showDeployment(deployment, nowMs)
  return summary
}

export const deploymentIn = (
  ApplicationId: string,
  EnvironmentId: string,
  deployment: Deployment,
  nowMs: number,
) => ({ ApplicationId, EnvironmentId, ...showDeployment(deployment, nowMs) })

export function showEnvironment(
  ApplicationId: string,
  { id, name, monitors, deployments }: Environment,
  nowMs: number,
) {
  const last = deployments.at(-1)
  const state = last === undefined ? 'COMPLETE' : progressOf(last, nowMs).state
  const State = { COMPLETE: 'READY_FOR_DEPLOYMENT', BAKING: 'DEPLOYING' }[state as string] ?? state
  return { ApplicationId, Id: id, Name: name, State, Monitors: monitors }
}

export function bodyOf({ body }: AwsRequest): Body {
  const value = body.length === 0 ? {} : parsedJson(body)
  if (typeof value !== 'object' || value === null) throw badRequest('the body must be an object')
  return value as Body
}

/** What a call asked, for the log: JSON as it is, other content as its length. */
export function inputOf(request: AwsRequest): Body {
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

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsappconfig.html */
export function resourcesOf(
  action: string,
  request: AwsRequest,
  region: string,
  accountId: string,
): string[] {
  const arn = (path: string): string => `arn:aws:appconfig:${region}:${accountId}:${path}`
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
