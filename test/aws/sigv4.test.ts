/** The emulator checks signatures in full: a client that gets anything of it wrong is refused here as it would be by AWS. */
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { describe, expect, test } from 'vitest'
import { newCredentials } from '../helpers/aws/account.ts'
import { startAws, type TestAws } from '../helpers/aws/test-aws.ts'
import { type SignedRequest, send } from './signed.ts'

const LIST: SignedRequest = { method: 'GET', path: '/applications', query: { max_results: '50' } }

const refusal = async (response: Response) => [response.status, response.headers.get('x-amzn-errortype')]

const INVALID = [403, 'InvalidSignatureException']

describe('a signed request', () => {
  test('is taken', async () => {
    expect((await send(await startAws(), LIST)).status).toBe(200)
  })

  test.each<[string, (headers: Record<string, string>) => Record<string, string>]>([
    [
      'whose signature is another',
      (all) => ({
        ...all,
        authorization: all.authorization!.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
      }),
    ],
    [
      'whose date was changed',
      (all) => ({
        ...all,
        'x-amz-date': all['x-amz-date']!.replace(/..Z$/, '59Z').replace(
          /59Z$/,
          all['x-amz-date']!.endsWith('59Z') ? '58Z' : '59Z',
        ),
      }),
    ],
    ['that got an unsigned x-amz header', (all) => ({ ...all, 'x-amz-extra': '1' })],
    [
      'of another region',
      (all) => ({ ...all, authorization: all.authorization!.replace('eu-west-1', 'us-east-1') }),
    ],
  ])('%s is refused', async (_, change) => {
    expect(await refusal(await send(await startAws(), LIST, change))).toEqual(INVALID)
  })

  test('of another service is refused', async () => {
    expect(await refusal(await send(await startAws(), { ...LIST, service: 'ssm' }))).toEqual(INVALID)
  })

  test('whose body was changed is refused', async () => {
    const aws = await startAws()
    const request = { method: 'POST', path: '/applications', headers: { 'content-type': 'application/json' } }
    const signed = { ...request, body: '{"Name":"a"}' }
    expect((await send(aws, signed)).status).toBe(201)
    const hashless = (all: Record<string, string>) => ({ ...all, 'x-amz-content-sha256': '0'.repeat(64) })
    expect(await refusal(await send(aws, signed, hashless))).toEqual(INVALID)
  })

  test.each([-6, 6])('%i minutes away is refused', async (minutes) => {
    const signingDate = new Date(Date.now() + minutes * 60_000)
    expect(await refusal(await send(await startAws(), { ...LIST, signingDate }))).toEqual(INVALID)
  })

  test('without its session token, or with the key of a stranger, is refused', async () => {
    const aws = await startAws()
    const { accessKeyId, secretAccessKey } = aws.client.credentials
    const sessionless = { ...aws, client: { ...aws.client, credentials: { accessKeyId, secretAccessKey } } }
    const stranger = { ...aws, client: { ...aws.client, credentials: newCredentials() } }
    for (const each of [sessionless, stranger])
      expect(await refusal(await send(each as TestAws, LIST))).toEqual([400, 'UnrecognizedClientException'])
  })

  test('without any signature is refused', async () => {
    const { endpoint } = await startAws()
    expect(await refusal(await fetch(`${endpoint}/applications`))).toEqual([
      403,
      'MissingAuthenticationTokenException',
    ])
  })

  test('of expired credentials is refused', async () => {
    const aws = await startAws()
    const credentials = { ...aws.client.credentials, expiresAtMs: Date.now() - 1 }
    aws.account.credentials.set(credentials.accessKeyId, credentials)
    expect(await refusal(await send(aws, LIST))).toEqual([400, 'ExpiredTokenException'])
  })
})

test('AWS’s own client finds its way with a clock that is an hour off', async () => {
  const { account, client } = await startAws()
  account.setSignatureSkew(3_600_000)
  account.putParameter('/a', 'x')
  const ssm = new SSMClient({ ...client, maxAttempts: 2 })
  expect((await ssm.send(new GetParameterCommand({ Name: '/a' }))).Parameter?.Value).toBe('x')
})
