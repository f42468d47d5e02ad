/** What AWS answers when it does not do what was asked, as a `StoreError`. Pure. */
import type { StoreError } from '../store.ts'

/** As much as the SDK's errors have in common. */
export interface AwsError extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number }
  readonly $response?: { readonly statusCode?: number }
}

/** AWS names them, depending on the service; the SDK passes the names on. */
const THROTTLED = new Set([
  ...['ThrottlingException', 'Throttling', 'TooManyRequestsException', 'RequestLimitExceeded'],
  ...['TooManyUpdates', 'ProvisionedThroughputExceededException', 'SlowDown'],
])
const REFUSED = new Set([
  ...['AccessDeniedException', 'AccessDenied', 'UnauthorizedOperation', 'ForbiddenException'],
  ...['ExpiredToken', 'ExpiredTokenException', 'RequestExpired', 'IncompleteSignature'],
  ...['InvalidClientTokenId', 'InvalidSignatureException', 'MissingAuthenticationToken'],
  ...['SignatureDoesNotMatch', 'UnrecognizedClientException', 'InvalidKeyId'],
])

const statusOf = ({ $metadata, $response }: AwsError): number | undefined =>
  $metadata?.httpStatusCode ?? $response?.statusCode

export const isThrottled = (error: AwsError): boolean => THROTTLED.has(error.name) || statusOf(error) === 429

/** Whether the same call may succeed a moment later: throttled, a fault of AWS, or no answer at all. */
export function isPassing(error: AwsError): boolean {
  if (isThrottled(error)) return true
  const status = statusOf(error)
  return status === undefined ? !REFUSED.has(error.name) : status >= 500
}

/** Whether the call may have been carried out all the same. */
export const isAmbiguous = (error: AwsError): boolean => isPassing(error) && !isThrottled(error)

/** `action` as IAM names it: `ssm:PutParameter`. */
export function storeErrorOf(action: string, error: AwsError): StoreError {
  const said = firstLine(error.message)
  if (isThrottled(error)) return { reason: 'unavailable', detail: `AWS throttles ${action}` }
  if (REFUSED.has(error.name) || statusOf(error) === 403)
    return { reason: 'denied', detail: `AWS refuses ${action} (${error.name}): ${said}` }
  if (isPassing(error)) {
    const status = statusOf(error)
    const how =
      status === undefined ? `was not answered (${said || error.name})` : `failed with HTTP ${status}`
    return { reason: 'unavailable', detail: `${action} ${how}` }
  }
  return { reason: 'denied', detail: `AWS does not do ${action} (${error.name}): ${said}` }
}

/** Some go on for pages with the canonical request. */
const firstLine = (text: string): string => (text.split('\n')[0] ?? '').trim().slice(0, 300)
