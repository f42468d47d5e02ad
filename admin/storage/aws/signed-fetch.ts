/** Calls of AWS services for which there is no client here, signed as AWS asks (SigV4, by AWS's own library). */
import { Sha256 } from '@smithy/core/checksum'
import { SignatureV4 } from '@smithy/signature-v4'
import type { Credentials } from '../store-config.ts'
import type { AwsError } from './failure.ts'

export interface Caller {
  readonly region: string
  readonly credentials: () => Promise<Credentials>
}

export interface SignedRequest {
  readonly method: 'GET' | 'POST'
  readonly endpoint: string
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** `service` as signatures name it. Resolves with a success; throws an `AwsError` otherwise. */
export function signedFetch(
  { region, credentials }: Caller,
  service: string,
): (request: SignedRequest, signal: AbortSignal) => Promise<Response> {
  const signer = new SignatureV4({ region, credentials, service, sha256: Sha256 })
  return async ({ method, endpoint, path, query = {}, headers = {}, body }, signal) => {
    const url = new URL(endpoint)
    const signed = await signer.sign({
      ...{ method, protocol: url.protocol, hostname: url.hostname, path, query: { ...query } },
      headers: { ...headers, host: url.host },
      ...(body === undefined ? {} : { body }),
    })
    const { host: _, ...sent } = signed.headers
    const text = new URLSearchParams(query).toString().replaceAll('+', '%20')
    const address = `${endpoint}${path}${text === '' ? '' : `?${text}`}`
    const response = await fetch(address, {
      method,
      headers: sent,
      signal,
      ...(body === undefined ? {} : { body }),
    })
    if (response.ok) return response
    throw await errorOf(response)
  }
}

/** JSON services name the exception in a header and have a message in the body; STS says both in XML. */
async function errorOf(response: Response): Promise<AwsError> {
  const text = await response.text()
  const name =
    response.headers.get('x-amzn-errortype')?.split(':')[0] ?? element(text, 'Code') ?? 'UnknownError'
  return Object.assign(new Error(element(text, 'Message') ?? messageIn(text)), {
    name,
    $metadata: { httpStatusCode: response.status },
  })
}

const element = (xml: string, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]

function messageIn(text: string): string {
  try {
    const { message, Message = message } = JSON.parse(text) as { message?: string; Message?: string }
    return Message ?? text
  } catch {
    return text
  }
}

/** AWS's own address of a service. */
export const endpointOf = (service: string, region: string): string =>
  `https://${service}.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`
