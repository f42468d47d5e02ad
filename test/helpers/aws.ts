/**
 * SSM Parameter Store and AppConfig over HTTP, as far as tests read from them: real signatures (SigV4, checked in full),
 * real paging, real errors. Where AWS may surprise a client, this does: pages may be shorter than asked for, even empty,
 * and a page token is good for its own question only.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** What the fake accepts, as the SDK's environment variables; `startAws` adds the endpoints. */
export const CREDENTIALS = {
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  AWS_SESSION_TOKEN: 'session-token-of-the-example',
}

export interface AwsParameter {
  readonly name: string
  readonly value: string
  readonly type?: 'String' | 'SecureString'
}

export interface AwsProfile {
  readonly id: string
  readonly name: string
  /** Default `AWS.Freeform`. */
  readonly type?: string
  /** Default `hosted`. */
  readonly location?: string
  /** Content by version number. */
  readonly versions?: Readonly<Record<number, string | Uint8Array>>
}

export interface AwsApplication {
  readonly id: string
  readonly name: string
  readonly profiles?: readonly AwsProfile[]
}

/** An answer that takes the place of the real one. */
export interface AwsError {
  readonly status: number
  readonly type: string
  readonly message: string
}

export const THROTTLED: AwsError = { status: 400, type: 'ThrottlingException', message: 'Rate exceeded' }

export interface FakeAws {
  /** Environment variables for the SDK: credentials, endpoints, and no look outside. */
  readonly env: Readonly<Record<string, string>>
  /** Every call that had a good signature: its action and what it asked. */
  readonly calls: { readonly action: string; readonly region: string; readonly query: Query }[]
  /** Answers the next `times` calls of that action with an error; a string is a whole body that is not AWS's. */
  fail(action: string, error: AwsError | string, times?: number): void
}

type Query = Readonly<Record<string, unknown>>

interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
}

/** AppConfig's lists are cut into pages of two, whatever is asked for. */
const APPCONFIG_PAGE = 2

/** Starts the fake for one test. */
export async function startAws(content: {
  parameters?: readonly AwsParameter[]
  applications?: readonly AwsApplication[]
}): Promise<FakeAws> {
  const calls: FakeAws['calls'] = []
  const faults = new Map<string, (AwsError | string)[]>()

  const answer = (request: IncomingMessage, body: string): Answer => {
    const url = new URL(request.url ?? '/', 'http://aws')
    const isSsm = request.headers['x-amz-target'] !== undefined
    const failure = (error: AwsError) => (isSsm ? ssmError(error) : appConfigError(error))
    const signed = checkSignature(request, url, body, isSsm ? 'ssm' : 'appconfig')
    if (typeof signed !== 'string') return failure(signed)
    const action = isSsm
      ? String(request.headers['x-amz-target']).replace('AmazonSSM.', '')
      : appConfigAction(url)
    const query: Query = isSsm ? JSON.parse(body) : Object.fromEntries(url.searchParams)
    calls.push({ action, region: signed, query })
    const fault = faults.get(action)?.shift()
    if (typeof fault === 'string')
      return { status: 502, headers: { 'content-type': 'text/html' }, body: fault }
    if (fault !== undefined) return failure(fault)
    return isSsm ? ssm(action, query, content.parameters ?? []) : appConfig(url, content.applications ?? [])
  }

  const server = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const { status, headers, body } = answer(request, Buffer.concat(parts).toString())
    response.writeHead(status, headers).end(body)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
  })
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    env: { ...CREDENTIALS, ...NOTHING_OUTSIDE, AWS_ENDPOINT_URL: endpoint },
    calls,
    fail: (action, error, times = 1) => faults.set(action, Array(times).fill(error)),
  }
}

/** Keeps the SDK's chain from the user's own configuration and from the metadata service. */
export const NOTHING_OUTSIDE = {
  AWS_CONFIG_FILE: '/nonexistent/config',
  AWS_SHARED_CREDENTIALS_FILE: '/nonexistent/credentials',
  AWS_EC2_METADATA_DISABLED: 'true',
}

// SSM: JSON 1.1.

function ssm(action: string, query: Query, parameters: readonly AwsParameter[]): Answer {
  if (action !== 'GetParametersByPath')
    return ssmError({ status: 400, type: 'UnknownOperationException', message: '' })
  const { Path, Recursive, WithDecryption, MaxResults = 10, NextToken } = query
  if (typeof Path !== 'string' || !Path.startsWith('/') || Number(MaxResults) > 10)
    return ssmError({ status: 400, type: 'ValidationException', message: 'bad Path or MaxResults' })
  const below = parameters.filter(({ name }) => {
    const rest = name.startsWith(Path.replace(/\/?$/, '/'))
      ? name.slice(Path.replace(/\/?$/, '/').length)
      : ''
    return rest !== '' && (Recursive === true || !rest.includes('/'))
  })
  const at = positionOf(NextToken, Path)
  if (at === null)
    return ssmError({ status: 400, type: 'InvalidNextToken', message: 'The token is not valid.' })
  // The second page is empty, and the parameters go on after it.
  const [start, end] = at === -1 ? [10, 10] : [at, at + Number(MaxResults)]
  const next = at === 0 ? -1 : end
  const more = end < below.length
  const shown = below.slice(start, end).map(({ name, value, type = 'String' }) => ({
    Name: name,
    Type: type,
    Value: type === 'SecureString' && WithDecryption !== true ? 'AQICAHh…' : value,
    Version: 1,
  }))
  const body = { Parameters: shown, ...(more ? { NextToken: tokenFor(next, Path) } : {}) }
  return { status: 200, headers: SSM_JSON, body: JSON.stringify(body) }
}

