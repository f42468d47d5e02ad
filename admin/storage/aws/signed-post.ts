/** Calls of an AWS service for which there is no client here, signed as AWS asks (SigV4, by AWS's own library). */
import { Sha256 } from '@smithy/core/checksum'
import { SignatureV4 } from '@smithy/signature-v4'
import type { Credentials } from '../../config/store-config.ts'
import type { AwsError } from './failure.ts'

export interface Caller {
  readonly region: string
  readonly credentials: Credentials
}

export type SignedPost = (form: URLSearchParams, signal: AbortSignal) => Promise<Response>

/** `service` as signatures name it. Resolves with a success; throws an `AwsError` otherwise. */
export function signedPost({ region, credentials }: Caller, service: string, endpoint: string): SignedPost {
  const signer = new SignatureV4({ region, credentials, service, sha256: Sha256 })
  const url = new URL(`${endpoint}/`)
  return async (form, signal) => {
    const body = form.toString()
    const signed = await signer.sign({
      ...{ method: 'POST', protocol: url.protocol, hostname: url.hostname, path: url.pathname, body },
      headers: { 'content-type': 'application/x-www-form-urlencoded', host: url.host },
    })
    const { host: _, ...headers } = signed.headers
    const response = await fetch(url, { method: 'POST', headers, signal, body })
    if (response.ok) return response
    throw await errorOf(response)
  }
}

async function errorOf(response: Response): Promise<AwsError> {
  const text = await response.text()
  return Object.assign(new Error(element(text, 'Message') ?? text), {
    name: element(text, 'Code') ?? 'UnknownError',
    $metadata: { httpStatusCode: response.status },
  })
}

const element = (xml: string, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]

/** AWS's own address of a service. */
export const endpointOf = (service: string, region: string): string =>
  `https://${service}.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`
