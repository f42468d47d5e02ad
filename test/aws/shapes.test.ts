/**
 * The emulator's answers against AWS's own service models, which the clients carry: every member is one that the model
 * has, of its type, and every call has the model's address and status.
 */
import * as appConfig from '@aws-sdk/client-appconfig'
import * as ssm from '@aws-sdk/client-ssm'
import { describe, expect, test } from 'vitest'
import { startAws, type TestAws } from '../helpers/aws/test-aws.ts'
import { type SignedRequest, send } from './signed.ts'

/** A schema of Smithy's: https://smithy.io; a kind, or an array that begins with one; functions are answered later. */
type Schema = number | (() => Schema) | readonly unknown[]

const [NAMED, LIST, MAP, STRUCTURE, UNION, ERROR] = [0, 1, 2, 3, 4, -3]
/** Kinds that are no arrays; 64 and 128 are a list and a map of such. */
const SIMPLE: Readonly<Record<number, string>> = {
  0: 'string',
  1: 'number',
  2: 'boolean',
  4: 'number',
  5: 'string',
}

/** Where a value is not as the model says. */
function strangers(value: unknown, schema: Schema, at: string): string[] {
  if (typeof schema === 'function') return strangers(value, schema(), at)
  if (typeof schema === 'number') return simple(value, schema, at)
  if (typeof schema[0] !== 'number' || schema.length <= 2) return strangers(value, schema[0] as Schema, at)
  const [kind, , , , names, members] = schema as [number, string, string, unknown, unknown, Schema[]]
  if (kind === NAMED) return strangers(value, names as Schema, at)
  if (kind === LIST) return each(value, (item, index) => strangers(item, names as Schema, `${at}[${index}]`))
  if (kind === MAP)
    return each(value, (item, key) => strangers(item, members as unknown as Schema, `${at}.${key}`))
  if (![STRUCTURE, UNION, ERROR].includes(kind)) throw new Error(`no such kind of schema: ${kind}`)
  if (typeof value !== 'object' || value === null) return [`${at} is no object`]
  return Object.entries(value).flatMap(([name, item]) => {
    const index = (names as string[]).indexOf(name)
    return index < 0
      ? [`${at}.${name} is not in the model`]
      : strangers(item, members[index]!, `${at}.${name}`)
  })
}

function simple(value: unknown, kind: number, at: string): string[] {
  if (kind >= 128) return each(value, (item, key) => simple(item, kind - 128, `${at}.${key}`))
  if (kind >= 64) return each(value, (item, key) => simple(item, kind - 64, `${at}[${key}]`))
  const wanted = SIMPLE[kind]
  if (wanted === undefined) throw new Error(`no such simple schema: ${kind}`)
  return typeof value === wanted ? [] : [`${at} is ${typeof value}, not ${wanted}`]
}

const each = (value: unknown, check: (item: unknown, key: string) => string[]): string[] =>
  Object.entries(value as object).flatMap(([key, item]) => check(item, key))

type Operation = readonly [
  9,
  string,
  string,
  { http?: readonly [string, string, number] },
  () => Schema,
  () => Schema,
]

const operationOf = (client: object, name: string): Operation => {
  const operation = (client as Record<string, unknown>)[`${name}$`]
  if (operation === undefined) throw new Error(`the model has no operation ${name}`)
  return operation as Operation
}

describe('SSM', () => {
  async function start(): Promise<TestAws> {
    const aws = await startAws()
    for (const name of ['/t/a', '/t/b']) aws.account.putParameter(name, 'x')
    aws.account.labelParameter('/t/a', 1, 'one')
    return aws
  }

  test.each<[string, object]>([
    ['PutParameter', { Name: '/t/c', Value: 'x', Type: 'String' }],
    ['GetParameter', { Name: '/t/a:one' }],
    ['GetParameters', { Names: ['/t/a', '/t/none'] }],
    ['GetParametersByPath', { Path: '/t', MaxResults: 1 }],
    ['GetParameterHistory', { Name: '/t/a' }],
    ['LabelParameterVersion', { Name: '/t/a', Labels: ['two', 'aws-no'] }],
    ['DeleteParameter', { Name: '/t/a' }],
    ['DeleteParameters', { Names: ['/t/a', '/t/none'] }],
  ])('%s', async (name, input) => {
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `AmazonSSM.${name}` }
    const request = { method: 'POST', path: '/', headers, body: JSON.stringify(input), service: 'ssm' }
    const response = await send(await start(), request)
    const answer: unknown = await response.json()
    expect(response.status).toBe(200)
    const [, , , , asked, answered] = operationOf(ssm, name)
    expect(strangers(input, asked(), 'asked')).toEqual([])
    expect(strangers(answer, answered(), 'answer')).toEqual([])
  })
})

