/** The answers that the OFREP 0.3 description allows, and what published clients need beyond it, as checks that name the fault. */

const REASONS = [
  'STATIC',
  'DEFAULT',
  'TARGETING_MATCH',
  'SPLIT',
  'CACHED',
  'DISABLED',
  'UNKNOWN',
  'STALE',
  'ERROR',
]
const ERROR_CODES = [
  'PARSE_ERROR',
  'TARGETING_KEY_MISSING',
  'INVALID_CONTEXT',
  'GENERAL',
  'FLAG_NOT_FOUND',
  'TYPE_MISMATCH',
  'PROVIDER_NOT_READY',
]

type Fields = Record<string, unknown>

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const faultOfMetadata = (value: unknown): string | null => {
  if (!isFields(value)) return 'metadata must be an object'
  const bad = Object.entries(value).find(
    ([, entry]) => !['string', 'number', 'boolean'].includes(typeof entry),
  )
  return bad ? `metadata.${bad[0]} must be a string, number or boolean` : null
}

/** `evaluationSuccess`, with `variant`, `value` and `metadata` present. `null`: no fault. */
export function faultOfSuccess(body: unknown): string | null {
  if (!isFields(body)) return 'must be an object'
  if (typeof body.key !== 'string') return 'key must be a string'
  if (!REASONS.includes(String(body.reason))) return `reason ${body.reason} is not a standard one`
  if (typeof body.variant !== 'string') return 'variant must be a string'
  if (!Object.hasOwn(body, 'value') || body.value === null) return 'value must be there'
  if (Object.hasOwn(body, 'errorCode')) return 'a success has no errorCode'
  return faultOfMetadata(body.metadata)
}

/** `evaluationFailure`, with `errorDetails` present. */
export function faultOfFailure(body: unknown): string | null {
  if (!isFields(body)) return 'must be an object'
  if (typeof body.key !== 'string') return 'key must be a string'
  return faultOfBulkFailure(body)
}

/** `bulkEvaluationFailure`, with `errorDetails` present. */
export function faultOfBulkFailure(body: unknown): string | null {
  if (!isFields(body)) return 'must be an object'
  if (!ERROR_CODES.includes(String(body.errorCode)))
    return `errorCode ${body.errorCode} is not a standard one`
  if (typeof body.errorDetails !== 'string' || body.errorDetails === '')
    return 'errorDetails must say something'
  return body.metadata === undefined ? null : faultOfMetadata(body.metadata)
}

/** `bulkEvaluationSuccess`. */
export function faultOfBulk(body: unknown): string | null {
  if (!isFields(body) || !Array.isArray(body.flags)) return 'flags must be an array'
  for (const [index, flag] of body.flags.entries()) {
    const fault = isFields(flag) && 'errorCode' in flag ? faultOfFailure(flag) : faultOfSuccess(flag)
    if (fault) return `flags[${index}]: ${fault}`
  }
  if (body.eventStreams !== undefined && !Array.isArray(body.eventStreams))
    return 'eventStreams must be an array'
  return body.metadata === undefined ? null : faultOfMetadata(body.metadata)
}
