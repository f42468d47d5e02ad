/**
 * Called by AWS when something has changed there: by an API destination of EventBridge, which shows a secret, by a topic of SNS,
 * which signs, or by anything that knows the secret. It means "look now", and is never data: what has changed, the store says.
 * Beside the API, and at its address too.
 */
import type { OpenAPIHono } from '@hono/zod-openapi'
import { EVERYWHERE } from '../access/principal.ts'
import { sameSecret } from '../auth.ts'
import { parseConfig } from '../env.ts'
import { parseJson } from '../json.ts'
import { logWarn, messageOf } from '../log.ts'
import { ENVIRONMENT_NAME } from '../settings.ts'
import { readSnsMessage, type SnsMessage } from '../sns/message.ts'
import { isSignedBySns } from '../sns/signature.ts'
import { callEnvironment, callProject } from '../stubs.ts'
import { readBytes } from './body.ts'
import type { ApiContext, ApiEnv } from './context.ts'
import { Problem, unknown } from './problem.ts'
import { settle } from './settle.ts'

const SECRET_HEADER = 'x-turnout-hook-secret'
/** SNS names type and topic in headers, too: https://docs.aws.amazon.com/sns/latest/dg/http-header.html */
const SNS_TYPE_HEADER = 'x-amz-sns-message-type'
const SNS_TOPIC_HEADER = 'x-amz-sns-topic-arn'

/** A message of SNS has at most 256 KiB, and quotes in it are escaped. */
const MAX_SNS_BYTES = 600 * 1024
const CONFIRM_TIMEOUT_MS = 5_000

export function hooks(app: OpenAPIHono<ApiEnv>): void {
  app.on('POST', ['/hooks/aws', '/api/v1/hooks/aws'], async (c) => {
    const { kind, hookSecret, hookTopics } = parseConfig(c.env).store
    if (kind === 'embedded' || (hookSecret === null && hookTopics.length === 0))
      throw new Problem(
        'not-found',
        'AWS has nothing to tell: neither AWS_HOOK_SECRET nor AWS_HOOK_TOPICS is set.',
      )
    if (c.req.header(SNS_TYPE_HEADER) !== undefined) {
      const message = await signedMessage(c, hookTopics)
      if (message.subscribeUrl !== null) await confirm(message.subscribeUrl, message.topic)
      if (message.type !== 'Notification') return c.json({ environments: 0 }, 202)
    } else if (hookSecret === null || !sameSecret(c.req.header(SECRET_HEADER) ?? '', hookSecret)) {
      throw new Problem('unauthorized', `The header ${SECRET_HEADER} does not hold AWS_HOOK_SECRET.`, [
        { path: SECRET_HEADER, message: 'must hold AWS_HOOK_SECRET' },
      ])
    }
    const environments = await environmentsOf(c)
    await Promise.all(environments.map((name) => lookSoon(c, name)))
    return c.json({ environments: environments.length }, 202)
  })
}

/** Throws a problem unless SNS has signed it for one of the topics. */
async function signedMessage(c: ApiContext, topics: readonly string[]): Promise<SnsMessage> {
  const refuse = (why: string, path = '$') =>
    new Problem('unauthorized', `This message is not believed: ${why}.`, [{ path, message: why }])
  if (!topics.includes(c.req.header(SNS_TOPIC_HEADER) ?? ''))
    throw refuse(`the header ${SNS_TOPIC_HEADER} names none of AWS_HOOK_TOPICS`, SNS_TOPIC_HEADER)
  const value = parseJson(new TextDecoder().decode(await readBytes(c.req.raw.body, MAX_SNS_BYTES)))
  if (!value.ok) throw refuse('it is not JSON')
  const message = readSnsMessage(value.value, topics, Date.now())
  if (!message.ok) throw refuse(message.error)
  if (await isSigned(message.value)) return message.value
  throw refuse('its signature is not that of SNS')
}

async function isSigned(message: SnsMessage): Promise<boolean> {
  try {
    return await isSignedBySns(message)
  } catch (thrown) {
    logWarn('sns-certificate-missing', { url: message.certificateUrl, cause: messageOf(thrown) })
    throw new Problem('store-unavailable', 'The certificate of SNS cannot be read now.', [], {
      'retry-after': '5',
    })
  }
}

/** Whoever answers a 2xx without this call gets no messages. */
async function confirm(url: string, topic: string): Promise<void> {
  const answer = await fetch(url, {
    redirect: 'manual',
    signal: AbortSignal.timeout(CONFIRM_TIMEOUT_MS),
  }).catch((thrown) => messageOf(thrown))
  if (typeof answer !== 'string' && answer.ok) return
  const cause = typeof answer === 'string' ? answer : `SNS answered ${answer.status}`
  logWarn('sns-not-confirmed', { topic, cause })
  throw new Problem('store-unavailable', 'SNS did not take the confirmation.', [], { 'retry-after': '5' })
}

/** The one that the address names, or all. */
async function environmentsOf(c: ApiContext): Promise<string[]> {
  const named = c.req.query('environment')
  if (named === undefined) {
    const { environments } = await callProject(c.env, (stub) => stub.vitals(EVERYWHERE))
    return environments.map(({ name }) => name)
  }
  if (!ENVIRONMENT_NAME.test(named)) throw unknown('environment', named)
  return [named]
}

async function lookSoon(c: ApiContext, environment: string): Promise<void> {
  settle(await callEnvironment(c.env, environment, (stub) => stub.lookSoon()), environment)
}
