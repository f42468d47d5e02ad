/** The emulator's AppConfig, asked by AWS's own client: locks, limits, and deployments by the clock. */
import {
  AppConfigClient,
  BadRequestException,
  ConflictException,
  CreateApplicationCommand,
  CreateConfigurationProfileCommand,
  CreateDeploymentStrategyCommand,
  CreateEnvironmentCommand,
  CreateHostedConfigurationVersionCommand,
  GetDeploymentCommand,
  GetEnvironmentCommand,
  GetHostedConfigurationVersionCommand,
  ListApplicationsCommand,
  ListDeploymentStrategiesCommand,
  ListDeploymentsCommand,
  ListHostedConfigurationVersionsCommand,
  PayloadTooLargeException,
  ResourceNotFoundException,
  StartDeploymentCommand,
  StopDeploymentCommand,
} from '@aws-sdk/client-appconfig'
import { describe, expect, test } from 'vitest'
import { startAws } from '../helpers/aws/test-aws.ts'

const MINUTE = 60_000

/** Application, environment and profile, made by the client; and what tests do with them. */
async function start(Type = 'AWS.Freeform') {
  const aws = await startAws()
  aws.account.stopClock()
  const client = new AppConfigClient({ ...aws.client, maxAttempts: 1 })
  const { Id: ApplicationId } = await client.send(new CreateApplicationCommand({ Name: 'media-register' }))
  const { Id: EnvironmentId } = await client.send(
    new CreateEnvironmentCommand({ ApplicationId, Name: 'prod' }),
  )
  const { Id: ConfigurationProfileId } = await client.send(
    new CreateConfigurationProfileCommand({ ApplicationId, Name: 'flags', LocationUri: 'hosted', Type }),
  )
  const { Id: ownStrategy } = await client.send(
    new CreateDeploymentStrategyCommand({
      Name: 'turnout',
      DeploymentDurationInMinutes: 0,
      GrowthFactor: 100,
      FinalBakeTimeInMinutes: 0,
      ReplicateTo: 'NONE',
    }),
  )
  const place = { application: 'media-register', environment: 'prod', profile: 'flags' }
  const write = (content: string, LatestVersionNumber?: number, VersionLabel?: string) =>
    client.send(
      new CreateHostedConfigurationVersionCommand({
        ApplicationId,
        ConfigurationProfileId,
        Content: new TextEncoder().encode(content),
        ContentType: 'application/json',
        LatestVersionNumber,
        VersionLabel,
      }),
    )
  const deploy = (version: string, DeploymentStrategyId = ownStrategy, LatestDeploymentNumber?: number) =>
    client.send(
      new StartDeploymentCommand({
        ApplicationId,
        EnvironmentId,
        ConfigurationProfileId,
        ConfigurationVersion: version,
        DeploymentStrategyId,
        LatestDeploymentNumber,
      }),
    )
  const state = async (DeploymentNumber: number) => {
    const query = { ApplicationId, EnvironmentId, DeploymentNumber }
    const { State, PercentageComplete } = await client.send(new GetDeploymentCommand(query))
    return [State, PercentageComplete]
  }
  const stop = (DeploymentNumber: number, AllowRevert?: boolean) =>
    client.send(new StopDeploymentCommand({ ApplicationId, EnvironmentId, DeploymentNumber, AllowRevert }))
  const ids = { ApplicationId, EnvironmentId, ConfigurationProfileId }
  return { ...aws, client, ids, place, write, deploy, state, stop }
}

describe('hosted versions', () => {
  test('count up, and are read back as written', async () => {
    const { client, ids, write } = await start()
    expect(await write('{"a":true}')).toMatchObject({ VersionNumber: 1, ContentType: 'application/json' })
    expect(await write('{"a":false}', 1, 'v2')).toMatchObject({ VersionNumber: 2, VersionLabel: 'v2' })
    const read = await client.send(new GetHostedConfigurationVersionCommand({ ...ids, VersionNumber: 2 }))
    expect(new TextDecoder().decode(read.Content)).toBe('{"a":false}')
    expect(read).toMatchObject({ VersionNumber: 2, VersionLabel: 'v2', ApplicationId: ids.ApplicationId })
    const { Items } = await client.send(new ListHostedConfigurationVersionsCommand(ids))
    expect(Items?.map(({ VersionNumber }) => VersionNumber)).toEqual([2, 1])
  })

  test('a lock on another version than the latest is a conflict, and nothing is written', async () => {
    const { account, place, write } = await start()
    await write('1')
    await write('2')
    await expect(write('3', 1)).rejects.toBeInstanceOf(ConflictException)
    expect(Object.keys(account.versions(place))).toEqual(['1', '2'])
    expect(await write('3', 2)).toMatchObject({ VersionNumber: 3 })
  })

  test('1 MB fits, a byte more does not', async () => {
    const { write } = await start()
    await write('x'.repeat(1_048_576))
    const refused = write('x'.repeat(1_048_577))
    await expect(refused).rejects.toBeInstanceOf(PayloadTooLargeException)
    await expect(refused).rejects.toMatchObject({ Limit: 1024, Measure: 'KILOBYTES' })
  })

  test('what is not there is not found', async () => {
    const { client, ids } = await start()
    const query = new GetHostedConfigurationVersionCommand({ ...ids, VersionNumber: 7 })
    await expect(client.send(query)).rejects.toBeInstanceOf(ResourceNotFoundException)
  })
})

