/** A secret that signs short texts. */

const MAC_BYTES = 16

const encoder = new TextEncoder()

/** Imported when it is first needed. */
export class SecretKey {
  readonly #secret: string
  #key: CryptoKey | null = null

  constructor(secret: string) {
    this.#secret = secret
  }

  /** HMAC-SHA-256 of a text, cut to 128 bits, in base64url. Texts of different purposes begin differently. */
  async mac(text: string): Promise<string> {
    this.#key ??= await crypto.subtle.importKey(
      'raw',
      encoder.encode(this.#secret),
      { name: 'HMAC', hash: 'SHA-256' },
      false,
      ['sign'],
    )
    const mac = await crypto.subtle.sign('HMAC', this.#key, encoder.encode(text))
    return base64url(new Uint8Array(mac, 0, MAC_BYTES))
  }
}

export function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}

/** Compares without telling by time where two texts differ. */
export function sameText(a: string, b: string): boolean {
  let difference = a.length ^ b.length
  for (let at = 0; at < a.length; at += 1) difference |= a.charCodeAt(at) ^ b.charCodeAt(at)
  return difference === 0
}
