/** `POST /hooks/aws`: who is believed, and what a subscription of SNS needs. What a look then finds: aws-mode.test.ts. */
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { app } from '../../admin/api/app.ts'
import { CERTIFICATE_URL, type Fields, makeSigner, type Signer, signed, TOPIC } from './sns.ts'

const SECRET = 'a-secret-of-the-hook'
const IN_AWS = {
  ...{ STORE: 'ssm', AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' },
  AWS_HOOK_TOPICS: `arn:aws:sns:eu-west-1:111122223333:others, ${TOPIC}`,
}
const SUBSCRIBE_URL = `https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${TOPIC}&Token=token1`

const notification = (changes: Fields = {}): Fields => ({
  ...{ Type: 'Notification', MessageId: 'm-1', TopicArn: TOPIC, Message: '{"never":"data"}' },
  Timestamp: new Date().toISOString(),
  ...changes,
})
const confirmation = (changes: Fields = {}): Fields => ({
  ...notification({ Type: 'SubscriptionConfirmation', SubscribeURL: SUBSCRIBE_URL, Token: 'token1' }),
  ...changes,
})

let signer: Signer
let fetched: string[]
let answers: Record<string, () => Response>
beforeEach(async () => {
  signer = await makeSigner()
  fetched = []
  answers = {
    [CERTIFICATE_URL]: () => new Response(signer.pem),
    [SUBSCRIBE_URL]: () => new Response('<ok/>'),
  }
  vi.spyOn(console, 'warn').mockImplementation(() => {})
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input) => {
    fetched.push(String(input))
    return answers[String(input)]?.() ?? new Response('', { status: 404 })
  })
})
afterEach(() => vi.restoreAllMocks())

/** Each at an address of its own, for certificates are remembered. */
let certificates = 0
async function send(fields: Fields, variables: Record<string, string> = {}, query = '') {
  const url = CERTIFICATE_URL.replace(/-\w+\.pem$/, `-${++certificates}.pem`)
  answers[url] = answers[CERTIFICATE_URL]!
  const body = { ...fields, ...(fields.SigningCertURL === CERTIFICATE_URL ? { SigningCertURL: url } : {}) }
  return post(
    JSON.stringify(body),
    { 'x-amz-sns-message-type': fields.Type!, 'x-amz-sns-topic-arn': fields.TopicArn! },
    variables,
    query,
  )
}

async function post(body: string, headers: Record<string, string>, variables = {}, query = '') {
  const request = {
    method: 'POST',
    body,
    headers: { 'content-type': 'text/plain; charset=UTF-8', ...headers },
  }
  const response = await app.request(`/hooks/aws${query}`, request, { ...env, ...IN_AWS, ...variables })
  return {
    status: response.status,
    body: (await response.json()) as { detail?: string; environments?: number },
  }
}