describe('a deployment', () => {
  test('by a strategy without duration and bake time is complete after a second, and until then refuses another', async () => {
    const { account, write, deploy, state } = await start()
    await write('1')
    expect(await deploy('1')).toMatchObject({
      DeploymentNumber: 1,
      State: 'BAKING',
      ConfigurationVersion: '1',
    })
    await expect(deploy('1')).rejects.toBeInstanceOf(ConflictException)
    account.advance(1000)
    expect(await state(1)).toEqual(['COMPLETE', 100])
    expect(await deploy('1')).toMatchObject({ DeploymentNumber: 2 })
  })

  test('AllAtOnce bakes for ten minutes, in which no other profile of the environment can be deployed', async () => {
    const { account, client, ids, place, write, deploy, state } = await start()
    await write('1')
    await deploy('1', 'AppConfig.AllAtOnce')
    expect(await state(1)).toEqual(['BAKING', 100])
    expect(() => account.deploy({ ...place, profile: 'other' }, '{}')).toThrow(/in progress/)
    expect((await client.send(new GetEnvironmentCommand(ids))).State).toBe('DEPLOYING')
    account.advance(10 * MINUTE)
    expect(await state(1)).toEqual(['COMPLETE', 100])
    account.deploy({ ...place, profile: 'other' }, '{}')
  })

  test('a linear strategy adds its share in each step', async () => {
    const { account, write, deploy, state } = await start()
    await write('1')
    await deploy('1', 'AppConfig.Linear20PercentEvery6Minutes')
    const seen = []
    for (let step = 0; step < 6; step += 1) {
      seen.push(await state(1))
      account.advance(6 * MINUTE)
    }
    expect(seen).toEqual([
      ['DEPLOYING', 20],
      ['DEPLOYING', 40],
      ['DEPLOYING', 60],
      ['DEPLOYING', 80],
      ['DEPLOYING', 100],
      ['BAKING', 100],
    ])
  })

  test('a lock on another deployment than the latest is a conflict', async () => {
    const { account, write, deploy } = await start()
    await write('1')
    await deploy('1', undefined, 0)
    account.advance(1000)
    await expect(deploy('1', undefined, 0)).rejects.toBeInstanceOf(ConflictException)
    expect(await deploy('1', undefined, 1)).toMatchObject({ DeploymentNumber: 2 })
  })

  test('an alarm rolls back what runs, and says so', async () => {
    const { account, client, ids, place, write, deploy, state } = await start()
    await write('1')
    await deploy('1', 'AppConfig.AllAtOnce')
    account.alarm(place, 'too-many-errors')
    expect((await state(1))[0]).toBe('ROLLING_BACK')
    account.advance(1000)
    const { State, EventLog } = await client.send(new GetDeploymentCommand({ ...ids, DeploymentNumber: 1 }))
    expect(State).toBe('ROLLED_BACK')
    expect(EventLog?.map(({ EventType, TriggeredBy }) => [EventType, TriggeredBy])).toEqual([
      ['ROLLBACK_COMPLETED', 'CLOUDWATCH_ALARM'],
      ['ROLLBACK_STARTED', 'CLOUDWATCH_ALARM'],
      ['BAKE_TIME_STARTED', 'APPCONFIG'],
      ['PERCENTAGE_UPDATED', 'APPCONFIG'],
      ['DEPLOYMENT_STARTED', 'USER'],
    ])
    expect((await client.send(new GetEnvironmentCommand(ids))).State).toBe('ROLLED_BACK')
  })

  test('can be stopped while it deploys, and reverted for 72 hours after', async () => {
    const { account, write, deploy, state, stop } = await start()
    await write('1')
    await deploy('1', 'AppConfig.Canary10Percent20Minutes')
    await stop(1)
    account.advance(1000)
    expect((await state(1))[0]).toBe('ROLLED_BACK')
    await deploy('1')
    account.advance(1000)
    await expect(stop(2)).rejects.toBeInstanceOf(BadRequestException)
    await stop(2, true)
    expect((await state(2))[0]).toBe('REVERTED')
    await deploy('1')
    account.advance(1000 + 72 * 60 * MINUTE + 1)
    await expect(stop(3, true)).rejects.toBeInstanceOf(BadRequestException)
  })

  test('is listed newest first, with less than it shows alone', async () => {
    const { account, client, ids, write, deploy } = await start()
    await write('1')
    await deploy('1')
    account.advance(1000)
    await deploy('1')
    const { Items } = await client.send(new ListDeploymentsCommand(ids))
    expect(Items?.map(({ DeploymentNumber, State }) => [DeploymentNumber, State])).toEqual([
      [2, 'BAKING'],
      [1, 'COMPLETE'],
    ])
    expect(Items?.[0]).not.toHaveProperty('EventLog')
  })
})

