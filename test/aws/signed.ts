/** Calls signed by AWS's own signer, as they go over the wire; and AppConfigData's two, by AWS's own client. */
import { createHash, createHmac } from 'node:crypto'
import {
  AppConfigDataClient,
  type BadRequestException,
  GetLatestConfigurationCommand,
  StartConfigurationSessionCommand,
} from '@aws-sdk/client-appconfigdata'
import { SignatureV4 } from '@smithy/signature-v4'
import { onTestFinished } from 'vitest'
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

/** A poller's view of AppConfigData, through AWS's own client; a refusal rejects with its problem or its name. */
export function poller({ client }: Pick<TestAws, 'client'>) {
  const data = new AppConfigDataClient({ ...client, maxAttempts: 1 })
  onTestFinished(() => data.destroy())
  const refused = (error: Error & Partial<BadRequestException>): never => {
    const problem = Object.values(error.Details?.InvalidParameters ?? {})[0]?.Problem
    throw new Error(problem ?? `${error.$metadata?.httpStatusCode} ${error.name}`)
  }
  return {
    async start(
      application: string,
      environment: string,
      profile: string,
      seconds?: number,
    ): Promise<string> {
      const command = new StartConfigurationSessionCommand({
        ApplicationIdentifier: application,
        EnvironmentIdentifier: environment,
        ConfigurationProfileIdentifier: profile,
        RequiredMinimumPollIntervalInSeconds: seconds,
      })
      const { InitialConfigurationToken } = await data.send(command).catch(refused)
      return InitialConfigurationToken!
    },
    async latest(token: string): Promise<Poll> {
      const command = new GetLatestConfigurationCommand({ ConfigurationToken: token })
      const answer = await data.send(command).catch(refused)
      return {
        token: answer.NextPollConfigurationToken!,
        intervalSeconds: answer.NextPollIntervalInSeconds!,
        label: answer.VersionLabel ?? null,
        body: new TextDecoder().decode(answer.Configuration ?? undefined),
      }
    },
  }
}
