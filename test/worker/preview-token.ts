/** A signer of previews that is not the control plane: for tokens as they should be, and for all others. */
import { PREVIEW_HEADER, type PreviewAccess } from '../../engine/index.ts'

export interface Signer {
  /** What a snapshot says of it. */
  readonly access: PreviewAccess
  /** A token with these claims over the usual ones; `header` over the usual header. */
  sign(claims?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>
}

/** Claims of a token that holds: for `edge.test` in environment `test`, for an hour. */
const CLAIMS = (nowMs: number) => ({
  iss: 'test',
  aud: 'edge.test',
  jti: 'pv_1',
  iat: Math.floor(nowMs / 1_000),
  exp: Math.floor(nowMs / 1_000) + 3_600,
  route: 'site',
  variant: 'canary',
})

export async function signer(): Promise<Signer> {
  const kid = 'k1'
  const { publicKey, privateKey } = (await crypto.subtle.generateKey('Ed25519', true, [
    'sign',
    'verify',
  ])) as CryptoKeyPair
  const key = base64url(new Uint8Array((await crypto.subtle.exportKey('raw', publicKey)) as ArrayBuffer))
  return {
    access: { keys: [{ id: kid, key }], revoked: [] },
    async sign(claims = {}, header = {}) {
      const text = `${json({ ...PREVIEW_HEADER, kid, ...header })}.${json({ ...CLAIMS(Date.now()), ...claims })}`
      const signature = await crypto.subtle.sign('Ed25519', privateKey, new TextEncoder().encode(text))
      return `${text}.${base64url(new Uint8Array(signature))}`
    },
  }
}

export const json = (value: unknown): string => base64url(new TextEncoder().encode(JSON.stringify(value)))

export const base64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
