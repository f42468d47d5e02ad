/**
 * Signature Version 4, checked in full: scope, time, session token, the headers that must be signed, and every byte.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { AwsError, type AwsRequest } from './wire.ts'

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  /** A session's end. Absent: none. */
  readonly expiresAtMs?: number
}

export interface Scope {
  readonly region: string
  readonly service: string
}

/** How far the signer's clock may be away. */
const MAX_SKEW_MS = 5 * 60_000

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([a-z0-9-]+)\/([a-z]+)\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/

/** The access key that a request names, or null. Nothing is verified. */
export const accessKeyOf = (request: AwsRequest): string | null =>
  AUTHORIZATION.exec(request.headers.authorization ?? '')?.[1] ?? null

/** The scope of a request that these credentials signed now; throws what AWS answers to any other. */
export function verify(request: AwsRequest, credentials: Credentials, nowMs: number): Scope {
  const match = AUTHORIZATION.exec(request.headers.authorization ?? '')
  if (match === null)
    throw new AwsError('MissingAuthenticationTokenException', 'Missing Authentication Token', 403)
  const [, keyId, day, region, service, names, signature] = match as unknown as string[]
  checkSession(request, credentials, keyId!)
  const time = request.headers['x-amz-date'] ?? ''
  checkTime(time, day!, nowMs)
  checkCoverage(request, names!.split(';'))
  const toSign = [
    'AWS4-HMAC-SHA256',
    time,
    `${day}/${region}/${service}/aws4_request`,
    sha256(canonical(request, names!)),
  ]
  const seed = Buffer.from(`AWS4${credentials.secretAccessKey}`)
  const key = [day!, region!, service!, 'aws4_request'].reduce<Buffer>(hmac, seed)
  if (!timingSafeEqual(hmac(key, toSign.join('\n')), Buffer.from(signature!, 'hex')))
    throw mismatch(
      `\n\nThe Canonical String for this request should have been\n'${canonical(request, names!)}'`,
    )
  return { region: region!, service: service! }
}

function checkSession(request: AwsRequest, credentials: Credentials, keyId: string): void {
  const token = request.headers['x-amz-security-token']
  if (keyId !== credentials.accessKeyId || token !== credentials.sessionToken)
    throw new AwsError(
      'UnrecognizedClientException',
      'The security token included in the request is invalid.',
    )
  if (credentials.expiresAtMs !== undefined && credentials.expiresAtMs <= Date.now())
    throw new AwsError('ExpiredTokenException', 'The security token included in the request is expired')
}

function checkTime(time: string, day: string, nowMs: number): void {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time)
  if (parts === null || !time.startsWith(day))
    throw mismatch(' Date in Credential scope does not match x-amz-date.')
  const [, year, month, date, hour, minute, second] = parts.map(Number) as number[]
  const signedMs = Date.UTC(year!, month! - 1, date!, hour!, minute!, second!)
  if (signedMs < nowMs - MAX_SKEW_MS)
    throw new AwsError('InvalidSignatureException', `Signature expired: ${time}`, 403)
  if (signedMs > nowMs + MAX_SKEW_MS)
    throw new AwsError('InvalidSignatureException', `Signature not yet current: ${time}`, 403)
}

/** `host` and every `x-amz-*` header of the request must be signed. */
function checkCoverage({ headers }: AwsRequest, signed: readonly string[]): void {
  const needed = Object.keys(headers).filter((name) => name === 'host' || name.startsWith('x-amz-'))
  const missing = needed.filter((name) => !signed.includes(name))
  if (missing.length > 0) throw mismatch(` Not signed: ${missing.join(', ')}.`)
}

function canonical({ method, path, query, headers, body }: AwsRequest, names: string): string {
  const signed = names
    .split(';')
    .map((name) => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}\n`)
  const pairs = [...query].map((pair) => pair.map(encode) as [string, string])
  const sorted = pairs.sort(([a, x], [b, y]) => (a === b ? compare(x, y) : compare(a, b)))
  // Every service but S3 encodes the path, which is encoded already, once more.
  const twice = path.split('/').map(encode).join('/')
  const hash = sha256(body)
  const said = headers['x-amz-content-sha256']
  if (said !== undefined && said !== hash) throw mismatch(' x-amz-content-sha256 is not that of the body.')
  return [method, twice, sorted.map((pair) => pair.join('=')).join('&'), signed.join(''), names, hash].join(
    '\n',
  )
}

const mismatch = (why: string): AwsError =>
  new AwsError(
    'InvalidSignatureException',
    `The request signature we calculated does not match the signature you provided.${why}`,
    403,
  )

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex')
const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
