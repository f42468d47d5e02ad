/** How secrets are made, compared and named. They are compared and kept as SHA-256 digests only. */
import type { SdkKey } from './settings.ts'
import { contentHash } from './storage/content-hash.ts'

const encoder = new TextEncoder()

/** Whether two secrets are the same; takes the same time wherever they differ, and however long they are. */
export const sameSecret = (given: string, expected: string): boolean =>
  sameHash(hashOfSecret(given), hashOfSecret(expected))

/** Whether two hashes of secrets are the same; takes the same time wherever they differ. */
export const sameHash = (a: string, b: string): boolean =>
  crypto.subtle.timingSafeEqual(encoder.encode(a), encoder.encode(b))

/** The token of an `Authorization: Bearer` header, or `null`. */
export function bearerToken(header: string | undefined): string | null {
  return /^Bearer +([^\s]+) *$/i.exec(header ?? '')?.[1] ?? null
}

/** SHA-256 of a secret's text, lower-case hex: what is stored and looked up in its place. */
export const hashOfSecret = contentHash

/** 256 random bits as text. */
const randomSecret = (): string => base64Url(crypto.getRandomValues(new Uint8Array(32)))

/** `PREFIX_` and 64 random bits: names something, opens nothing. */
export const randomId = (prefix: string): string =>
  `${prefix}_${hex(crypto.getRandomValues(new Uint8Array(8)))}`

/** A new API token: 256 random bits. */
export async function mintToken(): Promise<{ id: string; text: string; hash: string }> {
  const text = `tn_${randomSecret()}`
  return { id: randomId('tok'), text, hash: hashOfSecret(text) }
}

/** A new SDK key: 256 random bits. The text is shown once and stored nowhere. */
export async function mintSdkKey(
  kind: SdkKey['kind'],
  name: string,
  nowMs: number,
): Promise<{ key: SdkKey; text: string }> {
  const text = `tk_${kind}_${randomSecret()}`
  const key = { id: randomId('key'), hash: hashOfSecret(text), kind, name, createdAtMs: nowMs }
  return { key, text }
}

const hex = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')

const base64Url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '')
