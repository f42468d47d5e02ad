/** The emulator's AppConfigData: tokens for one call, an interval that is kept, and each value delivered once. */
import { describe, expect, test } from 'vitest'
import { startAws } from '../helpers/aws/test-aws.ts'
import { poller } from './signed.ts'

const PLACE = { application: 'media-register', environment: 'prod', profile: 'flags' }
const DAY = 24 * 3_600_000

async function start() {
  const aws = await startAws()
  aws.account.stopClock()
  aws.account.deploy(PLACE, '{"a":true}')
  aws.account.advance(1000)
  return {
    ...aws,
    poll: poller(aws),
    session: (seconds?: number) => poller(aws).start('media-register', 'prod', 'flags', seconds),
  }
}

describe('polling', () => {
  test('a value is delivered once; an empty body says that nothing changed', async () => {
    const { account, poll, session } = await start()
    const first = await poll.latest(await session(15))
    expect(first).toMatchObject({ body: '{"a":true}', intervalSeconds: 15 })
    account.advance(15_000)
    const second = await poll.latest(first.token)
    expect(second.body).toBe('')
    account.deploy(PLACE, '{"a":false}')
    account.advance(15_000)
    const third = await poll.latest(second.token)
    expect(third.body).toBe('{"a":false}')
    account.advance(15_000)
    expect((await poll.latest(third.token)).body).toBe('')
  })

  test('without a wish the interval is 60 seconds, and the server may say another', async () => {
    const { account, poll, session } = await start()
    expect((await poll.latest(await session())).intervalSeconds).toBe(60)
    account.setPollInterval(90)
    expect((await poll.latest(await session(15))).intervalSeconds).toBe(90)
    await expect(session(14)).rejects.toThrow('400 BadRequestException')
  })

  test('too early is refused, and the token is still good in time', async () => {
    const { account, poll, session } = await start()
    const { token } = await poll.latest(await session(15))
    account.advance(14_999)
    await expect(poll.latest(token)).rejects.toThrow('PollIntervalNotSatisfied')
    account.advance(1)
    expect((await poll.latest(token)).body).toBe('')
  })

  test('a token is good for one call', async () => {
    const { account, poll, session } = await start()
    const token = await session(15)
    await poll.latest(token)
    account.advance(15_000)
    await expect(poll.latest(token)).rejects.toThrow('Expired')
  })

  test('a token is good for 24 hours', async () => {
    const { account, poll, session } = await start()
    const [one, other] = [await session(15), await session(15)]
    account.advance(DAY - 1)
    await poll.latest(one)
    account.advance(1)
    await expect(poll.latest(other)).rejects.toThrow('Expired')
  })

  test('a token that AWS does not know is corrupted', async () => {
    const { account, poll, session } = await start()
    const token = await session(15)
    await expect(poll.latest('x')).rejects.toThrow('Corrupted')
    account.forgetTokens()
    await expect(poll.latest(token)).rejects.toThrow('Corrupted')
  })

  test('a session of what is not there, and one without a deployment, find nothing', async () => {
    const { account, poll } = await start()
    await expect(poll.start('other', 'prod', 'flags')).rejects.toThrow('404 ResourceNotFoundException')
    await expect(poll.start('media-register', 'prod', 'other')).rejects.toThrow('404')
    account.makePlace({ ...PLACE, environment: 'empty' })
    const token = await poll.start('media-register', 'empty', 'flags')
    await expect(poll.latest(token)).rejects.toThrow('404 ResourceNotFoundException')
  })
})

describe('deployments as a poller sees them', () => {
  test('a slow one reaches it when its share is reached', async () => {
    const { account, poll, session } = await start()
    account.setBucket(50)
    const first = await poll.latest(await session(15))
    account.deploy(PLACE, '{"a":"new"}', 'AppConfig.Linear20PercentEvery6Minutes')
    account.advance(6 * 60_000)
    const second = await poll.latest(first.token)
    expect(second.body).toBe('')
    account.advance(6 * 60_000)
    expect((await poll.latest(second.token)).body).toBe('{"a":"new"}')
  })

  test('one that is rolled back gives the old value again', async () => {
    const { account, poll, session } = await start()
    account.deploy(PLACE, '{"a":"bad"}', 'AppConfig.AllAtOnce')
    const bad = await poll.latest(await session(15))
    expect(bad.body).toBe('{"a":"bad"}')
    account.alarm(PLACE, 'too-many-errors')
    account.advance(15_000)
    expect((await poll.latest(bad.token)).body).toBe('{"a":true}')
  })
})

describe('a profile of feature flags', () => {
  test('is transformed: no definitions, and of a flag that is off nothing but that', async () => {
    const aws = await startAws()
    const content = {
      version: '1',
      flags: {
        on: { name: 'On', attributes: { percentage: { constraints: { type: 'number' } } } },
        off: { name: 'Off', attributes: { percentage: {} } },
        bare: {},
        variants: { attributes: { color: {} } },
      },
      values: {
        on: { enabled: true, percentage: 50 },
        off: { enabled: false, percentage: 50 },
        variants: {
          _variants: [
            { name: 'blue', enabled: true, rule: '(eq $tier "gold")', attributeValues: { color: 'blue' } },
            { name: 'default', enabled: true, attributeValues: { color: 'red' } },
          ],
        },
      },
    }
    aws.account.deploy({ ...PLACE, type: 'AWS.AppConfig.FeatureFlags' }, JSON.stringify(content))
    const poll = poller(aws)
    const { body } = await poll.latest(await poll.start('media-register', 'prod', 'flags'))
    expect(JSON.parse(body)).toEqual({
      on: { enabled: true, percentage: 50 },
      off: { enabled: false },
      bare: { enabled: false },
      variants: { enabled: true, color: 'red' },
    })
  })
})

test('calls are logged with what an IAM policy would have to allow', async () => {
  const { account, poll, session } = await start()
  const { applicationId, environmentId, profileId } = account.makePlace(PLACE)
  await poll.latest(await session())
  const resource = `arn:aws:appconfig:eu-west-1:111122223333:application/${applicationId}/environment/${environmentId}/configuration/${profileId}`
  expect(account.calls().map(({ action, resources }) => [action, resources])).toEqual([
    ['appconfig:StartConfigurationSession', [resource]],
    ['appconfig:GetLatestConfiguration', [resource]],
  ])
})