const SSM_JSON = { 'content-type': 'application/x-amz-json-1.1' }

const ssmError = ({ status, type, message }: AwsError): Answer => ({
  status,
  headers: SSM_JSON,
  body: JSON.stringify({ __type: type, message }),
})

// AppConfig: REST and JSON.

const APPCONFIG_ACTIONS = [
  [/^\/applications$/, 'ListApplications'],
  [/^\/applications\/[^/]+\/configurationprofiles$/, 'ListConfigurationProfiles'],
  [/\/hostedconfigurationversions$/, 'ListHostedConfigurationVersions'],
  [/\/hostedconfigurationversions\/\d+$/, 'GetHostedConfigurationVersion'],
] as const

const appConfigAction = ({ pathname }: URL): string =>
  APPCONFIG_ACTIONS.find(([pattern]) => pattern.test(pathname))?.[1] ?? 'Unknown'

function appConfig(url: URL, applications: readonly AwsApplication[]): Answer {
  const [, , applicationId, , profileId, , version] = url.pathname.split('/')
  if (applicationId === undefined)
    return listed(
      url,
      applications.map(({ id, name }) => ({ Id: id, Name: name })),
    )
  const application = applications.find(({ id }) => id === applicationId)
  if (application === undefined) return appConfigError(NO_SUCH_RESOURCE)
  const { profiles = [] } = application
  if (profileId === undefined)
    return listed(
      url,
      profiles.map(({ id, name, type = 'AWS.Freeform', location = 'hosted' }) => ({
        ApplicationId: applicationId,
        Id: id,
        Name: name,
        Type: type,
        LocationUri: location,
      })),
    )
  const versions = profiles.find(({ id }) => id === profileId)?.versions ?? {}
  if (version === undefined)
    return listed(
      url,
      Object.keys(versions).map((n) => ({ VersionNumber: Number(n), ContentType: 'application/json' })),
    )
  const content = versions[Number(version)]
  if (content === undefined) return appConfigError(NO_SUCH_RESOURCE)
  const headers = { 'content-type': 'application/json', 'version-number': version }
  return { status: 200, headers, body: content }
}

function listed(url: URL, items: readonly unknown[]): Answer {
  const at = positionOf(url.searchParams.get('next_token') ?? undefined, url.pathname)
  if (at === null)
    return appConfigError({ status: 400, type: 'BadRequestException', message: 'Invalid token' })
  const next = at + APPCONFIG_PAGE
  const token = next < items.length ? { NextToken: tokenFor(next, url.pathname) } : {}
  const body = JSON.stringify({ Items: items.slice(at, next), ...token })
  return { status: 200, headers: { 'content-type': 'application/json' }, body }
}

const NO_SUCH_RESOURCE = { status: 404, type: 'ResourceNotFoundException', message: 'Could not find it' }

const appConfigError = ({ status, type, message }: AwsError): Answer => ({
  status,
  headers: { 'content-type': 'application/json', 'x-amzn-errortype': type },
  body: JSON.stringify({ Message: message }),
})

const tokenFor = (at: number, question: string): string =>
  Buffer.from(JSON.stringify([at, question])).toString('base64url')

function positionOf(token: unknown, question: string): number | null {
  if (token === undefined) return 0
  const [at, of] = JSON.parse(Buffer.from(String(token), 'base64url').toString())
  return of === question ? at : null
}

// Signature Version 4: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([a-z0-9-]+)\/([a-z]+)\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/

/** The region that the request is signed for, or what AWS says of a signature that is not right. */
function checkSignature(
  request: IncomingMessage,
  url: URL,
  body: string,
  service: string,
): string | AwsError {
  const match = AUTHORIZATION.exec(request.headers.authorization ?? '')
  if (match === null)
    return { status: 403, type: 'MissingAuthenticationToken', message: 'Missing Authentication Token' }
  const [, keyId, day, region, signedService, names, signature] = match as unknown as string[]
  const { 'x-amz-date': time, 'x-amz-security-token': session } = request.headers
  if (keyId !== CREDENTIALS.AWS_ACCESS_KEY_ID || session !== CREDENTIALS.AWS_SESSION_TOKEN)
    return { status: 400, type: 'UnrecognizedClientException', message: 'The security token is invalid.' }
  const signed = names!.split(';')
  const covered = ['host', 'x-amz-date', 'x-amz-security-token'].every((name) => signed.includes(name))
  const headers = signed.map(
    (name) => `${name}:${String(request.headers[name]).trim().replace(/ +/g, ' ')}\n`,
  )
  const query = [...url.searchParams].map((pair) => pair.map(encodeRfc3986).join('=')).sort()
  const path = url.pathname.split('/').map(encodeRfc3986).join('/')
  const canonical = [request.method, path, query.join('&'), headers.join(''), names, sha256(body)].join('\n')
  const scope = `${day}/${region}/${service}/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n')
  const secret = `AWS4${CREDENTIALS.AWS_SECRET_ACCESS_KEY}`
  const key = [day!, region!, service, 'aws4_request'].reduce<Buffer>(hmac, Buffer.from(secret))
  const right = timingSafeEqual(hmac(key, toSign), Buffer.from(signature!, 'hex'))
  if (right && covered && signedService === service && String(time).startsWith(day!)) return region!
  // AWS, too, repeats what was signed, session token and all.
  const message = `The request signature we calculated does not match the signature you provided.\n\n${canonical}`
  return { status: 400, type: 'InvalidSignatureException', message }
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
const encodeRfc3986 = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