describe('a notification of SNS', () => {
  it.each(['1', '2'] as const)('is believed with a signature of version %s', async (version) => {
    expect((await send(await signed(signer, notification(), version))).status).toBe(202)
  })

  it('may have a subject, which is signed', async () => {
    const message = await signed(signer, notification({ Subject: 'a change' }))
    expect((await send(message)).status).toBe(202)
    expect((await send({ ...message, Subject: 'another' })).status).toBe(401)
  })

  it('is for one environment, if its address says so', async () => {
    const message = await signed(signer, notification())
    expect((await send(message, {}, '?environment=there-is-none')).status).toBe(404)
  })

  it('costs its certificate once', async () => {
    const message = JSON.stringify(await signed(signer, notification()))
    const headers = { 'x-amz-sns-message-type': 'Notification', 'x-amz-sns-topic-arn': TOPIC }
    expect((await post(message, headers)).status).toBe(202)
    expect((await post(message, headers)).status).toBe(202)
    expect(fetched).toEqual([CERTIFICATE_URL])
  })

  it.each<[string, Fields, string]>([
    ['is not what was signed', { Message: 'forged' }, 'its signature is not that of SNS'],
    ['is of another topic', { TopicArn: `${TOPIC}-2` }, 'names none of AWS_HOOK_TOPICS'],
    [
      'has its certificate elsewhere',
      { SigningCertURL: 'https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-1.pem' },
      'SigningCertURL must be that of a certificate of SNS',
    ],
    [
      'has a certificate that anybody can put into a bucket',
      { SigningCertURL: 'https://s3.eu-west-1.amazonaws.com/mine/SimpleNotificationService-1.pem' },
      'SigningCertURL must be that of a certificate of SNS',
    ],
    [
      'has it unencrypted',
      { SigningCertURL: CERTIFICATE_URL.replace('https', 'http') },
      'SigningCertURL must be',
    ],
    ['has a signature that is none', { Signature: '?' }, 'its signature is not that of SNS'],
    ['has another version of signature', { SignatureVersion: '3' }, 'SignatureVersion must be 1 or 2'],
    ['has no message', { MessageId: 7 as never }, 'MessageId must be a text'],
  ])('is refused if it %s', async (_, changes, why) => {
    const { status, body } = await send({ ...(await signed(signer, notification())), ...changes })
    expect([status, body.detail]).toEqual([401, expect.stringContaining(why)])
    expect(fetched).not.toContain(SUBSCRIBE_URL)
  })

  it('is refused when it is old, as a recorded one is', async () => {
    const Timestamp = new Date(Date.now() - 2 * 3_600_000).toISOString()
    const { status, body } = await send(await signed(signer, notification({ Timestamp })))
    expect([status, body.detail]).toEqual([401, expect.stringContaining('Timestamp must be within an hour')])
  })

  it('is to be sent again if its certificate cannot be read now', async () => {
    answers[CERTIFICATE_URL] = () => new Response('busy', { status: 503 })
    expect((await send(await signed(signer, notification()))).status).toBe(503)
  })
})

describe('a subscription of SNS', () => {
  it('is confirmed where the topic is one of ours', async () => {
    expect((await send(await signed(signer, confirmation()))).status).toBe(202)
    expect(fetched.at(-1)).toBe(SUBSCRIBE_URL)
  })

  it.each<[string, Fields]>([
    ['leads elsewhere', { SubscribeURL: SUBSCRIBE_URL.replace('amazonaws.com', 'example.com') }],
    ['does something else', { SubscribeURL: SUBSCRIBE_URL.replace('ConfirmSubscription', 'Unsubscribe') }],
    ['confirms another topic', { SubscribeURL: SUBSCRIBE_URL.replace(TOPIC, `${TOPIC}-2`) }],
    ['has another token', { Token: 'token2' }],
  ])('is not confirmed by an address that %s, although it is signed', async (_, changes) => {
    const { status, body } = await send(await signed(signer, confirmation(changes)))
    expect([status, body.detail]).toEqual([
      401,
      expect.stringContaining('SubscribeURL must confirm this topic'),
    ])
    expect(fetched.filter((url) => !url.endsWith('.pem'))).toEqual([])
  })

  it('is asked for again if SNS does not take the confirmation', async () => {
    answers[SUBSCRIBE_URL] = () => new Response('', { status: 500 })
    expect((await send(await signed(signer, confirmation()))).status).toBe(503)
  })

  it('that ends is no reason to look, and is not renewed', async () => {
    const { status } = await send(await signed(signer, confirmation({ Type: 'UnsubscribeConfirmation' })))
    expect(status).toBe(202)
    expect(fetched).not.toContain(SUBSCRIBE_URL)
  })
})

describe('a secret', () => {
  const header = (secret: string) => ({ 'x-turnout-hook-secret': secret })

  it('is enough without a topic, and a topic without a secret', async () => {
    const variables = { AWS_HOOK_SECRET: SECRET, AWS_HOOK_TOPICS: '' }
    expect((await post('{}', header(SECRET), variables)).status).toBe(202)
    expect((await post('{}', header('not-the-secret-of-it'), variables)).status).toBe(401)
    expect((await send(await signed(signer, notification()), variables)).status).toBe(401)
    expect((await post('{}', header(''))).status).toBe(401)
  })

  it('or a topic must be set, or there is no such address', async () => {
    expect((await post('{}', header(SECRET), { AWS_HOOK_TOPICS: '' })).status).toBe(404)
    expect((await post('{}', header(SECRET), { AWS_HOOK_SECRET: SECRET, STORE: 'embedded' })).status).toBe(
      404,
    )
  })
})
