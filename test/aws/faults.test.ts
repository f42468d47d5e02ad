/** What goes wrong in the emulator on demand, as AWS's own client meets it. */
import { AppConfigClient, ListApplicationsCommand } from '@aws-sdk/client-appconfig'
import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { describe, expect, test } from 'vitest'
import { startControl } from '../helpers/aws/control.ts'
import { openAccount } from '../helpers/aws/remote.ts'
import { startAws } from '../helpers/aws/test-aws.ts'
import { send } from './signed.ts'

async function start(maxAttempts = 1) {
  const aws = await startAws()
  aws.account.putParameter('/a', 'x')
  const ssm = new SSMClient({ ...aws.client, maxAttempts })
  const get = () => ssm.send(new GetParameterCommand({ Name: '/a' }))
  const put = (Value: string) => ssm.send(new PutParameterCommand({ Name: '/a', Value, Overwrite: true }))
  return { ...aws, get, put }
}

test('throttling: AWS’s client tries again until it is over', async () => {
  const { account, get } = await start(3)
  account.fail({
    action: 'ssm:GetParameter',
    times: 2,
    does: { type: 'ThrottlingException', message: 'Rate exceeded' },
  })
  expect((await get()).Parameter?.Value).toBe('x')
  expect(account.calls().map(({ error }) => error)).toEqual([
    'ThrottlingException',
    'ThrottlingException',
    null,
  ])
})

test('AppConfig throttles with 429', async () => {
  const { account, client } = await start()
  account.fail({ action: 'appconfig:*', does: { type: 'ThrottlingException' } })
  const appConfig = new AppConfigClient({ ...client, maxAttempts: 1 })
  await expect(appConfig.send(new ListApplicationsCommand({}))).rejects.toMatchObject({
    name: 'ThrottlingException',
    $metadata: { httpStatusCode: 429 },
  })
})

test('a fault can let calls pass first, so that a change of several parameters is left half-done', async () => {
  const { account, put } = await start()
  account.fail({ action: 'ssm:PutParameter', after: 2, does: { type: 'InternalServerError', status: 500 } })
  await put('1')
  await put('2')
  await expect(put('3')).rejects.toMatchObject({ name: 'InternalServerError' })
  await expect(put('4')).rejects.toMatchObject({ name: 'InternalServerError' })
  expect(account.parameters()['/a']?.value).toBe('2')
  account.heal()
  await put('5')
})

test('an answer can be lost after the work is done', async () => {
  const { account, put } = await start()
  account.fail({ action: '*', times: 1, does: 'lose-answer' })
  await expect(put('written')).rejects.toMatchObject({ code: 'ECONNRESET' })
  expect(account.parameters()['/a']?.value).toBe('written')
  expect(account.calls().at(-1)).toMatchObject({ action: 'ssm:PutParameter', status: 0 })
})

test('something that is not AWS can answer', async () => {
  const { account, get } = await start()
  account.fail({ action: '*', times: 1, does: { html: '<h1>proxy</h1>', status: 502 } })
  await expect(get()).rejects.toThrow()
})

test('an answer can be late', async () => {
  const { account, get } = await start()
  account.fail({ action: '*', times: 1, does: { lateMs: 60 } })
  const before = Date.now()
  await get()
  expect(Date.now() - before).toBeGreaterThanOrEqual(59)
})

test('down: connections are cut, or refused, until it is up again', async () => {
  const { account, emulator, endpoint, get } = await start()
  account.setDown(true)
  await expect(get()).rejects.toMatchObject({ code: 'ECONNRESET' })
  account.heal()
  await get()
  await emulator.refuse()
  await expect(fetch(endpoint)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } })
  await emulator.listen()
  await get()
})

describe('from another process', () => {
  test('accounts are opened, and know nothing of each other', async () => {
    const aws = await startAws()
    const control = await startControl(aws.emulator)
    try {
      const [one, other] = [await openAccount(control.url), await openAccount(control.url)]
      expect(await one.putParameter('/a', 'one')).toBe(1)
      expect(await other.parameters()).toEqual({})
      const ssm = new SSMClient({ ...one, maxAttempts: 1 })
      expect((await ssm.send(new GetParameterCommand({ Name: '/a' }))).Parameter?.Value).toBe('one')
      expect((await one.calls()).map(({ action }) => action)).toEqual(['ssm:GetParameter'])
      await expect(one.removeParameter('/b')).rejects.toThrow('there is no parameter /b')
    } finally {
      await control.close()
    }
  })
})

test('changes are told to an address as EventBridge tells them', async () => {
  const { account } = await start()
  const got: Record<string, unknown>[] = []
  const { createServer } = await import('node:http')
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const part of request) body += part
    got.push({ key: request.headers['x-turnout-hook'], ...JSON.parse(body) })
    response.writeHead(202).end()
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as { port: number }
  account.notify(`http://127.0.0.1:${port}/hooks/aws`, { 'x-turnout-hook': 'secret' })
  account.putParameter('/a', 'changed')
  account.deploy({ application: 'app', environment: 'prod', profile: 'flags' }, '{}')
  await expect.poll(() => account.deliveries()).toEqual([202, 202])
  server.close()
  expect(got).toMatchObject([
    {
      key: 'secret',
      source: 'aws.ssm',
      'detail-type': 'Parameter Store Change',
      resources: ['arn:aws:ssm:eu-west-1:111122223333:parameter/a'],
      detail: { name: '/a', operation: 'Update', type: 'String' },
    },
    { source: 'aws.appconfig', 'detail-type': 'On Deployment Start', detail: { DeploymentNumber: 1 } },
  ])
})

test('STS gives credentials of a role, which then sign', async () => {
  const aws = await startAws()
  const body = new URLSearchParams({
    Action: 'AssumeRole',
    Version: '2011-06-15',
    RoleArn: 'arn:aws:iam::111122223333:role/turnout',
    RoleSessionName: 'turnout',
  }).toString()
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const xml = await (await send(aws, { method: 'POST', path: '/', headers, body, service: 'sts' })).text()
  const member = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? ''
  const credentials = {
    accessKeyId: member('AccessKeyId'),
    secretAccessKey: member('SecretAccessKey'),
    sessionToken: member('SessionToken'),
  }
  expect(Date.parse(member('Expiration'))).toBeGreaterThan(Date.now())
  aws.account.putParameter('/a', 'x')
  const ssm = new SSMClient({ ...aws.client, credentials, maxAttempts: 1 })
  expect((await ssm.send(new GetParameterCommand({ Name: '/a' }))).Parameter?.Value).toBe('x')
})