test('lists come in pages of at most 50', async () => {
  const { account, client } = await startAws().then((aws) => ({
    ...aws,
    client: new AppConfigClient(aws.client),
  }))
  for (let index = 0; index < 60; index += 1)
    account.makePlace({ application: `app-${index}`, environment: 'e', profile: 'p' })
  const first = await client.send(new ListApplicationsCommand({}))
  const second = await client.send(new ListApplicationsCommand({ NextToken: first.NextToken }))
  expect([first.Items?.length, second.Items?.length, second.NextToken]).toEqual([50, 10, undefined])
  await expect(client.send(new ListApplicationsCommand({ MaxResults: 51 }))).rejects.toThrow()
})

test('the predefined strategies are there, and 20 more may be made', async () => {
  const { client } = await start()
  const { Items } = await client.send(new ListDeploymentStrategiesCommand({}))
  expect(Items?.map(({ Id }) => Id?.replace(/^\w{7}$/, 'own'))).toEqual([
    'AppConfig.AllAtOnce',
    'AppConfig.Linear50PercentEvery30Seconds',
    'AppConfig.Canary10Percent20Minutes',
    'AppConfig.Linear20PercentEvery6Minutes',
    'own',
  ])
  const make = () =>
    client.send(
      new CreateDeploymentStrategyCommand({ Name: 'more', DeploymentDurationInMinutes: 0, GrowthFactor: 1 }),
    )
  for (let made = 1; made < 20; made += 1) await make()
  await expect(make()).rejects.toMatchObject({ name: 'ServiceQuotaExceededException' })
})

describe('a profile of feature flags', () => {
  const FLAGS = {
    version: '1',
    flags: {
      'new-feature': {
        name: 'New feature',
        attributes: { percentage: { constraints: { type: 'number', minimum: 0, maximum: 100 } } },
      },
    },
    values: { 'new-feature': { enabled: true, percentage: 50 } },
  }

  test('keeps its content with times of AWS’s own', async () => {
    const { account, place, write } = await start('AWS.AppConfig.FeatureFlags')
    await write(JSON.stringify(FLAGS))
    const kept = JSON.parse(account.versions(place)[1]!)
    expect(kept.values['new-feature']).toEqual({
      enabled: true,
      percentage: 50,
      _createdAt: expect.stringMatching(/^\d{4}-/),
      _updatedAt: expect.stringMatching(/^\d{4}-/),
    })
  })

  test.each<[string, unknown, string]>([
    ['no JSON', 'flags: {}', ''],
    ['no version', { ...FLAGS, version: undefined }, '/version'],
    ['an upper-case key', { ...FLAGS, flags: { CONDUIT: {} }, values: {} }, '/flags/CONDUIT'],
    ['an unknown field', { ...FLAGS, extra: {} }, '/extra'],
    [
      'a percentage above its maximum',
      { ...FLAGS, values: { 'new-feature': { enabled: true, percentage: 101 } } },
      '/values/new-feature/percentage',
    ],
    [
      'an attribute that is not defined',
      { ...FLAGS, values: { 'new-feature': { enabled: true, other: 1 } } },
      '/values/new-feature/other',
    ],
    ['a value without a flag', { ...FLAGS, values: { other: { enabled: true } } }, '/values/other'],
    [
      'an object as an attribute',
      { ...FLAGS, values: { 'new-feature': { enabled: true, percentage: {} } } },
      '/values/new-feature/percentage',
    ],
    [
      'variants whose last has a rule',
      {
        ...FLAGS,
        values: { 'new-feature': { _variants: [{ name: 'a', enabled: true, rule: '(eq $a 1)' }] } },
      },
      '/values/new-feature/_variants/0/rule',
    ],
  ])('%s is refused, with its place', async (_, content, location) => {
    const { account, place, write } = await start('AWS.AppConfig.FeatureFlags')
    const text = typeof content === 'string' ? content : JSON.stringify(content)
    const error = await write(text).catch((refusal: BadRequestException) => refusal)
    expect(error).toBeInstanceOf(BadRequestException)
    const { Details } = error as BadRequestException
    if (location !== '')
      expect(Details?.InvalidConfiguration?.map(({ Location }) => Location)).toEqual([location])
    expect(account.versions(place)).toEqual({})
  })
})
