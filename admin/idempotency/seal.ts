/**
 * Answers as they are kept: encrypted under a key that comes from the caller's own credential (HKDF-SHA-256, AES-256-GCM),
 * of which the control plane keeps a hash at most. Some answers hold secrets that are shown once; so whoever reads the
 * storage learns none of them, and no answer has to be known as one that does.
 */

const INFO = new TextEncoder().encode('turnout: answers kept for an idempotency key')
const SALT_BYTES = 16
const IV_BYTES = 12

/** `about` says what the text belongs to: it opens with the same only. */
export async function seal(text: string, credential: string, about: string): Promise<Uint8Array> {
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES))
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES))
  const key = await keyOf(credential, salt)
  const encrypted = await crypto.subtle.encrypt(algorithm(iv, about), key, new TextEncoder().encode(text))
  const sealed = new Uint8Array(SALT_BYTES + IV_BYTES + encrypted.byteLength)
  sealed.set(salt, 0)
  sealed.set(iv, SALT_BYTES)
  sealed.set(new Uint8Array(encrypted), SALT_BYTES + IV_BYTES)
  return sealed
}

/** The text; `null`: it was sealed with another credential, or belongs to something else. */
export async function open(sealed: Uint8Array, credential: string, about: string): Promise<string | null> {
  const key = await keyOf(credential, sealed.subarray(0, SALT_BYTES))
  const iv = sealed.subarray(SALT_BYTES, SALT_BYTES + IV_BYTES)
  try {
    const text = await crypto.subtle.decrypt(
      algorithm(iv, about),
      key,
      sealed.subarray(SALT_BYTES + IV_BYTES),
    )
    return new TextDecoder().decode(text)
  } catch (error) {
    // The one failure of AES-GCM: what was sealed and what opens it do not belong together.
    if (error instanceof DOMException && error.name === 'OperationError') return null
    throw error
  }
}

const algorithm = (iv: Uint8Array, about: string) => ({
  name: 'AES-GCM',
  iv,
  additionalData: new TextEncoder().encode(about),
})

async function keyOf(credential: string, salt: Uint8Array): Promise<CryptoKey> {
  const secret = await crypto.subtle.importKey('raw', new TextEncoder().encode(credential), 'HKDF', false, [
    'deriveKey',
  ])
  const derivation = { name: 'HKDF', hash: 'SHA-256', salt, info: INFO }
  return crypto.subtle.deriveKey(derivation, secret, { name: 'AES-GCM', length: 256 }, false, [
    'encrypt',
    'decrypt',
  ])
}
