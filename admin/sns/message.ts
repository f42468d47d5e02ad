/**
 * Messages as SNS posts them: what they hold, what of them is signed, and whether they come from where AWS sends from. Pure.
 * https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
 */
import { isObject } from '../../engine/check.ts'
import { err, ok, type Result } from '../../engine/index.ts'

const TYPES = ['Notification', 'SubscriptionConfirmation', 'UnsubscribeConfirmation'] as const

export interface SnsMessage {
  readonly type: (typeof TYPES)[number]
  readonly topic: string
  /** What the signature covers. */
  readonly signedText: string
  /** Base64. */
  readonly signature: string
  readonly hash: 'SHA-1' | 'SHA-256'
  /** Where the certificate of the signature lies; an address of SNS. */
  readonly certificateUrl: string
  /** Calling it confirms the subscription; an address of SNS, for this topic. `null`: there is nothing to confirm. */
  readonly subscribeUrl: string | null
}

/** In the order in which they are signed. A subject may be left out. */
const SIGNED: Readonly<Record<SnsMessage['type'], readonly string[]>> = {
  Notification: ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'],
  SubscriptionConfirmation: [
    'Message',
    'MessageId',
    'SubscribeURL',
    'Timestamp',
    'Token',
    'TopicArn',
    'Type',
  ],
  UnsubscribeConfirmation: ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
}

const HASHES: Readonly<Record<string, SnsMessage['hash']>> = { 1: 'SHA-1', 2: 'SHA-256' }
const HOST = /^sns\.[a-z]{2}(?:-[a-z]+)+-\d\.amazonaws\.com(?:\.cn)?$/
const CERTIFICATE = /^\/SimpleNotificationService-[\w-]+\.pem$/

/** One that was recorded can be sent again for so long: it only means "look now". */
const MAX_AGE_MS = 3_600_000

/** `topics`: those that may send. An error is a sentence. */
export function readSnsMessage(
  value: unknown,
  topics: readonly string[],
  nowMs: number,
): Result<SnsMessage, string> {
  if (!isObject(value)) return err('a message of SNS is an object')
  const type = TYPES.find((known) => known === value.Type)
  if (type === undefined) return err(`Type must be one of ${TYPES.join(', ')}`)
  const names = SIGNED[type].filter((name) => name !== 'Subject' || value.Subject !== undefined)
  const missing = [...names, 'Signature'].find((name) => typeof value[name] !== 'string')
  if (missing !== undefined) return err(`${missing} must be a text`)
  const { TopicArn: topic, Timestamp, Signature: signature, Token } = value as Record<string, string>
  if (!topics.includes(topic!)) return err('TopicArn is none of AWS_HOOK_TOPICS')
  if (!(Math.abs(nowMs - Date.parse(Timestamp!)) <= MAX_AGE_MS))
    return err('Timestamp must be within an hour of now')
  const hash = HASHES[String(value.SignatureVersion)]
  if (hash === undefined) return err('SignatureVersion must be 1 or 2')
  const certificate = addressOfSns(value.SigningCertURL)
  if (certificate === null || !CERTIFICATE.test(certificate.pathname) || certificate.search !== '')
    return err('SigningCertURL must be that of a certificate of SNS')
  const subscribe = type === 'SubscriptionConfirmation' ? addressOfSns(value.SubscribeURL) : null
  if (type === 'SubscriptionConfirmation' && !confirms(subscribe, topic!, Token!))
    return err('SubscribeURL must confirm this topic at SNS')
  return ok({
    ...{ type, topic: topic!, signature: signature!, hash, certificateUrl: certificate.href },
    signedText: names.map((name) => `${name}\n${value[name]}\n`).join(''),
    subscribeUrl: subscribe?.href ?? null,
  })
}

function addressOfSns(text: unknown): URL | null {
  if (typeof text !== 'string' || !URL.canParse(text)) return null
  const url = new URL(text)
  const plain = url.protocol === 'https:' && url.port === '' && url.username === '' && url.password === ''
  return plain && HOST.test(url.hostname) ? url : null
}

const confirms = (url: URL | null, topic: string, token: string): boolean =>
  url !== null &&
  url.pathname === '/' &&
  url.searchParams.get('Action') === 'ConfirmSubscription' &&
  url.searchParams.get('TopicArn') === topic &&
  url.searchParams.get('Token') === token
