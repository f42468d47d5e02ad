/**
 * Whether SNS has signed a message: with the key of a certificate that lies at an address of its own, which is what AWS asks
 * receivers to check. Certificates are remembered while the isolate lives.
 */
import { importX509 } from 'jose'
import type { SnsMessage } from './message.ts'

/** PEM by address; AWS changes them every few months. */
const held = new Map<string, string>()
const MAX_HELD = 16
const MAX_BYTES = 64 * 1024
const TIMEOUT_MS = 3_000

/** Throws where the certificate cannot be had, or is none. */
export async function isSignedBySns(message: SnsMessage): Promise<boolean> {
  const { certificateUrl, hash, signature, signedText } = message
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash }
  // jose reads the certificate, but takes no key for SHA-1, which SNS still signs with unless a topic says otherwise.
  const read = await importX509(await certificateAt(certificateUrl), 'RS256', { extractable: true })
  const spki = (await crypto.subtle.exportKey('spki', read)) as ArrayBuffer
  const key = await crypto.subtle.importKey('spki', spki, algorithm, false, ['verify'])
  return crypto.subtle.verify(algorithm, key, bytesOf(signature), new TextEncoder().encode(signedText))
}

async function certificateAt(url: string): Promise<string> {
  const known = held.get(url)
  if (known !== undefined) return known
  const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) })
  const pem = response.ok ? await response.text() : ''
  if (!pem.includes('BEGIN CERTIFICATE') || pem.length > MAX_BYTES)
    throw new Error(`${url} answered ${response.status} and no certificate`)
  if (held.size >= MAX_HELD) held.clear()
  held.set(url, pem)
  return pem
}

/** Of Base64; none of what is none, which then is no signature. */
function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
  } catch {
    return new Uint8Array()
  }
}
