/**
 * How commands talk to AWS: settings of the SDK's clients, and its errors as sentences. Region, credentials and endpoints
 * come from the SDK's own chain (AWS_REGION, AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL_SSM, …).
 */

import { Failure } from '../failure.ts'
import type { Variables } from '../world.ts'

/** Attempts of one call, backing off between them, up to about 15 s in all; AWS_MAX_ATTEMPTS overrides. */
const MAX_ATTEMPTS = 6
const CONNECT_TIMEOUT_MS = 5_000
const ANSWER_TIMEOUT_MS = 30_000

/** Settings of a client. `region` overrides what the chain finds. */
export function clientSettings(region: string | undefined, env: Variables) {
  return {
    ...(region === undefined ? {} : { region }),
    ...(env.AWS_MAX_ATTEMPTS ? {} : { maxAttempts: MAX_ATTEMPTS }),
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: ANSWER_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
  }
}

interface AwsError extends Error {
  readonly code?: string
  readonly $metadata?: { readonly attempts?: number; readonly httpStatusCode?: number }
  readonly $response?: { readonly statusCode?: number }
}

/** Runs a call; what it throws becomes a `Failure` that names `action`, e.g. `ssm:GetParametersByPath`. */
export async function calling<T>(action: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof Failure) throw error
    throw new Failure(sentenceOf(error as AwsError, action), [], { cause: error })
  }
}

function sentenceOf(error: AwsError, action: string): string {
  const { name, $metadata } = error
  // Some messages go on for pages with the canonical request, session token and all.
  const said = firstLine(error.message)
  if (said === 'Region is missing') return 'AWS needs a region: give --region or set AWS_REGION'
  if (name === 'CredentialsProviderError' || name === 'TokenProviderError')
    return `no AWS credentials were found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (${said})`
  if (DENIED.has(name)) return `AWS denies ${action}: ${said}`
  if (REFUSED.has(name)) return `AWS refuses the credentials (${name}): ${said}`
  if (THROTTLED.has(name))
    return `AWS still throttles ${action} after ${$metadata?.attempts ?? 1} attempts: try again later`
  if (error.code !== undefined)
    return `the AWS endpoint for ${action} cannot be reached: ${said || error.code}`
  if (name === 'TimeoutError') return `AWS did not answer ${action} in time: ${said}`
  const status = $metadata?.httpStatusCode ?? error.$response?.statusCode
  if (error instanceof SyntaxError)
    return `${action} was not answered by AWS but by something else (HTTP ${status ?? 'status unknown'})`
  return `${action} failed (${name}${status === undefined ? '' : `, HTTP ${status}`}): ${said}`
}

const DENIED = new Set(['AccessDeniedException', 'AccessDenied', 'UnauthorizedOperation'])
const REFUSED = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'IncompleteSignature',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'MissingAuthenticationToken',
  'RequestExpired',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
])
const THROTTLED = new Set([
  'ThrottlingException',
  'Throttling',
  'TooManyRequestsException',
  'RequestLimitExceeded',
])

const firstLine = (text: string): string => text.split('\n')[0]!.trim()
