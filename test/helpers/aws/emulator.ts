/**
 * SSM Parameter Store, AppConfig, AppConfigData and STS's AssumeRole over HTTP on 127.0.0.1, written from AWS's
 * documentation. Signatures are verified; what AWS refuses is refused.
 *
 * An access key belongs to an account, and an account is a world of its own: parameters, applications, clock, faults and
 * log. So tests share one emulator, and nothing else.
 *
 * - In a test on Node: `const aws = await startAws()` (`test-aws.ts`), then `aws.env` for the SDK and `aws.account`.
 * - In a test inside workerd: `openAccount(inject('aws'))` (`remote.ts`).
 * - By hand: `npm run start:aws` (`main.ts`).
 *
 * What AWS does not document, and is taken here to be so: a deployment without duration and bake time runs for a second;
 * a reused token is `Expired`, an unknown one `Corrupted`, and a call that comes too early does not use the token up;
 * others than AWS's agent get the default variant of a multi-variant flag.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Account } from './account.ts'
import { refusalOf } from './faults.ts'
import type { Call } from './operations.ts'
import { accessKeyOf, type Scope, verify } from './sigv4.ts'
import { understandSts } from './sts.ts'
import { type Answer, AwsError, type AwsRequest, type Understood } from './wire.ts'

/** Parameter Store's calls that share one rate. */
const RATED = new Set(['ssm:GetParameter', 'ssm:GetParameters', 'ssm:GetParametersByPath'])

type Protocol = 'json' | 'rest' | 'xml'

export class Emulator {
  readonly accounts: Account[] = []
  #server: Server | null = null
  #port = 0

  /** Port 0: any free one, which is kept over `refuse` and `listen`. */
  async listen(port = this.#port): Promise<string> {
    const server = createServer((request, response) => this.#serve(request, response))
    await new Promise<void>((done, fail) => server.once('error', fail).listen(port, '127.0.0.1', done))
    this.#server = server
    this.#port = (server.address() as AddressInfo).port
    return this.url
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** Connections are refused until `listen` is called again. */
  async refuse(): Promise<void> {
    const server = this.#server
    if (server === null) return
    this.#server = null
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await read(incoming)
    const account = this.#accountOf(request)
    const answer = account?.isDown ? 'cut' : await answerOf(account, request)
    if (answer === 'cut') return void incoming.socket.destroy()
    // From it a client whose clock is wrong learns what the time is.
    const date = new Date(Date.now() + (account?.signatureSkewMs ?? 0)).toUTCString()
    response.writeHead(answer.status, { ...answer.headers, date }).end(answer.body)
  }

  #accountOf(request: AwsRequest): Account | undefined {
    const key = accessKeyOf(request)
    return key === null ? undefined : this.accounts.find(({ credentials }) => credentials.has(key))
  }
}

async function answerOf(account: Account | undefined, request: AwsRequest): Promise<Answer | 'cut'> {
  const protocol = protocolOf(request)
  try {
    const key = accessKeyOf(request)
    if (key === null)
      throw new AwsError('MissingAuthenticationTokenException', 'Missing Authentication Token', 403)
    if (account === undefined)
      throw new AwsError(
        'UnrecognizedClientException',
        'The security token included in the request is invalid.',
      )
    const scope = verify(request, account.credentials.get(key)!, Date.now() + account.signatureSkewMs)
    return await carryOut(account, understand(account, request, scope), scope, protocol)
  } catch (error) {
    if (error instanceof AwsError) return render(error, protocol)
    // A mistake of the emulator's, or a request that no client of AWS sends.
    console.error('[aws/emulator]', request.method, request.path, error)
    return render(new AwsError('InternalServerException', String(error), 500), protocol)
  }
}

function understand(account: Account, request: AwsRequest, { region, service }: Scope): Understood {
  const wanted = serviceOf(request)
  if (service !== wanted)
    throw new AwsError(
      'InvalidSignatureException',
      `Credential should be scoped to correct service: '${wanted}'.`,
      403,
    )
  if (service === 'ssm') return account.ssm.understand(request, region)
  if (service === 'sts')
    return understandSts(request, (credentials) =>
      account.credentials.set(credentials.accessKeyId, credentials),
    )
  return isData(request)
    ? account.appConfigData.understand(request, region)
    : account.appConfigRoutes.understand(request, region)
}

/** Runs the call with the fault that it meets, if any, and logs it. */
async function carryOut(
  account: Account,
  { action, resources, input, run }: Understood,
  { region, service }: Scope,
  protocol: Protocol,
): Promise<Answer | 'cut'> {
  const done = (answer: Answer | 'cut', error: string | null = null): Answer | 'cut' => {
    const status = answer === 'cut' ? 0 : answer.status
    account.log.push({
      action,
      resources,
      region,
      atMs: account.clock.nowMs(),
      input,
      status,
      error,
    } satisfies Call)
    return answer
  }
  try {
    if (RATED.has(action) && !account.reads.take()) throw new AwsError('ThrottlingException', 'Rate exceeded')
    const fault = account.faults.next(action)
    if (fault === 'cut') return done('cut')
    if (fault !== null && typeof fault === 'object' && 'html' in fault)
      return done({ status: fault.status, headers: { 'content-type': 'text/html' }, body: fault.html })
    if (fault !== null && typeof fault === 'object' && 'type' in fault) throw refusalOf(fault, service)
    if (fault !== null && typeof fault === 'object')
      await new Promise((late) => setTimeout(late, fault.lateMs))
    const answer = run()
    return done(fault === 'lose-answer' ? 'cut' : answer)
  } catch (error) {
    if (!(error instanceof AwsError)) throw error
    return done(render(error, protocol), error.type)
  }
}

async function read(incoming: IncomingMessage): Promise<AwsRequest> {
  const parts: Buffer[] = []
  for await (const part of incoming) parts.push(part as Buffer)
  const [path, query = ''] = (incoming.url ?? '/').split('?')
  const headers = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)] as const)
  return {
    method: incoming.method ?? 'GET',
    path: path!,
    query: new URLSearchParams(query),
    headers: Object.fromEntries(headers),
    body: Buffer.concat(parts),
  }
}

const isData = ({ path }: AwsRequest): boolean =>
  path === '/configuration' || path === '/configurationsessions'

function serviceOf(request: AwsRequest): 'ssm' | 'sts' | 'appconfig' {
  if (request.headers['x-amz-target'] !== undefined) return 'ssm'
  return request.headers['content-type']?.startsWith('application/x-www-form-urlencoded')
    ? 'sts'
    : 'appconfig'
}

const protocolOf = (request: AwsRequest): Protocol =>
  (({ ssm: 'json', sts: 'xml', appconfig: 'rest' }) as const)[serviceOf(request)]

function render({ type, message, status, members }: AwsError, protocol: Protocol): Answer {
  if (protocol === 'json')
    return {
      status: status === 403 ? 400 : status,
      headers: { 'content-type': 'application/x-amz-json-1.1' },
      body: JSON.stringify({ __type: type, message, ...members }),
    }
  if (protocol === 'xml')
    return {
      status,
      headers: { 'content-type': 'text/xml' },
      body: `<ErrorResponse><Error><Type>Sender</Type><Code>${type}</Code><Message>${escapeXml(message)}</Message></Error></ErrorResponse>`,
    }
  return {
    status,
    headers: { 'content-type': 'application/json', 'x-amzn-errortype': type },
    body: JSON.stringify({ Message: message, ...members }),
  }
}

const escapeXml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
