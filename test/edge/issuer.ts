/** An issuer of JSON Web Tokens: keys of the three algorithms, tokens as they should be, and all others. Runs in Node and workerd. */

export const ISSUER = 'https://issuer.test'
export const JWKS_URL = 'https://issuer.test/.well-known/jwks.json'
export const AUDIENCE = 'shop'

export type Alg = 'RS256' | 'ES256' | 'EdDSA'

const HOW: Record<Alg, { generate: object; sign: { name: string; hash?: string } }> = {
  RS256: {
    generate: {
      name: 'RSASSA-PKCS1-v1_5',
      modulusLength: 2048,
      publicExponent: new Uint8Array([1, 0, 1]),
      hash: 'SHA-256',
    },
    sign: { name: 'RSASSA-PKCS1-v1_5' },
  },
  ES256: {
    generate: { name: 'ECDSA', namedCurve: 'P-256' },
    sign: { name: 'ECDSA', hash: 'SHA-256' },
  },
  EdDSA: { generate: { name: 'Ed25519' }, sign: { name: 'Ed25519' } },
}

export interface IssuerKey {
  /** As the issuer publishes it. */
  readonly jwk: Record<string, unknown>
  /** A token with these claims over the usual ones; `header` over the usual header. `undefined` takes one away. */
  sign(claims?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>
}

/** Claims of a token that holds, for an hour. */
export const claimsAt = (nowMs: number) => ({
  iss: ISSUER,
  aud: AUDIENCE,
  sub: 'ana',
  iat: Math.floor(nowMs / 1_000),
  exp: Math.floor(nowMs / 1_000) + 3_600,
})

export async function issuerKey(
  alg: Alg,
  kid: string,
  now: () => number = Date.now,
  more: object = {},
): Promise<IssuerKey> {
  const { generate, sign } = HOW[alg]
  const pair = (await crypto.subtle.generateKey({ ...generate, ...more } as never, true, [
    'sign',
    'verify',
  ])) as unknown as CryptoKeyPair
  const { kty, crv, n, e, x, y } = (await crypto.subtle.exportKey('jwk', pair.publicKey)) as JsonWebKey & {
    crv?: string
  }
  return {
    jwk: JSON.parse(JSON.stringify({ kty, crv, n, e, x, y, kid, alg, use: 'sig' })) as Record<
      string,
      unknown
    >,
    async sign(claims = {}, header = {}) {
      const text = `${part({ alg, typ: 'JWT', kid, ...header })}.${part({ ...claimsAt(now()), ...claims })}`
      const signature = await crypto.subtle.sign(sign, pair.privateKey, new TextEncoder().encode(text))
      return `${text}.${base64url(new Uint8Array(signature as ArrayBuffer))}`
    },
  }
}

export const part = (value: unknown): string => base64url(new TextEncoder().encode(JSON.stringify(value)))

export const base64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
