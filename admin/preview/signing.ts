/** Keys and tokens of signed previews. Source: RFC 7515 (compact JWS), RFC 8037 (EdDSA). */
import { PREVIEW_HEADER, type PreviewClaims } from '../../engine/index.ts'
import { randomId } from '../auth.ts'
import type { SigningKey } from '../storage/previews.ts'

/** A new key pair; its id is drawn, and says nothing of it. */
export async function mintSigningKey(): Promise<SigningKey> {
  const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair
  const exported = async (format: 'raw' | 'pkcs8', key: CryptoKey): Promise<string> =>
    base64url(new Uint8Array((await crypto.subtle.exportKey(format, key)) as ArrayBuffer))
  return {
    id: randomId('pk'),
    publicKey: await exported('raw', pair.publicKey),
    privateKey: await exported('pkcs8', pair.privateKey),
  }
}

export async function signPreview({ id, privateKey }: SigningKey, claims: PreviewClaims): Promise<string> {
  const key = await crypto.subtle.importKey('pkcs8', bytesOf(privateKey), 'Ed25519', false, ['sign'])
  const text = `${encoded({ ...PREVIEW_HEADER, kid: id })}.${encoded(claims)}`
  const signature = await crypto.subtle.sign('Ed25519', key, new TextEncoder().encode(text))
  return `${text}.${base64url(new Uint8Array(signature))}`
}

const encoded = (value: unknown): string => base64url(new TextEncoder().encode(JSON.stringify(value)))

const bytesOf = (text: string): Uint8Array =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (byte) => byte.charCodeAt(0))

const base64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '')