describe('AppConfig', () => {
  const PLACE = { application: 'app', environment: 'prod', profile: 'flags' }
  const STRATEGY = {
    Name: 's',
    DeploymentDurationInMinutes: 0,
    GrowthFactor: 100,
    FinalBakeTimeInMinutes: 0,
    ReplicateTo: 'NONE',
    Description: 'd',
  }

  /** `A`, `E`, `P` stand for the ids of application, environment and profile. */
  const ROWS: [string, string, string, object?][] = [
    ['ListApplications', 'GET', '/applications'],
    ['CreateApplication', 'POST', '/applications', { Name: 'a' }],
    ['GetApplication', 'GET', '/applications/A'],
    ['ListEnvironments', 'GET', '/applications/A/environments'],
    [
      'CreateEnvironment',
      'POST',
      '/applications/A/environments',
      { Name: 'e', Monitors: [{ AlarmArn: 'arn' }] },
    ],
    ['GetEnvironment', 'GET', '/applications/A/environments/E'],
    ['ListConfigurationProfiles', 'GET', '/applications/A/configurationprofiles'],
    [
      'CreateConfigurationProfile',
      'POST',
      '/applications/A/configurationprofiles',
      { Name: 'p', LocationUri: 'hosted' },
    ],
    ['GetConfigurationProfile', 'GET', '/applications/A/configurationprofiles/P'],
    [
      'ListHostedConfigurationVersions',
      'GET',
      '/applications/A/configurationprofiles/P/hostedconfigurationversions',
    ],
    ['ListDeploymentStrategies', 'GET', '/deploymentstrategies'],
    ['CreateDeploymentStrategy', 'POST', '/deploymentstrategies', STRATEGY],
    ['GetDeploymentStrategy', 'GET', '/deploymentstrategies/AppConfig.AllAtOnce'],
    ['ListDeployments', 'GET', '/applications/A/environments/E/deployments'],
    ['GetDeployment', 'GET', '/applications/A/environments/E/deployments/1'],
    [
      'StartDeployment',
      'POST',
      '/applications/A/environments/E/deployments',
      {
        ConfigurationProfileId: 'P',
        ConfigurationVersion: '1',
        DeploymentStrategyId: 'AppConfig.AllAtOnce',
        Description: 'd',
      },
    ],
    ['StopDeployment', 'DELETE', '/applications/A/environments/E/deployments/2'],
  ]

  test.each(ROWS)('%s', async (name, method, path, body) => {
    const aws = await startAws()
    aws.account.stopClock()
    const { applicationId, environmentId, profileId } = aws.account.makePlace(PLACE)
    aws.account.deploy(PLACE, '{}')
    aws.account.advance(1_000)
    if (name === 'StopDeployment') aws.account.deploy(PLACE, '{}', 'AppConfig.Canary10Percent20Minutes')
    const fill = (text: string) =>
      text
        .replace(/(?<=\/)A(?=\/|$)/, applicationId)
        .replace(/(?<=\/)E(?=\/|$)/, environmentId)
        .replace(/(?<=\/)P(?=\/|$)|(?<=")P(?=")/, profileId)
    const [, , , { http }, asked, answered] = operationOf(appConfig, name)
    const request: SignedRequest = {
      method,
      path: fill(path),
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: fill(JSON.stringify(body)) }),
    }
    const response = await send(aws, request)
    expect([method, response.status]).toEqual([http![0], http![2]])
    expect(fill(path)).toMatch(new RegExp(`^${http![1].replace(/\{\w+\}/g, '[^/]+')}$`))
    if (body !== undefined) expect(strangers(body, asked(), 'asked')).toEqual([])
    expect(strangers(await response.json(), answered(), 'answer')).toEqual([])
  })

  test('a refusal names its exception and has the model’s members', async () => {
    const aws = await startAws()
    aws.account.makePlace({ ...PLACE, type: 'AWS.AppConfig.FeatureFlags' })
    const { applicationId, profileId } = aws.account.makePlace(PLACE)
    const path = `/applications/${applicationId}/configurationprofiles/${profileId}/hostedconfigurationversions`
    const response = await send(aws, {
      method: 'POST',
      path,
      headers: { 'content-type': 'application/json' },
      body: '{}',
    })
    expect(response.headers.get('x-amzn-errortype')).toBe('BadRequestException')
    const schema = (appConfig as Record<string, unknown>).BadRequestException$ as Schema
    expect(strangers(await response.json(), schema, 'refusal')).toEqual([])
  })
})

test('the check finds what the model does not have', () => {
  const { Parameter$ } = ssm as unknown as Record<string, Schema>
  expect(strangers({ Name: 1, Extra: 'x', Version: 1 }, Parameter$!, 'p')).toEqual([
    'p.Name is number, not string',
    'p.Extra is not in the model',
  ])
})
