/** Signatures of Standard Webhooks 1.0.0. Source: https://github.com/standard-webhooks/standard-webhooks, "Signature scheme". */

const PREFIX = 'whsec_'

const encoder = new TextEncoder()

/** A new secret: 256 random bits. */
export const mintSigningSecret = (): string => PREFIX + base64(crypto.getRandomValues(new Uint8Array(32)))

/** The header `webhook-signature`: one signature for each secret, so that receivers may change theirs in their own time. */
export async function signaturesOf(
  secrets: readonly string[],
  id: string,
  timestampSeconds: number,
  body: string,
): Promise<string> {
  const content = encoder.encode(`${id}.${timestampSeconds}.${body}`)
  const signatures = await Promise.all(secrets.map((secret) => signatureOf(secret, content)))
  return signatures.join(' ')
}

async function signatureOf(secret: string, content: Uint8Array): Promise<string> {
  const bytes = Uint8Array.from(atob(secret.slice(PREFIX.length)), (char) => char.charCodeAt(0))
  const key = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  return `v1,${base64(new Uint8Array(await crypto.subtle.sign('HMAC', key, content)))}`
}

const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes))
