/** AppConfigData's two calls, signed by AWS's own signer; answers and refusals as they come over the wire. */
import { createHash, createHmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import type { TestAws } from '../helpers/aws/test-aws.ts'

/** What the signer wants of a hash. */
class Sha256 {
  readonly #hash
  constructor(secret?: string | Uint8Array) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret)
  }
  update(data: string | Uint8Array): void {
    this.#hash.update(data)
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
  reset(): void {}
}

export interface SignedRequest {
  readonly method: string
  readonly path: string
  readonly query?: Record<string, string>
  readonly headers?: Record<string, string>
  readonly body?: string
  readonly service?: string
  readonly signingDate?: Date
}

/** Signs and sends. `change` is what happens to the headers on the way. */
export async function send(
  { endpoint, client }: Pick<TestAws, 'endpoint' | 'client'>,
  { method, path, query = {}, headers = {}, body, service = 'appconfig', signingDate }: SignedRequest,
  change: (headers: Record<string, string>) => Record<string, string> = (same) => same,
): Promise<Response> {
  const { hostname, port, host } = new URL(endpoint)
  const signer = new SignatureV4({
    service,
    region: client.region,
    credentials: client.credentials,
    sha256: Sha256 as never,
  })
  const request = {
    method,
    protocol: 'http:',
    hostname,
    port: Number(port),
    path,
    query,
    headers: { host, ...headers },
    ...(body === undefined ? {} : { body }),
  }
  const when = signingDate === undefined ? {} : { signingDate }
  const signed = (await signer.sign(request as never, when)) as unknown as { headers: Record<string, string> }
  const search = new URLSearchParams(query).size > 0 ? `?${new URLSearchParams(query)}` : ''
  const { host: _, ...sent } = change(signed.headers)
  return fetch(`${endpoint}${path}${search}`, {
    method,
    headers: sent,
    ...(body === undefined ? {} : { body }),
  })
}

export interface Poll {
  readonly token: string
  readonly intervalSeconds: number
  readonly label: string | null
  readonly body: string
}

/** A poller's view of AppConfigData; a refusal rejects with its problem or its name. */
export function poller(aws: Pick<TestAws, 'endpoint' | 'client'>) {
  const refused = async (response: Response): Promise<never> => {
    const { Details } = (await response.json()) as {
      Details?: { InvalidParameters?: Record<string, { Problem: string }> }
    }
    const problem = Object.values(Details?.InvalidParameters ?? {})[0]?.Problem
    throw new Error(problem ?? `${response.status} ${response.headers.get('x-amzn-errortype')}`)
  }
  return {
    async start(
      application: string,
      environment: string,
      profile: string,
      seconds?: number,
    ): Promise<string> {
      const body = JSON.stringify({
        ApplicationIdentifier: application,
        EnvironmentIdentifier: environment,
        ConfigurationProfileIdentifier: profile,
        RequiredMinimumPollIntervalInSeconds: seconds,
      })
      const headers = { 'content-type': 'application/json' }
      const response = await send(aws, { method: 'POST', path: '/configurationsessions', headers, body })
      if (!response.ok) return refused(response)
      return ((await response.json()) as { InitialConfigurationToken: string }).InitialConfigurationToken
    },
    async latest(token: string): Promise<Poll> {
      const query = { configuration_token: token }
      const response = await send(aws, { method: 'GET', path: '/configuration', query })
      if (!response.ok) return refused(response)
      return {
        token: response.headers.get('next-poll-configuration-token')!,
        intervalSeconds: Number(response.headers.get('next-poll-interval-in-seconds')),
        label: response.headers.get('version-label'),
        body: await response.text(),
      }
    },
  }
}
