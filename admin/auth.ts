/** Who calls the admin API, and how SDK keys are made. Secrets are compared and kept as SHA-256 digests only. */
import type { SdkKey } from './settings.ts'

const encoder = new TextEncoder()

const digest = (text: string): Promise<ArrayBuffer> => crypto.subtle.digest('SHA-256', encoder.encode(text))

/** Whether two secrets are the same; takes the same time wherever they differ, and however long they are. */
export async function sameSecret(given: string, expected: string): Promise<boolean> {
  const [a, b] = await Promise.all([digest(given), digest(expected)])
  return crypto.subtle.timingSafeEqual(a, b)
}

/** The token of an `Authorization: Bearer` header, or `null`. */
export function bearerToken(header: string | undefined): string | null {
  return /^Bearer +([^\s]+) *$/i.exec(header ?? '')?.[1] ?? null
}

/** A new SDK key: 256 random bits. The text is shown once and stored nowhere. */
export async function mintSdkKey(
  kind: SdkKey['kind'],
  name: string,
  nowMs: number,
): Promise<{ key: SdkKey; text: string }> {
  const text = `tk_${kind}_${base64Url(crypto.getRandomValues(new Uint8Array(32)))}`
  const hash = hex(new Uint8Array(await digest(text)))
  const id = hex(crypto.getRandomValues(new Uint8Array(8)))
  return { key: { id: `key_${id}`, hash, kind, name, createdAtMs: nowMs }, text }
}

const hex = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')

const base64Url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '')
